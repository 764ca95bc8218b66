# One configuration, evaluated: what would stand on the machine, as plain values that a test can read.
{ lib ? import ./lib, pkgs ? import ./pkgs.nix lib }:
let
  inherit (lib) mapAttrs;
  line = key: value:
    if builtins.isList value then lib.concatMapStrings (line key) value
    else if builtins.isBool value then "${key}=${if value then "true" else "false"}\n"
    else "${key}=${toString value}\n";
  lines = set: lib.concatStringsSep "" (lib.mapAttrsToList line set);
  names = key: list: lib.optionalString (list != [ ]) "${key}=${lib.concatStringsSep " " list}\n";
  # NixOS says of a unit what others say with `requiredBy`.
  required = services: name: lib.filter (other: lib.elem "${name}.service" services.${other}.requiredBy) (lib.attrNames services);
  head = unit: "[Unit]\n" + line "Description" unit.description + names "Documentation" unit.documentation
    + names "After" unit.after + names "Before" unit.before + names "Wants" unit.wants + names "Requires" unit.requires
    + names "OnSuccess" unit.onSuccess + lines unit.unitConfig;
  service = name: unit: head unit + "\n[Service]\n"
    + lib.concatStringsSep "" (lib.mapAttrsToList (key: value: "Environment=\"${key}=${toString value}\"\n") unit.environment)
    + lib.optionalString (unit.script != "") "ExecStart=/nix/store/00000000000000000000000000000000-script/bin/${name}-start\n"
    + lines unit.serviceConfig;
in
configuration:
let
  system = lib.evalModules {
    specialArgs = { inherit pkgs; };
    modules = [ ./nixos.nix ../../module.nix configuration ];
  };
  inherit (system) config;
  watch = config.services.watchkeeper;
in
{
  inherit (system) options;
  result = {
    failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
    inherit (config) warnings;
    settings = if watch.enable then config.environment.etc."watchkeeper/config.toml".source.written.settings else null;
    tried = if watch.enable then config.environment.etc."watchkeeper/config.toml".source.tried.settings else null;
    check = if watch.enable then config.environment.etc."watchkeeper/config.toml".source.text else null;
    etc = mapAttrs (_: file: { path = toString file.source; text = file.source.text or null; made = file.source.made or null; }) config.environment.etc;
    packages = map (package: { inherit (package) name; text = package.text or null; }) config.environment.systemPackages;
    units = mapAttrs
      (name: unit: service name (unit // { requires = unit.requires ++ map (other: "${other}.service") (required config.systemd.services name); }))
      config.systemd.services;
    timers = mapAttrs (_: timer: head timer + "\n[Timer]\n" + lines timer.timerConfig) config.systemd.timers;
    serviceConfig = mapAttrs (_: unit: unit.serviceConfig) config.systemd.services;
    scripts = mapAttrs (_: unit: unit.script) config.systemd.services;
    triggers = mapAttrs (_: unit: map toString unit.reloadTriggers) config.systemd.services;
    users = mapAttrs (_: user: user // { shell = toString user.shell; }) config.users.users;
    groups = config.users.groups;
    knownHosts = config.programs.ssh.knownHosts;
    sudo = { inherit (config.security.sudo) extraConfig extraRules; };
    ollama = config.services.ollama // { package = config.services.ollama.package.name; };
    postgresql = config.services.postgresql;
    qdrant = config.services.qdrant;
    sshd = config.services.openssh;
    door = if !watch.target.enable then null else let inherit (watch.target) door; in {
      helper = door.helper.text;
      helperPath = toString door.helper;
      texts = builtins.listToAttrs (map (entry: { inherit (entry) name; value = entry.path.text; }) door.texts.entries);
      textsPath = toString door.texts;
      steps = door.steps.text;
      stepsPath = toString door.steps;
    };
  };
}
