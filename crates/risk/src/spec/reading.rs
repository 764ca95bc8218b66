//! One way to read the words of a command: which verb, which options with which values, which operands, and what is in
//! doubt about it. Several ways are possible where a word is shortened or only partly known.

use std::ptr;

use super::entry::{Condition, OptionSpec, Spec};
use super::matched::{Matched, MatchedOption};
use super::schema::Style;
use crate::word::Arg;

/// One way to read the words of a command.
#[derive(Clone, Debug)]
pub(super) struct Reading<'t> {
    /// The command, then its verbs.
    pub(super) chain: Vec<&'t Spec>,
    /// The options.
    pub(super) hits: Vec<Hit<'t>>,
    /// Every other word.
    pub(super) operands: Vec<Arg>,
    /// What is in doubt.
    pub(super) doubts: Vec<Doubt>,
    /// Whether it only shows its help or version.
    pub(super) help: bool,
    /// Whether the verbs are certain.
    pub(super) certain: bool,
    /// Whether a verb could still follow: none was given.
    pub(super) verb_open: bool,
}

/// An option that stands.
#[derive(Clone, Debug)]
pub(super) struct Hit<'t> {
    /// What the table says of it; more than one where that hangs on the value.
    pub(super) entries: Vec<&'t OptionSpec>,
    /// Its value.
    pub(super) value: Option<Arg>,
    /// Whether it certainly stands.
    pub(super) sure: bool,
}

/// What is in doubt about a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// An option that is not listed.
    UnknownOption(String),
    /// An operand that may be an option.
    MaybeOption(Arg),
    /// An option of which only the beginning is known.
    PartOption(Arg),
    /// A verb that is not listed.
    UnknownVerb(String),
    /// A verb of which only the beginning is known, or nothing.
    PartVerb(Arg),
    /// There are more ways to read it than are tried.
    TooMany,
}

/// Whether an option stands that something hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does not.
    Absent,
    /// It may.
    Possible,
    /// It does, and nothing else in the words may undo it.
    Sure,
}

impl<'t> Reading<'t> {
    /// The command or verb that the words reached.
    pub(super) fn leaf(&self) -> &'t Spec {
        self.chain.last().expect("a reading begins with a command")
    }

    /// The options of this name, the nearest verb's first.
    pub(super) fn named(&self, name: &str) -> Vec<&'t OptionSpec> {
        self.chain
            .iter()
            .rev()
            .map(|spec| spec.options_named(name).collect::<Vec<_>>())
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// The options of which a name begins so, each once.
    pub(super) fn beginning(&self, beginning: &str) -> Vec<&'t OptionSpec> {
        let mut found: Vec<&OptionSpec> = Vec::new();
        for spec in self.chain.iter().rev() {
            for option in spec.options_beginning(beginning) {
                if !found.iter().any(|other| ptr::eq(*other, option)) {
                    found.push(option);
                }
            }
        }
        found
    }

    /// Whether any word may be an option of which nothing certain is known.
    pub(super) fn options_in_doubt(&self) -> bool {
        self.doubts.iter().any(|doubt| match doubt {
            Doubt::UnknownOption(_) | Doubt::PartOption(_) | Doubt::TooMany => true,
            Doubt::MaybeOption(_) => self.leaf().style != Style::None,
            Doubt::UnknownVerb(_) | Doubt::PartVerb(_) => false,
        })
    }

    /// How any of these options stands. A value that is asked for must be that of every occurrence: the last one
    /// counts for most programs, and nobody says for which.
    pub(super) fn standing(&self, conditions: &[Condition]) -> Standing {
        conditions
            .iter()
            .map(|condition| self.standing_of(condition))
            .max_by_key(|standing| match standing {
                Standing::Absent => 0,
                Standing::Possible => 1,
                Standing::Sure => 2,
            })
            .unwrap_or(Standing::Absent)
    }

    fn standing_of(&self, condition: &Condition) -> Standing {
        let mut occurrences = self
            .hits
            .iter()
            .filter(|hit| hit.is(&condition.option))
            .map(|hit| (hit.fits(condition), hit.sure))
            .peekable();
        if occurrences.peek().is_none() {
            return Standing::Absent;
        }
        let (mut any, mut all) = (false, !self.options_in_doubt());
        for (fits, sure) in occurrences {
            any |= fits != Some(false);
            all &= fits == Some(true) && sure;
        }
        match (any, all) {
            (false, _) => Standing::Absent,
            (true, true) => Standing::Sure,
            (true, false) => Standing::Possible,
        }
    }

    /// The same as judges see it.
    pub(super) fn matched(&self) -> Matched {
        let verb = |spec: &&Spec| spec.names.first().cloned().unwrap_or_default();
        Matched {
            verbs: self.chain.iter().skip(1).map(verb).collect(),
            options: self.hits.iter().map(Hit::matched).collect(),
            operands: self.operands.clone(),
        }
    }
}

impl Hit<'_> {
    fn is(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.names.iter().any(|own| own == name))
    }

    /// Whether it has the value that a condition asks for; nothing where that cannot be told.
    fn fits(&self, condition: &Condition) -> Option<bool> {
        let Some(asked) = &condition.value else {
            return Some(true);
        };
        match &self.value {
            None => Some(false),
            Some(value) => value.as_text().map(|text| text == asked),
        }
    }

    fn matched(&self) -> MatchedOption {
        let names = self
            .entries
            .first()
            .map(|entry| entry.names.clone())
            .unwrap_or_default();
        MatchedOption {
            name: names.first().cloned().unwrap_or_default(),
            names,
            value: self.value.clone(),
            sure: self.sure,
        }
    }
}
