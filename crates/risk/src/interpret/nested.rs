//! What commands run in their turn: other commands, and texts for a shell.

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::{Refusal, Script, parse};

use super::expand::Field;
use super::limits::{MOST_NESTED, MOST_TEXTS};
use super::program::set_arguments;
use super::simple::Lookup;
use super::state::{State, Stdin};
use super::value::{Printed, Value, Variable};
use super::walk::{Done, Walker, bounded};
use crate::invocation::{Input, Nested};
use crate::word::{Arg, Origin, Part};

/// Variables that stand for what is not known in a text for a shell.
const STAND_IN: &str = "__not_known_";

impl<'a> Walker<'a> {
    /// Follows what a command runs, and says what that prints.
    pub(super) fn nested(&mut self, nested: Nested, state: &mut State<'a>) -> Printed {
        if self.nested == MOST_NESTED {
            self.limit("commands that run commands", MOST_NESTED, state);
            return Printed::one(Value::unknown(Origin::Output));
        }
        self.nested += 1;
        let printed = self.deeper(state, |walker, state| walker.nested_inside(nested, state));
        self.nested -= 1;
        printed
    }

    fn nested_inside(&mut self, nested: Nested, state: &mut State<'a>) -> Printed {
        match nested {
            Nested::Argv {
                argv,
                stdin,
                context,
            } => {
                if let Some(context) = context {
                    state.context = std::rc::Rc::new(context);
                }
                set_stdin(stdin, state);
                let fields = argv.into_iter().map(|arg| Field { arg, hidden: None });
                let fields: Vec<Field> = fields.collect();
                self.each_choice(state, |walker, state| {
                    walker.fields(fields.clone(), Lookup::Programs, false, state)
                })
                .printed
            }
            Nested::Shell {
                text,
                arguments,
                stdin,
                context,
                hidden,
            } => {
                let mut inner = state.child(context);
                set_stdin(stdin, &mut inner);
                set_arguments(&arguments, &mut inner);
                let value = text_of(&text);
                self.shell(&value, hidden.as_deref(), &mut inner)
            }
            Nested::ShellInput { context } => self.shell_input(&state.child(context)),
        }
    }

    /// A shell that reads its commands from its standard input.
    fn shell_input(&mut self, inner: &State<'a>) -> Printed {
        let mut printed = Printed::default();
        for stdin in inner.stdin.iter() {
            let mut one = inner.clone();
            let value = match stdin {
                Stdin::Nothing => continue,
                Stdin::Value(value) => value.clone(),
                Stdin::File(arg) => {
                    let known = arg.as_text().and_then(|path| self.file_values(path, &one));
                    for value in known.unwrap_or_default() {
                        printed.or(self.shell(&value, None, &mut one.clone()));
                    }
                    Value::unknown(Origin::Input)
                }
            };
            one.set_stdin(Stdin::Value(Value::unknown(Origin::Input)));
            printed.or(self.shell(&value, None, &mut one));
        }
        printed
    }

    /// A text in a shell of its own.
    fn shell(&mut self, value: &Value, hidden: Option<&str>, inner: &mut State<'a>) -> Printed {
        let leaves = self.leaves;
        self.frames.push(super::loops::Frame::barrier());
        let mut done = self.text(value, hidden, inner);
        self.frames.pop();
        self.leaves = leaves;
        done.settle(inner);
        self.run_traps(inner);
        done.printed
    }

