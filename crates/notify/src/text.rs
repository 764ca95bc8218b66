//! Texts of messages: what is ours and what is theirs (a host's, a person's, a model's), kept apart until a channel
//! says how it is written. As Markdown, what is theirs stands in code: nothing in it is a link, a picture, a heading or
//! HTML. Plain, it is what can be seen.

use watchkeeper_model::{bounded, visible};

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Our own words.
    Ours(String),
    /// Somebody else's: a name, or what was seen.
    Theirs(String),
    /// Somebody else's sentence.
    Prose(String),
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Part>);

impl Line {
    /// A line of our own words.
    #[must_use]
    pub fn ours(text: impl Into<String>) -> Self {
        Self::default().and(text)
    }

    /// A line of somebody else's words.
    #[must_use]
    pub fn theirs(text: impl Into<String>) -> Self {
        Self::default().and_theirs(text)
    }

    /// Goes on with our own words.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Ours(text.into()));
        self
    }

    /// Goes on with somebody else's words.
    #[must_use]
    pub fn and_theirs(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Theirs(text.into()));
        self
    }

    /// Goes on with somebody else's sentence.
    #[must_use]
    pub fn and_prose(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Prose(text.into()));
        self
    }

    fn plain(&self) -> String {
        let plain = |part: &Part| match part {
            Part::Ours(text) => text.clone(),
            Part::Theirs(text) | Part::Prose(text) => visible(text).into_owned(),
        };
        self.0.iter().map(plain).collect()
    }

    fn markdown(&self) -> String {
        let written = |part: &Part| match part {
            Part::Ours(text) => text.clone(),
            Part::Theirs(text) => code(text),
            Part::Prose(text) => escaped(text),
        };
        self.0.iter().map(written).collect()
    }
}

/// A text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Line>);

impl Text {
    /// Adds a line.
    pub fn push(&mut self, line: Line) {
        self.0.push(line);
    }

    /// As plain text of at most so many bytes; lines that do not fit are left out, and that is said.
    #[must_use]
    pub fn plain(&self, max_bytes: usize) -> String {
        self.written("\n", max_bytes, Line::plain)
    }

    /// As Markdown of at most so many bytes; lines that do not fit are left out, and that is said.
    #[must_use]
    pub fn markdown(&self, max_bytes: usize) -> String {
        self.written("  \n", max_bytes, Line::markdown)
    }

    /// Whole lines only: a cut in the middle of one would leave a mark of Markdown open.
    fn written(&self, between: &str, max_bytes: usize, write: impl Fn(&Line) -> String) -> String {
        const LEFT_OUT: &str = "…";
        let mut text = String::new();
        for line in &self.0 {
            let line = write(line);
            let room = max_bytes.saturating_sub(LEFT_OUT.len() + between.len());
            if text.len() + between.len() + line.len() > room {
                if text.is_empty() {
                    text = bytes_of(&line, room).to_owned();
                }
                text.push_str(LEFT_OUT);
                return text;
            }
            if !text.is_empty() {
                text.push_str(between);
            }
            text.push_str(&line);
        }
        text
    }
}

/// The beginning of a text that has at most so many bytes, cut between characters.
fn bytes_of(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A text as Markdown's code: one line, everything visible, nothing in it means anything.
#[must_use]
pub fn code(text: &str) -> String {
    let text = visible(text).replace('`', "'");
    match text.trim() {
        "" => String::new(),
        text => format!("`{text}`"),
    }
}

/// A sentence as Markdown in which nothing means anything: what could is escaped, so it is no link either.
fn escaped(text: &str) -> String {
    const HARMLESS: [char; 8] = [' ', ',', ';', '\'', '"', '%', '/', '?'];
    let mut written = String::with_capacity(text.len());
    for c in visible(text.trim()).chars() {
        if c.is_ascii_punctuation() && !HARMLESS.contains(&c) {
            written.push('\\');
        }
        written.push(c);
    }
    written
}

/// A title: one line in which everything is visible, bounded.
#[must_use]
pub fn one_line(text: &str, max_chars: usize) -> String {
    bounded(&visible(text.trim()), max_chars).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_theirs_means_nothing_in_markdown() {
        let hostile = "](http://evil) <img src=x> `**b**` \n# h\r\u{202e}";
        let line = Line::ours("**Seen:** ").and_theirs(hostile);
        assert_eq!(
            Text(vec![line.clone()]).markdown(4_000),
            "**Seen:** `](http://evil) <img src=x> '**b**' \\n# h\\r\\u{202e}`"
        );
        assert!(!line.plain().contains('\n'));
    }

    #[test]
    fn a_sentence_of_theirs_is_no_link_and_no_heading() {
        let line = Line::default().and_prose("# see https://evil.example/?a=b <b>now</b>");
        assert_eq!(
            Text(vec![line]).markdown(4_000),
            "\\# see https\\://evil\\.example/?a\\=b \\<b\\>now\\</b\\>"
        );
    }

    #[test]
    fn lines_that_do_not_fit_are_left_out_and_that_is_said() {
        let text = Text(vec![
            Line::ours("one"),
            Line::theirs("x".repeat(100)),
            Line::ours("three"),
        ]);
        assert_eq!(text.plain(50), "one…");
        assert_eq!(text.plain(500).lines().count(), 3);
        let long = Text(vec![Line::ours("ä".repeat(100))]);
        assert!(long.plain(21).ends_with('…'));
    }

    proptest! {
        #[test]
        fn a_text_keeps_to_its_bytes_and_code_to_one_line(text in ".{0,300}", max in 8_usize..400) {
            let whole = Text(vec![Line::theirs(text.clone()), Line::ours("end")]);
            prop_assert!(whole.plain(max).len() <= max);
            prop_assert!(whole.markdown(max).len() <= max);
            let code = code(&text);
            prop_assert!(!code.contains(['\n', '\r']));
            prop_assert!(code.is_empty() || code.matches('`').count() == 2);
            prop_assert!(one_line(&text, 50).chars().count() <= 50);
        }
    }
}
