# A configuration of the older module, whole, and what becomes of it.
let
  system = import ./system.nix { };
  old = more: { services.openssh.enable = true; services.ai-sysadmin = more; };
  whole = old {
    enable = true;
    aiName = "macha";
    autonomyLevel = "auto-safe";
    checkInterval = 120;
    ollamaHost = "http://localhost:11434";
    model = "gpt-oss:20b";
    ollamaAcceleration = "rocm";
    preloadModels = true;
    uid = 2501;
    user = "macha";
    group = "macha";
    gotifyUrl = "https://gotify.example.org";
    remoteSystems = [ "web1" ];
    configRepo = "https://git.example.org/me/nixos.git";
    configBranch = "main";
  };
in
{
  inherit ((system { imports = [ whole ]; config.services.watchkeeper.gotifyTokenFile = "/run/secrets/gotify"; }).result)
    failed warnings settings ollama users;
  token = (system { imports = [ (old { enable = true; gotifyToken = "AbCdEf123456789"; }) ]; }).result.failed;
}
