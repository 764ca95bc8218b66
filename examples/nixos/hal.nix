# The machine that watches: a model of its own, alerts by Gotify, and a fleet.
{
  networking.hostName = "hal";
  services.openssh.enable = true;
  services.watchkeeper = {
    enable = true;
    operators = [ "anna" ];
    model = "qwen3:8b";
    embeddingModel = "nomic-embed-text";
    preloadModels = true;

    gotifyUrl = "https://gotify.example.org";
    gotifyTokenFile = "/run/secrets/gotify";

    hosts = {
      web1 = { address = "10.0.0.5"; login = "watchkeeper-target"; become_root = true; groups = [ "production" ]; };
      db1 = { address = "10.0.0.6"; login = "watchkeeper-target"; become_root = true; tier = "critical"; };
    };
    settings.groups.production.autonomy = "suggest";

    orders = ./orders.toml;
    configRepo = "git@git.example.org:anna/nixos.git";
    configRepoKeyFile = "/run/secrets/deploy";
    configRepoKnownHosts = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKw6kXx0gVbG2Xq0Z1dUo9cJx7jzv0mJ2Jj1nS0y8o2p";
  };
}
