//! Text from models, hosts and people, made fit for a terminal while it streams: pieces in, pieces out, the same text
//! however it was cut. What stands whole and at rest is made visible by [`visible_block`](crate::visible_block).
//!
//! Nothing acts on the terminal and nothing is swallowed: an escape, a control character, a mark that turns the
//! direction, and a character without width are written out (`\u{1b}`), with what follows them as plain text, so that
//! a command to the terminal without its end cannot hide the rest. Five things are read as what they mean, because
//! honest output is full of them: a whole command that sets colours is left out, a carriage return is a line end (what
//! it would overwrite stays), blanks of other widths are blanks, the joiners and selectors behind a symbol are left
//! out, and more marks upon one character than any script needs become one `…`.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

use crate::text::is_hidden;

/// Most marks upon one character.
const MOST_MARKS: u8 = 6;
/// Longest command that sets colours, without its beginning and end.
const LONGEST_COLOUR: usize = 32;
/// What stands where marks were left out.
const CUT: char = '…';

/// The filter between a stream of text and a terminal.
///
/// ```
/// use watchkeeper_model::TerminalFilter;
/// let mut filter = TerminalFilter::default();
/// let mut shown = filter.push("is \u{1b}[3");
/// shown += &filter.push("1mred\u{1b}[0m\r");
/// shown += &filter.push("\nand \u{1b}]0;mine\u{7}");
/// shown += &filter.finish();
/// assert_eq!(shown, "is red\nand \\u{1b}]0;mine\\u{7}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct TerminalFilter {
    held: Held,
    /// Marks that stand upon the last character.
    marks: u8,
    /// Whether the last character is a symbol, which joiners and selectors may follow.
    symbol: bool,
}

/// What cannot be told yet, because it may go on in the next piece.
#[derive(Clone, Debug, Default)]
enum Held {
    /// Nothing.
    #[default]
    Nothing,
    /// A carriage return, or several.
    Return,
    /// An escape.
    Escape,
    /// An escape, a bracket, and what may become a colour.
    Colour(String),
}

impl TerminalFilter {
    /// What may be shown of the next piece.
    #[must_use]
    pub fn push(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.take(c, &mut out);
        }
        out
    }

    /// What was held back, at the end of the stream. The filter is as new then.
    #[must_use]
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        self.release(&mut out);
        *self = Self::default();
        out
    }

    fn take(&mut self, c: char, out: &mut String) {
        match (&mut self.held, c) {
            (Held::Return, '\r') => return,
            (Held::Return, '\n') => {
                self.held = Held::Nothing;
            }
            (Held::Escape, '[') => {
                self.held = Held::Colour(String::new());
                return;
            }
            (Held::Colour(_), 'm') => {
                self.held = Held::Nothing;
                return;
            }
            (Held::Colour(numbers), '0'..='9' | ';' | ':') if numbers.len() < LONGEST_COLOUR => {
                numbers.push(c);
                return;
            }
            _ => self.release(out),
        }
        match c {
            '\r' => self.held = Held::Return,
            '\u{1b}' => self.held = Held::Escape,
            _ => self.show(c, out),
        }
    }

    /// Writes what was held back, which is not what it could have become.
    fn release(&mut self, out: &mut String) {
        match std::mem::take(&mut self.held) {
            Held::Nothing => {}
            Held::Return => self.show('\n', out),
            Held::Escape => self.show('\u{1b}', out),
            Held::Colour(numbers) => {
                self.show('\u{1b}', out);
                out.push('[');
                out.push_str(&numbers);
            }
        }
    }

    fn show(&mut self, c: char, out: &mut String) {
        let joins = matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}');
        if self.symbol && joins {
            return;
        }
        if !is_hidden(c) && c.width() == Some(0) {
            self.mark(c, out);
            return;
        }
        self.marks = 0;
        self.symbol = is_symbol(c);
        if c == '\n' || c == '\t' || !is_hidden(c) {
            out.push(c);
        } else if is_blank(c) {
            out.push(' ');
        } else {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }

    /// A mark upon the last character.
    fn mark(&mut self, c: char, out: &mut String) {
        if self.marks < MOST_MARKS {
            out.push(c);
        } else if self.marks == MOST_MARKS {
            out.push(CUT);
        }
        self.marks = self.marks.saturating_add(1).min(MOST_MARKS + 1);
    }
}

/// A whole text, fit for a terminal.
#[must_use]
pub fn for_terminal(text: &str) -> String {
    let mut filter = TerminalFilter::default();
    let shown = filter.push(text);
    shown + &filter.finish()
}

