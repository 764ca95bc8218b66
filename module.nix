# The NixOS module: `services.watchkeeper` for the machine that watches, and `services.watchkeeper.target` for hosts
# that are watched. It needs nothing but nixpkgs; docs/nixos.md tells what each option does.
{
  imports = [
    ./nix/module/options.nix
    ./nix/module/configuration.nix
    ./nix/module/daemon.nix
    ./nix/module/models.nix
    ./nix/module/database.nix
    ./nix/module/repository.nix
    ./nix/module/this-machine.nix
    ./nix/module/assertions.nix
    ./nix/module/target.nix
    ./nix/module/upgrade.nix
  ];
}
