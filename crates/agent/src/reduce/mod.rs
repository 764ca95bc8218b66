//! Makes long output shorter by meaning: errors and warnings stay first, lines that repeat are counted, the beginning and
//! the end stay, tables keep their head and what stands out, JSON keeps its shape. What is left out is said where it was
//! and can be asked for under the label of the whole.

mod json;
mod lines;
mod table;

/// What kind of text it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextKind {
    /// It is told from the text.
    #[default]
    Unknown,
    /// Lines in the order of time.
    Log,
    /// A head and rows with columns.
    Table,
    /// JSON.
    Json,
    /// Other lines.
    Plain,
}

/// A text that was made to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// What is shown. Every line of a text that is not JSON stands in it as it was, with its number before it, or is a
    /// note in brackets; one that is too long by itself is cut, and ends with [`CUT`].
    pub text: String,
    /// What is not shown; none where all of it is.
    pub left_out: Option<LeftOut>,
}

/// What is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Lines there were.
    pub of_lines: usize,
    /// Lines that are not shown whole, or only counted.
    pub lines: usize,
    /// Bytes there were.
    pub of_bytes: usize,
}

impl LeftOut {
    /// How it is told, and how the rest is asked for.
    #[must_use]
    pub fn note(&self, label: &str) -> String {
        format!(
            "({} of {} lines are not shown; call output with label {label} and from_line or grep for them.)",
            self.lines, self.of_lines
        )
    }
}

/// What a line ends with that was cut.
pub const CUT: &str = " [cut]";
/// Less room than this shows nothing.
const LEAST_ROOM: usize = 80;

/// The text in at most so many bytes. A text that fits is left as it is.
#[must_use]
pub fn reduce(text: &str, kind: TextKind, room: usize) -> Reduced {
    if text.len() <= room {
        return Reduced {
            text: text.to_owned(),
            left_out: None,
        };
    }
    let of_lines = text.lines().count();
    let whole = LeftOut {
        of_lines,
        lines: of_lines,
        of_bytes: text.len(),
    };
    if room < LEAST_ROOM {
        return Reduced {
            text: String::new(),
            left_out: Some(whole),
        };
    }
    let kind = match kind {
        TextKind::Unknown => told_from(text),
        kind => kind,
    };
    let (shown, kept) = match kind {
        TextKind::Json => match json::shape(text, room) {
            Some(shape) => (shape, 0),
            None => lines::reduce(text, room),
        },
        TextKind::Table => table::reduce(text, room),
        TextKind::Unknown | TextKind::Log | TextKind::Plain => lines::reduce(text, room),
    };
    Reduced {
        text: shown,
        left_out: Some(LeftOut {
            lines: of_lines.saturating_sub(kept),
            ..whole
        }),
    }
}

/// What kind of text it seems to be.
fn told_from(text: &str) -> TextKind {
    if text.trim_start().starts_with(['{', '[']) && json::is_json(text) {
        TextKind::Json
    } else if table::is_table(text) {
        TextKind::Table
    } else {
        TextKind::Plain
    }
}

#[cfg(test)]
mod tests;
