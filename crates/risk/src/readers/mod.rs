//! The few command lines that are proved to look and change nothing, recognised without a shell's grammar.
//!
//! The proof has two halves. First, the alphabet: a single line of letters, digits and `_./=:@%+,-` in words that
//! are parted by single blanks is to every POSIX shell exactly those words, with nothing expanded, no variable set
//! (the first word is a known program) and no second command. Second, the tables: every word is one that is
//! listed for that program. Whatever is not listed is not proved; nothing here guesses.

use watchkeeper_model::UnitName;

/// Longest line that is looked at.
const MAX_LINE_BYTES: usize = 400;

/// Whether a script is proved to look and change nothing.
#[must_use]
pub fn is_proven_read_only(script: &str) -> bool {
    let Some(words) = plain_words(script) else {
        return false;
    };
    READERS.iter().any(|reader| {
        words
            .strip_prefix(reader.words)
            .is_some_and(|rest| reader.accepts(rest))
    })
}

/// The words of a line that every shell reads as exactly these words.
fn plain_words(script: &str) -> Option<Vec<&str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./=:@%+,- ".contains(&byte);
    if script.len() > MAX_LINE_BYTES || !script.bytes().all(plain) {
        return None;
    }
    let words: Vec<&str> = script.split(' ').collect();
    words.iter().all(|word| !word.is_empty()).then_some(words)
}

/// One program, or one verb of it, with every word that may follow.
struct Reader {
    /// How the line begins.
    words: &'static [&'static str],
    /// One-letter options without a value; they may be written together, as in `-ht`.
    letters: &'static str,
    /// Other options without a value.
    flags: &'static [&'static str],
    /// Options with a value, written `--name=VALUE` or `-n VALUE`.
    valued: &'static [(&'static str, Value)],
    /// One of these options must stand; none where it is empty.
    needs: &'static [&'static str],
    /// What may stand beside the options.
    operands: Operands,
}

/// What the value of an option may be.
#[derive(Clone, Copy)]
enum Value {
    /// Digits.
    Number,
    /// Letters, digits, and `_,.:@+-` within.
    Word,
    /// The name of a unit, with or without its suffix.
    Unit,
    /// Names of properties that hold no secret, parted by commas.
    Properties,
}

/// What may stand beside the options.
#[derive(Clone, Copy)]
enum Operands {
    /// Nothing.
    None,
    /// Names of units, with or without a suffix.
    Units,
    /// Absolute paths.
    Paths,
    /// One of these, and exactly one.
    OneOf(&'static [&'static str]),
    /// A format that begins with `+`, for `date`.
    Format,
    /// `show` or `list`, then perhaps `dev` and an interface, for `ip`.
    Interface,
}

const NO_OPTIONS: Reader = Reader {
    words: &[],
    letters: "",
    flags: &[],
    valued: &[],
    needs: &[],
    operands: Operands::None,
};

/// Properties of a unit that are worth looking at and hold no secret (an environment may).
const PROPERTIES: &[&str] = &[
    "ActiveEnterTimestamp",
    "ActiveState",
    "After",
    "ExecMainCode",
    "ExecMainExitTimestamp",
    "ExecMainPID",
    "ExecMainStartTimestamp",
    "ExecMainStatus",
    "FragmentPath",
    "Id",
    "InactiveEnterTimestamp",
    "LoadState",
    "MainPID",
    "MemoryCurrent",
    "MemoryMax",
    "NRestarts",
    "Requires",
    "Restart",
    "Result",
    "StartLimitBurst",
    "StateChangeTimestamp",
    "SubState",
    "TasksCurrent",
    "Type",
    "UnitFileState",
    "Wants",
];

/// Files of the kernel and the distribution that everybody may read and that hold no secret.
const OPEN_FILES: &[&str] = &[
    "/etc/debian_version",
    "/etc/os-release",
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/filesystems",
    "/proc/interrupts",
    "/proc/loadavg",
    "/proc/mdstat",
    "/proc/meminfo",
    "/proc/mounts",
    "/proc/net/dev",
    "/proc/partitions",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/kernel/tainted",
    "/proc/uptime",
    "/proc/version",
    "/proc/vmstat",
];

