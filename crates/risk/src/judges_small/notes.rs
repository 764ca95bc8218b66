//! What a judge finds, as it finds it, and the few questions about words that all of them ask.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Found, Invocation, Nested, Outcome, Output, Target};
use crate::word::{Arg, Part};

/// What has been found so far.
pub(super) struct Notes {
    command: String,
    outcome: Outcome,
}

impl Notes {
    /// None yet, for this command.
    pub(super) fn of(invocation: &Invocation) -> Self {
        Self {
            command: invocation.argv.first().map_or_else(String::new, base_name),
            outcome: Outcome::default(),
        }
    }

    /// The command's name without its directory.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// Something done to a target.
    pub(super) fn to(&mut self, kind: EffectKind, target: Target, what: &str) -> &mut Found {
        self.put(Found::to(
            kind,
            target,
            format!("words.{}.{what}", self.command),
        ))
    }

    /// Something of exactly this level, in these words.
    pub(super) fn says(&mut self, kind: EffectKind, level: RiskLevel, what: &str, sentence: &str) {
        let rule = format!("words.{}.{what}", self.command);
        self.put(Found::plain(kind, rule).at_least(level).saying(sentence));
    }

    fn put(&mut self, found: Found) -> &mut Found {
        let place = match self.outcome.found.iter().position(|own| *own == found) {
            Some(place) => place,
            None => {
                self.outcome.found.push(found);
                self.outcome.found.len() - 1
            }
        };
        &mut self.outcome.found[place]
    }

    /// A command that is run, by its words.
    pub(super) fn runs(&mut self, argv: &[Arg]) {
        self.outcome.nested.push(Nested::Argv {
            argv: argv.to_vec(),
            stdin: None,
            context: None,
        });
    }

    /// Text that a shell runs.
    pub(super) fn shell(&mut self, text: Arg) {
        self.outcome.nested.push(Nested::Shell {
            text,
            arguments: Vec::new(),
            stdin: None,
            context: None,
            hidden: None,
        });
    }

    /// Anything that is run in its turn.
    pub(super) fn nest(&mut self, nested: Nested) {
        self.outcome.nested.push(nested);
    }

    /// What the command prints.
    pub(super) fn prints(&mut self, output: Output) {
        self.outcome.output = output;
    }

    /// All of it.
    pub(super) fn finish(self) -> Outcome {
        self.outcome
    }
}

/// The name of a program without its directory.
pub(super) fn base_name(program: &Arg) -> String {
    let name = program.as_text().unwrap_or_default();
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// A directory and a name in it as one path.
pub(super) fn below(directory: &Arg, name: &Arg) -> Arg {
    let mut parts = directory.parts.clone();
    if !directory.as_text().is_some_and(|text| text.ends_with('/')) {
        append(&mut parts, "/");
    }
    for part in &name.parts {
        match part {
            Part::Text(text) => append(&mut parts, text),
            other => parts.push(other.clone()),
        }
    }
    Arg {
        parts,
        splits: directory.splits || name.splits,
    }
}

/// The last part of a path; the whole where that is not known.
pub(super) fn last_part(path: &Arg) -> Arg {
    let known = path.parts.iter().rposition(|part| match part {
        Part::Text(text) | Part::Pattern(text) => text.trim_end_matches('/').contains('/'),
        Part::Unknown(_) => false,
    });
    let Some(place) = known else {
        return match path.as_text() {
            Some(text) => Arg::text(text.trim_end_matches('/')),
            None => path.clone(),
        };
    };
    let mut parts = path.parts[place..].to_vec();
    let is_last = parts.len() == 1;
    if let Some(Part::Text(text) | Part::Pattern(text)) = parts.first_mut() {
        let whole = if is_last {
            text.trim_end_matches('/')
        } else {
            text.as_str()
        };
        let from = whole.rfind('/').map_or(0, |slash| slash + 1);
        *text = whole[from..].to_owned();
    }
    Arg {
        parts,
        splits: path.splits,
    }
}

fn append(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}
