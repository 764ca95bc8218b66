# The Ollama server of this machine, and the models that are fetched for it.
{ config, lib, options, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg;
  inherit (lib) mkDefault mkIf;
  wanted =
    if builtins.isList cfg.preloadModels then cfg.preloadModels
    else lib.optionals cfg.preloadModels (lib.filter (model: model != null) [ cfg.model cfg.embeddingModel ]);
  # nixpkgs has a package for each kind of acceleration. Before 26.05 it had an option, which took precedence over the
  # package; what is left of it there is invisible.
  ollama = if cfg.acceleration == false then pkgs.ollama-cpu or pkgs.ollama else pkgs."ollama-${cfg.acceleration}";
  hasOption = options.services.ollama.acceleration.visible or (options.services.ollama ? acceleration);
  accelerated = mkIf (cfg.acceleration != null);
in
{
  config = mkIf cfg.enable {
    services.ollama = mkIf parts.runsOllama ({
      enable = mkDefault true;
      host = mkDefault (if parts.ollamaAddress.host == "localhost" then "127.0.0.1" else parts.ollamaAddress.host);
      port = mkDefault parts.ollamaAddress.port;
    } // (
      if hasOption then { acceleration = accelerated (mkDefault cfg.acceleration); }
      else { package = accelerated (mkDefault ollama); }
    ));

    systemd.services.watchkeeper.after = mkIf parts.runsOllama [ "ollama.service" ];

    systemd.services.watchkeeper-models = mkIf (wanted != [ ]) {
      description = "Watchkeeper, models fetched: ${lib.concatStringsSep " " wanted}";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ] ++ lib.optional parts.runsOllama "ollama.service";
      requires = lib.optional parts.runsOllama "ollama.service";
      # One that cannot be had must not keep the others away.
      script = ''
        failed=
        for model in ${lib.escapeShellArgs wanted}; do
          ${parts.main} models pull --lane ollama "$model" || failed="$failed $model"
        done
        if [ -n "$failed" ]; then
          echo "could not be fetched:$failed" >&2
          exit 1
        fi
      '';
      environment.HOME = "/var/empty";
      serviceConfig = parts.hardening // {
        Type = "oneshot";
        RemainAfterExit = true;
        DynamicUser = true;
        # Only once the network is there can it succeed; what was fetched stays fetched.
        Restart = "on-failure";
        RestartSec = 60;
        TimeoutStartSec = "infinity";
      };
    };
  };
}
