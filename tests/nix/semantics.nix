# What nixpkgs' module system does, as it was read in lib/modules.nix, lib/types.nix and pkgs/pkgs-lib/formats.nix, and
# what the stand-in therefore has to do: each line a configuration of two or three modules, and what comes of it. What is
# refused there must be refused here; a stand-in that took more would hide what NixOS refuses.
let
  lib = import ./lib;
  inherit (lib) mkDefault mkForce mkIf mkMerge mkOption types;
  toml = ((import ./pkgs.nix lib).formats.toml { }).type;
  option = type: mkOption { inherit type; };
  of = type: { options.x = option type; };
  says = value: { config.x = value; };
  evaluated = modules: (lib.evalModules { inherit modules; }).config;
  tried = value: builtins.tryEval (builtins.deepSeq value value);
  refuses = name: modules: { inherit name; is = (tried (evaluated modules)).success; expected = false; };
  gives = name: modules: expected: { inherit name expected; is = (evaluated modules).x; };
  # A type with definitions, as in most lines.
  merges = name: type: values: gives name ([ (of type) ] ++ map says values);
  clashes = name: type: values: refuses name ([ (of type) ] ++ map says values);
  package = name: { type = "derivation"; inherit name; outPath = "/nix/store/${name}"; };
  port = { options.port = option types.port; };
  open = { freeformType = toml; options.known = mkOption { type = types.int; default = 1; }; };
  both = [ (says { enable = true; }) { options.x.enable = option types.bool; } ];
  alias = from: to: [ (lib.mkRenamedOptionModule [ from ] [ to ]) { options.warnings = option (types.listOf types.str); } ];
