//! `read` and `mapfile`: lines of standard input become variables. Of a text that is known, they take known lines.

use std::rc::Rc;

use watchkeeper_model::{EffectKind, RiskLevel};

use super::Called;
use super::print::is_name;
use crate::interpret::expand::Separators;
use crate::interpret::state::{State, Stdin};
use crate::interpret::value::{Held, Printed, Value, Variable};
use crate::interpret::walk::{Done, Walker};
use crate::word::{Origin, Part};

/// Options of `read` that are followed by a value.
const READ_VALUES: &str = "adinNptu";

/// What the words of `read` say.
#[derive(Default)]
struct ReadWords {
    names: Vec<Option<String>>,
    array: bool,
    raw: bool,
    /// Whether it reads something other than one line of standard input.
    odd: bool,
}

impl<'a> Walker<'a> {
    pub(super) fn read(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let words = read_words(called);
        self.choose_stdin(state);
        let stdin = state.stdin.first().cloned().unwrap_or(Stdin::Nothing);
        let before = state.clone();
        let (mut ended, mut certain) = (false, false);
        let line = match &stdin {
            Stdin::Value(value) if !words.odd => match first_line(value) {
                Some((line, rest)) => {
                    ended = line.parts.is_empty() && rest.is_none();
                    certain = rest.is_some();
                    let rest = rest.unwrap_or_default();
                    state.set_stdin(Stdin::Value(rest));
                    line
                }
                None => unknown_like(value),
            },
            Stdin::Nothing => {
                ended = true;
                Value::default()
            }
            other => {
                let value = unknown_like(&other.value());
                if let Stdin::Value(_) = other {
                    state.set_stdin(Stdin::Value(value.clone()));
                }
                value
            }
        };
        self.assign_line(&words, &line, state);
        let mut failed = before;
        for name in words.names.iter().flatten() {
            failed.restore(name, state.variable(name).cloned());
        }
        failed.stdin = std::rc::Rc::clone(&state.stdin);
        failed.dead |= certain;
        state.dead |= ended;
        Done {
            printed: Printed::default(),
            failed: Some(failed),
        }
    }

    fn assign_line(&mut self, words: &ReadWords, line: &Value, state: &mut State<'a>) {
        let separators = self.separators(state);
        let escapes = !words.raw && line.as_text().is_some_and(|text| text.contains('\\'));
        let count = if words.array {
            usize::MAX
        } else {
            words.names.len()
        };
        let values: Option<Vec<Value>> = match line.as_text() {
            Some(text) if !escapes => Some(
                split_line(text, &separators, count)
                    .into_iter()
                    .map(|text| Value {
                        hidden: line.hidden,
                        ..Value::text(text)
                    })
                    .collect(),
            ),
            _ => None,
        };
        let unknown = || {
            if line.is_plain() {
                line.clone()
            } else {
                Value::unknown(match line.as_text() {
                    Some(_) => Origin::Input,
                    None => line.origin(),
                })
            }
        };
        if words.array {
            let items = match values {
                Some(values) => values
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| (index.to_string(), value))
                    .collect(),
                None => vec![("?".to_owned(), unknown())],
            };
            self.put_array(words.names.first().cloned().flatten(), items, state);
            return;
        }
        for (index, name) in words.names.iter().enumerate() {
            let value = match &values {
                Some(values) => values.get(index).cloned().unwrap_or_default(),
                None if words.names.len() == 1 && !escapes && line.as_text().is_none() => {
                    line.clone()
                }
                None => unknown(),
            };
            match name {
                Some(name) => self.assign_text(name, &value, state),
                None => self.unknown_target(state),
            }
        }
    }

    fn unknown_target(&mut self, state: &State<'a>) {
        let say = "reads into a variable whose name is only known when it runs";
        self.flag(
            EffectKind::Environment,
            RiskLevel::High,
            "shell.unknown_name",
            say,
            state,
        );
    }

    fn put_array(
        &mut self,
        name: Option<String>,
        items: Vec<(String, Value)>,
        state: &mut State<'a>,
    ) {
        let Some(name) = name else {
            self.unknown_target(state);
            return;
        };
        self.check_array(&name, &items, state);
        let mut variable = Variable::unset();
        variable.held = vec![Held::Array(Rc::new(items))];
        self.put(&name, variable, state);
    }

    pub(super) fn mapfile(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let mut name = Some("MAPFILE".to_owned());
        let (mut trims, mut odd) = (false, false);
        let mut words = called.arguments().iter();
        while let Some(field) = words.next() {
            match field.arg.as_text() {
                Some("-t") => trims = true,
                Some("-C") => {
                    odd = true;
                    let text = words.next().cloned().unwrap_or_default().into_value();
                    let say = "runs a command for lines that it reads";
                    self.flag(
                        EffectKind::RunsCode,
                        RiskLevel::High,
                        "shell.mapfile",
                        say,
                        state,
                    );
                    self.run_later(&text, state);
                }
                Some("-d" | "-n" | "-O" | "-s" | "-u" | "-c") => {
                    odd = true;
                    words.next();
                }
                Some(text) if is_name(text) => name = Some(text.to_owned()),
                _ => name = None,
            }
        }
        self.choose_stdin(state);
        let value = state
            .stdin
            .first()
            .map_or_else(Value::default, Stdin::value);
        let items = match value.as_text().filter(|_| !odd) {
            Some(text) => text
                .split_inclusive('\n')
                .map(|line| {
                    if trims {
                        line.strip_suffix('\n').unwrap_or(line)
                    } else {
                        line
                    }
                })
                .enumerate()
                .map(|(index, line)| (index.to_string(), Value::text(line)))
                .collect(),
            None => vec![("?".to_owned(), unknown_like(&value))],
        };
        state.set_stdin(Stdin::Value(Value::default()));
        self.put_array(name, items, state);
        Done::default()
    }
}

