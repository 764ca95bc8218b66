//! What can be wrong with a command table.

use std::fmt;

/// What is wrong with some command tables: every fault at once.
#[derive(Debug, thiserror::Error)]
#[error("{} of the command tables: {}", count(.faults.len()), listed(.faults))]
pub struct TablesError {
    /// The faults, in the order of the files.
    pub faults: Vec<TableFault>,
}

/// One fault of a command table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    /// The file is not of the form that `src/spec/schema.rs` gives.
    #[error("{file}: {command}: {message}")]
    Form {
        /// The file.
        file: String,
        /// The command that stands last before the place, or where it is.
        command: String,
        /// What the reader says.
        message: String,
    },
    /// A command is there twice.
    #[error("{file}: {command}: is also in {other}")]
    Twice {
        /// The file.
        file: String,
        /// The command.
        command: String,
        /// Where it is too.
        other: String,
    },
    /// An entry makes no sense.
    #[error("{file}: {command}: {what}")]
    Entry {
        /// The file.
        file: String,
        /// The command, with its verb.
        command: String,
        /// What is wrong.
        what: EntryFault,
    },
}

/// Why an entry makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// It has no name.
    #[error("has no name")]
    NoName,
    /// It does not say where its behaviour is written down.
    #[error("names no manual")]
    NoManual,
    /// It has no example.
    #[error("has no example")]
    NoExample,
    /// An option is listed twice.
    #[error("lists the option {0} twice")]
    OptionTwice(String),
    /// An option's name cannot be one.
    #[error("lists {0}, which is no option in its style")]
    OptionName(String),
    /// A verb is listed twice.
    #[error("lists the verb {0} twice")]
    VerbTwice(String),
    /// A condition names an option that is not listed.
    #[error("names the option {0}, which it does not list")]
    OptionUnlisted(String),
    /// There is no such judge.
    #[error("names the judge {0}, which there is not")]
    NoJudge(String),
    /// An effect is on a value, and there is none.
    #[error("has an effect on a value where there is none: {0}")]
    NoValue(String),
    /// An effect has a fixed target and words for targets.
    #[error("has an effect on words that has a fixed target too: {0}")]
    TwoTargets(String),
    /// An effect says what its target is, and has none.
    #[error("has an effect that says what its target is without having one: {0}")]
    NoTarget(String),
    /// `runs` is not fit for the place where it stands.
    #[error("runs something in a way that does not fit here: {0}")]
    Runs(String),
}

fn count(faults: usize) -> String {
    if faults == 1 {
        "a fault".to_owned()
    } else {
        format!("{faults} faults")
    }
}

fn listed(faults: &[TableFault]) -> impl fmt::Display {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
