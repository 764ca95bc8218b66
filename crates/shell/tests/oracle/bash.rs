//! What bash runs: many scripts per process, each in a subshell, in a directory of its own, with nothing on the path
//! but the marker. A script is over when the last of its processes is: all of them hold the same pipe, and a
//! broken pipe kills none. So what runs in the background always comes to its end, and two texts that mean the same
//! run the same markers however the machine is loaded.

use crate::sandbox;

/// Runs every script and says which markers it ran, one line each: `number:marker:marker:`. The files that a script may
/// write are there before it begins, so that reading one never depends on who came first.
const MARKERS: &str = r#"
FUNCNEST=30
trap '' PIPE
__number=0
while [ -e "/scripts/$__number.sh" ]; do
    cd "/work/$__number" || exit 1
    : >f1; : >f2; : >f5; : >f6
    export LOG="/work/$__number.log"
    __script=$(<"/scripts/$__number.sh")
    __hold=$(
        exec 41>&1
        (
            mark() { __seen=${1%%_*}; builtin echo "${__seen//[!0-9]/}" >>"$LOG"; }
            unset __number __hold
            ulimit -t 2; ulimit -f 64
            eval "$__script"
            wait
        ) </dev/null >/dev/null 2>&1
    )
    __lines=()
    [ -e "$LOG" ] && mapfile -t __lines <"$LOG"
    printf '%s:' "$__number" "${__lines[@]}"
    echo
    __number=$((__number + 1))
done
exit 0
"#;

/// Says of every script whether bash can read it as a string, which is not the same as from a file: `number:yes:` or
/// `number:no:`.
const READS: &str = r#"
number=0
while [ -e "/scripts/$number.sh" ]; do
    if "$BASH" --noprofile --norc -n -c "$(<"/scripts/$number.sh")"; then
        echo "$number:yes:"
    else
        echo "$number:no:"
    fi
    number=$((number + 1))
done
exit 0
"#;

/// Whether bash can read a script at all; nothing where it did not say.
pub(crate) fn reads(script: &str, label: &str) -> Option<bool> {
    let said = sandbox::run(READS, &[script.to_owned()], label)?;
    Some(said.starts_with("0:yes:"))
}

/// The markers that each script ran, sorted, each once; nothing where the batch did not end.
pub(crate) fn executed(scripts: &[String], label: &str) -> Option<Vec<Vec<String>>> {
    let said = sandbox::run(MARKERS, scripts, label)?;
    let all: Vec<Vec<String>> = said.lines().map(markers).collect();
    (all.len() == scripts.len()).then_some(all)
}

fn markers(line: &str) -> Vec<String> {
    let ran = line.strip_suffix(':').unwrap_or(line);
    let mut ran: Vec<String> = ran.split(':').skip(1).map(str::to_owned).collect();
    ran.sort();
    ran.dedup();
    ran
}
