# The way from the older module: what was said of `services.ai-sysadmin` counts for `services.watchkeeper`, and
# NixOS tells so at each build.
{ config, lib, ... }:
let
  inherit (lib) mkRemovedOptionModule mkRenamedOptionModule;
  old = name: [ "services" "ai-sysadmin" name ];
  new = name: [ "services" "watchkeeper" name ];
  renamed = from: to: mkRenamedOptionModule (old from) (new to);
in
{
  imports = map (name: renamed name name) [
    "enable"
    "aiName"
    "autonomyLevel"
    "checkInterval"
    "ollamaHost"
    "model"
    "preloadModels"
    "user"
    "group"
    "uid"
    "gotifyUrl"
    "remoteSystems"
    "configRepo"
    "configBranch"
  ] ++ [
    (renamed "ollamaAcceleration" "acceleration")
    (mkRemovedOptionModule (old "gotifyToken") ''
      The token stood in the store, where everybody on the machine could read it. Take it back in Gotify, put a new
      one into a file, and name that: services.watchkeeper.gotifyTokenFile = "/run/secrets/gotify";
    '')
  ];
}
