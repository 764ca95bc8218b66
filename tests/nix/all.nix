# All of it in one evaluation.
let system = import ./system.nix { }; in
{
  options = (import ./options.nix).names;
  untold = (import ./options.nix).untold;
  effects = import ./effects.nix;
  contradictions = import ./contradictions.nix;
  example-target = (system (import ../../examples/nixos/web1.nix)).result;
  machines = import ./machines.nix;
  semantics = import ./semantics.nix;
  surroundings = import ./surroundings.nix;
  upgrade = import ./upgrade.nix;
  configurations = builtins.mapAttrs (_: configuration: (system configuration).result) (import ./configurations.nix);
}
