# The machine that watches, watched by itself: by SSH to 127.0.0.1, as any other host. The daemon's own unit sees a
# file system that is read-only and half hidden, so that what it would tell of the machine would be wrong; and one door
# to root, the target's, is better than two.
{ config, lib, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg;
  inherit (lib) mkDefault mkIf;
  target = cfg.target.user;
  name = if config.networking.hostName == "" then "this-machine" else config.networking.hostName;
  sshd = config.services.openssh;
  # Where sshd listens here. assertions.nix says so where it does not.
  here = lib.filter (listening: lib.elem listening.addr parts.loopback && listening.port != null) sshd.listenAddresses;
  port = if here != [ ] then (lib.head here).port else lib.head (sshd.ports ++ [ 22 ]);
  # The kind that it is asked for first comes first.
  hostKeys = lib.filter (key: key.type == "ed25519") sshd.hostKeys ++ lib.filter (key: key.type != "ed25519") sshd.hostKeys;
  # What must have gone well before the key can be read.
  key = if cfg.sshKeyFile == null then "watchkeeper-key.service" else "watchkeeper-secrets.service";
  keys = "/var/lib/watchkeeper-authorized";
in
{
  config = mkIf (cfg.enable && cfg.thisMachine) {
    services.watchkeeper.target.enable = mkDefault true;
    services.watchkeeper.settings.hosts.${name} = {
      address = mkDefault "127.0.0.1";
      port = mkDefault port;
      login = mkDefault target;
      become_root = mkDefault (cfg.target.root != "no" && cfg.target.lookAsRoot);
    };
    # sshd reads it for the target's account only: the file is named after it.
    services.openssh.authorizedKeysFiles = [ "${keys}/%u" ];

    systemd.services.watchkeeper-this-machine = {
      description = "Watchkeeper, its key for this machine";
      requiredBy = [ "watchkeeper.service" ];
      before = [ "watchkeeper.service" ];
      after = [ key ];
      requires = [ key ];
      path = [ pkgs.openssh pkgs.coreutils ];
      script = ''
        public=$(ssh-keygen -y -f ${if cfg.sshKeyFile == null then parts.generatedKey else "\"$CREDENTIALS_DIRECTORY/ssh-key\""})
        printf '%s %s\n' 'restrict,from="127.0.0.1,::1"' "$public" >${keys}/${target}.new
        chmod 644 ${keys}/${target}.new
        mv ${keys}/${target}.new ${keys}/${target}
      '';
      serviceConfig = parts.hardening // {
        Type = "oneshot";
        RemainAfterExit = true;
        StateDirectory = "watchkeeper-authorized";
        StateDirectoryMode = "0755";
        LoadCredential = mkIf (cfg.sshKeyFile != null) [ "ssh-key:${toString cfg.sshKeyFile}" ];
        # Root, to read the daemon's key and to own what sshd trusts; nothing else of root is left.
        CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
        PrivateNetwork = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
        UMask = "0022";
      };
    };

    # The key of this machine's own sshd needs no comparing by eye: root reads it from the file that sshd has it from, also
    # where it has become another one.
    systemd.services.watchkeeper-enrol-this-machine = {
      description = "Watchkeeper, the key of this machine's sshd accepted";
      wantedBy = [ "multi-user.target" ];
      wants = [ "watchkeeper.service" ];
      after = [ "watchkeeper.service" "sshd-keygen.service" "sshd.service" "sshd.socket" ];
      path = [ pkgs.openssh pkgs.gawk ];
      # It waits for the daemon and for sshd, and not for ever.
      unitConfig = { StartLimitIntervalSec = 600; StartLimitBurst = 12; };
      script = ''
        for key in ${lib.escapeShellArgs (map (key: "${key.path}.pub") hostKeys)}; do
          fingerprint=$(ssh-keygen -lf "$key" | awk '{ print $2 }')
          if [ -n "$fingerprint" ] && ${parts.main} enrol ${lib.escapeShellArg name} --fingerprint "$fingerprint" --replace; then
            exit 0
          fi
        done
        echo 'none of the keys of services.openssh.hostKeys is the one that sshd shows' >&2
        exit 1
      '';
      serviceConfig = parts.hardening // {
        Type = "oneshot";
        RemainAfterExit = true;
        PrivateNetwork = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
        Restart = "on-failure";
        RestartSec = 10;
      };
    };
  };
}