in
[
  # What counts.
  (merges "the strongest priority counts" types.int [ (mkDefault 1) 2 (mkForce 3) ] 3)
  (merges "what is said beats a default of a module, and that the option's own" types.int [ (mkDefault 1) ] 1)
  (gives "the option's own default is the weakest" [ { options.x = mkOption { type = types.int; default = 1; }; } (says (mkDefault 2)) ] 2)
  (merges "a condition that does not hold says nothing" types.int [ (mkIf false 1) 2 ] 2)
  (clashes "a priority around a condition" types.int [ (mkForce (mkIf true 1)) ])
  (merges "several in one" (types.listOf types.int) [ (mkMerge [ [ 1 ] (mkIf false [ 2 ]) [ 3 ] ]) ] [ 1 3 ])
  (gives "a priority around a set is one of each of its values" [ (of types.int) { config = mkForce { x = 1; }; } (says 2) ] 1)
  (gives "a condition around a set, too" [ (of types.int) { config = mkIf false { x = 1; }; } (says 2) ] 2)
  (clashes "two of one priority" types.int [ (mkForce 1) (mkForce 2) ])
  (gives "apply sees what was merged" [ { options.x = mkOption { type = types.listOf types.int; apply = builtins.length; }; } (says [ 1 ]) (says [ 2 ]) ] 2)

  # What nobody declared, and how an option may be declared.
  (refuses "an option that nobody declared" [ (of types.int) (says 1) { config.y = 1; } ])
  (refuses "one that nobody declared, where its condition does not hold" [ (of types.int) (says 1) { config = mkIf false { y = 1; }; } ])
  (refuses "one below an option's set that nobody declared" (both ++ [ { config.x.other = true; } ]))
  (refuses "an option that is declared twice" [ (of types.int) (of types.int) (says 1) ])
  (refuses "an option that is a part of another" [ (of types.anything) { options.x.y = option types.int; } (says { y = 1; }) ])
  (refuses "a read-only option that is set beside its default" [ { options.x = mkOption { type = types.int; default = 1; readOnly = true; }; } (says 1) ])
  (gives "a read-only option with its default" [ { options.x = mkOption { type = types.int; default = 1; readOnly = true; }; } ] 1)
  (refuses "an option without a value" [ (of types.int) ])
  (refuses "also one that may be null, or is a list" [ (of (types.nullOr (types.listOf types.int))) ])
  (refuses "and one with options of its own" [ (of (types.submodule { options.y = mkOption { type = types.int; default = 1; }; })) ])
  (refuses "words beside options and config" [ (of types.int // { x = 1; }) ])
  (gives "a module that is only config" [ (of types.int) { x = 1; } ] 1)
  (gives "a file that is imported twice counts once" [ (of (types.listOf types.int)) { imports = [ ./semantics-one.nix ./semantics-one.nix ]; } ] [ 1 ])
  (gives "a key that is imported twice counts once" [ (of (types.listOf types.int)) { key = "k"; x = [ 1 ]; } { key = "k"; x = [ 1 ]; } ] [ 1 ])

  # Types alone.
  (clashes "a number for a string" types.str [ 1 ])
  (clashes "two strings" types.str [ "a" "b" ])
  (merges "two strings that say the same" types.str [ "a" "a" ] "a")
  (merges "lines are put together" types.lines [ "a" "b" ] "a\nb")
  (clashes "a package twice" types.package [ (package "a") (package "a") ])
  (clashes "a raw value twice" types.raw [ 1 1 ])
  (clashes "a relative path" types.path [ "etc/passwd" ])
  (merges "a package is a path, too" types.path [ (package "a") ] (package "a"))
  (clashes "a port that is none" types.port [ 65536 ])
  (clashes "a number that is not positive" types.ints.positive [ 0 ])
  (clashes "what is no choice" (types.enum [ "a" "b" ]) [ "c" ])
  (clashes "two lines for one" types.singleLineStr [ "a\nb" ])
  (clashes "a part of a pattern is not the whole" (types.strMatching "[a-z]+") [ "a1" ])

  # Types of types.
  (clashes "null and not null" (types.nullOr types.int) [ null 1 ])
  (clashes "another type below null" (types.nullOr types.int) [ "a" ])
  (merges "lists are put together" (types.listOf types.int) [ [ 1 ] [ 2 ] ] [ 1 2 ])
  (clashes "another type in a list" (types.listOf types.int) [ [ "a" ] ])
  (clashes "one for a list of one" (types.listOf types.int) [ 1 ])
  (merges "conditions in a list" (types.listOf types.int) [ [ (mkIf false 1) (mkIf true 2) ] ] [ 2 ])
  (merges "sets are merged by name, each with its priorities" (types.attrsOf types.int) [ { a = 1; b = mkDefault 1; } { b = 2; c = mkIf false 3; } ] { a = 1; b = 2; })
  (clashes "two values of one name" (types.attrsOf types.int) [ { a = 1; } { a = 2; } ])
  (merges "the first that takes all" (types.either types.int (types.listOf types.int)) [ [ 1 ] [ 2 ] ] [ 1 2 ])
  (clashes "one of each of two types" (types.either types.int (types.listOf types.int)) [ 1 [ 2 ] ])
  (merges "anything goes through sets" types.anything [ { a.b = 1; } { a.c = 2; } ] { a = { b = 1; c = 2; }; })
  (clashes "anything puts no lists together" types.anything [ [ 1 ] [ 2 ] ])
  (clashes "anything of two types" types.anything [ 1 "a" ])

  # Modules in options.
  (gives "a submodule's options and their defaults" [ (of (types.attrsOf (types.submodule { options.port = mkOption { type = types.port; default = 22; }; }))) (says { a = { }; b.port = 1; }) ]
    { a.port = 22; b.port = 1; })
  (refuses "what a submodule does not know" [ (of (types.submodule port)) (says { port = 1; host = "a"; }) ])
  (refuses "another type in a submodule" [ (of (types.submodule port)) (says { port = "1"; }) ])
  (gives "several definitions of one submodule" [ (of (types.submodule { options = { a = option types.int; b = option types.int; }; })) (says { a = 1; }) (says { b = 2; }) ] { a = 1; b = 2; })
  (gives "a submodule knows its name" [ (of (types.attrsOf (types.submodule ({ name, ... }: { options.y = mkOption { type = types.str; default = name; }; })))) (says { a = { }; }) ] { a.y = "a"; })
  (gives "what is free beside what is declared" [ (of (types.submodule open)) (says { known = 2; other = 3; }) ] { known = 2; other = 3; })
  (gives "what is free is merged, too" [ (of (types.submodule open)) (says { a = [ 1 ]; }) (says { a = [ 2 ]; b = mkDefault 1; }) (says { b = 2; }) ] { known = 1; a = [ 1 2 ]; b = 2; })
  (refuses "a function where all is free" [ (of (types.submodule open)) (says { other = x: x; }) ])
  (refuses "a declared option has its type where all is free" [ (of (types.submodule open)) (says { known = "a"; }) ])

  # TOML.
  (merges "TOML is merged by name, and its lists are put together" toml [ { a.b = 1; l = [ { n = 1; } ]; } { a.c = mkDefault 2.5; l = [ { n = 2; } ]; } ] { a = { b = 1; c = 2.5; }; l = [ { n = 1; } { n = 2; } ]; })
  (clashes "there is no null in TOML" toml [ { a = null; } ])
  (clashes "nor in its lists" toml [ { a = [ null ]; } ])
  (clashes "and no function" toml [ { a = x: x; } ])
  (clashes "two values of one key" toml [ { a = 1; } { a = 2; } ])

  # Old names.
  (gives "what is said of an old name counts for the new" ([ (of types.int) { old = 1; } ] ++ alias "old" "x") 1)
  (gives "with its priority" ([ (of types.int) { old = mkForce 1; } (says 2) ] ++ alias "old" "x") 1)
  (refuses "and with the type of the new" ([ (of types.int) { old = "a"; } ] ++ alias "old" "x"))
  (refuses "an old and a new that differ" ([ (of types.int) { old = 1; } (says 2) ] ++ alias "old" "x"))
]
