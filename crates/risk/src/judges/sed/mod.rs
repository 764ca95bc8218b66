//! `sed`: its script, read as sed reads it, and the files that are edited in place.

mod script;
#[cfg(test)]
mod tests;

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::given::{has, has_surely, values};
use super::ledger::Ledger;
use super::shells::script_file;
use super::words::{PLAIN, is_sink, is_stdin, program_text};
use script::Deed;

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let mut files = matched.operands.as_slice();
    let mut texts: Vec<Arg> = values(matched, "-e --expression")
        .into_iter()
        .cloned()
        .collect();
    if !has_surely(matched, "-e --expression -f --file") {
        let Some((script, rest)) = files.split_first() else {
            ledger.unknown("script", "edits with a script that is missing");
            return ledger.finish();
        };
        files = rest;
        texts.push(script.clone());
    }
    read_texts(&mut ledger, &texts);
    for file in values(matched, "-f --file") {
        script_in_file(&mut ledger, invocation, file);
    }
    touch_files(&mut ledger, matched, files, empties(&texts));
    ledger.finish()
}

/// Judges the scripts that stand in the words.
fn read_texts(ledger: &mut Ledger, texts: &[Arg]) {
    let known: Option<Vec<String>> = texts.iter().map(program_text).collect();
    match known {
        Some(known) => read_script(ledger, &known.join("\n")),
        None => ledger.code(
            "script",
            "edits with a script that only the host knows, which may run or write something",
        ),
    }
}

/// Judges a script, in each way in which a sed may part it.
fn read_script(ledger: &mut Ledger, text: &str) {
    match script::read(text, true) {
        Ok(deeds) => note(ledger, &deeds),
        Err(_) => ledger.code(
            "script",
            "edits with a script that is not understood and may run or write something",
        ),
    }
    if let Ok(deeds) = script::read(text, false) {
        note(ledger, &deeds);
    }
}

/// Writes down what a script does.
fn note(ledger: &mut Ledger, deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Reads(path) | Deed::Writes(path) | Deed::Runs(path) if path.contains(PLAIN) => {
                ledger.code(
                    "script",
                    "edits with a script that only the host knows, which may run or write something",
                );
            }
            Deed::Reads(path) => {
                if !is_stdin(path) {
                    ledger.reads(Arg::text(path), "r");
                }
            }
            Deed::Writes(path) => {
                if !is_sink(path) {
                    ledger.path(EffectKind::Overwrites, Arg::text(path), "w");
                }
            }
            Deed::Runs(command) => ledger.shell(Arg::text(command)),
            Deed::RunsStream => ledger.code("e", "runs what it reads as commands"),
        }
    }
}

/// A script in a file, or on the standard input.
fn script_in_file(ledger: &mut Ledger, invocation: &Invocation, file: &Arg) {
    if file.as_text().is_some_and(is_stdin) {
        match &invocation.stdin {
            Input::Text(text) => read_script(ledger, text),
            Input::Nothing => {}
            Input::File(file) => script_file(ledger, invocation, file),
            Input::Unknown(_) => ledger.code("-f", "edits with a script that is not seen"),
        }
        return;
    }
    ledger.reads(file.clone(), "-f");
    script_file(ledger, invocation, file);
}

/// Whether the script surely deletes every line.
fn empties(texts: &[Arg]) -> bool {
    texts
        .first()
        .and_then(program_text)
        .is_some_and(|text| script::empties(&text))
}

/// The files that it edits or shows.
fn touch_files(ledger: &mut Ledger, matched: &Matched, files: &[Arg], empties: bool) {
    let in_place = has(matched, "-i --in-place");
    for file in files {
        if file.as_text().is_some_and(is_stdin) && !in_place {
            continue;
        }
        ledger.reads(file.clone(), "file");
        if in_place {
            ledger.path(EffectKind::Writes, file.clone(), "-i");
            if empties {
                ledger.path(EffectKind::Overwrites, file.clone(), "empties");
            }
        }
    }
    let backup = matched.values("-i").into_iter().any(|suffix| {
        suffix
            .as_text()
            .is_none_or(|text| text.contains(['/', '*']))
    });
    if in_place && backup {
        ledger.says(
            EffectKind::Writes,
            RiskLevel::Medium,
            "-i",
            "keeps a copy of each file under a name of its own",
        );
    }
}
