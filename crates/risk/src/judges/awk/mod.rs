//! `awk`, `gawk`, `mawk`: the program, read by awk's grammar, and the files that it is given.

mod expressions;
mod program;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::HashMap;

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome, Output};
use crate::spec::{Matched, MatchedOption};
use crate::word::{Arg, Origin, Part, Unknown};

use super::given::{has_surely, values};
use super::ledger::Ledger;
use super::shells::script_file;
use super::words::{PLAIN, is_sink, is_stdin, program_text};
use program::{Act, Program, Value};

/// How many variables are followed to tell one text.
const MOST_STEPS: usize = 8;

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let mut operands = matched.operands.as_slice();
    let mut texts: Vec<Arg> = values(matched, "-e --source")
        .into_iter()
        .cloned()
        .collect();
    if !has_surely(matched, "-e --source -f --file -E --exec") {
        let Some((text, rest)) = operands.split_first() else {
            ledger.unknown("program", "runs a program that is missing");
            return ledger.finish();
        };
        texts.push(text.clone());
        operands = rest;
    }
    let settings = settings(matched, operands);
    read_texts(&mut ledger, &texts, &settings);
    for file in values(matched, "-f --file -E --exec") {
        program_file(&mut ledger, invocation, file, &settings);
    }
    for library in values(matched, "-i --include -l --load") {
        included(&mut ledger, library, operands);
    }
    for operand in operands {
        let is_stream = operand
            .as_text()
            .is_some_and(|text| is_stdin(text) || text.is_empty());
        if !is_stream && setting(operand).is_none() {
            ledger.reads(operand.clone(), "file");
        }
    }
    if operands.is_empty() && prints_first_field(matched, &texts) {
        ledger.prints(Output::FirstField);
    }
    ledger.finish()
}

/// Whether all that it prints is the first field of some lines: `$3 > 5 {print $1}`.
fn prints_first_field(matched: &Matched, texts: &[Arg]) -> bool {
    let separated = |option: &MatchedOption| {
        option.sure
            && option.is("-F")
            && matches!(
                option.value.as_ref().and_then(Arg::as_text),
                Some(":" | " ")
            )
    };
    let [Some(text)] = texts.iter().map(Arg::as_text).collect::<Vec<_>>()[..] else {
        return false;
    };
    let Some((condition, action)) = text.split_once('{') else {
        return false;
    };
    let action: Vec<&str> = action.split_ascii_whitespace().collect();
    matched.options.iter().all(separated)
        && matches!(action.concat().as_str(), "print$1}" | "print$1;}")
        && !assigns(condition)
}

/// Whether a condition may change a field, or is more than a condition.
fn assigns(condition: &str) -> bool {
    let without = ["==", "!=", "<=", ">="]
        .iter()
        .fold(condition.to_owned(), |text, compares| {
            text.replace(compares, " ")
        });
    without.contains(['=', '(', ')', '}', ';', '\n'])
        || ["++", "--", "getline"]
            .iter()
            .any(|word| without.contains(word))
}

/// A file of code that is read in besides: `inplace` edits the files that it is given.
fn included(ledger: &mut Ledger, library: &Arg, operands: &[Arg]) {
    if library.as_text() == Some("inplace") {
        for operand in operands.iter().filter(|operand| setting(operand).is_none()) {
            ledger.path(EffectKind::Writes, operand.clone(), "inplace");
        }
    } else {
        ledger.code("library", "runs code from a library that is not seen");
    }
}

/// Variables that are set from outside: the value where it is known.
type Settings = Vec<(String, Option<String>)>;

fn settings(matched: &Matched, operands: &[Arg]) -> Settings {
    let options = values(matched, "-v --assign");
    options
        .into_iter()
        .chain(operands)
        .filter_map(setting)
        .collect()
}

/// `name=value`.
fn setting(word: &Arg) -> Option<(String, Option<String>)> {
    let (name, value) = word.beginning().split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|letter: char| letter.is_ascii_digit())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':');
    let known = word.as_text().is_some() && !value.contains('\\');
    is_name.then(|| (name.to_owned(), known.then(|| value.to_owned())))
}

/// Judges programs that stand in the words.
fn read_texts(ledger: &mut Ledger, texts: &[Arg], settings: &Settings) {
    if texts.is_empty() {
        return;
    }
    let known: Option<Vec<String>> = texts.iter().map(program_text).collect();
    match known {
        Some(known) => read_program(ledger, &known.join("\n"), settings),
        None => ledger.code("program", "runs an awk program that only the host knows"),
    }
}

/// Judges a program, in each way in which an awk may part it.
fn read_program(ledger: &mut Ledger, text: &str, settings: &Settings) {
    match program::read(text, true) {
        Ok(program) => note(ledger, &program, settings),
        Err(_) => ledger.code(
            "program",
            "runs an awk program that is not understood and may run or write something",
        ),
    }
    if let Ok(program) = program::read(text, false) {
        note(ledger, &program, settings);
    }
}

