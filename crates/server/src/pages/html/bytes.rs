//! Bytes that run, shown so that the eye gets all of them: what does not show itself, looks like something else, or turns
//! the direction of text is written out and marked. The text is never folded away or cut.

use maud::{Markup, html};
use watchkeeper_model::visible_block;

/// A run of characters that are alike in how they are shown.
enum Piece {
    /// Plain ASCII.
    Plain(String),
    /// What is not, and shows itself: it may look like something that is.
    Odd(String),
    /// What does not show itself.
    Hidden(char),
    /// A tab.
    Tab,
    /// Blanks at the end of a line.
    Blanks(usize),
}

/// How many characters of a text are not what they seem.
pub(super) fn odd_count(text: &str) -> usize {
    text.chars()
        .filter(|c| *c != '\n' && *c != '\t' && !is_plain(*c))
        .count()
}

fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn pieces(line: &str) -> Vec<Piece> {
    let body = line.trim_end_matches(' ');
    let mut pieces = Vec::new();
    for c in body.chars() {
        let shows_itself = visible_block(c.encode_utf8(&mut [0; 4])).chars().eq([c]);
        match (c, pieces.last_mut()) {
            ('\t', _) => pieces.push(Piece::Tab),
            (_, Some(Piece::Plain(text))) if is_plain(c) => text.push(c),
            (_, _) if is_plain(c) => pieces.push(Piece::Plain(c.to_string())),
            (_, Some(Piece::Odd(text))) if shows_itself => text.push(c),
            (_, _) if shows_itself => pieces.push(Piece::Odd(c.to_string())),
            _ => pieces.push(Piece::Hidden(c)),
        }
    }
    if line.len() > body.len() {
        pieces.push(Piece::Blanks(line.len() - body.len()));
    }
    pieces
}

fn codes(text: &str) -> String {
    let codes = text.chars().map(|c| format!("U+{:04X}", u32::from(c)));
    codes.collect::<Vec<_>>().join(" ")
}

/// A text as it runs.
pub(super) fn bytes(text: &str) -> Markup {
    let lines: Vec<&str> = text
        .strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .collect();
    html! {
        pre.bytes {
            @for line in lines {
                span.line {
                    @for piece in pieces(line) {
                        @match piece {
                            Piece::Plain(text) => (text),
                            Piece::Odd(text) => mark { (text) small { (codes(&text)) } },
                            Piece::Hidden(c) => mark { (format!("\\u{{{:x}}}", u32::from(c))) },
                            Piece::Tab => span.tab { "\t" },
                            Piece::Blanks(count) => mark.blank { ("·".repeat(count)) },
                        }
                    }
                    "\n"
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_stays_as_it_is() {
        let shown = bytes("systemctl restart nginx\nls\n").into_string();
        assert_eq!(
            shown,
            "<pre class=\"bytes\"><span class=\"line\">systemctl restart nginx\n</span>\
             <span class=\"line\">ls\n</span></pre>"
        );
    }

    #[test]
    fn markup_is_text() {
        let shown = bytes("echo '</pre><script>alert(1)</script>'").into_string();
        assert!(shown.contains("&lt;/pre&gt;&lt;script&gt;"), "{shown}");
        assert!(!shown.contains("<script"), "{shown}");
    }

    #[test]
    fn what_hides_or_looks_like_something_else_is_marked() {
        let check = |text: &str, expect: &str| {
            let shown = bytes(text).into_string();
            assert!(shown.contains(expect), "{text:?}: {shown}");
        };
        check("l\u{200b}s", "l<mark>\\u{200b}</mark>s");
        check("rm \u{202e}x", "<mark>\\u{202e}</mark>x");
        check("\u{1b}[2J", "<mark>\\u{1b}</mark>[2J");
        check("a\rb", "a<mark>\\u{d}</mark>b");
        check(
            "s\u{0443}stem",
            "s<mark>\u{0443}<small>U+0443</small></mark>stem",
        );
        check("ls  ", "ls<mark class=\"blank\">··</mark>");
        check("a\tb", "a<span class=\"tab\">\t</span>b");
        assert_eq!(odd_count("l\u{200b}s \u{0443}\n\t"), 2);
    }
}
