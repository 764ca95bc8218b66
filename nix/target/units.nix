# Units that no configuration may allow: those that the watch never stops, and those whose start takes the host down. The
# list is the program's own, and is read as the program reads it: a name stands for every suffix and every instance.
lib:
let
  lists = lib.importTOML ../../crates/risk/lists/units.toml;
  words = text: lib.filter (word: word != "") (lib.splitString " " (lib.replaceStrings [ "\n" ] [ " " ] text));
  # `*` stands for any text.
  pattern = name: lib.concatMapStringsSep ".*" lib.escapeRegex (lib.splitString "*" name);
  among = listed: unit:
    let
      stem = lib.toLower (lib.head (builtins.match "(.*)\\.[a-z]+" unit));
      family = lib.head (lib.splitString "@" stem);
    in
    lib.any (name: lib.any (one: builtins.match (pattern name) one != null) [ stem family ]) listed;
in
{
  critical = among (lib.concatMap (part: words part.names) lists.critical);
  power = among (words lists.power.names);
}
