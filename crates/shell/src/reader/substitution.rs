//! Commands in words: `$(…)`, `<(…)` and backquotes. The parser whose words are read says where they end.

use super::{Around, Cursor, MAX_SUBSTITUTION_DEPTH, Reader, UNCLOSED};
use crate::atoms::Atom;
use crate::refusal::{Parser, Refusal};
use crate::tree::{Command, Compound, Item, Piece, Redirect, RedirectKind, Script};
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
                    here_documents(&script)?;
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
                    // Lines are joined before anything else is looked at, even where quotes stand around.
                    '\n' => {}
                    c @ ('$' | '`' | '\\') => text.push(c),
                    '"' if within.quoted() && self.values > 0 => {
                        return Err(Refusal::unsupported(
                            "escaped quotes in backquotes in an expansion",
                        ));
                    }
                    '"' if within == Around::DoubleQuotes => text.push('"'),
                    '"' if within == Around::HereDocument => {
                        return Err(Refusal::unsupported(
                            "escaped quotes in backquotes in arithmetic or a here-document",
                        ));
                    }
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        let script = reader.script(&text)?;
        here_documents(&script)?;
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

/// Refuses here-documents beside other commands of a substitution: bash 5.2 writes such a script anew before it runs
/// it, and loses separators behind the body.
fn here_documents(script: &Script) -> Result<(), Refusal> {
    let alone = match script.items.as_slice() {
        [item] => {
            !item.background && item.rest.is_empty() && item.first.commands.iter().all(is_simple)
        }
        _ => false,
    };
    if alone || !script.items.iter().any(has_here_document) {
        return Ok(());
    }
    Err(Refusal::unsupported(
        "a here-document beside other commands in a substitution",
    ))
}

const fn is_simple(command: &Command) -> bool {
    matches!(command, Command::Simple(_))
}

fn has_here_document(item: &Item) -> bool {
    let pipelines =
        std::iter::once(&item.first).chain(item.rest.iter().map(|(_, pipeline)| pipeline));
    pipelines
        .flat_map(|pipeline| &pipeline.commands)
        .any(command_has_here_document)
}

fn command_has_here_document(command: &Command) -> bool {
    let documents = |redirects: &[Redirect]| {
        redirects
            .iter()
            .any(|redirect| matches!(redirect.kind, RedirectKind::HereDocument(_)))
    };
    let any = |script: &Script| script.items.iter().any(has_here_document);
    match command {
        Command::Simple(simple) => documents(&simple.redirects),
        Command::Function { body, .. } | Command::Coprocess { body, .. } => {
            command_has_here_document(body)
        }
        Command::Compound { body, redirects } => {
            documents(redirects)
                || match body {
                    Compound::Group(script) | Compound::Subshell(script) => any(script),
                    Compound::If {
                        branches,
                        otherwise,
                    } => {
                        branches
                            .iter()
                            .any(|(condition, body)| any(condition) || any(body))
                            || otherwise.as_ref().is_some_and(any)
                    }
                    Compound::Loop {
                        condition, body, ..
                    } => any(condition) || any(body),
                    Compound::For { body, .. } | Compound::ArithmeticFor { body, .. } => any(body),
                    Compound::Case { arms, .. } => arms.iter().any(|arm| any(&arm.body)),
                    Compound::Arithmetic(_) | Compound::Test(_) => false,
                }
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
