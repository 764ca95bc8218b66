# The constant texts that the watch runs on a host as root, put together as the program does it, and the text of each
# typed step. tests/tests/nix.rs holds both against the program.
lib:
let
  inherit (builtins) readFile;
  protocol = ../../crates/remedy/src/protocol/sh;
  request = name: readFile (protocol + "/process.sh") + readFile (protocol + "/request.sh") + readFile (protocol + "/${name}.sh");
  # A unit as it stands in a command: in quotes where it is more than plain.
  quoted = unit: if builtins.match "[A-Za-z0-9/._,@-]+" unit != null then unit else "'${unit}'";
  unitStep = verb: unit: "systemctl ${verb} ${lib.optionalString (lib.hasPrefix "-" unit) "-- "}${quoted unit}\n";
  # The look travels without comments and indentation.
  withoutComments = text: lib.concatMapStrings (line: line + "\n")
    (lib.filter (line: line != "" && !(lib.hasPrefix "#" line))
      (map (line: lib.head (builtins.match "[ \t]*(.*)" line)) (lib.splitString "\n" text)));
in
{
  texts = {
    outer = readFile ./outer.sh;
    inner = readFile ./inner.sh;
    start = readFile (protocol + "/process.sh") + readFile (protocol + "/request.sh")
      + "runner() { cat <<'END_OF_RUNNER'\n" + readFile (protocol + "/process.sh") + readFile (protocol + "/runner.sh")
      + "END_OF_RUNNER\n}\n" + readFile (protocol + "/start.sh");
    attach = request "attach";
    cancel = request "cancel";
    wipe = request "wipe";
    boot = request "boot";
    probe = withoutComments (readFile ../../crates/health/src/probe.sh);
  };

  # What is allowed, as the texts that would run. A start can be undone, so its undoing is allowed with it.
  scripts = steps:
    map (unitStep "start") steps.start ++ map (unitStep "stop") (lib.unique (steps.start ++ steps.stop))
    ++ lib.optionals (steps.stop != [ ]) (map (unitStep "start") steps.stop)
    ++ map (unitStep "restart") steps.restart ++ map (unitStep "reload") steps.reload
    ++ map (unitStep "reset-failed") steps.resetFailed
    ++ map (mib: "journalctl --vacuum-size=${toString mib}M\n") steps.vacuumJournalTo
    ++ lib.optional steps.collectGarbage "nix-collect-garbage\n";
}
