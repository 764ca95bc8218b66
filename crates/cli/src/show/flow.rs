//! A model's text on a terminal while it comes: wrapped at blanks, light markup shown as what it means, and nothing in it
//! that acts on the terminal. The same text looks the same however it was cut into pieces.

use watchkeeper_model::TerminalFilter;

use super::page::{Page, Tone, columns};

/// Blanks before a line of a fenced block.
const FENCED_INDENT: usize = 4;
/// Deepest hanging indent of a list.
const DEEPEST_INDENT: usize = 12;

/// Text that flows.
#[derive(Debug)]
pub(crate) struct Flow {
    page: Page,
    filter: TerminalFilter,
    /// The word that is not whole yet.
    word: String,
    /// Blanks before it.
    blanks: usize,
    /// Columns filled on this line of the terminal.
    column: usize,
    /// Where lines that are wrapped go on.
    indent: usize,
    /// Whether nothing of this line of the text was shown.
    fresh: bool,
    bold: bool,
    heading: bool,
    fenced: bool,
    /// A line of the text that is not shown: the mark of a fence.
    dropped: bool,
}

impl Flow {
    /// For this page.
    pub(crate) fn new(page: Page) -> Self {
        Self {
            page,
            filter: TerminalFilter::default(),
            word: String::new(),
            blanks: 0,
            column: 0,
            indent: 0,
            fresh: true,
            bold: false,
            heading: false,
            fenced: false,
            dropped: false,
        }
    }

    /// What is to be printed of the next piece. The last word waits for its end.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        let text = self.filter.push(piece);
        self.take(&text)
    }

    /// What was held back, at the end of the text.
    pub(crate) fn finish(&mut self) -> String {
        let text = self.filter.finish();
        let mut out = self.take(&text);
        self.flush(&mut out);
        *self = Self {
            column: self.column,
            ..Self::new(self.page)
        };
        out
    }

    /// Whether the cursor stands at the beginning of a line.
    pub(crate) const fn is_at_line_start(&self) -> bool {
        self.column == 0
    }

    fn take(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' => self.end_line(&mut out),
                ' ' | '\t' => {
                    self.flush(&mut out);
                    self.blanks += if c == ' ' { 1 } else { 4 };
                }
                _ => self.word.push(c),
            }
        }
        out
    }

    fn end_line(&mut self, out: &mut String) {
        self.flush(out);
        if !self.dropped {
            out.push('\n');
        }
        self.column = 0;
        self.blanks = 0;
        self.indent = 0;
        self.fresh = true;
        self.heading = false;
        self.dropped = false;
        // What is not closed in its paragraph was no markup.
        self.bold = false;
    }

    /// Prints the word.
    fn flush(&mut self, out: &mut String) {
        if self.word.is_empty() || self.dropped {
            self.word.clear();
            return;
        }
        let word = std::mem::take(&mut self.word);
        if self.fresh && self.begins_line(&word) {
            return;
        }
        if self.fenced {
            self.place_fenced(&word, out);
        } else {
            self.place(&word, out);
        }
    }

    /// Reads what the first word of a line says about it. True where the word itself is not shown.
    fn begins_line(&mut self, word: &str) -> bool {
        self.indent = self.blanks.min(DEEPEST_INDENT);
        if word.starts_with("```") {
            self.fenced = !self.fenced;
            self.dropped = true;
            return true;
        }
        if self.fenced {
            return false;
        }
        if word.len() <= 6 && word.chars().all(|c| c == '#') {
            self.heading = true;
            self.blanks = 0;
            self.indent = 0;
            return true;
        }
        if is_bullet(word) {
            self.indent = (self.indent + word.len() + 1).min(DEEPEST_INDENT);
        }
        false
    }

    fn place(&mut self, word: &str, out: &mut String) {
        let (shown, width) = self.painted(word);
        if self.fresh {
            let blanks = if self.heading {
                0
            } else {
                self.blanks.min(DEEPEST_INDENT)
            };
            out.push_str(&" ".repeat(blanks));
            self.column = blanks;
        } else if self.column + self.blanks + width > self.page.width && self.column > self.indent {
            out.push('\n');
            out.push_str(&" ".repeat(self.indent));
            self.column = self.indent;
        } else {
            out.push_str(&" ".repeat(self.blanks));
            self.column += self.blanks;
        }
        out.push_str(&shown);
        self.column += width;
        self.fresh = false;
        self.blanks = 0;
    }

    /// Code is not wrapped: a line of it is copied as it is.
    fn place_fenced(&mut self, word: &str, out: &mut String) {
        let blanks = self.blanks + if self.fresh { FENCED_INDENT } else { 0 };
        out.push_str(&" ".repeat(blanks));
        out.push_str(word);
        self.column += blanks + columns(word);
        self.fresh = false;
        self.blanks = 0;
    }

    /// The word with its marks of weight read, and how wide it is. Only marks around words are read: a pattern such as
    /// `**/*.log`, and code, stay as they are.
    fn painted(&mut self, word: &str) -> (String, usize) {
        let mut rest = word;
        if !word.contains('`') {
            let opens = word.strip_prefix("**");
            if !self.bold && opens.is_some_and(|rest| rest.starts_with(char::is_alphanumeric)) {
                self.bold = true;
                rest = opens.unwrap_or(rest);
            }
        }
        let closes = rest.rfind("**").filter(|at| {
            let after = &rest[at + 2..];
            self.bold && !rest.contains('`') && !after.contains(char::is_alphanumeric)
        });
        let (strong, plain) = match closes {
            Some(at) => (&rest[..at], &rest[at + 2..]),
            None => (rest, ""),
        };
        let weighty = self.bold || self.heading;
        self.bold &= closes.is_none();
        let shown = if weighty {
            self.page.paint(Tone::Strong, strong) + plain
        } else {
            rest.to_owned()
        };
        (shown, columns(strong) + columns(plain))
    }
}

