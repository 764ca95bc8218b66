# The daemon: its account, its unit, and the key it logs in with.
{ config, lib, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg;
  inherit (lib) mkIf;
in
{
  config = mkIf cfg.enable {
    users.users.${cfg.user} = {
      isSystemUser = true;
      inherit (cfg) group;
      uid = mkIf (cfg.uid != null) cfg.uid;
      home = parts.state;
      description = "Watchkeeper, the daemon";
    };
    users.groups.${cfg.group}.members = cfg.operators;

    systemd.services.watchkeeper = {
      description = "Watchkeeper, the watch called ${cfg.aiName}";
      documentation = [ "man:watchkeeper(1)" ];
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ] ++ lib.optional (parts.secrets != { }) "watchkeeper-secrets.service";
      requires = lib.optional (parts.secrets != { }) "watchkeeper-secrets.service";
      # What changes is read again; what counts after a restart only is told in the journal.
      reloadTriggers = [ config.environment.etc."watchkeeper/config.toml".source ]
        ++ lib.optional (cfg.orders != null) config.environment.etc."watchkeeper/orders.toml".source
        ++ lib.optional (cfg.runbooks != { }) config.environment.etc."watchkeeper/runbooks".source;
      path = [ pkgs.openssh ];
      environment.HOME = parts.state;
      unitConfig = {
        StartLimitIntervalSec = 300;
        StartLimitBurst = 10;
      };
      serviceConfig = parts.daemon // {
        ExecStart = "${parts.main} daemon";
        ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
        User = cfg.user;
        Group = cfg.group;
        LoadCredential = mkIf (parts.secrets != { }) (parts.loadCredential parts.secrets);
      };
    };

    systemd.services.watchkeeper-secrets = mkIf (parts.secrets != { }) (parts.secretsUnit parts.secrets);

    # A key is made once, and stays: it is what the hosts know the watch by.
    systemd.services.watchkeeper-key = mkIf (cfg.sshKeyFile == null) {
      description = "Watchkeeper, the key it logs in with";
      requiredBy = [ "watchkeeper.service" ];
      before = [ "watchkeeper.service" ];
      path = [ pkgs.openssh pkgs.coreutils ];
      script = ''
        key=${parts.generatedKey}
        if [ ! -e "$key" ]; then
          mkdir -p "''${key%/*}"
          ssh-keygen -q -t ed25519 -N "" -C ${lib.escapeShellArg "watchkeeper@${cfg.aiName}"} -f "$key"
          echo "a new key was made; hosts must be told of it: cat $key.pub"
        fi
      '';
      serviceConfig = parts.hardening // {
        Type = "oneshot";
        RemainAfterExit = true;
        User = cfg.user;
        Group = cfg.group;
        StateDirectory = "watchkeeper";
        StateDirectoryMode = "0700";
        PrivateNetwork = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
      };
    };
  };
}
