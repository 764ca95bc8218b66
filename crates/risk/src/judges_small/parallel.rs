//! `parallel`: a template of a command and arguments for it, from its words, from files or from its input. Each
//! command that comes out is text for a shell.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Nested, Outcome};
use crate::spec::Matched;
use crate::word::{Arg, Origin, Part, Unknown};

use super::notes::Notes;

/// Most commands that are told apart.
const MOST_COMMANDS: usize = 64;

/// Marks in a template in the place of which the argument, or a part of it, stands.
const MARKS: [&str; 8] = ["{}", "{.}", "{/}", "{//}", "{/.}", "{1}", "{2}", "{3}"];

/// Words that part the template from its arguments.
const PARTS: [&str; 4] = [":::", ":::+", "::::", "::::+"];

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if matched.has_surely("--dry-run") {
        return notes.finish();
    }
    let operands = matched.operands.as_slice();
    let parting = |word: &Arg| word.as_text().is_some_and(|text| PARTS.contains(&text));
    let end = operands.iter().position(parting).unwrap_or(operands.len());
    let (template, arguments) = operands.split_at(end);
    let known = known_arguments(arguments);
    let elsewhere = ["-a", "--arg-file"]
        .into_iter()
        .any(|name| matched.has(name));
    match (template, known) {
        ([], _) if elsewhere => notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "-a",
            "runs the commands that stand in a file",
        ),
        ([], _) if arguments.is_empty() => notes.nest(Nested::ShellInput { context: None }),
        ([], Some(commands)) => {
            for command in commands {
                notes.shell(command);
            }
        }
        ([], None) => notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "arguments",
            "runs commands that stand elsewhere",
        ),
        (template, Some(arguments)) => {
            for argument in arguments {
                notes.shell(command(template, &argument));
            }
        }
        (template, None) => {
            let from = match &invocation.stdin {
                Input::Unknown(origin) if arguments.is_empty() && !elsewhere => origin.clone(),
                _ => Origin::Input,
            };
            let unknown = Arg {
                parts: vec![Part::Unknown(Unknown { from, plain: false })],
                splits: false,
            };
            notes.shell(command(template, &unknown));
        }
    }
    notes.finish()
}

/// The arguments behind one `:::`; nothing where they stand elsewhere, or are combined.
fn known_arguments(arguments: &[Arg]) -> Option<Vec<Arg>> {
    let (first, rest) = arguments.split_first()?;
    let plain = first.as_text() == Some(":::")
        && rest.len() <= MOST_COMMANDS
        && rest
            .iter()
            .all(|word| word.as_text().is_some_and(|text| !PARTS.contains(&text)) && !word.splits);
    plain.then(|| rest.to_vec())
}

/// The template with an argument in its place, or at its end.
fn command(template: &[Arg], argument: &Arg) -> Arg {
    let mut whole = Whole::default();
    for (index, word) in template.iter().enumerate() {
        if index > 0 {
            whole.text(" ");
        }
        for part in &word.parts {
            match part {
                Part::Text(text) => whole.template(text, argument),
                other => whole.parts.push(other.clone()),
            }
        }
    }
    if !whole.marked {
        whole.text(" ");
        whole.argument(argument);
    }
    Arg {
        parts: whole.parts,
        splits: false,
    }
}

/// A command as it is put together.
#[derive(Default)]
struct Whole {
    parts: Vec<Part>,
    marked: bool,
}

impl Whole {
    fn text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn argument(&mut self, argument: &Arg) {
        match argument.as_text() {
            Some(text) => self.text(text),
            None => self.parts.extend(argument.parts.iter().cloned()),
        }
    }

    fn template(&mut self, text: &str, argument: &Arg) {
        let mut rest = text;
        while let Some((place, mark)) = MARKS
            .iter()
            .filter_map(|mark| rest.find(mark).map(|place| (place, *mark)))
            .min()
        {
            self.text(&rest[..place]);
            self.argument(argument);
            self.marked = true;
            rest = &rest[place + mark.len()..];
        }
        self.text(rest);
    }
}