/// Whether a line that begins with this word is one of a list.
fn is_bullet(word: &str) -> bool {
    let number = word
        .strip_suffix('.')
        .or_else(|| word.strip_suffix(')'))
        .is_some_and(|number| {
            (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
        });
    number || matches!(word, "-" | "*" | "+" | "•")
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_model::Timestamp;

    fn page(width: usize, colour: bool) -> Page {
        Page {
            width,
            colour,
            now: Timestamp::from_millis(0),
        }
    }

    fn shown(width: usize, text: &str) -> String {
        let mut flow = Flow::new(page(width, false));
        let out = flow.push(text);
        out + &flow.finish()
    }

    #[test]
    fn text_is_wrapped_and_lists_hang() {
        assert_eq!(
            shown(
                24,
                "The disk of web1 is full of old logs.\n\n- one thing that is long\n  more"
            ),
            "The disk of web1 is full\nof old logs.\n\n- one thing that is long\n  more"
        );
        assert_eq!(
            shown(24, "- one thing that is longer\n12. numbered and too long"),
            "- one thing that is\n  longer\n12. numbered and too\n    long"
        );
    }

    #[test]
    fn light_markup_is_read_and_never_needed() {
        let text = "## Cause\n**nginx** failed, see `nginx -t`\n```sh\nnginx -t   # a long line that is never wrapped\n```\ndone";
        assert_eq!(
            shown(30, text),
            "Cause\nnginx failed, see `nginx -t`\n    nginx -t   # a long line that is never wrapped\ndone"
        );
        let mut flow = Flow::new(page(80, true));
        let out = flow.push("a **b** c");
        assert_eq!(out + &flow.finish(), "a \u{1b}[1mb\u{1b}[0m c");
        assert_eq!(
            shown(80, "**two words**, `a**b` **/*.log 2**3"),
            "two words, `a**b` **/*.log 2**3"
        );
    }

    #[test]
    fn a_text_looks_the_same_however_it_was_cut() {
        let text = "# Title\nsome **bold words** and\u{1b}[31m more \u{1b}]0;x\u{7}\r\n```\n a  b\n```\n1. x\ty z\n";
        let whole = shown(20, text);
        for size in 1..7 {
            let mut flow = Flow::new(page(20, false));
            let chars: Vec<char> = text.chars().collect();
            let mut out = String::new();
            for piece in chars.chunks(size) {
                out += &flow.push(&piece.iter().collect::<String>());
            }
            assert_eq!(out + &flow.finish(), whole, "in pieces of {size}");
        }
        assert!(
            !whole.contains('\u{1b}') && !whole.contains('\u{7}'),
            "{whole}"
        );
    }

    #[test]
    fn what_is_too_long_for_a_line_is_left_to_the_terminal() {
        let long = "x".repeat(50);
        assert_eq!(shown(20, &format!("a {long} b")), format!("a\n{long}\nb"));
    }
}