const LIST_FLAGS: &[&str] = &[
    "--all",
    "--failed",
    "--full",
    "--no-legend",
    "--no-pager",
    "--plain",
    "-a",
    "-l",
];

const LIST_VALUES: &[(&str, Value)] = &[("--state", Value::Word), ("--type", Value::Word)];

const STATE_FLAGS: &[&str] = &["--full", "--no-pager", "--quiet", "-l", "-q"];

#[rustfmt::skip]
const READERS: &[Reader] = &[
    Reader { words: &["uptime"], letters: "ps", ..NO_OPTIONS },
    Reader { words: &["df"], letters: "hHiTlkPa", flags: &["--total"], operands: Operands::Paths, ..NO_OPTIONS },
    Reader { words: &["du"], letters: "shxkm", valued: &[("--max-depth", Value::Number), ("-d", Value::Number)], operands: Operands::Paths, ..NO_OPTIONS },
    Reader { words: &["ls"], letters: "lahdtrniSA1", operands: Operands::Paths, ..NO_OPTIONS },
    Reader { words: &["cat"], operands: Operands::OneOf(OPEN_FILES), ..NO_OPTIONS },
    Reader { words: &["free"], letters: "bkmghtwl", ..NO_OPTIONS },
    Reader { words: &["vmstat"], letters: "s", ..NO_OPTIONS },
    Reader { words: &["uname"], letters: "asnrvmpio", ..NO_OPTIONS },
    Reader { words: &["hostname"], ..NO_OPTIONS },
    Reader { words: &["whoami"], ..NO_OPTIONS },
    Reader { words: &["id"], letters: "ugGn", ..NO_OPTIONS },
    Reader { words: &["nproc"], ..NO_OPTIONS },
    Reader { words: &["lscpu"], ..NO_OPTIONS },
    Reader { words: &["lsmod"], ..NO_OPTIONS },
    Reader { words: &["w"], ..NO_OPTIONS },
    Reader { words: &["who"], ..NO_OPTIONS },
    Reader { words: &["mount"], ..NO_OPTIONS },
    Reader { words: &["date"], letters: "uR", operands: Operands::Format, ..NO_OPTIONS },
    Reader { words: &["ps", "aux"], ..NO_OPTIONS },
    Reader { words: &["ps", "-ef"], ..NO_OPTIONS },
    Reader { words: &["ps", "-e"], ..NO_OPTIONS },
    Reader { words: &["lsblk"], letters: "abdflnptS", ..NO_OPTIONS },
    Reader { words: &["findmnt"], letters: "lnDA", operands: Operands::Paths, ..NO_OPTIONS },
    Reader { words: &["swapon", "--show"], ..NO_OPTIONS },
    Reader { words: &["dmesg"], letters: "TkxuP", valued: &[("--level", Value::Word)], ..NO_OPTIONS },
    Reader { words: &["ss"], letters: "tulnpaemisHO460xwo", ..NO_OPTIONS },
    Reader { words: &["ip", "addr"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "address"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "link"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "neigh"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "route"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "rule"], operands: Operands::OneOf(&["show", "list"]), ..NO_OPTIONS },
    Reader { words: &["ip", "-4", "addr"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "-6", "addr"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "-br", "addr"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "-br", "link"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "-6", "route"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["ip", "-s", "link"], operands: Operands::Interface, ..NO_OPTIONS },
    Reader { words: &["systemctl", "status"], flags: STATE_FLAGS, valued: &[("--lines", Value::Number), ("-n", Value::Number)], operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "is-active"], flags: STATE_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "is-failed"], flags: STATE_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "is-enabled"], flags: STATE_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "cat"], flags: STATE_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "is-system-running"], ..NO_OPTIONS },
    Reader { words: &["systemctl", "list-dependencies"], flags: LIST_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "list-units"], flags: LIST_FLAGS, valued: LIST_VALUES, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "list-timers"], flags: LIST_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "list-sockets"], flags: LIST_FLAGS, operands: Operands::Units, ..NO_OPTIONS },
    Reader { words: &["systemctl", "list-jobs"], flags: LIST_FLAGS, ..NO_OPTIONS },
    Reader { words: &["systemctl", "--failed"], flags: LIST_FLAGS, ..NO_OPTIONS },
    Reader { words: &["systemctl", "show"], flags: STATE_FLAGS, valued: &[("--property", Value::Properties), ("-p", Value::Properties)], needs: &["--property", "-p"], operands: Operands::Units, ..NO_OPTIONS },
    Reader {
        words: &["journalctl"],
        letters: "",
        flags: &["--disk-usage", "--list-boots", "--no-hostname", "--no-pager", "--quiet", "--utc", "-b", "-k", "-q", "-r", "-x"],
        valued: &[
            ("--lines", Value::Number), ("-n", Value::Number),
            ("--output", Value::Word), ("-o", Value::Word),
            ("--priority", Value::Word), ("-p", Value::Word),
            ("--since", Value::Word), ("--until", Value::Word),
            ("--unit", Value::Unit), ("-u", Value::Unit),
        ],
        ..NO_OPTIONS
    },
    Reader { words: &["timedatectl"], ..NO_OPTIONS },
    Reader { words: &["timedatectl", "status"], ..NO_OPTIONS },
    Reader { words: &["timedatectl", "timesync-status"], ..NO_OPTIONS },
    Reader { words: &["chronyc", "tracking"], ..NO_OPTIONS },
    Reader { words: &["chronyc", "sources"], ..NO_OPTIONS },
    Reader { words: &["resolvectl", "status"], ..NO_OPTIONS },
    Reader { words: &["networkctl", "list"], flags: &["--no-pager"], ..NO_OPTIONS },
    Reader { words: &["nixos-version"], ..NO_OPTIONS },
    Reader { words: &["nixos-rebuild", "list-generations"], ..NO_OPTIONS },
];

