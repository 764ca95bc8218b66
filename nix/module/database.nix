# Where everything is kept, and the Qdrant server for vectors.
{ config, lib, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg credential;
  inherit (lib) mkDefault mkIf mkMerge;
  here = cfg.database.type == "postgresql";
  # The socket is named after it.
  postgresPort = config.services.postgresql.settings.port or 5432;
  url = {
    sqlite = "sqlite:${parts.state}/watchkeeper.db";
    # By the socket, where the kernel says which account asks; database, role and account have one name.
    postgresql = "postgres:///${cfg.user}?host=/run/postgresql&user=${cfg.user}" + lib.optionalString (postgresPort != 5432) "&port=${toString postgresPort}";
    url = cfg.database.url;
  }.${cfg.database.type};
  port = config.services.qdrant.settings.service.grpc_port or 6334;
  vectors = if cfg.qdrant.url != null then cfg.qdrant.url else if cfg.qdrant.enable then "http://127.0.0.1:${toString port}" else null;
in
{
  config = mkIf cfg.enable (mkMerge [
    (mkIf (url != null) { services.watchkeeper.settings.store.url = mkDefault url; })
    (mkIf (cfg.database.passwordFile != null) {
      services.watchkeeper.settings.store.password_file = mkDefault (credential "watchkeeper" "store");
    })
    (mkIf here {
      services.postgresql = {
        enable = true;
        ensureDatabases = [ cfg.user ];
        ensureUsers = [ { name = cfg.user; ensureDBOwnership = true; } ];
      };
      systemd.services.watchkeeper = {
        requires = [ "postgresql.service" ];
        # The target stands for the database being there, too, where nixpkgs has it.
        after = [ "postgresql.service" "postgresql.target" ];
      };
    })
    (mkIf cfg.qdrant.enable {
      services.qdrant.enable = true;
      systemd.services.watchkeeper.after = [ "qdrant.service" ];
    })
    (mkIf (vectors != null) { services.watchkeeper.settings.knowledge.qdrant = mkDefault vectors; })
    (mkIf (cfg.qdrant.keyFile != null) {
      services.watchkeeper.settings.knowledge.qdrant_key_file = mkDefault (credential "watchkeeper" "qdrant");
    })
  ]);
}
