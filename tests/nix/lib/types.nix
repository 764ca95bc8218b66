# Types of options: what a definition may be, and how several become one.
lib:
let
  inherit (lib) all any attrNames concatMap elem filter head isAttrs isList isString length map mapAttrs tail;
  show = lib.concatStringsSep ".";

  one = loc: values:
    if all (value: value == head values) (tail values) then head values
    else throw "The option `${show loc}' has conflicting definition values.";
  type = description: check: { inherit description check; merge = one; };
  # How something of a set reads, without looking into derivations.
  plainSet = value: isAttrs value && !lib.isDerivation value && !(value ? outPath);
  names = sets: lib.unique (concatMap attrNames sets);
  # The definitions of each name, those that do not count left out.
  each = f: loc: sets:
    let
      pushed = concatMap lib.pushDown sets;
      of = name: lib.counting (concatMap (set: lib.optional (set ? ${name}) set.${name}) pushed);
    in
    lib.filterAttrs (_: value: value.some) (lib.genAttrs (names pushed) (name:
      let values = of name; in { some = values != [ ]; value = f (loc ++ [ name ]) values; }));
  checked = inner: loc: values:
    let wrong = filter (value: !inner.check value) values;
    in
    if wrong == [ ] then inner.merge loc values
    else throw "A definition for option `${show loc}' is not of type `${inner.description}'";
in
rec {
  bool = type "boolean" builtins.isBool;
  int = type "signed integer" builtins.isInt;
  float = type "floating point number" builtins.isFloat;
  str = type "string" isString;
  singleLineStr = type "(optionally newline-terminated) single-line string" (value: isString value && !lib.hasInfix "\n" (lib.removeSuffix "\n" value));
  nonEmptyStr = type "non-empty string" (value: isString value && builtins.match "[ \t\n]*" value == null);
  strMatching = pattern: type "string matching the pattern ${pattern}" (value: isString value && builtins.match pattern value != null);
  lines = str // { description = "strings concatenated with \"\\n\""; merge = _: lib.concatStringsSep "\n"; };
  path = type "absolute path" (value: builtins.isPath value || (isString value && lib.hasPrefix "/" value) || (isAttrs value && value ? outPath));
  package = type "package" (value: isAttrs value && value ? outPath);
  port = type "16 bit unsigned integer; between 0 and 65535 (both inclusive)" (value: builtins.isInt value && value >= 0 && value <= 65535);
  ints = {
    positive = type "positive integer, meaning >0" (value: builtins.isInt value && value > 0);
    unsigned = type "unsigned integer, meaning >=0" (value: builtins.isInt value && value >= 0);
    between = low: high: type "integer between ${toString low} and ${toString high} (both inclusive)" (value: builtins.isInt value && value >= low && value <= high);
  };
  enum = values: type "one of ${lib.concatMapStringsSep ", " builtins.toJSON values}" (value: elem value values);
  raw = type "raw value" (_: true);

  nullOr = inner: inner // {
    description = "null or ${inner.description}";
    check = value: value == null || inner.check value;
    merge = loc: values: if all (value: value == null) values then null
      else if any (value: value == null) values then throw "The option `${show loc}' is defined both null and not null."
      else inner.merge loc values;
  };
  either = a: b: {
    description = "${a.description} or ${b.description}";
    check = value: a.check value || b.check value;
    merge = loc: values:
      if all a.check values then a.merge loc values
      else if all b.check values then b.merge loc values
      else one loc values;
  };
  oneOf = list: lib.foldl' either (head list) (tail list);
  listOf = inner: {
    description = "list of ${inner.description}";
    check = isList;
    merge = loc: values:
      lib.concatLists (map (list: map (value: checked inner loc (lib.counting [ value ])) list) values);
    emptyValue = [ ];
    getSubOptions = inner.getSubOptions or null;
  };
  attrsOf = inner: {
    description = "attribute set of ${inner.description}";
    check = isAttrs;
    merge = loc: sets: mapAttrs (_: found: found.value) (each (checked inner) loc sets);
    emptyValue = { };
    getSubOptions = inner.getSubOptions or null;
  };
  lazyAttrsOf = attrsOf;
  # Whatever it is: sets are merged by name, lists one after the other, and the rest must agree.
  anything = {
    description = "anything";
    check = _: true;
    merge = loc: values:
      if all plainSet values then mapAttrs (_: found: found.value) (each anything.merge loc values)
      else if all isList values then lib.concatLists values
      else one loc values;
  };
  attrs = anything // { description = "attribute set"; check = isAttrs; };
  submodule = definition: submoduleWith [ definition ];
  submoduleWith = modules:
    let
      bodies = map (module: if lib.isFunction module then module { name = "<name>"; inherit lib; config = { }; options = { }; } else module) modules;
      freeforms = concatMap (body: lib.optional (body ? freeformType) body.freeformType) bodies;
      eval = prefix: values: lib.evalModules {
        inherit prefix;
        specialArgs.name = if prefix == [ ] then "<name>" else lib.last prefix;
        freeform = if freeforms == [ ] then null else head freeforms;
        modules = map without modules ++ map (value: { config = value; }) values;
      };
      without = module: if lib.isFunction module then args: removeAttrs (module args) [ "freeformType" ] else removeAttrs module [ "freeformType" ];
    in
    {
      description = "submodule";
      check = value: isAttrs value;
      merge = loc: values: (eval loc values).config;
      emptyValue = (eval [ ] [ ]).config;
      getSubOptions = (eval [ "<name>" ] [ ]).options;
    };
}
