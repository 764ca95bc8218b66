# The module system, small: options are declared, definitions are merged by priority and type, a module may import
# others. It keeps nixpkgs' order of things (what is conditional, then what overrides, then the type), and its
# strictness: what nobody declared is an error, also where its condition does not hold, and so is an option that is
# declared twice, one that is read-only and set, and a module with words beside `options` and `config`. A definition goes
# with its file, as in nixpkgs, so that a message can say where it stands. tests/nix/semantics.nix holds all of it.
lib:
let
  inherit (lib)
    attrByPath attrNames concatLists concatMap concatMapStrings concatStringsSep elem filter foldl' head isAttrs
    isFunction length map mapAttrs optional setAttrByPath;

  show = concatStringsSep ".";
  kind = x: if isAttrs x then x._type or null else null;
  union = sets: lib.unique (concatMap attrNames sets);
  shown = value: if isAttrs value || builtins.isList value || isFunction value then "a ${builtins.typeOf value}" else builtins.toJSON value;
  places = definitions: concatMapStrings (one: "\n- In `${one.file}': ${shown one.value}") definitions;

  # What a module may say beside its options and its config.
  words = [ "_class" "_file" "config" "disabledModules" "freeformType" "imports" "key" "meta" "options" ];

  # One module and all that it imports, each as { file, options, config, freeform }. What has one path or one key counts
  # once.
  collect = args: modules:
    let
      walk = from: seen: module:
        let
          path = builtins.isPath module;
          read = if path then import module else module;
          body = if isFunction read then read args else read;
          file = body._file or (if path then toString module else from);
          key = if body ? key then body.key else if path then toString module else null;
          whole = body ? config || body ? options;
          odd = filter (word: !elem word words) (attrNames body);
          here = {
            inherit file;
            options = body.options or { };
            config = if whole then body.config or { } else removeAttrs body [ "_file" "freeformType" "imports" "key" ];
            freeform = body.freeformType or null;
          };
        in
        if whole && odd != [ ] then throw "Module `${file}' has an unsupported attribute `${head odd}'. This is caused by introducing a top-level `config' or `options' attribute."
        else if key != null && elem key seen.keys then seen
        else
          let after = foldl' (walk file) { keys = seen.keys ++ optional (key != null) key; inherit (seen) found; } (body.imports or [ ]);
          in after // { found = after.found ++ [ here ]; };
    in
    (foldl' (walk "<unknown-file>") { keys = [ ]; found = [ ]; } modules).found;

  # What a definition says of its parts, without asking yet whether it counts.
  pushDown = { file, value }:
    let below = wrap: content: map (one: one // { value = mapAttrs (_: wrap) one.value; }) (pushDown { inherit file; value = content; });
    in
    if kind value == "merge" then concatMap (content: pushDown { inherit file; value = content; }) value.contents
    else if kind value == "if" then below (mkIf value.condition) value.content
    else if kind value == "override" then below (mkOverride value.priority) value.content
    else [ { inherit file value; } ];

  # The definitions whose conditions hold, as { file, priority, value }. A priority goes around a value, and not around a
  # condition.
  discharge = { file, value }:
    if kind value == "merge" then concatMap (content: discharge { inherit file; value = content; }) value.contents
    else if kind value == "if" then if value.condition then discharge { inherit file; value = value.content; } else [ ]
    else if kind value == "override" then [ { inherit file; inherit (value) priority; value = value.content; } ]
    else [ { inherit file value; priority = 100; } ];

  # Several definitions into one value: those of the strongest priority count, and the type takes them or does not.
  mergeDefinitions = loc: type: definitions:
    let
      held = concatMap discharge definitions;
      highestPrio = foldl' (low: one: if one.priority < low then one.priority else low) 9999 held;
      counting = map (one: { inherit (one) file value; }) (filter (one: one.priority == highestPrio) held);
      wrong = filter (one: !type.check one.value) counting;
    in
    {
      inherit counting highestPrio;
      isDefined = counting != [ ];
      value =
        if counting == [ ] then throw "The option `${show loc}' was accessed but has no value defined. Try setting the option."
        else if wrong != [ ] then
          throw "A definition for option `${show loc}' is not of type `${type.description}'. Definition values:${places wrong}"
        else type.merge loc counting;
    };

  evalOption = loc: declarations: definitions:
    let
      first = head declarations;
      option = first.value;
      type = option.type or lib.types.anything;
      all = optional (option ? default) { inherit (first) file; value = mkOverride 1500 option.default; } ++ definitions;
      merged = mergeDefinitions loc type all;
    in
    if length declarations > 1 then
      throw "The option `${show loc}' in `${(lib.last declarations).file}' is already declared in `${first.file}'."
    else option // {
      inherit loc type;
      inherit (merged) isDefined highestPrio;
      definitions = map (one: one.value) merged.counting;
      files = map (one: one.file) merged.counting;
      value =
        if option.readOnly or false && length all > 1 then throw "The option `${show loc}' is read-only, but it's set multiple times. Definition values:${places definitions}"
        else (option.apply or lib.id) merged.value;
    };

  # A tree of declarations and one of definitions into a tree of options, and what nobody declared, with its place.
  mergeTree = loc: declarations: definitions:
    let
      pushed = concatMap pushDown definitions;
      declared = union (map (one: one.value) declarations);
      at = name: said: concatLists (map (one: optional (one.value ? ${name}) { inherit (one) file; value = one.value.${name}; }) said);
      one = name:
        let
          here = at name declarations;
          below = loc ++ [ name ];
          options = filter (declaration: kind declaration.value == "option") here;
        in
        if options == [ ] then mergeTree below here (at name pushed)
        else if length options < length here then throw "The option `${show below}' in `${(head options).file}' is a prefix of options elsewhere."
        else { tree = evalOption below here (at name pushed); unmatched = [ ]; };
      parts = lib.genAttrs declared one;
      undeclared = filter (name: !elem name declared) (union (map (one: one.value) pushed));
    in
    {
      tree = mapAttrs (_: part: part.tree) parts;
      unmatched = concatMap (name: parts.${name}.unmatched) declared
        ++ concatMap (name: map (found: found // { path = loc ++ [ name ]; }) (at name pushed)) undeclared;
    };

  valuesOf = tree: if kind tree == "option" then tree.value else mapAttrs (_: valuesOf) tree;

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      args = specialArgs // { inherit lib config options; };
      found = collect args modules;
      freeforms = filter (type: type != null) (map (module: module.freeform) found);
      merged = mergeTree prefix
        (map (module: { inherit (module) file; value = module.options; }) found)
        (map (module: { inherit (module) file; value = module.config; }) found);
      inherit (merged) unmatched;
      options = merged.tree;
      declared = valuesOf options;
      # Places are told whole, and values are laid below where the modules begin.
      below = path: if prefix == [ ] then path else lib.sublist (length prefix) (length path - length prefix) path;
      free = (head freeforms).merge prefix (map (one: { inherit (one) file; value = setAttrByPath (below one.path) one.value; }) unmatched);
      config = if freeforms == [ ] || unmatched == [ ] then declared else lib.recursiveUpdate free declared;
      checked = result:
        if freeforms == [ ] && unmatched != [ ]
        then throw "The option `${show (head unmatched).path}' does not exist. Definition values:${places [ (head unmatched) ]}"
        else result;
    in
    { options = checked options; config = checked config; };

  mkOption = option: option // { _type = "option"; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };

  # An option under its old name: what is said there counts as said under the new one, of its type and with its priority,
  # reading it gives the new one, and it is told.
  renamed = from: to: { config, options, ... }:
    let old = attrByPath from null options;
    in {
      options = setAttrByPath from (mkOption {
        visible = false;
        inherit (attrByPath to null options) type;
        apply = _: attrByPath to null config;
      });
      config = mkMerge [
        (mkIf old.isDefined (setAttrByPath to (mkMerge (map (mkOverride old.highestPrio) old.definitions))))
        { warnings = optional old.isDefined "The option `${show from}' defined in ${concatMapStrings (file: "`${file}'") old.files} has been renamed to `${show to}'."; }
      ];
    };
  removed = from: why: { options, ... }:
    let old = attrByPath from null options;
    in {
      options = setAttrByPath from (mkOption {
        visible = false;
        apply = _: throw "The option `${show from}' can no longer be used since it's been removed. ${why}";
      });
      config.assertions = [
        {
          assertion = !old.isDefined;
          message = "The option definition `${show from}' in ${concatMapStrings (file: "`${file}'") old.files} no longer has any effect; please remove it.\n${why}";
        }
      ];
    };
in
{
  inherit evalModules mergeDefinitions mkOption mkOverride mkIf mkMerge places;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkEnableOption = name: mkOption {
    type = lib.types.bool;
    default = false;
    example = true;
    description = "Whether to enable ${name}.";
  };
  mkRenamedOptionModule = renamed;
  mkRemovedOptionModule = removed;
  literalExpression = text: { _type = "literalExpression"; inherit text; };
  literalMD = text: { _type = "literalMD"; inherit text; };
}
