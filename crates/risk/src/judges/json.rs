//! `jq` and `yq`: their filters only compute, so what counts is which files are read and which are edited in place.

use watchkeeper_model::EffectKind;

use crate::invocation::{Invocation, Outcome};
use crate::spec::Matched;
use crate::word::{Arg, Origin};

use super::given::{has, values};
use super::ledger::Ledger;
use super::options::listed;
use super::words::{is_stdin, program_text};

/// Options of jq without a value; letters may stand in a bundle.
const JQ_FLAGS: &str = "--null-input --raw-output --raw-output0 --join-output --ascii-output --slurp --compact-output \
    --color-output --monochrome-output --sort-keys --exit-status --raw-input --seq --stream --stream-errors --unbuffered \
    --binary --tab --help --version --build-configuration --yaml-input --yaml-output --no-monochrome";

/// Letters of the same.
const JQ_LETTERS: &str = "nrjasccCMSeRbhV";

/// `jq`, `gojq`. Some options take two words, which no table can say.
pub(super) fn jq(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let words = invocation.argv.get(1..).unwrap_or_default();
    let mut operands = Vec::new();
    let mut filter_in_file = false;
    let mut at = 0;
    let mut ended = false;
    while let Some(word) = words.get(at) {
        at += 1;
        let text = word.as_text().unwrap_or_default();
        if ended || !text.starts_with('-') || text == "-" {
            operands.push(word.clone());
            continue;
        }
        match text {
            "--" => ended = true,
            "--arg" | "--argjson" => at += 2,
            "--slurpfile" | "--rawfile" | "--argfile" => {
                if let Some(file) = words.get(at + 1) {
                    ledger.reads(file.clone(), "file");
                }
                at += 2;
            }
            "-f" | "--from-file" => filter_in_file = true,
            "--indent" | "-L" | "--library-path" => at += 1,
            "--args" | "--jsonargs" => {}
            _ if listed(JQ_FLAGS, text)
                || text.starts_with("-L")
                || text.starts_with("--indent=") => {}
            _ if !text.starts_with("--")
                && text[1..]
                    .chars()
                    .all(|letter| JQ_LETTERS.contains(letter) || letter == 'f') =>
            {
                filter_in_file |= text.contains('f');
            }
            _ => ledger.unknown("option", "filters with an option that is not known"),
        }
    }
    // The first operand is the filter, or the file in which it stands.
    let files = operands.iter().skip(usize::from(!filter_in_file));
    for file in files.filter(|file| !file.as_text().is_some_and(is_stdin)) {
        ledger.reads(file.clone(), "file");
    }
    ledger.finish()
}

/// `yq`.
pub(super) fn yq(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let mut operands = matched.operands.as_slice();
    if let Some(verb) = operands.first().and_then(Arg::as_text)
        && matches!(verb, "e" | "eval" | "ea" | "eval-all")
    {
        operands = &operands[1..];
    }
    for file in values(matched, "--from-file --expression-file") {
        ledger.reads(file.clone(), "--from-file");
    }
    if let Some(expression) = operands.first() {
        loads(&mut ledger, expression);
    }
    let in_place = has(matched, "-i --inplace --in-place");
    for (index, file) in operands.iter().enumerate() {
        let is_path = index > 0 || operands.len() == 1 || file.beginning().starts_with(['/', '~']);
        if !is_path || file.as_text().is_some_and(is_stdin) {
            continue;
        }
        ledger.reads(file.clone(), "file");
        if in_place {
            ledger.path(EffectKind::Writes, file.clone(), "-i");
        }
    }
    if in_place && operands.len() < 2 {
        ledger.unknown(
            "-i",
            "edits a file in place that is not told from its expression",
        );
    }
    ledger.finish()
}

/// Files that an expression loads: `load("file")`.
fn loads(ledger: &mut Ledger, expression: &Arg) {
    let Some(text) = program_text(expression) else {
        ledger.reads(Arg::unknown(Origin::Input, false), "load");
        return;
    };
    let mut rest = text.as_str();
    while let Some(start) = rest.find("load") {
        let after = rest[start + 4..]
            .trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        rest = after;
        let Some(argument) = after.trim_start().strip_prefix('(') else {
            continue;
        };
        let literal = argument
            .trim_start()
            .strip_prefix('"')
            .and_then(|quoted| quoted.split_once('"'))
            .filter(|(name, after)| !name.contains('\\') && after.trim_start().starts_with(')'))
            .map(|(name, _)| Arg::text(name));
        ledger.reads(
            literal.unwrap_or_else(|| Arg::unknown(Origin::Input, false)),
            "load",
        );
    }
    if text.contains("system(") || text.contains("exec(") {
        ledger.code("system", "runs a command out of its expression");
    }
}
