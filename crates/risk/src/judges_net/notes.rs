//! What a judge writes down: effects under rules of its family and command.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Found, Invocation, Nested, Outcome, Target};
use crate::spec::Matched;
use crate::word::{Arg, Part};

/// Most effects that are written down for one command.
const MOST_FOUND: usize = 256;

/// Stands in a text for a plain value that only the host knows.
pub(super) const PLAIN: char = '\u{e000}';
/// Stands in a text for something of which nothing is known.
pub(super) const OPEN: char = '\u{e001}';

/// What has been found so far.
pub(super) struct Notes {
    prefix: String,
    outcome: Outcome,
}

impl Notes {
    /// None yet, of this command in this family.
    pub(super) fn new(family: &str, invocation: &Invocation) -> Self {
        let program = invocation.argv.first().and_then(Arg::as_text).unwrap_or("");
        let name = program.rsplit('/').next().unwrap_or(program);
        Self {
            prefix: format!("{family}.{name}"),
            outcome: Outcome::default(),
        }
    }

    /// The name of a rule.
    pub(super) fn rule(&self, what: &str) -> String {
        format!("{}.{what}", self.prefix)
    }

    /// Writes an effect down; past the limit, that there are more.
    pub(super) fn add(&mut self, found: Found) {
        match self.outcome.found.len() {
            length if length < MOST_FOUND && !self.outcome.found.contains(&found) => {
                self.outcome.found.push(found);
            }
            MOST_FOUND => {
                let rule = self.rule("limit");
                self.outcome.found.push(
                    Found::plain(EffectKind::Unknown, rule)
                        .at_least(RiskLevel::High)
                        .saying(format!("does more than {MOST_FOUND} things at once")),
                );
            }
            _ => {}
        }
    }

    /// An effect without a target, of exactly this level.
    pub(super) fn says(&mut self, kind: EffectKind, level: RiskLevel, what: &str, sentence: &str) {
        let rule = self.rule(what);
        self.add(Found::plain(kind, rule).at_least(level).saying(sentence));
    }

    /// An effect on something with a name.
    pub(super) fn to(&mut self, kind: EffectKind, target: Target, what: &str) {
        let rule = self.rule(what);
        self.add(Found::to(kind, target, rule));
    }

    /// An effect on a file.
    pub(super) fn path(&mut self, kind: EffectKind, path: impl Into<String>, what: &str) {
        self.to(kind, Target::Path(Arg::text(path)), what);
    }

    /// Something that is run.
    pub(super) fn nest(&mut self, nested: Nested) {
        if self.outcome.nested.len() < MOST_FOUND {
            self.outcome.nested.push(nested);
        } else {
            self.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "limit",
                "runs more than is looked at",
            );
        }
    }

    /// All of it.
    pub(super) fn finish(self) -> Outcome {
        self.outcome
    }
}

/// A word as text, in which marks stand for what is not known.
pub(super) fn marked(arg: &Arg) -> String {
    arg.parts
        .iter()
        .map(|part| match part {
            Part::Text(text) | Part::Pattern(text) => text.clone(),
            Part::Unknown(unknown) if unknown.plain => PLAIN.to_string(),
            Part::Unknown(_) => OPEN.to_string(),
        })
        .collect()
}

/// Whether a word holds something of which nothing is known.
pub(super) fn is_open(arg: &Arg) -> bool {
    marked(arg).contains(OPEN)
}

/// A text with marks as a word again.
pub(super) fn unmarked(text: &str) -> Arg {
    use crate::word::{Origin, Unknown};
    let mut arg = Arg::default();
    let mut known = String::new();
    for letter in text.chars() {
        if letter != PLAIN && letter != OPEN {
            known.push(letter);
            continue;
        }
        if !known.is_empty() {
            arg.parts.push(Part::Text(std::mem::take(&mut known)));
        }
        arg.parts.push(Part::Unknown(Unknown {
            from: Origin::Output,
            plain: letter == PLAIN,
        }));
    }
    if !known.is_empty() {
        arg.parts.push(Part::Text(known));
    }
    arg
}

/// Whether any of these options stands, certainly or possibly.
pub(super) fn has_any(matched: &Matched, names: &[&str]) -> bool {
    names.iter().any(|name| matched.has(name))
}

/// The values of these options, in order.
pub(super) fn values_of<'m>(matched: &'m Matched, names: &[&str]) -> Vec<&'m Arg> {
    matched
        .options
        .iter()
        .filter(|option| names.iter().any(|name| option.is(name)))
        .filter_map(|option| option.value.as_ref())
        .collect()
}

/// The operands as texts with marks.
pub(super) fn operands(matched: &Matched) -> Vec<String> {
    matched.operands.iter().map(marked).collect()
}
