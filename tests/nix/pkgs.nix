# A stand-in for the packages of nixpkgs that module.nix names: nothing is built, a derivation is its name and what it
# was made of.
lib:
let
  derivation = name: more:
    let hash = builtins.substring 0 32 (builtins.hashString "sha256" (name + builtins.toJSON (removeAttrs more [ "type" "entries" "settings" "tried" ])));
    in more // {
      type = "derivation";
      inherit name;
      outPath = "/nix/store/${hash}-${name}";
    };
  package = name: derivation name { pname = name; };
  # There is no null in TOML, and none in this type.
  toml = lib.types.oneOf (with lib.types; [ bool int float str path (attrsOf toml) (listOf toml) ]) // { description = "TOML value"; };
in
lib.genAttrs [
  "bash" "coreutils" "findutils" "gawk" "git" "gnugrep" "gnused" "gnutar" "jq" "nix" "ollama" "ollama-cpu" "ollama-cuda"
  "ollama-rocm" "ollama-vulkan" "openssh"
] package // {
  watchkeeper = derivation "watchkeeper" { pname = "watchkeeper"; meta.mainProgram = "watchkeeper"; };
  stdenv = { hostPlatform.system = "x86_64-linux"; buildPlatform.canExecute = _: true; };
  runtimeShell = "/nix/store/00000000000000000000000000000000-bash/bin/bash";
  writeText = name: text: derivation name { inherit text; };
  writeTextFile = { name, text, ... }: derivation name { inherit text; };
  linkFarm = name: entries: derivation name { inherit entries; made = map (entry: "${entry.name} ${toString entry.path}") entries; };
  runCommand = name: env: command: derivation name (env // { text = command; });
  formats.toml = _: {
    type = toml;
    generate = name: settings: derivation name { inherit settings; text = builtins.toJSON settings; };
  };
}
