# The names of all options that the module declares and shows, as they are written after `services.watchkeeper.`, and of
# those that the manual of NixOS could not tell of: without a description, or with a default that is neither a plain
# value nor said in words.
let
  lib = import ./lib;
  inherit ((import ./system.nix { }) { }) options;
  walk = prefix: tree: lib.concatLists (lib.mapAttrsToList (one prefix) tree);
  one = prefix: name: node:
    let here = if prefix == "" then name else "${prefix}.${name}"; in
    if (node._type or null) != "option" then walk here node
    else if node.internal or false || !(node.visible or true) then [ ]
    else [ { name = here; option = node; } ] ++ (
      let below = node.type.getSubOptions or null; in
      if below == null then [ ] else walk "${here}.<name>" below);
  shown = walk "" options.services.watchkeeper;
  # A default that is a package or lies in the store differs from one nixpkgs to the next.
  plain = value:
    if builtins.isAttrs value then !(value ? outPath) && lib.all plain (builtins.attrValues value)
    else if builtins.isList value then lib.all plain value
    else builtins.isBool value || builtins.isInt value || value == null || (builtins.isString value && !(builtins.hasContext value));
  told = { option, ... }: builtins.isString (option.description or null)
    && (option ? defaultText || option ? default && plain option.default);
in
{
  names = map (one: one.name) shown;
  untold = map (one: one.name) (lib.filter (one: !(told one)) shown);
}
