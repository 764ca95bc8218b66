# Configurations as people would write them, by name; tests/tests/nix.rs feeds what the module makes of each to
# `watchkeeper config check`, and its units to systemd-analyze.
let
  watch = more: { services.openssh.enable = true; services.watchkeeper = { enable = true; } // more; };
  # The examples; the orders as a text, since nothing can be put into a store here.
  hal = import ../../examples/nixos/hal.nix;
  watching = hal.services.watchkeeper;
  key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1w6Jx0 hal";
in
{
  one-box = watch { };
  one-box-with-a-model = watch { aiName = "hal"; model = "qwen3:8b"; embeddingModel = "nomic-embed-text"; preloadModels = true; acceleration = "cuda"; };
  a-model-elsewhere = watch { model = "qwen3:8b"; ollamaHost = "http://gpu1.example.org:11434"; };
  in-short = watch { remoteSystems = [ "web1" "ops@10.0.0.7:2222" "db.example.org" ]; };
  fleet = watch {
    aiName = "hal";
    autonomyLevel = "auto-safe";
    checkInterval = "2m";
    hosts = {
      web1 = { address = "10.0.0.5"; login = "watchkeeper-target"; groups = [ "production" ]; become_root = true; hostKey = key; };
      db1 = { address = "10.0.0.6"; login = "watchkeeper-target"; tier = "critical"; thresholds.disk.warning_percent = 80.0; };
    };
    settings.groups.production = { autonomy = "suggest"; tier = "critical"; };
    settings.watch.parallel = 50;
    database.type = "postgresql";
    qdrant.enable = true;
    operators = [ "anna" ];
  };
  many-controllers = watch {
    hosts.web1 = { };
    database = { type = "url"; url = "postgres://watch@db.example.org/watch?sslmode=require"; passwordFile = "/run/secrets/db"; };
    sshKeyFile = "/run/secrets/ssh";
  };
  with-orders = watch {
    hosts.web1 = { };
    orders = ''
      schema = 1
      preset = "safe"
      timezone = "Europe/Berlin"
    '';
    settings.policy.protected_units = [ "postgresql*" ];
  };
  with-a-cloud-lane = watch {
    hosts.web1.groups = [ "lab" ];
    credentials.claude = "/run/secrets/claude";
    settings = {
      lanes = [
        { name = "claude"; provider = "anthropic"; url = "https://api.anthropic.com"; model = "claude-sonnet-4"; api_key_file = "/run/credentials/watchkeeper.service/claude"; }
      ];
      egress.groups.lab = [ "claude" ];
    };
  };
  two-lanes = watch {
    hosts.web1 = { };
    model = "qwen3:8b";
    settings.lanes = [ { name = "gpu"; url = "http://gpu1:11434"; private = true; model = "qwen3:32b"; standby_for = [ "ollama" ]; } ];
  };
  by-the-clock = watch { hosts.web1 = { }; settings.watch.cron = "*/10 * * * *"; };
  tuned = watch {
    hosts.web1.host_key_alias = "web1.example.org";
    user = "hal"; group = "crew"; uid = 2501;
    settings = {
      log = "info,watchkeeper_fleet=debug";
      risk.heavy_units = [ "postgresql.service" ];
      thresholds.certificates.warning_days = 30;
      knowledge.configs = [ "/etc/nixos" ];
      run.verify_pause = "20s";
    };
    qdrant = { url = "http://vectors.example.org:6334"; keyFile = "/run/secrets/qdrant"; };
  };
  with-a-repository = watch {
    hosts.web1 = { };
    configRepo = "git@git.example.org:me/nixos.git";
    configRepoKeyFile = "/run/secrets/deploy";
    configRepoKnownHosts = "git.example.org ${key}";
  };
  with-gotify = watch { hosts.web1 = { }; gotifyUrl = "https://gotify.example.org"; gotifyTokenFile = "/run/secrets/gotify"; };
  from-the-phone = watch { settings.web = { listen = "127.0.0.1:8470"; public_url = "https://watch.example.org"; }; };
  example-one-box = import ../../examples/nixos/one-box.nix;
  example-hal = hal // { services = hal.services // { watchkeeper = watching // { orders = builtins.readFile watching.orders; }; }; };
}
