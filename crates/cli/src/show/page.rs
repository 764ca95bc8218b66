//! What a text is written for: how wide, with or without colour, and the time that "ago" is counted from.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use watchkeeper_model::Timestamp;

/// Where a text is going to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// Columns; 80 where there is no terminal.
    pub(crate) width: usize,
    /// Whether colour may repeat what a word says.
    pub(crate) colour: bool,
    /// The time now.
    pub(crate) now: Timestamp,
}

/// What a colour repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It is well.
    Good,
    /// Look at it this week.
    Warn,
    /// Look at it now.
    Bad,
    /// Less important.
    Dim,
    /// More important.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

impl Page {
    /// The text in a colour, where colour is wanted.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour && !text.is_empty() {
            let style = tone.style();
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Wraps a text at blanks to the page's width less `indent`; every line is indented but the first.
    pub(crate) fn wrap(&self, text: &str, indent: usize) -> String {
        let room = self.width.saturating_sub(indent).max(20);
        let pad = " ".repeat(indent);
        wrap_lines(text, room).join(&format!("\n{pad}"))
    }
}

/// Columns that a text without escapes takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// At most `room` columns of a text; a cut is shown.
pub(crate) fn clip(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

fn wrap_lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        while columns(&line) > room {
            let head: String = take_columns(&line, room);
            line = line[head.len()..].to_owned();
            lines.push(head);
        }
    }
    lines.push(line);
    lines
}

fn take_columns(text: &str, room: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(width: usize) -> Page {
        Page {
            width,
            colour: false,
            now: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn long_text_wraps_at_blanks_and_long_words_are_broken() {
        assert_eq!(
            page(26).wrap("one two three four five six", 6),
            "one two three four\n      five six"
        );
        let broken = page(20).wrap(&"x".repeat(45), 0);
        assert_eq!(broken.lines().map(columns).collect::<Vec<_>>(), [20, 20, 5]);
    }

    #[test]
    fn a_clip_is_never_wider_than_its_room() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert!(columns(&clip("日本語日本語", 5)) <= 5);
    }
}
