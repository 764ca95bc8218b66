# What several files of the module know of each other: names, places, and small functions. Not a module.
{ config, lib, pkgs }:
let
  cfg = config.services.watchkeeper;
in
rec {
  inherit cfg;
  # The shared truth about where things are (packaging/units says the same).
  state = "/var/lib/watchkeeper";
  socket = "/run/watchkeeper/socket";
  repository = "/var/lib/watchkeeper-repository";
  generatedKey = "${state}/ssh/id_ed25519";
  # Addresses of this machine at which it is reached from itself.
  loopback = [ "127.0.0.1" "0.0.0.0" "localhost" ];
  # Where a unit finds a secret that it was handed.
  credential = unit: name: "/run/credentials/${unit}.service/${name}";
  main = lib.getExe cfg.package;
  # The program as the machine that builds can run it.
  builder =
    if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then main
    else lib.getExe (pkgs.buildPackages.callPackage ../package.nix { });

  interval = if builtins.isInt cfg.checkInterval then "${toString cfg.checkInterval}s" else cfg.checkInterval;

  inherit (import ../units.nix lib) daemon hardening;

  # Whether the Ollama server is one that this module runs.
  asksModels = cfg.model != null || cfg.embeddingModel != null;
  ollamaAddress =
    let found = builtins.match "http://(127\\.0\\.0\\.1|localhost|\\[::1])(:([0-9]+))?/?" cfg.ollamaHost;
    in if found == null then null else {
      host = builtins.elemAt found 0;
      port = if builtins.elemAt found 2 == null then 80 else lib.toInt (builtins.elemAt found 2);
    };
  runsOllama = asksModels && ollamaAddress != null;

  # `[login@]host[:port]` as a host of the configuration, or null where it is none.
  remoteSystem = text:
    let found = builtins.match "(([A-Za-z0-9_.-]+)@)?([A-Za-z0-9][A-Za-z0-9.-]*)(:([0-9]{1,5}))?" text;
        at = builtins.elemAt found;
    in if found == null then null else {
      name = lib.replaceStrings [ "." ] [ "-" ] (at 2);
      value = {
        address = at 2;
        login = if at 1 == null then "watchkeeper-target" else at 1;
      } // lib.optionalAttrs (at 4 != null) { port = lib.toInt (at 4); };
    };

  # Every secret that the daemon is handed, by the name of its credential.
  ownSecrets = {
    gotify = cfg.gotifyTokenFile;
    ssh-key = cfg.sshKeyFile;
    store = cfg.database.passwordFile;
    qdrant = cfg.qdrant.keyFile;
  };
  secrets = cfg.credentials // lib.filterAttrs (_: file: file != null) ownSecrets;
  repositorySecrets = lib.filterAttrs (_: file: file != null) {
    key = cfg.configRepoKeyFile;
    token = cfg.configRepoTokenFile;
  };
  loadCredential = files: lib.mapAttrsToList (name: file: "${name}:${toString file}") files;

  # The option that names each of them.
  optionOf = name: "services.watchkeeper." + {
    gotify = "gotifyTokenFile";
    ssh-key = "sshKeyFile";
    store = "database.passwordFile";
    qdrant = "qdrant.keyFile";
    key = "configRepoKeyFile";
    token = "configRepoTokenFile";
  }.${name} or "credentials.${name}";
  # What systemd says of a missing credential is a number (243). So the files are looked at first, by a unit that says
  # in words what is missing, and without which the other does not start.
  secretsUnit = files: {
    description = "Watchkeeper, looks whether the files with its secrets are there";
    script = ''
      missing=0
      look() {
        if [ ! -s "$1" ]; then
          echo "the file $1 is missing or empty; it is named by $2" >&2
          missing=1
        fi
      }
      ${lib.concatLines (lib.mapAttrsToList (name: file: "look ${lib.escapeShellArg (toString file)} ${lib.escapeShellArg (optionOf name)}") files)}
      exit "$missing"
    '';
    serviceConfig = hardening // {
      Type = "oneshot";
      # Root, to see files that only root can; nothing else of root is left.
      CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
      # A secret may lie in a home, and is none the less there.
      ProtectHome = "read-only";
      PrivateNetwork = true;
      RestrictAddressFamilies = [ "AF_UNIX" ];
    };
  };
}
