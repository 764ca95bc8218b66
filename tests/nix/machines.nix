# The test of virtual machines (nix/vm-test.nix), as far as it can be had without one: each machine evaluated, and the
# script that would drive them.
let
  lib = import ./lib;
  pkgs = import ./pkgs.nix lib // { path = ./nixpkgs; inherit lib; };
  # What these machines say of NixOS beside what the module does.
  more = { lib, ... }: {
    options.services.nginx.enable = lib.mkOption { type = lib.types.bool; default = false; };
    options.systemd.tmpfiles.rules = lib.mkOption { type = lib.types.listOf lib.types.str; default = [ ]; };
  };
  test = import ../../nix/vm-test.nix { module = { }; } { inherit pkgs; };
  machine = name: node: (import ./system.nix { inherit pkgs; } { imports = [ node more { networking.hostName = name; } ]; }).result;
in
{
  inherit (test) name testScript;
  nodes = lib.mapAttrs (name: node: { inherit (machine name node) failed settings; }) test.nodes;
}
