//! `crontab`, `at`, `batch`: what is listed, what is removed, and the commands of a table or a job that is known.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::{Arg, Origin};

use super::given::{has, has_surely, values};
use super::ledger::Ledger;
use super::words::is_stdin;

/// Most lines of a table that are looked at.
const MOST_LINES: usize = 1_000;

/// `crontab`.
pub(super) fn crontab(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    if has(matched, "-r") {
        schedules(
            &mut ledger,
            "-r",
            "removes the whole table of scheduled commands",
        );
    }
    if has(matched, "-e") {
        ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "-e",
            "opens an editor for a person",
        );
    }
    let file = matched.operands.first();
    if has_surely(matched, "-l -r -e -T -V -c -n") && file.is_none() {
        return ledger.finish();
    }
    if has_surely(matched, "-T") {
        for file in matched.operands.iter().chain(values(matched, "-T")) {
            ledger.reads(file.clone(), "-T");
        }
        return ledger.finish();
    }
    schedules(
        &mut ledger,
        "install",
        "replaces the whole table of scheduled commands",
    );
    match file {
        Some(file) if !file.as_text().is_some_and(is_stdin) => ledger.reads(file.clone(), "file"),
        _ => {
            if let Input::Text(text) = &invocation.stdin {
                table(&mut ledger, text);
            }
        }
    }
    ledger.finish()
}

/// `at`, `batch`.
pub(super) fn at(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    if has(matched, "-d -r") {
        ledger.says(
            EffectKind::Schedules,
            RiskLevel::Medium,
            "-d",
            "removes a scheduled command",
        );
    }
    if has_surely(matched, "-l -c -d -r -V") {
        return ledger.finish();
    }
    schedules(&mut ledger, "job", "has commands run later");
    let files = values(matched, "-f");
    for file in &files {
        ledger.reads((*file).clone(), "-f");
    }
    if files.is_empty()
        && let Input::Text(text) = &invocation.stdin
    {
        ledger.shell_with(Arg::text(text), Vec::new(), Some(Input::Nothing));
    }
    ledger.finish()
}

fn schedules(ledger: &mut Ledger, what: &str, sentence: &str) {
    ledger.says(EffectKind::Schedules, RiskLevel::High, what, sentence);
}

/// The commands of a table.
fn table(ledger: &mut Ledger, text: &str) {
    for (index, line) in text.lines().enumerate() {
        if index >= MOST_LINES {
            ledger.code("limit", "schedules more commands than are looked at");
            return;
        }
        if let Some(command) = command(line) {
            let (command, input) = parted(command);
            let stdin = input.map_or(Input::Nothing, Input::Text);
            ledger.shell_with(Arg::text(command), Vec::new(), Some(stdin));
        } else if !is_idle(line) {
            ledger.shell_with(
                Arg::unknown(Origin::Input, false),
                Vec::new(),
                Some(Input::Nothing),
            );
        }
    }
}

/// Whether a line schedules nothing: blank, a comment, a variable.
fn is_idle(line: &str) -> bool {
    let line = line.trim();
    let is_setting = line.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim().trim_matches(['"', '\'']);
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    });
    line.is_empty() || line.starts_with('#') || is_setting
}

/// The command of a line, behind its five fields or its `@word`.
fn command(line: &str) -> Option<&str> {
    let mut rest = line.trim();
    if rest.starts_with('#') || rest.is_empty() {
        return None;
    }
    let fields = if rest.starts_with('@') { 1 } else { 5 };
    for _ in 0..fields {
        let (field, after) = rest.split_once([' ', '\t'])?;
        let is_field = rest.starts_with('@')
            || field
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "*/,-~?".contains(letter));
        if !is_field {
            return None;
        }
        rest = after.trim_start();
    }
    (!rest.is_empty()).then_some(rest)
}

/// A command of a table, and the input that stands behind its first `%`.
fn parted(command: &str) -> (String, Option<String>) {
    let mut text = String::new();
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.as_str().starts_with('%') => {
                letters.next();
                text.push('%');
            }
            '%' => return (text, Some(letters.as_str().replace('%', "\n"))),
            letter => text.push(letter),
        }
    }
    (text, None)
}
