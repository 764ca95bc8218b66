//! A text for a shell: parsed, interpreted, and every effect classified. What cannot be parsed is high with the reason,
//! and forbidden where it looks like what is never done.

use watchkeeper_model::{
    Assessment, Certainty, Decoded, Effect, EffectKind, Place, RiskLevel, Step, bounded, visible,
};
use watchkeeper_shell::{Refusal, parse};

use super::join::join;
use super::nameless;
use crate::catastrophe::{Catastrophe, find_catastrophe};
use crate::classify::{Host, classify};
use crate::facts::HostFacts;
use crate::interpret::{Seen, SeenEffect, Start, interpret};
use crate::judges_infra::kubectl;
use crate::spec::Tables;

/// Most characters of a text shown as the words that cause an effect.
const MAX_WORDS_CHARS: usize = 120;
/// Most characters of a reason why a text cannot be read.
const MAX_REASON_CHARS: usize = 200;
/// Longest text that is searched for what is never done although it cannot be read.
const MAX_SEARCHED_BYTES: usize = 64 * 1024;

/// What code says about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextAssessment {
    /// Its risk.
    pub assessment: Assessment,
    /// The one text for what it says, which is shown, approved and run; nothing where it cannot be read.
    pub canonical: Option<String>,
}

/// What code says about a text that is run on a host, in the home of its login.
#[must_use]
pub fn assess_text(text: &str, facts: &HostFacts) -> TextAssessment {
    assess_text_in(text, facts, &facts.start_directories())
}

/// The same for a text that is started in one of these directories; in an unknown one where there are none.
#[must_use]
pub fn assess_text_in(text: &str, facts: &HostFacts, directories: &[String]) -> TextAssessment {
    let host = Host::new(facts);
    let read = read_text(text, Some(0), facts, directories, &host);
    TextAssessment {
        assessment: join(read.effects, read.decoded),
        canonical: read.canonical,
    }
}

/// The same for bytes. What is no UTF-8 cannot be shown, so nobody could approve it: it is high, and is never rendered.
#[must_use]
pub fn assess_bytes(bytes: &[u8], facts: &HostFacts, directories: &[String]) -> TextAssessment {
    match std::str::from_utf8(bytes) {
        Ok(text) => assess_text_in(text, facts, directories),
        Err(error) => {
            let at = error.valid_up_to();
            let searched = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SEARCHED_BYTES)]);
            let effects = refused(&searched, &Refusal::NotUtf8 { at });
            TextAssessment {
                assessment: join(effects, Vec::new()),
                canonical: None,
            }
        }
    }
}

/// Whether a text is proved to look and change nothing, on any plain host.
#[must_use]
pub fn is_proven_read_only(text: &str) -> bool {
    assess_text(text, &HostFacts::default()).assessment.level == RiskLevel::ReadOnly
}

/// What was read from a text.
pub(super) struct ReadText {
    pub(super) effects: Vec<Effect>,
    pub(super) decoded: Vec<Decoded>,
    pub(super) canonical: Option<String>,
}

/// Reads a text. `step` is the number of the step whose text it is, where its places are to be shown.
pub(super) fn read_text(
    text: &str,
    step: Option<u32>,
    facts: &HostFacts,
    directories: &[String],
    host: &Host,
) -> ReadText {
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(refusal) => {
            return ReadText {
                effects: refused(text, &refusal),
                decoded: Vec::new(),
                canonical: None,
            };
        }
    };
    let start = Start {
        commands: Tables::shipped(),
        facts,
        directories,
    };
    let seen = interpret(&parsed.script, &start);
    let mut effects = classified(&seen, step, host);
    if effects.is_empty() {
        effects.push(does_nothing(&parsed.canonical));
    }
    ReadText {
        effects,
        decoded: seen.decoded,
        canonical: Some(parsed.canonical),
    }
}

fn classified(seen: &Seen, step: Option<u32>, host: &Host) -> Vec<Effect> {
    let names_critical = names_critical_process(seen, host);
    let lists_all = lists_processes(seen);
    let names_foundation = seen
        .effects
        .iter()
        .any(|one| kubectl::lists_foundations(&one.words));
    seen.effects
        .iter()
        .map(|one| {
            let effect = Effect {
                words: shown(&one.words),
                place: place(one, step),
                ..classify(&one.found, &one.context, host)
            };
            if names_critical && is_unknown_signal(&effect) {
                raised_signal(effect)
            } else if lists_all && is_unknown_signal(&effect) {
                Effect {
                    level: effect.level.max(RiskLevel::High),
                    ..effect
                }
            } else if names_foundation && kubectl::deletes_unknown(&effect) {
                Effect {
                    level: RiskLevel::Forbidden,
                    sentence: "deletes what was looked up in a cluster, and what the whole cluster stands on was looked up"
                        .to_owned(),
                    ..effect
                }
            } else {
                effect
            }
        })
        .collect()
}

