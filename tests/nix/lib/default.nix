# A small stand-in for the part of nixpkgs' library that module.nix uses, so that the module can be evaluated where
# nixpkgs cannot be had. It is ours and not nixpkgs: what it accepts, nixpkgs may still refuse. Only what is listed
# here exists, so that a function the module begins to use must be added, and thought about, first.
let
  self = import ./basics.nix // import ./modules.nix self // { types = import ./types.nix self; };
in
self
