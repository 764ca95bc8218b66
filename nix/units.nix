# How the units of the watch run and are locked away. There is one truth for it, packaging/units/watchkeeper.service, which
# other distributions install as it is; it is read here, line by line. docs/operations.md has the reason for each line
# that is not there.
lib:
let
  lines = lib.splitString "\n" (builtins.readFile ../packaging/units/watchkeeper.service);
  # Lines of `[Service]`: from its heading to the next.
  service = (lib.foldl'
    (seen: line:
      if lib.hasPrefix "[" line then seen // { inside = line == "[Service]"; }
      else if seen.inside && builtins.match "[A-Z][A-Za-z]*=.*" line != null then seen // { found = seen.found ++ [ line ]; }
      else seen)
    { inside = false; found = [ ]; }
    lines).found;
  pairs = map (line: let found = builtins.match "([A-Za-z]*)=(.*)" line; in { name = lib.head found; value = lib.last found; }) service;
  # A setting that stands several times is a list.
  settings = lib.mapAttrs (_: values: if builtins.length values == 1 then lib.head values else values)
    (lib.foldl' (all: pair: all // { ${pair.name} = (all.${pair.name} or [ ]) ++ [ pair.value ]; }) { } pairs);
  ofTheDaemon = [
    "ExecReload" "ExecStart" "Group" "KillMode" "NotifyAccess" "Restart" "RestartSec" "RuntimeDirectory" "RuntimeDirectoryMode"
    "StateDirectory" "StateDirectoryMode" "TimeoutStartSec" "TimeoutStopSec" "Type" "User" "WatchdogSec"
  ];
in
{
  # The whole unit of the daemon, but for where its programs are and as whom it runs.
  daemon = removeAttrs settings [ "ExecReload" "ExecStart" "Group" "User" ];
  # What every other unit may not do: the same, and what only the daemon needs.
  hardening = removeAttrs settings ofTheDaemon // {
    DevicePolicy = "closed";
    KeyringMode = "private";
    ProcSubset = "pid";
    ProtectProc = "invisible";
  };
}
