# A stand-in for the parts of NixOS that module.nix speaks to, each option of the type that it has in nixpkgs. Only what
# is listed can be set: what is not here, the module may not use before somebody has looked up that NixOS has it.
{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  flag = option types.bool;
  list = type: option (types.listOf type) [ ];
  text = option types.lines "";
  maybe = type: option (types.nullOr type) null;
  open = options: option (types.attrsOf (types.submodule { inherit options; })) { };
  # What may stand in a field of /etc/passwd.
  entry = types.strMatching "[^:\n]*";
  # A value of a unit file: all are lists, which are put together, or none is, and they must agree.
  unitValue = {
    description = "systemd option";
    check = _: true;
    merge = loc: definitions:
      if lib.all (one: builtins.isList one.value) definitions then lib.concatMap (one: one.value) definitions
      else types.anything.merge loc definitions;
  };
  section = option (types.attrsOf unitValue) { };
  unitNames = list (types.strMatching "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)");
  unit = {
    description = option types.singleLineStr ""; documentation = list types.str; unitConfig = section;
    after = unitNames; before = unitNames; wants = unitNames; requires = unitNames; requiredBy = unitNames; wantedBy = unitNames; onSuccess = unitNames;
  };
in
{
  options = {
    assertions = list types.anything;
    warnings = list types.str;
    networking.hostName = option (types.strMatching "|[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?") "nixos";
    nix.package = option types.package pkgs.nix;
    environment = {
      etc = open { source = mkOption { type = types.path; }; text = maybe types.lines; };
      systemPackages = list types.package;
      pathsToLink = list types.str;
    };
    programs.ssh.knownHosts = open { hostNames = list types.str; publicKey = maybe types.str; };
    security.sudo = {
      enable = flag true;
      execWheelOnly = flag false;
      extraConfig = text;
      extraRules = list (types.submodule {
        options = {
          users = list types.str;
          runAs = option types.str "ALL:ALL";
          commands = list (types.either types.str (types.submodule {
            options = { command = mkOption { type = types.str; }; options = list (types.enum [ "NOPASSWD" "PASSWD" "NOEXEC" "EXEC" "SETENV" "NOSETENV" ]); };
          }));
        };
      });
    };
    services = {
      ollama = { enable = flag false; host = option types.str "127.0.0.1"; port = option types.port 11434; package = option types.package pkgs.ollama; };
      openssh = {
        enable = flag false;
        openFirewall = flag true;
        ports = option (types.listOf types.port) [ 22 ];
        authorizedKeysFiles = list types.str;
        hostKeys = option (types.listOf (types.attrsOf types.anything))
          [ { type = "rsa"; bits = 4096; path = "/etc/ssh/ssh_host_rsa_key"; } { type = "ed25519"; path = "/etc/ssh/ssh_host_ed25519_key"; } ];
        listenAddresses = list (types.submodule { options = { addr = maybe types.str; port = maybe types.int; }; });
        settings = option
          (types.submodule {
            freeformType = types.attrsOf types.anything;
            options = lib.genAttrs [ "AllowUsers" "AllowGroups" "DenyUsers" "DenyGroups" ] (_: maybe (types.listOf types.str));
          })
          { };
      };
      postgresql = {
        enable = flag false;
        settings = option (types.attrsOf types.anything) { };
        ensureDatabases = list types.str;
        ensureUsers = list (types.submodule { options = { name = mkOption { type = types.str; }; ensureDBOwnership = flag false; }; });
      };
      qdrant = { enable = flag false; settings = option (types.attrsOf types.anything) { }; };
    };
    systemd.services = open (unit // {
      serviceConfig = section;
      environment = option (types.attrsOf (types.nullOr (types.oneOf [ types.str types.path types.package ]))) { };
      path = list (types.oneOf [ types.package types.str ]);
      script = text;
      reloadTriggers = list types.anything;
    });
    systemd.timers = open (unit // { timerConfig = section; });
    users.users = open {
      isSystemUser = flag false; isNormalUser = flag false; group = option types.str ""; uid = maybe types.int; home = option types.path "/var/empty";
      createHome = flag false; shell = maybe (types.either types.package types.path); extraGroups = list types.str; description = option entry "";
      openssh = { authorizedKeys = { keys = list types.singleLineStr; }; };
    };
    users.groups = open { members = list entry; gid = maybe types.int; };
  };

  # As NixOS has it, beside what others say.
  config.services.openssh.authorizedKeysFiles = [ "%h/.ssh/authorized_keys" "/etc/ssh/authorized_keys.d/%u" ];
}
