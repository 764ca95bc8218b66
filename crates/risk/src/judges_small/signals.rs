//! `kill`, `pkill`, `killall`, `skill`: which signal, and to whom. Their words follow no usual grammar - `-9`, `-HUP`,
//! `-1` - and so they are read here.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// Signals by name, with their numbers where these are the same everywhere on Linux.
const SIGNALS: [(&str, i64); 34] = [
    ("EXIT", 0),
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// Signals that services take as a word - read the configuration again, open the log again, go on.
const MILD: [i64; 7] = [1, 10, 12, 17, 18, 23, 28];

/// Long options of these commands with a value.
const LONG_VALUES: [&str; 22] = [
    "queue",
    "timeout",
    "pgroup",
    "group",
    "older",
    "parent",
    "session",
    "terminal",
    "euid",
    "uid",
    "user",
    "pidfile",
    "runstates",
    "cgroup",
    "ns",
    "nslist",
    "env",
    "delimiter",
    "older-than",
    "younger-than",
    "context",
    "tty",
];

/// What a call says.
#[derive(Default)]
struct Call {
    /// It lists signals, or prints numbers of processes, and sends nothing.
    only_tells: bool,
    /// The signal; nothing where it is the usual one, or not known.
    signal: Option<i64>,
    /// Every process of a user, a terminal or the like is meant.
    by_owner: bool,
    /// Those are meant that do not match.
    inverse: bool,
    /// Those of root are meant: without a name that is nearly all that the host lives by.
    of_root: bool,
    /// To whom.
    targets: Vec<Arg>,
}

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words = invocation.argv.get(1..).unwrap_or_default();
    let call = if notes.command() == "kill" {
        read_kill(words)
    } else {
        read_by_name(notes.command(), words)
    };
    if call.only_tells {
        return notes.finish();
    }
    let level = match call.signal {
        Some(0) => Some(RiskLevel::ReadOnly),
        Some(signal) if MILD.contains(&signal) => Some(RiskLevel::Low),
        _ => None,
    };
    if call.inverse || (call.of_root && call.targets.is_empty()) {
        notes.to(
            EffectKind::Signals,
            Target::Process(Arg::text("*")),
            "nearly_all",
        );
    } else if call.targets.is_empty() && call.by_owner {
        notes.says(
            EffectKind::Signals,
            level.unwrap_or(RiskLevel::High),
            "by_owner",
            "sends a signal to every process of a user, a terminal or a group",
        );
    } else if call.targets.is_empty() {
        notes.says(
            EffectKind::Signals,
            RiskLevel::Medium,
            "nobody",
            "sends a signal to processes that are not named",
        );
    }
    for target in call.targets {
        notes
            .to(EffectKind::Signals, Target::Process(target), "process")
            .level = level;
    }
    notes.finish()
}

/// The number of a signal: `9`, `KILL`, `SIGKILL`.
fn number_of(signal: &str) -> Option<i64> {
    if let Ok(number) = signal.parse() {
        return Some(number);
    }
    let name = signal.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    if name.starts_with("RTM") {
        return Some(34);
    }
    SIGNALS
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, number)| *number)
}

/// A signal from a word that may not be known.
fn signal_of(word: Option<&Arg>) -> Option<i64> {
    number_of(word?.as_text()?)
}

/// `kill [-SIGNAL | -s SIGNAL | -l] PID…`: a second `-N` is a group of processes.
fn read_kill(words: &[Arg]) -> Call {
    let mut call = Call::default();
    let mut said = false;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(text) = word.as_text() else {
            call.targets.push(word.clone());
            continue;
        };
        match text {
            "-l" | "-L" | "--list" | "--table" => call.only_tells = at == 1,
            "-s" | "-n" | "--signal" => {
                call.signal = signal_of(words.get(at));
                said = true;
                at += 1;
            }
            "-q" | "--queue" => at += 1,
            "--timeout" => at += 2,
            "-p" | "--pid" => call.only_tells = true,
            "-a" | "--all" | "-r" | "--require-handler" | "--verbose" => {}
            "--" => {
                call.targets.extend(words[at..].iter().cloned());
                break;
            }
            _ => match text.strip_prefix('-') {
                Some(name) if !said && !name.is_empty() => {
                    said = true;
                    call.signal = number_of(name.trim_start_matches("-signal="));
                }
                _ => call.targets.push(word.clone()),
            },
        }
    }
    call
}

/// `pkill`, `killall`, `skill`: patterns or names, and ways to choose.
fn read_by_name(command: &str, words: &[Arg]) -> Call {
    let (values, owners) = match command {
        "pkill" => ("gGOPstuUFrqd", "gGstuU"),
        "killall" => ("suyonZ", "u"),
        _ => ("tupcs", "tu"),
    };
    let mut call = Call::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let known = word.beginning();
        if word.as_text() == Some("--") {
            call.targets.extend(words[at..].iter().cloned());
            break;
        }
        let Some(option) = known.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            call.targets.push(word.clone());
            continue;
        };
        if let Some(long) = option
            .strip_prefix("--")
            .or_else(|| option.strip_prefix('-'))
        {
            at += read_long(&mut call, long, words.get(at));
        } else if let Some(signal) = number_of(option) {
            call.signal = Some(signal);
        } else {
            at += read_letters(&mut call, command, (option, values, owners), words.get(at));
        }
    }
    call
}

/// A long option; handed back is how many words it takes beside itself.
fn read_long(call: &mut Call, option: &str, next: Option<&Arg>) -> usize {
    let (name, joined) = match option.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (option, None),
    };
    match name {
        "list" => call.only_tells = true,
        "inverse" => call.inverse = true,
        "signal" => {
            call.signal = joined.map_or_else(|| signal_of(next), number_of);
            return usize::from(joined.is_none());
        }
        "euid" | "uid" | "user" if is_root(joined.unwrap_or_default(), next) => {
            call.of_root = true;
        }
        "euid" | "uid" | "user" | "group" | "pgroup" | "session" | "terminal" | "tty" => {
            call.by_owner = true;
        }
        _ => {}
    }
    usize::from(joined.is_none() && LONG_VALUES.contains(&name))
}

/// A bundle of letters; handed back is how many words it takes beside itself.
fn read_letters(
    call: &mut Call,
    command: &str,
    (letters, values, owners): (&str, &str, &str),
    next: Option<&Arg>,
) -> usize {
    for (place, letter) in letters.char_indices() {
        call.by_owner |= owners.contains(letter);
        call.only_tells |= letter == 'l' && command != "pkill";
        call.inverse |= letter == 'v' && command == "pkill";
        if !values.contains(letter) {
            continue;
        }
        let joined = &letters[place + letter.len_utf8()..];
        let user = matches!(letter, 'u' | 'U');
        call.of_root |= user && is_root(joined, next);
        if letter == 's' && command == "killall" {
            call.signal = if joined.is_empty() {
                signal_of(next)
            } else {
                number_of(joined)
            };
        }
        return usize::from(joined.is_empty());
    }
    0
}

/// Whether the value of an option is root: what is joined to it, or the next word.
fn is_root(joined: &str, next: Option<&Arg>) -> bool {
    let value = if joined.is_empty() {
        next.and_then(Arg::as_text).unwrap_or_default()
    } else {
        joined
    };
    value.split(',').any(|user| matches!(user, "root" | "0"))
}
