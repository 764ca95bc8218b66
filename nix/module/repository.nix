# The repository with the NixOS configuration: fetched by the daemon's account, which may raise an issue and no more,
# and read into what is known by an account of its own, which may do that and reaches no network.
{ config, lib, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg;
  inherit (lib) mkIf;
  indexer = "watchkeeper-indexer";
  known = pkgs.writeText "known_hosts" (cfg.configRepoKnownHosts + "\n");
  secretsUnit = lib.optional (parts.repositorySecrets != { }) "watchkeeper-repository-secrets.service";
  environment = {
    REPOSITORY_DIR = parts.repository;
    REPOSITORY_WATCH = parts.main;
  };
in
{
  config = mkIf (cfg.enable && cfg.configRepo != null) {
    users.users.${indexer} = {
      isSystemUser = true;
      # By this group it may change what is known. It runs nothing but one fixed script.
      inherit (cfg) group;
      description = "Watchkeeper, reads the configuration repository";
    };

    systemd.timers.watchkeeper-repository = {
      description = "Watchkeeper, the configuration repository is fetched";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "2min";
        OnUnitActiveSec = cfg.configRepoInterval;
        RandomizedDelaySec = "1min";
      };
    };

    systemd.services.watchkeeper-repository-secrets = mkIf (secretsUnit != [ ]) (parts.secretsUnit parts.repositorySecrets);

    systemd.services.watchkeeper-repository = {
      description = "Watchkeeper, fetches the configuration repository";
      wants = [ "network-online.target" ];
      after = [ "network-online.target" "watchkeeper.service" ] ++ secretsUnit;
      requires = secretsUnit;
      onSuccess = [ "watchkeeper-repository-index.service" ];
      path = [ pkgs.git pkgs.openssh pkgs.coreutils pkgs.gnused pkgs.gnugrep pkgs.findutils pkgs.gnutar config.nix.package ];
      environment = environment // {
        HOME = parts.repository;
        REPOSITORY_URL = cfg.configRepo;
        REPOSITORY_BRANCH = cfg.configBranch;
        REPOSITORY_KNOWN_HOSTS = "${known}";
      };
      script = lib.readFile ../repository/fetch.sh;
      serviceConfig = parts.hardening // {
        Type = "oneshot";
        User = cfg.user;
        Group = cfg.group;
        LoadCredential = mkIf (parts.repositorySecrets != { }) (parts.loadCredential parts.repositorySecrets);
        StateDirectory = "watchkeeper-repository";
        StateDirectoryMode = "0750";
        UMask = "0027";
        TimeoutStartSec = 900;
      };
    };

    systemd.services.watchkeeper-repository-index = {
      description = "Watchkeeper, reads the configuration repository";
      after = [ "watchkeeper.service" ];
      path = [ pkgs.jq pkgs.coreutils pkgs.gnused ];
      environment = environment // {
        HOME = "/var/lib/watchkeeper-index";
        REPOSITORY_INDEX_DIR = "/var/lib/watchkeeper-index";
      };
      script = lib.readFile ../repository/index.sh;
      serviceConfig = parts.hardening // {
        Type = "oneshot";
        User = indexer;
        Group = cfg.group;
        StateDirectory = "watchkeeper-index";
        StateDirectoryMode = "0700";
        PrivateNetwork = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
        TimeoutStartSec = 900;
      };
    };
  };
}
