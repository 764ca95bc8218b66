//! What a judge writes down while it reads: one entry for an effect, one for a command that is run in its turn. It
//! keeps the rules' names alike; how bad an entry is, is the classifier's to say.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Context, Found, Input, Invocation, Nested, Outcome, Output, Target};
use crate::word::Arg;

use super::words::base_name;

/// Most effects that are written down for one command; what comes after them is told by one entry that is high.
const MOST_ENTRIES: usize = 200;

/// What has been found so far.
pub(super) struct Ledger {
    command: String,
    outcome: Outcome,
    full: bool,
}

impl Ledger {
    /// An empty one for this command.
    pub(super) fn of(invocation: &Invocation) -> Self {
        Self {
            command: invocation.argv.first().map_or_else(String::new, base_name),
            outcome: Outcome::default(),
            full: false,
        }
    }

    /// Writes an effect down.
    pub(super) fn add(&mut self, found: Found) {
        if self.outcome.found.len() < MOST_ENTRIES {
            if !self.outcome.found.contains(&found) {
                self.outcome.found.push(found);
            }
        } else if !self.full {
            self.full = true;
            let rule = self.rule("limit");
            self.outcome.found.push(
                Found::plain(EffectKind::Unknown, rule)
                    .at_least(RiskLevel::High)
                    .saying(format!("does more than {MOST_ENTRIES} things at once")),
            );
        }
    }

    /// An effect on a file.
    pub(super) fn path(&mut self, kind: EffectKind, path: Arg, what: &str) {
        let rule = self.rule(what);
        self.add(Found::to(kind, Target::Path(path), rule));
    }

    /// That the content of a file is shown.
    pub(super) fn reads(&mut self, path: Arg, what: &str) {
        self.path(EffectKind::Reads, path, what);
    }

    /// That another machine is asked.
    pub(super) fn asks(&mut self, machine: Arg, what: &str) {
        let rule = self.rule(what);
        self.add(Found::to(EffectKind::Probes, Target::Host(machine), rule));
    }

    /// An effect without a target, of exactly this level.
    pub(super) fn says(&mut self, kind: EffectKind, level: RiskLevel, what: &str, sentence: &str) {
        let rule = self.rule(what);
        self.add(Found::plain(kind, rule).at_least(level).saying(sentence));
    }

    /// Code that is not seen, or not understood, and may do anything.
    pub(super) fn code(&mut self, what: &str, sentence: &str) {
        self.says(EffectKind::RunsCode, RiskLevel::High, what, sentence);
    }

    /// Something that is not understood, but is no code.
    pub(super) fn unknown(&mut self, what: &str, sentence: &str) {
        self.says(EffectKind::Unknown, RiskLevel::Medium, what, sentence);
    }

    /// Text that a shell runs, with the outer command's input.
    pub(super) fn shell(&mut self, text: Arg) {
        self.shell_with(text, Vec::new(), None);
    }

    /// Text that a shell runs, with arguments and an input of its own.
    pub(super) fn shell_with(&mut self, text: Arg, arguments: Vec<Arg>, stdin: Option<Input>) {
        self.nest(Nested::Shell {
            text,
            arguments,
            stdin,
            context: None,
            hidden: None,
        });
    }

    /// A command that is run.
    pub(super) fn runs(&mut self, argv: Vec<Arg>, stdin: Option<Input>, context: Option<Context>) {
        match argv.first() {
            None => {}
            Some(program) if program.as_text().is_some_and(|name| !name.is_empty()) => {
                self.nest(Nested::Argv {
                    argv,
                    stdin,
                    context,
                });
            }
            Some(_) => self.code("program", "runs a program whose name is not known"),
        }
    }

    /// Something that is run.
    pub(super) fn nest(&mut self, nested: Nested) {
        if self.outcome.nested.len() < MOST_ENTRIES {
            if !self.outcome.nested.contains(&nested) {
                self.outcome.nested.push(nested);
            }
        } else {
            self.code("limit", "runs more commands than are looked at");
        }
    }

    /// What the command prints.
    pub(super) fn prints(&mut self, output: Output) {
        self.outcome.output = output;
    }

    /// The name of a rule: `languages.sed.w`.
    pub(super) fn rule(&self, what: &str) -> String {
        format!("languages.{}.{what}", self.command)
    }

    /// All of it; a command that does nothing looks.
    pub(super) fn finish(mut self) -> Outcome {
        if self.outcome.found.is_empty() && self.outcome.nested.is_empty() {
            let rule = self.rule("looks");
            self.outcome
                .found
                .push(Found::plain(EffectKind::Reads, rule));
        }
        self.outcome
    }
}