impl Reader {
    fn accepts(&self, rest: &[&str]) -> bool {
        let mut operands = Vec::new();
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            if !word.starts_with('-') {
                operands.push(*word);
            } else if !self.accepts_option(word, &mut words) {
                return false;
            }
        }
        let names = |word: &&str| self.needs.contains(&word.split('=').next().unwrap_or(""));
        (self.needs.is_empty() || rest.iter().any(names)) && self.operands.accept(&operands)
    }

    fn accepts_option<'a>(
        &self,
        word: &str,
        following: &mut impl Iterator<Item = &'a &'a str>,
    ) -> bool {
        if self.flags.contains(&word) {
            return true;
        }
        let known = |name: &str| self.valued.iter().find(|(option, _)| *option == name);
        if let Some((name, value)) = word.split_once('=') {
            return name.starts_with("--")
                && known(name).is_some_and(|(_, kind)| kind.accepts(value));
        }
        if let Some((_, kind)) = known(word) {
            return following.next().is_some_and(|value| kind.accepts(value));
        }
        let letters = word.strip_prefix('-').unwrap_or("");
        !letters.is_empty() && letters.chars().all(|letter| self.letters.contains(letter))
    }
}

impl Value {
    fn accepts(self, text: &str) -> bool {
        match self {
            Self::Number => text.len() <= 6 && is_all(text, |c| c.is_ascii_digit()),
            Self::Word => is_all(text, |c| c.is_ascii_alphanumeric() || "_,.:@+-".contains(c)),
            Self::Unit => is_unit(text),
            Self::Properties => text.split(',').all(|name| PROPERTIES.contains(&name)),
        }
    }
}

impl Operands {
    fn accept(self, operands: &[&str]) -> bool {
        match self {
            Self::None => operands.is_empty(),
            Self::Units => operands.iter().all(|operand| is_unit(operand)),
            Self::Paths => operands.iter().all(|operand| operand.starts_with('/')),
            Self::OneOf(words) => matches!(operands, [operand] if words.contains(operand)),
            Self::Format => match operands {
                [] => true,
                [format] => format.starts_with('+'),
                _ => false,
            },
            Self::Interface => match operands {
                [] | ["show" | "list"] => true,
                ["show" | "list", "dev", name] => {
                    is_all(name, |c| c.is_ascii_alphanumeric() || "_.-".contains(c))
                }
                _ => false,
            },
        }
    }
}

fn is_all(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(allowed)
}

/// A unit's name, or what becomes one when `.service` is added to it.
fn is_unit(text: &str) -> bool {
    UnitName::new(text).is_ok() || UnitName::new(format!("{text}.service")).is_ok()
}

#[cfg(test)]
mod tests;