    /// A text that a shell runs.
    pub(super) fn text(
        &mut self,
        value: &Value,
        hidden: Option<&str>,
        state: &mut State<'a>,
    ) -> Done<'a> {
        if let Some(how) = hidden.or(value.hidden) {
            let say = format!("runs text that was hidden as {how}");
            self.flag(
                EffectKind::RunsCode,
                RiskLevel::High,
                "shell.hidden_text",
                &say,
                state,
            );
            if let Some(text) = value.as_text() {
                self.decoded(how, text);
            }
        }
        if let Some(text) = value.as_text() {
            return match self.parsed(text, state) {
                Some(script) => self.deeper(state, |walker, state| walker.script(script, state)),
                None => Done::default(),
            };
        }
        let (rule, say) = match value.origin() {
            Origin::Network => ("shell.runs_download", "runs code from the network"),
            _ => (
                "shell.runs_unknown",
                "runs text that is only known when it runs",
            ),
        };
        self.flag(EffectKind::RunsCode, RiskLevel::High, rule, say, state);
        let mut done = self.text_with_gaps(value, state);
        done.printed
            .then(Printed::one(Value::unknown(Origin::Output)));
        done
    }

    /// What is known of a text for a shell, with variables for what is not.
    fn text_with_gaps(&mut self, value: &Value, state: &mut State<'a>) -> Done<'a> {
        let known = value
            .parts
            .iter()
            .any(|part| matches!(part, Part::Text(text) if !text.trim().is_empty()));
        if !known {
            return Done::default();
        }
        let mut text = String::new();
        for (index, part) in value.parts.iter().enumerate() {
            match part {
                Part::Text(own) => text.push_str(own),
                other => {
                    let name = format!("{STAND_IN}{index}");
                    text.push_str(&format!("${{{name}}}"));
                    let mut gap = Value::default();
                    gap.push(other.clone());
                    state.restore(&name, Some(std::rc::Rc::new(Variable::scalar(gap))));
                }
            }
        }
        match parse(&text) {
            Ok(parsed) => match self.texts.keep(parsed.script) {
                Some(script) => self.deeper(state, |walker, state| walker.script(script, state)),
                None => Done::default(),
            },
            Err(_) => Done::default(),
        }
    }

    /// A text as a tree. A text that cannot be taken apart is flagged.
    fn parsed(&mut self, text: &str, state: &State<'a>) -> Option<&'a Script> {
        if text.trim().is_empty() {
            return None;
        }
        let known = match self.parsed.get(text) {
            Some(known) => known.clone(),
            None => {
                let read = match parse(text) {
                    Ok(parsed) => self.texts.keep(parsed.script).map(Some).ok_or_else(|| {
                        format!("more than {MOST_TEXTS} texts for shells within one another")
                    }),
                    Err(Refusal::Empty) => Ok(None),
                    Err(refusal) => Err(bounded(&refusal.to_string(), 160)),
                };
                if self.parsed.len() < 2 * MOST_TEXTS {
                    self.parsed.insert(text.to_owned(), read.clone());
                }
                read
            }
        };
        match known {
            Ok(script) => script,
            Err(reason) => {
                let say = format!("runs text that cannot be taken apart: {reason}");
                self.flag(
                    EffectKind::RunsCode,
                    RiskLevel::High,
                    "shell.refused_text",
                    &say,
                    state,
                );
                None
            }
        }
    }

    /// Reads a text that the shell will run by itself at some time, as it would run now.
    pub(super) fn run_later(&mut self, value: &Value, state: &State<'a>) {
        let mut inner = state.clone();
        let leaves = self.leaves;
        self.frames.push(super::loops::Frame::barrier());
        self.nested += 1;
        if self.nested <= MOST_NESTED {
            self.text(value, None, &mut inner);
        } else {
            self.limit("commands that run commands", MOST_NESTED, state);
        }
        self.nested -= 1;
        self.frames.pop();
        self.leaves = leaves;
    }

    /// Runs the handlers of `trap` as they would run at the end.
    pub(super) fn run_traps(&mut self, state: &mut State<'a>) {
        let traps = std::mem::take(&mut state.traps);
        for text in traps.iter() {
            self.run_later(text, state);
        }
    }
}

/// A word as text for a shell; a file pattern in it may be anything.
fn text_of(arg: &Arg) -> Value {
    let mut value = Value::default();
    for part in &arg.parts {
        match part {
            Part::Pattern(_) => value.append(&Value::unknown(Origin::PathsBelow(vec![".".into()]))),
            other => value.push(other.clone()),
        }
    }
    value
}

fn set_stdin(stdin: Option<Input>, state: &mut State<'_>) {
    match stdin {
        None => {}
        Some(Input::Nothing) => state.set_stdin(Stdin::Nothing),
        Some(Input::Text(text)) => state.set_stdin(Stdin::Value(Value::text(text))),
        Some(Input::File(arg)) => state.set_stdin(Stdin::File(arg)),
        Some(Input::Unknown(origin)) => state.set_stdin(Stdin::Value(Value::unknown(origin))),
    }
}
