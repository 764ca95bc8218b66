# A machine that watches and two that are watched, as one flake. `nixos-rebuild switch --flake .#hal` on the first.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.watchkeeper.url = "github:you/watchkeeper"; # Where you keep this source.
  inputs.watchkeeper.inputs.nixpkgs.follows = "nixpkgs";

  outputs = { nixpkgs, watchkeeper, ... }:
    let
      machine = configuration: nixpkgs.lib.nixosSystem {
        system = "x86_64-linux";
        modules = [ watchkeeper.nixosModules.default configuration ];
      };
    in
    {
      nixosConfigurations = {
        hal = machine ./hal.nix;
        web1 = machine ./web1.nix;
        db1 = machine ./web1.nix;
      };
    };
}
