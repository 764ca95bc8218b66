# A stand-in for the parts of NixOS that module.nix speaks to. Only what is listed can be set: what is not here, the
# module may not use before somebody has looked up that NixOS has it.
{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  any = default: mkOption { type = types.anything; inherit default; };
  list = mkOption { type = types.listOf types.anything; default = [ ]; };
  text = mkOption { type = types.lines; default = ""; };
  flag = default: mkOption { type = types.bool; inherit default; };
  open = options: mkOption { type = types.attrsOf (types.submodule { inherit options; }); default = { }; };
  unit = {
    description = any ""; documentation = list; after = list; before = list; wants = list; requires = list;
    requiredBy = list; wantedBy = list; onSuccess = list; unitConfig = any { };
  };
in
{
  options = {
    assertions = list;
    warnings = list;
    networking.hostName = mkOption { type = types.str; default = "nixos"; };
    nix.package = any pkgs.nix;
    environment = {
      etc = open { source = any null; text = any null; };
      systemPackages = list;
      pathsToLink = list;
    };
    programs.ssh.knownHosts = open { hostNames = list; publicKey = any null; };
    security.sudo = { enable = flag true; extraConfig = text; extraRules = list; };
    services = {
      ollama = { enable = flag false; host = any "127.0.0.1"; port = any 11434; package = any pkgs.ollama; };
      openssh = { enable = flag false; openFirewall = flag true; ports = mkOption { type = types.listOf types.port; default = [ 22 ]; }; authorizedKeysFiles = list; };
      postgresql = { enable = flag false; ensureDatabases = list; ensureUsers = list; };
      qdrant = { enable = flag false; settings = any { }; };
    };
    systemd.services = open (unit // {
      serviceConfig = any { }; environment = any { }; path = list; script = text; reloadTriggers = list; restartTriggers = list;
    });
    systemd.timers = open (unit // { timerConfig = any { }; });
    users.users = open {
      isSystemUser = flag false; isNormalUser = flag false; group = any ""; uid = any null; home = any "/var/empty";
      createHome = flag false; shell = any null; extraGroups = list; description = any "";
      openssh = { authorizedKeys = { keys = list; }; };
    };
    users.groups = open { members = list; gid = any null; };
  };
}
