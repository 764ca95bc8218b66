{
  description = "Watchkeeper: watches over Linux hosts, proposes repairs, and runs what you approve";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      # The module with the package of this flake, whatever nixpkgs the machine has. It counts once, by whichever of its
      # names and however often it is imported.
      module = { pkgs, ... }: {
        _file = ./flake.nix;
        key = "watchkeeper#nixosModules.default";
        imports = [ ./module.nix ];
        services.watchkeeper.package = lib.mkDefault self.packages.${pkgs.stdenv.hostPlatform.system}.watchkeeper;
      };
    in
    {
      nixosModules.default = module;
      nixosModules.watchkeeper = module;

      overlays.default = final: _: { watchkeeper = final.callPackage ./nix/package.nix { }; };

      packages = each (pkgs: rec {
        watchkeeper = pkgs.callPackage ./nix/package.nix { };
        default = watchkeeper;
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.watchkeeper ];
          packages = [ pkgs.cargo-nextest pkgs.clippy pkgs.rustfmt pkgs.shellcheck pkgs.sqlite pkgs.postgresql ];
        };
      });

      formatter = each (pkgs: pkgs.nixfmt-tree or pkgs.nixfmt);

      checks = each (pkgs:
        let
          inherit (pkgs.stdenv.hostPlatform) system;
          machine = configuration: (lib.nixosSystem {
            inherit system;
            modules = [
              module
              configuration
              { boot.loader.grub.enable = false; fileSystems."/" = { device = "none"; fsType = "tmpfs"; }; system.stateVersion = lib.trivial.release; }
            ];
          }).config;
          # The configurations that tests/tests/nix.rs evaluates over its stand-in, here over NixOS itself: each must
          # hold together, and give a config.toml that the program takes.
          configurations = lib.mapAttrs'
            (name: configuration:
              let
                config = machine configuration;
                failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
              in
              lib.nameValuePair "configuration-${name}" (
                assert lib.assertMsg (failed == [ ]) (lib.concatStringsSep "\n" failed);
                config.environment.etc."watchkeeper/config.toml".source
              ))
            (import ./tests/nix/configurations.nix);
        in
        configurations // {
          package = self.packages.${system}.watchkeeper;
          machines = pkgs.testers.runNixOSTest (import ./nix/vm-test.nix { inherit module; });
        });
    };
}