fn read_words(called: &Called) -> ReadWords {
    let mut words = ReadWords::default();
    let mut fields = called.arguments().iter().peekable();
    while let Some(field) = fields.next() {
        match field.arg.as_text() {
            Some(text) if words.names.is_empty() && text.starts_with('-') && text.len() > 1 => {
                for (at, letter) in text.char_indices().skip(1) {
                    words.raw |= letter == 'r';
                    words.odd |= "dnNut".contains(letter);
                    words.array |= letter == 'a';
                    if READ_VALUES.contains(letter) {
                        let joined = &text[at + letter.len_utf8()..];
                        let value = if joined.is_empty() {
                            fields.next().and_then(|field| field.arg.as_text())
                        } else {
                            Some(joined)
                        };
                        if letter == 'a' {
                            words
                                .names
                                .push(value.filter(|name| is_name(name)).map(str::to_owned));
                        }
                        break;
                    }
                }
            }
            Some(text) => words.names.push(is_name(text).then(|| text.to_owned())),
            None => words.names.push(None),
        }
    }
    if words.names.is_empty() {
        words.names.push(Some("REPLY".to_owned()));
    }
    words
}

/// The first line of a value, and what follows it, where there is more.
fn first_line(value: &Value) -> Option<(Value, Option<Value>)> {
    let mut line = Value {
        hidden: value.hidden,
        ..Value::default()
    };
    for (index, part) in value.parts.iter().enumerate() {
        match part {
            Part::Text(text) => match text.split_once('\n') {
                Some((before, after)) => {
                    line.push_text(before);
                    let mut rest = Value {
                        hidden: value.hidden,
                        ..Value::default()
                    };
                    rest.push_text(after);
                    value.parts[index + 1..]
                        .iter()
                        .for_each(|part| rest.push(part.clone()));
                    return Some((line, Some(rest)));
                }
                None => line.push_text(text),
            },
            // What is not known may hold lines of its own.
            Part::Unknown(unknown) if unknown.plain => line.push(part.clone()),
            _ => return None,
        }
    }
    Some((line, None))
}

/// A value of the same origin of which no text is known.
fn unknown_like(value: &Value) -> Value {
    if value.as_text().is_some() {
        return Value::unknown(Origin::Input);
    }
    let directories_only = value
        .parts
        .iter()
        .all(|part| !matches!(part, Part::Text(text) if text.trim() != ""));
    match value.origin() {
        Origin::PathsBelow(_) if !directories_only => Value::unknown(Origin::Output),
        origin => Value::unknown(origin),
    }
}

/// A line split for so many variables, of which the last gets the rest.
fn split_line(line: &str, separators: &Separators, count: usize) -> Vec<String> {
    let set = match separators {
        Separators::Blanks => " \t\n",
        Separators::These(set) => set,
    };
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n') && set.contains(c);
    let mut rest = line.trim_matches(blank);
    let mut values = Vec::new();
    while !rest.is_empty() {
        if values.len() + 1 >= count {
            values.push(rest.to_owned());
            break;
        }
        let Some(end) = rest.find(|c| set.contains(c)) else {
            values.push(rest.to_owned());
            break;
        };
        values.push(rest[..end].to_owned());
        let after = rest[end..].trim_start_matches(blank);
        rest = match after.chars().next() {
            Some(c) if set.contains(c) => after[c.len_utf8()..].trim_start_matches(blank),
            _ => after,
        };
    }
    values
}
