//! What a judge writes down while it reads, with the rules' names alike. How bad an entry is, is the classifier's to say.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Context, Found, Invocation, Nested, Outcome, Output, Target};
use crate::word::Arg;

/// Most entries for one command; what comes after them is told by one that is high.
const MOST_ENTRIES: usize = 200;

/// What has been found so far.
pub(super) struct Notes {
    command: String,
    outcome: Outcome,
}

impl Notes {
    /// Nothing yet, of this command.
    pub(super) fn of(invocation: &Invocation) -> Self {
        Self {
            command: program_name(invocation).to_owned(),
            outcome: Outcome::default(),
        }
    }

    /// Something done to a target, of at least this level where one is given.
    pub(super) fn add(
        &mut self,
        kind: EffectKind,
        target: Target,
        level: Option<RiskLevel>,
        what: &str,
        sentence: &str,
    ) {
        let rule = format!("infra.{}.{what}", self.command);
        let mut found = Found::to(kind, target, rule);
        found.level = level;
        if !sentence.is_empty() {
            found = found.saying(sentence);
        }
        self.push(found);
    }

    /// An effect without a target, of exactly this level.
    pub(super) fn says(&mut self, kind: EffectKind, level: RiskLevel, what: &str, sentence: &str) {
        self.add(kind, Target::None, Some(level), what, sentence);
    }

    /// An effect on a file.
    pub(super) fn path(&mut self, kind: EffectKind, path: Arg, what: &str) {
        self.add(kind, Target::Path(path), None, what, "");
    }

    /// Something that is not understood.
    pub(super) fn unknown(&mut self, level: RiskLevel, what: &str, sentence: &str) {
        self.says(EffectKind::Unknown, level, what, sentence);
    }

    /// A command that is run in its turn.
    pub(super) fn runs(&mut self, argv: Vec<Arg>, context: Option<Context>) {
        let named = argv
            .first()
            .and_then(Arg::as_text)
            .is_some_and(|name| !name.is_empty());
        if !named {
            if !argv.is_empty() {
                self.says(
                    EffectKind::RunsCode,
                    RiskLevel::High,
                    "program",
                    "runs a program that cannot be told",
                );
            }
            return;
        }
        if self.outcome.nested.len() < MOST_ENTRIES {
            self.outcome.nested.push(Nested::Argv {
                argv,
                stdin: None,
                context,
            });
        }
    }

    /// What the command prints.
    pub(super) fn prints(&mut self, output: Output) {
        self.outcome.output = output;
    }

    /// What was found.
    pub(super) fn finish(self) -> Outcome {
        self.outcome
    }

    fn push(&mut self, found: Found) {
        if self.outcome.found.contains(&found) {
            return;
        }
        if self.outcome.found.len() < MOST_ENTRIES {
            self.outcome.found.push(found);
        } else if self.outcome.found.len() == MOST_ENTRIES {
            let rule = format!("infra.{}.limit", self.command);
            self.outcome.found.push(
                Found::plain(EffectKind::Unknown, rule)
                    .at_least(RiskLevel::High)
                    .saying(format!("does more than {MOST_ENTRIES} things at once")),
            );
        }
    }
}

/// The program's name without its directory.
pub(super) fn program_name(invocation: &Invocation) -> &str {
    let name = invocation
        .argv
        .first()
        .and_then(Arg::as_text)
        .unwrap_or_default();
    name.rsplit('/').next().unwrap_or(name)
}

/// The words after the program's name.
pub(super) fn words(invocation: &Invocation) -> &[Arg] {
    invocation.argv.get(1..).unwrap_or_default()
}

/// Whether a blank-separated list has this word.
pub(super) fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|own| own == word)
}
