//! `dc`: a calculator whose exclamation mark gives the rest of the line to a shell.

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::given::values;
use super::ledger::Ledger;
use super::shells::script_file;
use super::words::program_text;

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    for expression in values(matched, "-e --expression") {
        match program_text(expression) {
            Some(text) => program(&mut ledger, &text),
            None => ledger.code(
                "-e",
                "computes what only the host knows, which may be a command",
            ),
        }
    }
    let files = values(matched, "-f --file");
    for file in files.into_iter().chain(&matched.operands) {
        ledger.reads(file.clone(), "file");
        script_file(&mut ledger, invocation, file);
    }
    match &invocation.stdin {
        Input::Nothing => {}
        Input::Text(text) => program(&mut ledger, text),
        Input::File(_) | Input::Unknown(_) => {
            ledger.code("stdin", "computes what is not seen, which may be a command");
        }
    }
    ledger.finish()
}

/// A program: `!` begins a command, unless a comparison follows. A text in brackets may be run as a program, so it is
/// looked at as one.
fn program(ledger: &mut Ledger, text: &str) {
    for line in text.lines() {
        for (at, _) in line.match_indices('!') {
            let command = &line[at + 1..];
            if !command.starts_with(['<', '>', '=']) {
                ledger.shell(Arg::text(command.trim()));
                // In a text in brackets the command ends with the text.
                if let Some((inside, _)) = command.split_once(']') {
                    ledger.shell(Arg::text(inside.trim()));
                }
            }
        }
    }
    // A number may be made into text and be run.
    if text.contains(['a', 'P', '?']) && text.contains('x') {
        ledger.code("x", "runs a program that it makes");
    }
}
