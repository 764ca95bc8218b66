//! Names and numbers of things. Each is a type of its own, and each text that names something on a host
//! is checked when it is made, so that it cannot be an option, a path or a terminal escape.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text cannot name this kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {why}")]
pub struct InvalidName {
    /// What it should have named.
    pub kind: &'static str,
    /// The text, cut to its first 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

fn refuse(kind: &'static str, text: &str, why: &'static str) -> InvalidName {
    InvalidName {
        kind,
        text: text.chars().take(80).collect(),
        why,
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a text and makes it a name.
            ///
            /// # Errors
            /// Says which rule the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                match $check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(why) => Err(refuse($kind, &text, why)),
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }
    };
}

name!(
    /// A host in the inventory: letters, digits, `.`, `_`, `-`; the first is a letter or digit; at most
    /// 253 characters. `local` is the machine itself.
    HostName, "host name", check_host
);
name!(
    /// A group of hosts in the inventory; the rules are those of a host name.
    GroupName, "group name", check_host
);
name!(
    /// A systemd unit with its suffix, in the characters systemd allows (systemd.unit(5)), at most 255.
    UnitName, "unit name", check_unit
);
name!(
    /// A check, e.g. `disk`: lower-case letters, digits and `-`, at most 40.
    CheckName, "check name", check_word
);
name!(
    /// A runbook, e.g. `unit-failed`; the rules are those of a check.
    RunbookName, "runbook name", check_word
);
name!(
    /// One execution of one action: 26 lower-case letters and digits, with a random part, so that a store
    /// put back from a backup does not give one out again. It names a directory on the host.
    RunId, "run id", check_run
);
name!(
    /// One running controller: its host's name and a random part.
    ControllerId, "controller id", check_host
);

impl HostName {
    /// The machine that Watchkeeper itself runs on, looked at without SSH.
    ///
    /// # Panics
    /// Never: the name is valid.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

fn check_host(text: &str) -> Result<(), &'static str> {
    let first = text.chars().next().ok_or("it is empty")?;
    if !first.is_ascii_alphanumeric() {
        return Err("it must begin with a letter or a digit");
    }
    if text.len() > 253 {
        return Err("it is longer than 253 characters");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.chars()
        .all(allowed)
        .then_some(())
        .ok_or("only letters, digits, '.', '_' and '-' may stand in it")
}

const UNIT_SUFFIXES: [&str; 11] = [
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".slice",
    ".scope",
];

fn check_unit(text: &str) -> Result<(), &'static str> {
    if text.len() > 255 {
        return Err("it is longer than 255 characters");
    }
    let stem = UNIT_SUFFIXES
        .iter()
        .find_map(|suffix| text.strip_suffix(suffix))
        .ok_or("it must end in a unit suffix such as .service")?;
    if stem.is_empty() || stem.starts_with(['-', '.']) && stem != "-" {
        return Err("it must not begin with '-' or '.'");
    }
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '\\' | '@');
    stem.chars()
        .all(allowed)
        .then_some(())
        .ok_or("a character that systemd does not allow stands in it")
}

fn check_word(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 40 || text.starts_with('-') {
        return Err("it must have 1 to 40 characters and not begin with '-'");
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars()
        .all(allowed)
        .then_some(())
        .ok_or("only lower-case letters, digits and '-' may stand in it")
}

fn check_run(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (text.len() == RunId::LENGTH && text.chars().all(allowed))
        .then_some(())
        .ok_or("it must be 26 lower-case letters and digits")
}

impl RunId {
    const LENGTH: usize = 26;

    /// Makes an id out of the time and 80 random bits (the caller brings them: this crate has no chance).
    #[must_use]
    pub fn from_parts(at: crate::Timestamp, random: [u8; 10]) -> Self {
        let mut bits = (at.as_millis().max(0) as u128) << 80;
        for (place, byte) in random.iter().rev().enumerate() {
            bits |= u128::from(*byte) << (8 * place);
        }
        let digit = |place: usize| {
            b"0123456789abcdefghjkmnpqrstvwxyz"[(bits >> (5 * place)) as usize & 31] as char
        };
        Self((0..Self::LENGTH).rev().map(digit).collect())
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<u32>().map(|number| Self(i64::from(number)))
            }
        }
    };
}

number!(
    /// The number of an action: given once, from 0, never reused.
    ActionNumber
);
number!(
    /// The number of an issue: given once, from 1, never reused.
    IssueNumber
);
number!(
    /// The number of a job in the queue.
    JobNumber
);
number!(
    /// The number of a conversation, from 1, never reused.
    ConversationNumber
);
number!(
    /// The number of an entry of what is known, from 1, never reused.
    EntryNumber
);
number!(
    /// The number of a browser that is known as a person's, from 1, never reused.
    DeviceNumber
);
number!(
    /// The number of a delivery: one message to one channel, from 1, never reused.
    DeliveryNumber
);
number!(
    /// Which version of an action's plan: 1 is the first; every edit adds one.
    Revision
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_options_or_commands_are_refused() {
        for text in [
            "-oProxyCommand=x",
            "",
            ".",
            "a b",
            "a\nb",
            "a;b",
            "h\u{1b}[2J",
            "ä",
        ] {
            assert!(HostName::new(text).is_err(), "{text:?} passed as a host");
            assert!(
                UnitName::new(format!("{text}.service")).is_err(),
                "{text:?} passed as a unit"
            );
        }
        assert!(HostName::new("a".repeat(254)).is_err());
        assert!(RunId::new("../../etc").is_err());
    }

    #[test]
    fn real_unit_names_pass() {
        for text in [
            "nginx.service",
            "getty@tty1.service",
            "-.mount",
            "dev-disk-by\\x2duuid.device",
            "a:b_c.timer",
        ] {
            assert!(UnitName::new(text).is_ok(), "{text}");
        }
        assert!(UnitName::new("nginx").is_err());
        assert!(UnitName::new("--now.service").is_err());
    }

    #[test]
    fn run_ids_sort_by_time_and_are_valid() {
        let early = RunId::from_parts(crate::Timestamp::from_millis(1), [255; 10]);
        let late = RunId::from_parts(crate::Timestamp::from_millis(2), [0; 10]);
        assert!(early < late);
        assert_eq!(RunId::new(early.as_str()), Ok(early));
    }

    #[test]
    fn action_numbers_are_not_negative() {
        assert!("-1".parse::<ActionNumber>().is_err());
        assert_eq!("0".parse::<ActionNumber>(), Ok(ActionNumber(0)));
    }
}
