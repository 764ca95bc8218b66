//! Text from hosts, models and people, made fit to be shown: bounded, and with nothing in it that acts on a
//! terminal or deceives the eye. Quoting for a shell is `fleet`'s work, for HTML the pages'.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands where text was cut.
const CUT: &str = "…";

/// At most `max` characters of `text`; a cut is shown.
#[must_use]
pub fn bounded(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let end = text
                .char_indices()
                .nth(max.saturating_sub(1))
                .map_or(0, |(at, _)| at);
            Cow::Owned(format!("{}{CUT}", &text[..end]))
        }
    }
}

/// One line in which everything is visible: control characters, line ends, escapes, characters that turn the
/// direction of text, and characters without width are written as `\n`, `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// Like [`visible`], but keeps line ends and tabs: for output and scripts that are shown as blocks.
#[must_use]
pub fn visible_block(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n' || c == '\t')
}

/// A JSON text in which everything is visible: what JSON lets stand raw in its strings and would deceive a terminal is
/// written as `\u202e`, which means the same. Line ends and tabs between the values stay.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let raw = |c: char| is_hidden(c) && c != '\n' && c != '\t';
    if !json.contains(raw) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if raw(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(|c| keep(c) || !is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if keep(c) || !is_hidden(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(shown)
}

/// Whether a character does something other than show itself: controls, direction marks, joiners, fillers,
/// tags, variation selectors and blanks that are not the blank.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xa0 | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x1680 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
            | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164 | 0xfe00..=0xfe0f
            | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(bounded("äöü", 3), "äöü");
        assert_eq!(bounded("äöüß", 3), "äö…");
        assert_eq!(bounded("x", 0), "…");
    }

    #[test]
    fn what_acts_on_a_terminal_or_hides_is_written_out() {
        assert_eq!(visible("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(visible("rm\u{202e}x\u{200b}"), "rm\\u{202e}x\\u{200b}");
        assert_eq!(visible_block("a\n\tb\r"), "a\n\tb\\r");
        assert_eq!(visible("plain ä ✓"), "plain ä ✓");
    }

    #[test]
    fn json_means_the_same_with_everything_visible() {
        let json = "{\n\t\"a\": \"x\u{202e}\u{7f}\u{e0041}ä\"\n}";
        assert_eq!(
            visible_json(json),
            "{\n\t\"a\": \"x\\u202e\\u007f\\udb40\\udc41ä\"\n}"
        );
        assert!(matches!(visible_json("{\"a\": 1}"), Cow::Borrowed(_)));
    }
}
