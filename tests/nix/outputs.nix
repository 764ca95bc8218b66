# What the flake takes and offers, over a stand-in for nixpkgs: the names, and the module that it hands out.
let
  lib = import ./lib;
  system = "x86_64-linux";
  packages = import ./pkgs.nix lib // {
    callPackage = file: _: { type = "derivation"; name = baseNameOf file; outPath = "/nix/store/package"; };
    mkShell = shell: shell;
    nixfmt = { };
    testers.runNixOSTest = test: test;
  };
  flake = import ../../flake.nix;
  self = flake.outputs {
    inherit self;
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs [ system "aarch64-linux" ] (_: packages // lib.genAttrs [ "cargo-nextest" "clippy" "rustfmt" "shellcheck" "sqlite" "postgresql" ] lib.id);
    };
  };
  machine = lib.evalModules {
    specialArgs = { pkgs = packages; };
    modules = [
      ./nixos.nix
      self.nixosModules.default
      { services.openssh.enable = true; services.watchkeeper.enable = true; }
    ];
  };
in
{
  inputs = lib.attrNames flake.inputs;
  inherit (flake.inputs.nixpkgs) url;
  outputs = lib.mapAttrs (_: lib.attrNames) self;
  checks = lib.attrNames self.checks.${system};
  package = self.packages.${system}.default.name;
  ofTheModule = machine.config.services.watchkeeper.package.name;
}