/// Blanks that are not the blank.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Arrows, dingbats and pictures, also with their shades of skin.
const fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
        && c != '\u{2800}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(for_terminal(text), expect, "{text:?}");
    }

    #[test]
    fn commands_to_the_terminal_are_written_out_and_hide_nothing() {
        check("a\u{1b}[2Jb", "a\\u{1b}[2Jb");
        check("\u{1b}]0;title\u{7}x", "\\u{1b}]0;title\\u{7}x");
        check("\u{1b}]52;c;cm0=\u{1b}\\x", "\\u{1b}]52;c;cm0=\\u{1b}\\x");
        check(
            "\u{1b}P never ended: the rest",
            "\\u{1b}P never ended: the rest",
        );
        check(
            "\u{9b}31mred \u{9d}0;x\u{9c}",
            "\\u{9b}31mred \\u{9d}0;x\\u{9c}",
        );
        check(
            "\u{8}\u{8}\u{7f}\u{b}\u{c}\u{0}",
            "\\u{8}\\u{8}\\u{7f}\\u{b}\\u{c}\\u{0}",
        );
        check("ends in \u{1b}", "ends in \\u{1b}");
        check("ends in \u{1b}[3", "ends in \\u{1b}[3");
    }

    #[test]
    fn colours_are_left_out_and_only_whole_ones() {
        check("\u{1b}[1;31mred\u{1b}[0m \u{1b}[mx", "red x");
        check("\u{1b}[38:2:1:2:3mred", "red");
        check("\u{1b}[?25l", "\\u{1b}[?25l");
        check("\u{1b}[3\u{1b}[31m1m", "\\u{1b}[31m");
        let long = "1;".repeat(LONGEST_COLOUR);
        let shown = for_terminal(&format!("\u{1b}[{long}mx"));
        assert_eq!(shown, format!("\\u{{1b}}[{long}mx"));
    }

    #[test]
    fn nothing_is_overwritten() {
        check("harmless\rrm -rf /", "harmless\nrm -rf /");
        check("one\r\ntwo\r\r\nthree\r", "one\ntwo\nthree\n");
        check("10%\r20%\r\u{1b}[0m30%", "10%\n20%\n30%");
    }

    #[test]
    fn what_deceives_the_eye_is_written_out_and_honest_text_stays() {
        check("rm \u{202e}fdp.txt", "rm \\u{202e}fdp.txt");
        check(
            "l\u{200b}s \u{2066}x\u{2069}",
            "l\\u{200b}s \\u{2066}x\\u{2069}",
        );
        check("\u{e0041}\u{feff}\u{2028}", "\\u{e0041}\\u{feff}\\u{2028}");
        check("10\u{a0}000\u{202f}€\u{3000}x", "10 000 € x");
        check("⚠\u{fe0f} 👩\u{200d}🔧 ok\u{fe0f}", "⚠ 👩🔧 ok\\u{fe0f}");
        check(
            "größer, 日本語, ไม่ได้, e\u{301}",
            "größer, 日本語, ไม่ได้, e\u{301}",
        );
        check("\ttab\nline", "\ttab\nline");
    }

    #[test]
    fn marks_upon_one_character_are_bounded() {
        let shown = for_terminal(&format!("a{}b", "\u{301}".repeat(10_000)));
        assert_eq!(
            shown,
            format!("a{}…b", "\u{301}".repeat(usize::from(MOST_MARKS)))
        );
    }

    proptest! {
        #[test]
        fn the_same_is_shown_however_a_stream_was_cut(
            pieces in proptest::collection::vec(
                prop_oneof![
                    any::<String>(),
                    proptest::sample::select(vec![
                        "\u{1b}", "[", "31", ";", "m", "\r", "\n", "\u{301}", "\u{fe0f}", "⚠", "\u{200d}", "]0;", "\u{7}",
                        "\u{9b}", "x", "\u{202e}", "\u{a0}", "[2J",
                    ]).prop_map(str::to_owned),
                ],
                0..40,
            ),
        ) {
            let mut filter = TerminalFilter::default();
            let mut shown: String = pieces.iter().map(|piece| filter.push(piece)).collect();
            shown += &filter.finish();
            prop_assert_eq!(&shown, &for_terminal(&pieces.concat()));
            prop_assert!(shown.chars().all(|c| c == '\n' || c == '\t' || !is_hidden(c)), "{:?}", shown);
            prop_assert!(!shown.contains(|c: char| c < ' ' && c != '\n' && c != '\t'), "{:?}", shown);
            prop_assert_eq!(&for_terminal(&shown), &shown, "twice is the same as once");
        }
    }
}
