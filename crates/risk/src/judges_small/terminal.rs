//! Clocks, pagers and things that repeat: what an operand means that is a date, a key for a pager, an interval.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome, Output};
use crate::spec::Matched;
use crate::word::{Arg, Part};

use super::notes::Notes;

/// Conversions of `date` that print blanks or slashes.
const WIDE_DATES: &str = "cDxntr+";

/// Directories in which anybody may put a program.
const SCRATCH: [&str; 4] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/"];

/// `less`, `more`: a word `+x` is what is typed first.
pub(super) fn pager(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    for word in &matched.operands {
        let Some(keys) = word.beginning().strip_prefix('+') else {
            let target = crate::invocation::Target::Path(word.clone());
            if word.as_text() != Some("-") {
                notes.to(EffectKind::Reads, target, "file");
            }
            continue;
        };
        let keys = keys.trim_start_matches('+');
        let moves = keys.is_empty()
            || matches!(keys, "G" | "g" | "F")
            || keys.starts_with(['/', '?'])
            || keys.chars().all(|letter| letter.is_ascii_digit());
        let known = word.as_text().is_some() || keys.starts_with(['/', '?']);
        if moves && known {
            continue;
        }
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "keys",
            "types keys into a pager, which can run programs",
        );
    }
    notes.finish()
}

/// `date`: an operand that is not a format sets the clock.
pub(super) fn date(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let only_reads = matched.has_surely("-j");
    for word in &matched.operands {
        if !word.beginning().starts_with('+') && !only_reads {
            notes.says(EffectKind::Kernel, RiskLevel::High, "set", "sets the clock");
        }
    }
    if let [format] = matched.operands.as_slice()
        && prints_one_value(format)
    {
        notes.prints(Output::Plain);
    }
    notes.finish()
}

/// Whether what a format makes has neither blanks nor slashes, nor a dash at its beginning.
fn prints_one_value(format: &Arg) -> bool {
    let Some(text) = format.as_text().and_then(|text| text.strip_prefix('+')) else {
        return false;
    };
    let mut letters = text.chars();
    if text.starts_with('-') || text.contains([' ', '/', '\n', '\t']) {
        return false;
    }
    while let Some(letter) = letters.next() {
        if letter == '%' {
            let conversion =
                letters.find(|letter| !"-_0^#:EO".contains(*letter) && !letter.is_ascii_digit());
            if conversion.is_none_or(|letter| {
                WIDE_DATES.contains(letter) || letter == 'e' || letter == 'k' || letter == 'l'
            }) {
                return false;
            }
        }
    }
    true
}

/// `sleep infinity` never ends.
pub(super) fn sleep(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let for_ever = matched.operands.iter().any(|word| {
        word.as_text()
            .is_some_and(|text| text.to_ascii_lowercase().starts_with("inf"))
    });
    if for_ever {
        notes.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            "infinity",
            "never ends by itself",
        );
    }
    notes.finish()
}

/// `vmstat 1`, `iostat 1`, `sar 1`: an interval without a count never ends.
pub(super) fn interval(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let numbers = matched
        .operands
        .iter()
        .filter(|word| may_be_number(word))
        .count();
    let always = matches!(notes.command(), "dstat" | "dool");
    if numbers == 1 || (numbers == 0 && always && !matched.has_surely("--list")) {
        notes.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            "interval",
            "goes on until it is stopped",
        );
    }
    notes.finish()
}

fn may_be_number(word: &Arg) -> bool {
    word.parts.iter().all(|part| match part {
        Part::Text(text) => text
            .chars()
            .all(|letter| letter.is_ascii_digit() || letter == '.'),
        Part::Pattern(_) => false,
        Part::Unknown(_) => true,
    }) && !word.parts.is_empty()
}

/// `ldd`: older ones start the program to see what it loads.
pub(super) fn ldd(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let foreign = |word: &Arg| {
        let text = word.beginning();
        text.is_empty()
            || SCRATCH.iter().any(|place| text.starts_with(place))
            || (word.as_text().is_none() && !text.starts_with('/'))
            || text.contains("..")
    };
    if matched.operands.iter().any(foreign) {
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "foreign",
            "may start the program, which anybody may have put there",
        );
    }
    notes.finish()
}