fn place(one: &SeenEffect, step: Option<u32>) -> Option<Place> {
    let (step, place) = (step?, one.place?);
    Some(Place {
        step,
        from: place.from,
        to: place.to,
    })
}

/// Whether anything in the text looks for a process without which the host is lost: a signal to a process that only the
/// host knows may be meant for it, as in `kill $(pidof sshd)`.
fn names_critical_process(seen: &Seen, host: &Host) -> bool {
    seen.effects
        .iter()
        .filter(|one| one.found.kind == EffectKind::Reads)
        .any(|one| {
            let plain = without_brackets(&one.words);
            let words = plain.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
            words
                .skip(1)
                .filter(|word| word.len() > 2)
                .any(|word| host.is_critical_process(word))
        })
}

/// Whether anything in the text lists processes as they come: a signal to one of them may be meant for any.
fn lists_processes(seen: &Seen) -> bool {
    seen.effects.iter().any(|one| {
        let program = one.words.split_whitespace().next().unwrap_or_default();
        program.rsplit('/').next() == Some("ps")
    })
}

/// A pattern in which one letter in brackets stands for itself, as in `ss[h]d`.
fn without_brackets(words: &str) -> String {
    let letters: Vec<char> = words.chars().collect();
    let mut plain = String::with_capacity(words.len());
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        match letters.get(at..at + 3) {
            Some(['[', own, ']']) if own.is_alphanumeric() => {
                plain.push(*own);
                at += 3;
            }
            _ => {
                plain.push(*letter);
                at += 1;
            }
        }
    }
    plain
}

fn is_unknown_signal(effect: &Effect) -> bool {
    effect.kind == EffectKind::Signals
        && effect.level > RiskLevel::ReadOnly
        && effect.target.contains(['…', '$'])
}

fn raised_signal(effect: Effect) -> Effect {
    let level = if effect.level == RiskLevel::Low {
        RiskLevel::High
    } else {
        RiskLevel::Forbidden
    };
    Effect {
        level,
        certainty: Certainty::Possible,
        sentence: "sends a signal to a process that was looked up, and one without which the host is lost was looked up"
            .to_owned(),
        ..effect
    }
}

fn does_nothing(canonical: &str) -> Effect {
    Effect {
        certainty: Certainty::Certain,
        words: shown(canonical),
        sentence: "changes nothing".to_owned(),
        ..nameless(EffectKind::Reads, RiskLevel::ReadOnly, "shell.nothing")
    }
}

/// The effects of what cannot be read.
fn refused(text: &str, refusal: &Refusal) -> Vec<Effect> {
    let reason = refusal.to_string();
    let mut effects = vec![Effect {
        rule: "shell.refused".to_owned(),
        sentence: format!(
            "cannot be taken apart with certainty: {}",
            visible(&bounded(&reason, MAX_REASON_CHARS))
        ),
        ..unknown(text)
    }];
    if text.len() <= MAX_SEARCHED_BYTES {
        effects.extend(find_catastrophe(text).as_ref().map(forbidden));
    }
    effects
}

/// The effect of a script that is too long for a step.
pub(super) fn too_long(script: &str) -> Effect {
    Effect {
        rule: "shell.too_long".to_owned(),
        sentence: format!(
            "runs a shell script of more than {} bytes: nobody can judge that",
            Step::MAX_SCRIPT_BYTES
        ),
        ..unknown(script)
    }
}

/// The effect of what cannot be told.
pub(super) fn unknown(text: &str) -> Effect {
    Effect {
        words: shown(text),
        sentence: "runs a shell script whose effects cannot be told".to_owned(),
        ..nameless(EffectKind::Unknown, RiskLevel::High, "shell.unknown")
    }
}

fn forbidden(found: &Catastrophe) -> Effect {
    Effect {
        kind: found.kind,
        target: shown(&found.target),
        rule: found.rule.to_owned(),
        words: shown(&found.words.join(" ")),
        sentence: format!(
            "{}: that is never done",
            visible(&bounded(&found.sentence, MAX_REASON_CHARS))
        ),
        ..nameless(found.kind, RiskLevel::Forbidden, found.rule)
    }
}

fn shown(text: &str) -> String {
    visible(&bounded(text, MAX_WORDS_CHARS)).into_owned()
}
