# Types of options: what a definition may be, and how several become one. As in nixpkgs, a type takes its definitions
# as { file, value }, and what a type does not say is not so: only lists, lines and sets put several together.
lib:
let
  inherit (lib) all attrNames concatLists concatMap elem filter foldl' genAttrs head imap1 isAttrs isList isString length map mapAttrs tail;
  show = lib.concatStringsSep ".";

  # Several definitions may say the same.
  equal = loc: definitions:
    if all (one: one.value == (head definitions).value) (tail definitions) then (head definitions).value
    else throw "The option `${show loc}' has conflicting definition values:${lib.places definitions}";
  # Only one may stand, and another that says the same is one too many.
  unique = loc: definitions:
    if length definitions == 1 then (head definitions).value
    else throw "The option `${show loc}' is defined multiple times while it's expected to be unique. Definition values:${lib.places definitions}";
  type = description: check: { inherit description check; merge = equal; };
  stringLike = value: isString value || builtins.isPath value || (isAttrs value && (value ? outPath || value ? __toString));
  inRange = low: high: value: builtins.isInt value && value >= low && value <= high;
  values = map (one: one.value);
in
rec {
  bool = type "boolean" builtins.isBool;
  int = type "signed integer" builtins.isInt;
  float = type "floating point number" builtins.isFloat;
  str = type "string" isString;
  singleLineStr = type "(optionally newline-terminated) single-line string" (value: isString value && !lib.hasInfix "\n" (lib.removeSuffix "\n" value));
  strMatching = pattern: type "string matching the pattern ${pattern}" (value: isString value && builtins.match pattern value != null);
  lines = str // { description = "strings concatenated with \"\\n\""; merge = _: definitions: lib.concatStringsSep "\n" (values definitions); };
  path = type "absolute path" (value: stringLike value && lib.hasPrefix "/" (toString value));
  package = type "package" (value: isAttrs value && value ? outPath) // { merge = unique; };
  raw = type "raw value" (_: true) // { merge = unique; };
  port = type "16 bit unsigned integer; between 0 and 65535 (both inclusive)" (inRange 0 65535);
  ints = {
    positive = type "positive integer, meaning >0" (value: builtins.isInt value && value > 0);
    between = low: high: type "integer between ${toString low} and ${toString high} (both inclusive)" (inRange low high);
  };
  enum = choices: type "one of ${lib.concatMapStringsSep ", " builtins.toJSON choices}" (value: elem value choices);

  nullOr = inner: inner // {
    description = "null or ${inner.description}";
    check = value: value == null || inner.check value;
    merge = loc: definitions:
      let nulls = length (filter (value: value == null) (values definitions));
      in
      if nulls == length definitions then null
      else if nulls != 0 then throw "The option `${show loc}' is defined both null and not null.${lib.places definitions}"
      else inner.merge loc definitions;
  };
  # The first that takes all definitions merges them; where it needs both, nothing does.
  either = a: b: {
    description = "${a.description} or ${b.description}";
    check = value: a.check value || b.check value;
    merge = loc: definitions:
      if all a.check (values definitions) then a.merge loc definitions
      else if all b.check (values definitions) then b.merge loc definitions
      else unique loc definitions;
  };
  oneOf = list: foldl' either (head list) (tail list);

  listOf = inner: {
    description = "list of ${inner.description}";
    check = isList;
    merge = loc: definitions:
      let
        entry = one: place: value:
          lib.mergeDefinitions (loc ++ [ "[entry ${toString place}]" ]) inner [ { inherit (one) file; inherit value; } ];
        entries = concatMap (one: imap1 (entry one) one.value) definitions;
      in
      values (filter (one: one.isDefined) entries);
    getSubOptions = inner.getSubOptions or null;
  };
  attrsOf = inner: {
    description = "attribute set of ${inner.description}";
    check = isAttrs;
    merge = loc: definitions:
      let
        saidOf = name: concatLists (map (one: lib.optional (one.value ? ${name}) { inherit (one) file; value = one.value.${name}; }) definitions);
        merged = genAttrs (lib.unique (concatMap attrNames (values definitions)))
          (name: lib.mergeDefinitions (loc ++ [ name ]) inner (saidOf name));
      in
      mapAttrs (_: one: one.value) (lib.filterAttrs (_: one: one.isDefined) merged);
    getSubOptions = inner.getSubOptions or null;
  };

  # Whatever it is: sets are merged by name, and everything else, lists too, must agree.
  anything = {
    description = "anything";
    check = _: true;
    merge = loc: definitions:
      let
        of = value: if isAttrs value && stringLike value then "package" else builtins.typeOf value;
        kinds = lib.unique (map of (values definitions));
      in
      if length kinds > 1 then throw "The option `${show loc}' has conflicting option types.${lib.places definitions}"
      else if kinds == [ "set" ] then (attrsOf anything).merge loc definitions
      else if kinds == [ "package" ] then unique loc definitions
      else equal loc definitions;
  };

  submodule = module: {
    description = "submodule";
    check = value: isAttrs value || lib.isFunction value || builtins.isPath value;
    merge = loc: definitions: (lib.evalModules {
      prefix = loc;
      specialArgs.name = lib.last loc;
      # A set is what is said; a function or a file is a module.
      modules = [ module ] ++ map
        (one: if isAttrs one.value then { _file = one.file; config = one.value; } else { _file = one.file; imports = [ one.value ]; })
        definitions;
    }).config;
    getSubOptions = (lib.evalModules { modules = [ module ]; prefix = [ "<name>" ]; specialArgs.name = "<name>"; }).options;
  };
}
