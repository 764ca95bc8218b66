//! Commands in words: `$(…)`, `<(…)` and backquotes. The parser whose words are read says where they end.

use super::{Around, Cursor, MAX_SUBSTITUTION_DEPTH, Reader, UNCLOSED};
use crate::atoms::Atom;
use crate::refusal::{Parser, Refusal};
use crate::tree::{Piece, Script};
use crate::{brush, rable};

/// How many closing parentheses are tried as the end of one substitution.
const MAX_ENDS: usize = 48;

impl Cursor {
    /// The script of a substitution whose opening parenthesis has been read, and the cursor behind its end.
    pub(super) fn substituted(&mut self) -> Result<Script, Refusal> {
        let reader = self.deeper()?;
        let rest = &self.characters[self.at..];
        let blanks = rest
            .iter()
            .take_while(|c| matches!(c, ' ' | '\t' | '\n'))
            .count();
        if rest.get(blanks) == Some(&')') {
            self.at += blanks + 1;
            return Ok(Script::default());
        }
        let guess = balanced(rest);
        let ends = (0..rest.len()).filter(|at| rest[*at] == ')');
        let others = ends.filter(|at| Some(*at) != guess).take(MAX_ENDS);
        let mut refusal = UNCLOSED;
        for end in guess.into_iter().chain(others) {
            // A line of its own keeps two parentheses from being taken for arithmetic.
            let mut text = String::from("(\n");
            text.extend(&rest[..=end]);
            match reader.subshell(&text) {
                Ok(Some(script)) => {
                    self.at += end + 1;
                    return Ok(script);
                }
                Ok(None) => {}
                Err(unparsable @ Refusal::Unparsable { .. }) => refusal = unparsable,
                Err(other) => return Err(other),
            }
        }
        Err(refusal)
    }

    /// A substitution in backquotes. `within` is what quotes its text, `around` what the piece stands in.
    pub(super) fn backquotes(
        &mut self,
        within: Around,
        around: Around,
        out: &mut Vec<Atom>,
    ) -> Result<(), Refusal> {
        let reader = self.deeper()?;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.next().ok_or(UNCLOSED)? {
                '`' => break,
                '\\' => match self.next().ok_or(UNCLOSED)? {
                    c @ ('$' | '`' | '\\') => text.push(c),
                    '"' if within == Around::DoubleQuotes => text.push('"'),
                    '"' if within == Around::HereDocument => {
                        return Err(Refusal::unsupported(
                            "escaped quotes in backquotes in a here-document",
                        ));
                    }
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        let script = reader.script(&text)?;
        let quoted = around.quoted();
        out.push(Atom::Piece(Piece::Substitution { script, quoted }));
        Ok(())
    }

    fn deeper(&self) -> Result<Reader, Refusal> {
        if self.reader.depth >= MAX_SUBSTITUTION_DEPTH {
            return Err(Refusal::TooDeep {
                limit: MAX_SUBSTITUTION_DEPTH,
            });
        }
        Ok(Reader {
            by: self.reader.by,
            depth: self.reader.depth + 1,
        })
    }
}

impl Reader {
    /// A whole text, by the parser whose words are read.
    pub(crate) fn script(self, text: &str) -> Result<Script, Refusal> {
        match self.by {
            Parser::Brush => brush::script(text, self),
            Parser::Rable => rable::script(text, self),
        }
    }

    /// What stands in a subshell that is all of a text; nothing where the text is something else.
    fn subshell(self, text: &str) -> Result<Option<Script>, Refusal> {
        match self.by {
            Parser::Brush => brush::subshell(text, self),
            Parser::Rable => rable::subshell(text, self),
        }
    }
}

/// Where parentheses balance, if quotes are skipped: most often the end, and never trusted.
fn balanced(text: &[char]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut at = 0;
    while at < text.len() {
        match (quote, text[at]) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => at += 1,
            (None, c @ ('\'' | '"')) => quote = Some(c),
            (_, '(') => depth += 1,
            (_, ')') if depth == 0 => return Some(at),
            (_, ')') => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}
