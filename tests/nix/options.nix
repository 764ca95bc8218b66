# The names of all options that the module declares and shows, as they are written after `services.watchkeeper.`.
let
  lib = import ./lib;
  inherit ((import ./system.nix { }) { }) options;
  walk = prefix: tree: lib.concatLists (lib.mapAttrsToList (one prefix) (removeAttrs tree [ "_free" ]));
  one = prefix: name: node:
    let here = if prefix == "" then name else "${prefix}.${name}"; in
    if (node._type or null) != "option" then walk here node
    else if node.internal or false || !(node.visible or true) then [ ]
    else [ here ] ++ (
      let below = node.type.getSubOptions or null; in
      if below == null then [ ] else walk "${here}.<name>" below);
in
walk "" options.services.watchkeeper
