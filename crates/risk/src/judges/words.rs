//! Words as the judges need them: a program's bare name, a program text with marks for plain values, places in which
//! a file would be scratch.

use crate::invocation::Context;
use crate::word::{Arg, Origin, Part, Unknown};

/// Stands in a program text for a plain value that only the host knows: a number, a date, a name. It is no character
/// of any of the languages that are judged, so a parser takes it for a value or refuses it.
pub(super) const PLAIN: char = '\u{e000}';

/// Directories in which anybody may put a program.
const SCRATCH: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run/user"];

/// The name of a program without its directory.
pub(super) fn base_name(program: &Arg) -> String {
    let name = program.as_text().unwrap_or_default();
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// The text of a program in a little language, where all of it is known but for plain values.
pub(super) fn program_text(arg: &Arg) -> Option<String> {
    let mut text = String::new();
    for part in &arg.parts {
        match part {
            Part::Text(known) => text.push_str(known),
            Part::Unknown(unknown) if unknown.plain && !arg.splits => text.push(PLAIN),
            Part::Pattern(_) | Part::Unknown(_) => return None,
        }
    }
    Some(text)
}

/// The one part of a word of which only the origin is known.
pub(super) fn unknown(from: &Origin) -> Vec<Part> {
    vec![Part::Unknown(Unknown {
        from: from.clone(),
        plain: false,
    })]
}

/// A word in which every occurrence of `mark` is replaced.
pub(super) fn replaced(arg: &Arg, mark: &str, by: &[Part]) -> Arg {
    let mut parts = Vec::new();
    for part in &arg.parts {
        let Part::Text(text) = part else {
            push(&mut parts, part.clone());
            continue;
        };
        for (index, piece) in text.split(mark).enumerate() {
            if index > 0 {
                by.iter().for_each(|part| push(&mut parts, part.clone()));
            }
            if !piece.is_empty() {
                push(&mut parts, Part::Text(piece.to_owned()));
            }
        }
    }
    Arg {
        parts,
        splits: arg.splits,
    }
}

/// Adds a part; adjoining texts are one.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
        (_, part) => parts.push(part),
    }
}

/// Whether a file that is run as a program lies where anybody may have put it, or where that cannot be told.
pub(super) fn is_foreign_program(path: &Arg, context: &Context) -> bool {
    let Some(text) = path.as_text() else {
        return path.has_unknown() || path.splits;
    };
    if text.starts_with('/') {
        return below_scratch(text);
    }
    if text.starts_with('~') || text.is_empty() {
        return false;
    }
    context
        .directories
        .iter()
        .any(|directory| below_scratch(&format!("{directory}/{text}")))
}

/// Whether an absolute path lies in a scratch directory, by its text alone.
fn below_scratch(path: &str) -> bool {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let normal = format!("/{}/", steps.join("/"));
    SCRATCH
        .iter()
        .any(|directory| normal.starts_with(&format!("{directory}/")))
}

/// Whether a word names the standard input.
pub(super) fn is_stdin(text: &str) -> bool {
    matches!(text, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// Whether a word names a place where nothing is kept.
pub(super) fn is_sink(text: &str) -> bool {
    matches!(
        text,
        "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/fd/1" | "/dev/fd/2" | "/dev/tty"
    )
}