/// A program in a file, or on the standard input.
fn program_file(ledger: &mut Ledger, invocation: &Invocation, file: &Arg, settings: &Settings) {
    if !file.as_text().is_some_and(is_stdin) {
        ledger.reads(file.clone(), "-f");
        script_file(ledger, invocation, file);
        return;
    }
    match &invocation.stdin {
        Input::Text(text) => read_program(ledger, text, settings),
        Input::Nothing => {}
        Input::File(file) => script_file(ledger, invocation, file),
        Input::Unknown(_) => ledger.code("-f", "runs an awk program that is not seen"),
    }
}

/// Writes down what a program does.
fn note(ledger: &mut Ledger, program: &Program, settings: &Settings) {
    let known = Known::of(program, settings);
    for act in &program.acts {
        match act {
            Act::Code => ledger.code("include", "runs awk code that is not seen"),
            Act::Runs(command) => run(ledger, &known.arg(command), None),
            Act::Feeds(command, printed) => {
                let stdin = printed
                    .as_ref()
                    .and_then(|value| known.text(value))
                    .map_or(Input::Unknown(Origin::Input), |text| {
                        Input::Text(format!("{text}\n"))
                    });
                run(ledger, &known.arg(command), Some(stdin));
            }
            Act::Overwrites(file) => write(ledger, EffectKind::Overwrites, known.arg(file)),
            Act::Appends(file) => write(ledger, EffectKind::Writes, known.arg(file)),
            Act::Reads(Value::Variable(name)) if name == "FILENAME" => {}
            Act::Reads(file) => read(ledger, known.arg(file)),
        }
    }
    let printed: Option<Vec<String>> = program
        .prints
        .as_ref()
        .and_then(|values| values.iter().map(|value| known.text(value)).collect());
    if let Some(lines) = printed
        && !lines.is_empty()
    {
        ledger.prints(Output::Text(
            lines.iter().map(|line| format!("{line}\n")).collect(),
        ));
    }
}

/// A command of the program's.
fn run(ledger: &mut Ledger, command: &Arg, stdin: Option<Input>) {
    match command.as_text() {
        Some("") => {}
        Some(text) if text.starts_with("/inet") => network(ledger),
        Some(_) => ledger.shell_with(command.clone(), Vec::new(), stdin),
        None => ledger.code("command", "runs a command that it makes from what it reads"),
    }
}

/// A file that the program writes.
fn write(ledger: &mut Ledger, kind: EffectKind, file: Arg) {
    let beginning = file.beginning();
    if file.as_text().is_some_and(is_sink) {
        return;
    }
    if beginning.starts_with("/inet") {
        network(ledger);
    } else if beginning.is_empty() {
        ledger.says(
            kind,
            RiskLevel::High,
            "file",
            "writes files whose names it makes from what it reads",
        );
    } else {
        ledger.path(kind, file, "file");
    }
}

/// A file that the program reads.
fn read(ledger: &mut Ledger, file: Arg) {
    if file.beginning().starts_with("/inet") {
        network(ledger);
    } else if !file.as_text().is_some_and(is_stdin) {
        ledger.reads(file, "getline");
    }
}

fn network(ledger: &mut Ledger) {
    ledger.says(
        EffectKind::Sends,
        RiskLevel::High,
        "inet",
        "opens a connection to another machine",
    );
}

/// What is known of variables: those that are set once, to a text.
struct Known<'a> {
    values: HashMap<&'a str, Value>,
}

impl<'a> Known<'a> {
    fn of(program: &'a Program, settings: &'a Settings) -> Self {
        let mut all: HashMap<&str, Vec<Value>> = HashMap::new();
        for (name, values) in &program.assigned {
            all.entry(name).or_default().extend(values.iter().cloned());
        }
        for (name, value) in settings {
            let value = value.clone().map_or(Value::Other, Value::Text);
            all.entry(name).or_default().push(value);
        }
        let values = all
            .into_iter()
            .filter_map(|(name, mut values)| match values.len() {
                1 => values.pop().map(|value| (name, value)),
                _ => None,
            })
            .collect();
        Self { values }
    }

    /// The text of an expression, where all of it is known.
    fn text(&self, value: &Value) -> Option<String> {
        self.arg(value).as_text().map(str::to_owned)
    }

    /// An expression as a word.
    fn arg(&self, value: &Value) -> Arg {
        let mut arg = Arg::default();
        self.append(value, 0, &mut arg);
        arg
    }

    fn append(&self, value: &Value, steps: usize, arg: &mut Arg) {
        match value {
            Value::Text(text) if !text.contains(PLAIN) => match arg.parts.last_mut() {
                Some(Part::Text(before)) => before.push_str(text),
                _ => arg.parts.push(Part::Text(text.clone())),
            },
            Value::Joined(values) => {
                for value in values {
                    self.append(value, steps, arg);
                }
            }
            Value::Variable(name)
                if steps < MOST_STEPS && self.values.contains_key(name.as_str()) =>
            {
                self.append(&self.values[name.as_str()], steps + 1, arg);
            }
            Value::Text(_) | Value::Variable(_) | Value::Other => {
                arg.parts.push(Part::Unknown(Unknown {
                    from: Origin::Input,
                    plain: false,
                }));
            }
        }
    }
}
