//! Judging one command by its entry: all readings of its words together.

use watchkeeper_model::{Certainty, EffectKind, RiskLevel};

use super::entry::Entry;
use super::evaluate::evaluate;
use super::grammar::{Turn, read};
use super::program::{Program, resolve};
use super::tables::{Known, Tables};
use crate::invocation::{Found, Invocation, Nested, Outcome, Output, Target};
use crate::word::{Arg, Part};

/// Most effects that are compared with each other, so that one is not told twice.
const MAX_COMPARED: usize = 512;

impl Tables {
    /// What a command does. Nothing: the program is not in the tables, or is not the system's.
    #[must_use]
    pub(crate) fn judge(&self, invocation: &Invocation) -> Option<Outcome> {
        match resolve(invocation.argv.first()?.as_text()?)? {
            Program::Named(name) => self.judge_named(name, invocation),
            Program::Service(name) => {
                let front = [Arg::text("service"), Arg::text(name)];
                let as_service = Invocation {
                    argv: [&front, invocation.argv.get(1..)?].concat(),
                    ..invocation.clone()
                };
                self.judge_named("service", &as_service)
            }
        }
    }

    fn judge_named(&self, name: &str, invocation: &Invocation) -> Option<Outcome> {
        Some(match self.entry(name)? {
            Known::Entry(entry) => judge_entry(entry, invocation),
            Known::Faulty => Outcome {
                found: vec![
                    Found::plain(EffectKind::Unknown, format!("tables.{name}"))
                        .at_least(RiskLevel::High)
                        .saying("has an entry in the tables that makes no sense"),
                ],
                ..Outcome::default()
            },
        })
    }
}

fn judge_entry(entry: &Entry, invocation: &Invocation) -> Outcome {
    let words = invocation.argv.get(1..).unwrap_or_default();
    let judged = |words: &[Arg], turn: Turn| {
        let (readings, turned) = read(&entry.spec, words, turn);
        let seen = Invocation {
            argv: [&invocation.argv[..1], words].concat(),
            ..invocation.clone()
        };
        let outcomes = readings
            .iter()
            .map(|reading| evaluate(&entry.family, reading, &seen))
            .collect::<Vec<_>>();
        (joined(outcomes), turned)
    };
    let (mut outcome, turned) = judged(words, Turn::Usual);
    if turned {
        add_other(&mut outcome, judged(words, Turn::Other).0);
    }
    if words.iter().any(may_vanish) {
        // An unset variable that stands unquoted is no word at all, and the words behind it move up.
        let left: Vec<Arg> = words
            .iter()
            .filter(|word| !may_vanish(word))
            .cloned()
            .collect();
        add_other(&mut outcome, judged(&left, Turn::Usual).0);
    }
    outcome
}

/// All readings of a command together.
fn joined(outcomes: Vec<Outcome>) -> Outcome {
    let mut outcomes = outcomes.into_iter();
    let mut whole = outcomes.next().unwrap_or_default();
    for outcome in outcomes {
        if whole.output != outcome.output {
            whole.output = Output::Unknown;
        }
        for found in outcome.found {
            add(&mut whole.found, found);
        }
        for nested in outcome.nested {
            if !whole.nested.contains(&nested) {
                whole.nested.push(nested);
            }
        }
    }
    whole
}

/// Adds what a less likely reading does: what it looks at, and what it does not know, is of no interest then.
fn add_other(outcome: &mut Outcome, other: Outcome) {
    for found in other.found {
        let tells = !matches!(
            found.kind,
            EffectKind::Reads | EffectKind::Probes | EffectKind::Unknown | EffectKind::Interactive
        );
        let known = outcome.found.iter().take(MAX_COMPARED).any(|own| {
            let same = own.target == found.target || found.target == Target::None;
            own.kind == found.kind && same && own.level >= found.level
        });
        if tells && !known {
            outcome.found.push(Found {
                certainty: Certainty::Possible,
                ..found
            });
        }
    }
    for nested in other.nested {
        if !outcome.nested.contains(&nested) && !is_empty(&nested) {
            outcome.nested.push(nested);
        }
    }
}

/// Adds what one of several readings does. Of the same thing done to the same target one is told: which of the verbs it
/// comes from is not certain anyway, and a person has to read the list.
fn add(all: &mut Vec<Found>, found: Found) {
    let same = |own: &Found| {
        own.kind == found.kind
            && own.target == found.target
            && own.level == found.level
            && own.recursive >= found.recursive
    };
    if !all.iter().take(MAX_COMPARED).any(same) {
        all.push(found);
    }
}

fn is_empty(nested: &Nested) -> bool {
    matches!(nested, Nested::Argv { argv, .. } if argv.is_empty())
}

/// Whether a word may be no word at all.
fn may_vanish(word: &Arg) -> bool {
    let unknown = |part: &Part| matches!(part, Part::Unknown(unknown) if !unknown.plain);
    word.splits && word.parts.iter().all(unknown)
}
