//! Lines that a terminal broke at its width. A secret that goes over such a break is looked at as the one word that it
//! was, and the breaks that are not inside one are put back.
//!
//! A break is taken for a terminal's where the line is the widest of the text and the next one goes on without an
//! indent, and not as lines of logs and settings begin. What is broken with an indent, or in columns, is not joined.

use std::borrow::Cow;

use super::{REDACTED, Span, is_word, tokens, word_length};

/// The narrowest terminal.
const LEAST_WIDTH: usize = 40;

/// A text with the breaks of a terminal taken out.
pub(super) struct Unwrapped<'a> {
    joined: Cow<'a, str>,
    /// Where breaks were, in order.
    breaks: Vec<usize>,
}

impl<'a> Unwrapped<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut unwrapped = Self {
            joined: Cow::Borrowed(text),
            breaks: Vec::new(),
        };
        let widths = text.split('\n').map(width);
        let widest = widths.max().unwrap_or(0);
        if widest < LEAST_WIDTH {
            return unwrapped;
        }
        let mut joined = String::new();
        let mut rest = text;
        while let Some(end) = rest.find('\n') {
            let (line, next) = (&rest[..end], &rest[end + 1..]);
            joined.push_str(line);
            if width(line) == widest && goes_on(line, next) {
                unwrapped.breaks.push(joined.len());
            } else {
                joined.push('\n');
            }
            rest = next;
        }
        joined.push_str(rest);
        if !unwrapped.breaks.is_empty() {
            unwrapped.joined = Cow::Owned(joined);
        }
        unwrapped
    }

    pub(super) fn text(&self) -> &str {
        &self.joined
    }

    /// The text with these stretches replaced, and the breaks put back.
    pub(super) fn replaced(&self, found: &[Span]) -> String {
        let mut out = String::with_capacity(self.joined.len());
        let mut breaks = self.breaks.iter().copied().peekable();
        let mut at = 0;
        for &(from, to) in found {
            while let Some(end) = breaks.next_if(|end| *end <= from) {
                out.push_str(&self.joined[at..end]);
                out.push('\n');
                at = end;
            }
            out.push_str(&self.joined[at..from]);
            out.push_str(REDACTED);
            at = to;
            let mut inside = false;
            while breaks.next_if(|end| *end < to).is_some() {
                inside = true;
            }
            if inside {
                out.push('\n');
            }
        }
        for end in breaks {
            out.push_str(&self.joined[at..end]);
            out.push('\n');
            at = end;
        }
        out.push_str(&self.joined[at..]);
        out
    }
}

/// How many columns a line takes, near enough.
fn width(line: &str) -> usize {
    line.trim_end_matches('\r').chars().count()
}

/// Whether a line goes on in the next: a word at its end, and at the beginning of the next one no blank and nothing
/// that begins lines of logs and settings.
fn goes_on(line: &str, next: &str) -> bool {
    let in_word = |byte: u8| is_word(byte) || b"+/=~%!:@$".contains(&byte);
    let ends_in_word = line.bytes().next_back().is_some_and(in_word);
    let begins_with_word = next.bytes().next().is_some_and(in_word);
    ends_in_word && begins_with_word && !begins_a_line(line, next)
}

/// Whether lines of logs and settings begin so: a date, a time, a name with its value, a list's dash.
fn begins_a_line(line: &str, next: &str) -> bool {
    const STARTS: [&str; 19] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mon",
        "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
    ];
    let word = &next[..word_length(next)];
    let behind = &next[word.len()..];
    if STARTS.contains(&word) && behind.starts_with([' ', ',']) {
        return true;
    }
    let mut digits = word.split(['-', '.']);
    let dated = digits.next().is_some_and(|year| {
        year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) && word.len() >= 8
    });
    let timed = word.len() == 2
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && behind.starts_with(':');
    let of_variable = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let setting = !line.contains(' ') || word.len() > 2 && word.bytes().all(of_variable);
    let value = behind
        .strip_prefix('=')
        .is_some_and(|value| !value.is_empty() && !value.starts_with(['=', '\n']));
    let said = behind.starts_with(": ") || behind.starts_with(":\n");
    let named = word.len() > 1 && (said || setting && value);
    dated || timed || named || next.starts_with("- ") || tokens::begins_here(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_breaks_of_a_terminal_are_joined() {
        let line = |width: usize| "x ".repeat(width / 2 - 1) + "ab";
        let joined = |text: &str| Unwrapped::of(text).text().to_owned();
        let wide = line(80);
        assert_eq!(
            joined(&format!("{wide}\ncd ef\ng")),
            format!("{wide}cd ef\ng")
        );
        for next in [
            "Nov 21 10:00",
            "2026-11-21T10",
            "10:00:01 x",
            " indented",
            "NAME=value",
            "- item",
            "",
            "(x",
        ] {
            let text = format!("{wide}\n{next}");
            assert_eq!(joined(&text), text);
        }
        let narrow = format!("{}\ncd\n{wide}", line(60));
        assert_eq!(joined(&narrow), narrow, "a line that is not the widest");
        assert_eq!(joined("ab\ncd"), "ab\ncd");
    }

    #[test]
    fn breaks_are_put_back_around_what_is_replaced() {
        let first = "x ".repeat(39) + "ab";
        let text = format!("{first}\n{}\nyz", "cd".repeat(40));
        let unwrapped = Unwrapped::of(&text);
        assert_eq!(unwrapped.replaced(&[]), text);
        let inside = unwrapped.replaced(&[(78, 82)]);
        assert_eq!(
            inside,
            format!("{}[redacted]\n{}\nyz", "x ".repeat(39), "cd".repeat(39))
        );
        assert_eq!(
            unwrapped.replaced(&[(80, 82)]),
            format!("{first}\n[redacted]{}\nyz", "cd".repeat(39))
        );
    }
}
