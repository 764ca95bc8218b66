# Lists, sets and strings: what nixpkgs' library adds to the builtins, as far as module.nix uses it.
let
  inherit (builtins)
    attrNames concatStringsSep elem filter foldl' isList isString length listToAttrs map replaceStrings split
    stringLength substring;
in
rec {
  inherit (builtins)
    all any attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl' genList hasAttr
    hashString head isAttrs isBool isFloat isFunction isInt isList isPath isString length listToAttrs map mapAttrs match
    readFile removeAttrs replaceStrings sort stringLength substring tail toJSON typeOf;

  id = x: x;
  optional = condition: x: if condition then [ x ] else [ ];
  optionals = condition: list: if condition then list else [ ];
  optionalString = condition: text: if condition then text else "";
  optionalAttrs = condition: set: if condition then set else { };
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
  last = list: builtins.elemAt list (length list - 1);
  imap0 = f: list: builtins.genList (place: f place (builtins.elemAt list place)) (length list);
  imap1 = f: imap0 (place: f (place + 1));
  sublist = start: count: list: builtins.genList (place: builtins.elemAt list (start + place)) count;

  nameValuePair = name: value: { inherit name value; };
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
  filterAttrs = keep: set: listToAttrs (concatMapPairs keep set);
  concatMapPairs = keep: set: map (name: nameValuePair name set.${name}) (filter (name: keep name set.${name}) (attrNames set));
  genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
  attrByPath = path: default: set:
    if path == [ ] then set
    else if builtins.isAttrs set && builtins.hasAttr (builtins.head path) set
    then attrByPath (builtins.tail path) default set.${builtins.head path}
    else default;
  # The right one counts; sets on both sides are gone through.
  recursiveUpdate = left: right: left // mapAttrs
    (name: value: if builtins.isAttrs value && builtins.isAttrs (left.${name} or null) then recursiveUpdate left.${name} value else value)
    right;
  setAttrByPath = path: value:
    if path == [ ] then value else { ${builtins.head path} = setAttrByPath (builtins.tail path) value; };

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix = suffix: text:
    stringLength text >= stringLength suffix
    && substring (stringLength text - stringLength suffix) (stringLength suffix) text == suffix;
  hasInfix = part: text: length (splitString part text) > 1;
  removePrefix = prefix: text:
    if hasPrefix prefix text then substring (stringLength prefix) (stringLength text) text else text;
  removeSuffix = suffix: text:
    if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
  # The builtin takes a pattern, so what a pattern would understand is taken for itself.
  splitString = separator: text: filter isString (split (escapeRegex separator) text);
  escapeRegex = replaceStrings
    [ "\\" "." "*" "+" "?" "^" "$" "(" ")" "[" "]" "{" "}" "|" ]
    [ "\\\\" "\\." "\\*" "\\+" "\\?" "\\^" "\\$" "\\(" "\\)" "\\[" "\\]" "\\{" "\\}" "\\|" ];
  concatMapStrings = f: list: concatStringsSep "" (map f list);
  concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
  concatLines = list: concatMapStrings (line: line + "\n") list;
  escapeShellArg = text:
    if builtins.match "[[:alnum:],._+:@%/-]+" (toString text) == null
    then "'" + replaceStrings [ "'" ] [ "'\\''" ] (toString text) + "'"
    else toString text;
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  toLower = replaceStrings
    [ "A" "B" "C" "D" "E" "F" "G" "H" "I" "J" "K" "L" "M" "N" "O" "P" "Q" "R" "S" "T" "U" "V" "W" "X" "Y" "Z" ]
    [ "a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o" "p" "q" "r" "s" "t" "u" "v" "w" "x" "y" "z" ];

  importTOML = file: builtins.fromTOML (builtins.readFile file);
  toInt = text: builtins.fromJSON text;

  isDerivation = x: builtins.isAttrs x && (x.type or null) == "derivation";
  getExe = package: "${package}/bin/${package.meta.mainProgram or package.pname or package.name}";
  getExe' = package: program: "${package}/bin/${program}";
  makeBinPath = packages: concatMapStringsSep ":" (package: "${package}/bin") packages;
}
