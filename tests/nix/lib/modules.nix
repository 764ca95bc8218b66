# The module system, small: options are declared, definitions are merged by priority and type, a module may import
# others. It keeps nixpkgs' order of things (first what overrides, then what is conditional, then the type), and its
# strictness: an option that nobody declared is an error.
lib:
let
  inherit (lib)
    attrNames attrByPath concatLists concatMap concatStringsSep elem filter foldl' isAttrs isFunction listToAttrs
    map nameValuePair optional setAttrByPath;

  show = concatStringsSep ".";
  kind = x: if isAttrs x then x._type or null else null;
  union = sets: lib.unique (concatMap attrNames sets);

  # One module and all that it imports, each as { options, config }. Modules named by the same path count once.
  collect = args: modules:
    let
      walk = seen: module:
        let
          key = if builtins.isPath module then toString module else null;
          read = if builtins.isPath module then import module else module;
          body = if isFunction read then read args else read;
          whole = body ? config || body ? options;
          here = {
            options = body.options or { };
            config = if whole then body.config or { } else removeAttrs body [ "imports" "_file" "key" ];
          };
        in
        if key != null && elem key seen.keys then seen
        else
          let after = foldl' walk { keys = seen.keys ++ optional (key != null) key; found = seen.found; } (body.imports or [ ]);
          in after // { found = after.found ++ [ here ]; };
    in
    (foldl' walk { keys = [ ]; found = [ ]; } modules).found;

  # What a definition says of its parts, without asking yet whether it counts.
  pushDown = value:
    if kind value == "merge" then concatMap pushDown value.contents
    else if kind value == "if" then map (lib.mapAttrs (_: mkIf value.condition)) (pushDown value.content)
    else if kind value == "override" then map (lib.mapAttrs (_: mkOverride value.priority)) (pushDown value.content)
    else [ value ];

  # The definitions that count, as { priority, value }.
  discharge = value:
    if kind value == "merge" then concatMap discharge value.contents
    else if kind value == "if" then if value.condition then discharge value.content else [ ]
    else if kind value == "override" then map (found: found // { inherit (value) priority; }) (discharge value.content)
    else [ { priority = 100; inherit value; } ];

  strongest = found:
    let least = foldl' (low: one: if one.priority < low then one.priority else low) 9999 found;
    in map (one: one.value) (filter (one: one.priority == least) found);

  counting = definitions: strongest (concatMap discharge definitions);

  evalOption = loc: declarations: definitions:
    let
      option = foldl' (a: b: a // b) { } declarations;
      type = option.type or lib.types.anything;
      said = definitions ++ optional (option ? default) (mkOverride 1500 option.default);
      values = counting said;
      wrong = filter (value: !type.check value) values;
      merged =
        if values == [ ] then
          if type ? emptyValue then type.emptyValue
          else throw "The option `${show loc}' was accessed but has no value defined. Try setting the option."
        else if wrong != [ ] then
          throw "A definition for option `${show loc}' is not of type `${type.description}': ${shown (builtins.head wrong)}"
        else type.merge loc values;
    in
    option // {
      inherit loc type;
      value = (option.apply or lib.id) merged;
      isDefined = counting definitions != [ ];
    };

  shown = value: if builtins.isAttrs value || builtins.isList value || isFunction value then "a ${builtins.typeOf value}" else builtins.toJSON value;

  # A tree of declarations and one of definitions into a tree of options; `left` takes what nobody declared.
  mergeTree = loc: left: declarations: definitions:
    let
      pushed = concatMap pushDown definitions;
      declared = union declarations;
      undeclared = filter (name: !elem name declared) (union pushed);
      at = name: concatLists (map (set: optional (set ? ${name}) set.${name}) declarations);
      saidOf = name: concatLists (map (set: optional (set ? ${name}) set.${name}) pushed);
      one = name:
        let here = at name; loc' = loc ++ [ name ];
        in
        if lib.any (declaration: kind declaration == "option") here then evalOption loc' here (saidOf name)
        else mergeTree loc' null here (saidOf name);
      refused = filter (name: counting (saidOf name) != [ ]) undeclared;
      free =
        if left == null then { }
        else lib.filterAttrs (_: values: values != [ ])
          (listToAttrs (map (name: nameValuePair name (counting (saidOf name))) undeclared));
    in
    if left == null && refused != [ ] then throw "The option `${show (loc ++ [ (builtins.head refused) ])}' does not exist."
    else listToAttrs (map (name: nameValuePair name (one name)) declared)
      // lib.optionalAttrs (left != null) { _free = lib.mapAttrs (name: left (loc ++ [ name ])) free; };

  valuesOf = tree:
    if kind tree == "option" then tree.value
    else (tree._free or { }) // lib.mapAttrs (_: valuesOf) (removeAttrs tree [ "_free" ]);

  evalModules = { modules, specialArgs ? { }, prefix ? [ ], freeform ? null }:
    let
      args = specialArgs // { inherit lib config options; };
      found = collect args modules;
      left = if freeform == null then null else freeform.merge;
      options = mergeTree prefix left (map (module: module.options) found) (map (module: module.config) found);
      config = valuesOf options;
    in
    { inherit options config; };

  mkOption = option: option // { _type = "option"; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };

  # An option under its old name: what is said there counts as said under the new one, and that is told.
  renamed = tell: from: to: { config, options, ... }:
    let old = attrByPath from null options;
    in {
      options = setAttrByPath from (mkOption { visible = false; type = lib.types.anything; });
      config = mkIf old.isDefined (mkMerge [
        (setAttrByPath to old.value)
        (lib.optionalAttrs tell {
          warnings = [ "The option `${show from}' has been renamed to `${show to}'." ];
        })
      ]);
    };
  removed = from: why: { options, ... }: {
    options = setAttrByPath from (mkOption { visible = false; type = lib.types.anything; });
    config.assertions = [
      {
        assertion = !(attrByPath from null options).isDefined;
        message = "The option definition `${show from}' no longer has any effect; please remove it.\n${why}";
      }
    ];
  };
in
{
  inherit evalModules mkOption mkOverride mkIf mkMerge counting kind pushDown;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkEnableOption = name: mkOption {
    type = lib.types.bool;
    default = false;
    example = true;
    description = "Whether to enable ${name}.";
  };
  mkRenamedOptionModule = renamed true;
  mkRemovedOptionModule = removed;
  mkChangedOptionModule = from: to: change: { config, options, ... }: {
    options = setAttrByPath from (mkOption { visible = false; type = lib.types.anything; });
    config = mkIf (attrByPath from null options).isDefined (mkMerge [
      (setAttrByPath to (change config))
      { warnings = [ "The option `${show from}' has a new home, `${show to}'." ]; }
    ]);
  };
  literalExpression = text: { _type = "literalExpression"; inherit text; };
  literalMD = text: { _type = "literalMD"; inherit text; };
}
