//! The text of words: what needs no quotes stands bare, literal text alone in single quotes, and text next to
//! quoted expansions with them in double quotes.

use super::Printer;
use super::quoting::{escaped, must_be_escaped, quoted};
use crate::atoms::is_plain;
use crate::refusal::Refusal;
use crate::tree::{Braces, Piece, Word};

impl<'a> Printer<'a> {
    pub(super) fn word(&mut self, word: &'a mut Word) -> Result<(), Refusal> {
        self.pieces(&mut word.pieces)
    }

    /// A regular expression, in which bare text must stay bare.
    pub(super) fn regex(&mut self, word: &'a mut Word) -> Result<(), Refusal> {
        self.grouped(&mut word.pieces, is_quoted, None)
    }

    pub(super) fn pieces(&mut self, pieces: &'a mut [Piece]) -> Result<(), Refusal> {
        self.pieces_before(pieces, None)
    }

    /// Pieces behind which a character stands that could become part of a name.
    pub(super) fn pieces_before(
        &mut self,
        pieces: &'a mut [Piece],
        next: Option<char>,
    ) -> Result<(), Refusal> {
        let is_live =
            |piece: &Piece| matches!(piece, Piece::Plain(text) if text.contains(['[', '{', '}']));
        let groups = if pieces.iter().any(is_live) {
            is_quoted
        } else {
            stands_in_quotes
        };
        self.grouped(pieces, groups, next)
    }

    fn grouped(
        &mut self,
        mut rest: &'a mut [Piece],
        groups: fn(&Piece) -> bool,
        behind: Option<char>,
    ) -> Result<(), Refusal> {
        let mut after_tilde = false;
        while !rest.is_empty() {
            let mut together = rest.iter().take_while(|piece| groups(piece)).count();
            if after_tilde || !rest[..together].iter().any(is_quoted_expansion) {
                together = 0;
            }
            after_tilde = matches!(rest[0], Piece::Tilde(_));
            let (now, later) = rest.split_at_mut(together.max(1));
            let next = later.first().map_or(behind, first_character);
            if together > 0 {
                self.in_double_quotes(now)?;
            } else {
                self.bare(&mut now[0], next)?;
            }
            rest = later;
        }
        Ok(())
    }

    /// A word all of which is quoted or becomes so, for a place where bare text would mean something else.
    pub(super) fn word_in_quotes(&mut self, word: &'a mut Word) -> Result<(), Refusal> {
        if word.pieces.iter().all(stands_in_quotes) {
            return self.in_double_quotes(&mut word.pieces);
        }
        let Some(Piece::Plain(text)) = word.pieces.first().cloned() else {
            return Err(Refusal::NotRenderable);
        };
        let Some(at) = text.find('=') else {
            return Err(Refusal::NotRenderable);
        };
        self.push(&text[..at]);
        self.push("'='");
        self.push(&text[at + 1..]);
        self.pieces(&mut word.pieces[1..])
    }

    fn bare(&mut self, piece: &'a mut Piece, next: Option<char>) -> Result<(), Refusal> {
        match piece {
            Piece::Plain(text) => self.push(text),
            Piece::Quoted(text) => self.push(&quoted(text)),
            Piece::Tilde(name) => {
                self.push("~");
                self.push(name);
            }
            Piece::Process { output, script } => {
                self.push(if *output { ">(" } else { "<(" });
                self.substituted(script)?;
            }
            Piece::Braces(braces) => self.braces(braces)?,
            Piece::Parameter(_) | Piece::Substitution { .. } | Piece::Arithmetic { .. } => {
                self.expansion(piece, next, false)?;
            }
        }
        Ok(())
    }

    fn in_double_quotes(&mut self, pieces: &'a mut [Piece]) -> Result<(), Refusal> {
        let mut open = false;
        let nexts: Vec<Option<char>> = pieces
            .iter()
            .skip(1)
            .map(first_character)
            .chain([None])
            .collect();
        for (piece, next) in pieces.iter_mut().zip(nexts) {
            match piece {
                Piece::Plain(text) | Piece::Quoted(text) => {
                    self.text_in_double_quotes(text, &mut open);
                }
                _ => {
                    self.switch(&mut open, true);
                    self.expansion(piece, next, false)?;
                }
            }
        }
        self.switch(&mut open, false);
        Ok(())
    }

    fn switch(&mut self, open: &mut bool, wanted: bool) {
        if *open != wanted {
            self.push("\"");
            *open = wanted;
        }
    }

    fn text_in_double_quotes(&mut self, text: &str, open: &mut bool) {
        let mut rest = text;
        while !rest.is_empty() {
            let hidden = rest.starts_with(must_be_escaped);
            let end = rest
                .find(|c| must_be_escaped(c) != hidden)
                .unwrap_or(rest.len());
            let (now, later) = rest.split_at(end);
            self.switch(open, !hidden);
            if hidden {
                self.push(&escaped(now));
            } else {
                self.with_backslashes(now, &['$', '`', '"', '\\']);
            }
            rest = later;
        }
    }

    pub(super) fn with_backslashes(&mut self, text: &str, special: &[char]) {
        for c in text.chars() {
            if special.contains(&c) {
                self.out.push('\\');
            }
            self.out.push(c);
        }
    }

    fn braces(&mut self, braces: &'a mut Braces) -> Result<(), Refusal> {
        match braces {
            Braces::List(parts) => {
                let mut before = "{";
                for part in parts {
                    self.push(before);
                    self.word(part)?;
                    before = ",";
                }
            }
            Braces::Range { from, to, step } => {
                self.push("{");
                self.push(from);
                self.push("..");
                self.push(to);
                if let Some(step) = step {
                    self.push("..");
                    self.push(step);
                }
            }
        }
        self.push("}");
        Ok(())
    }

    /// An expansion without quotes of its own. `next` is the character behind it, `here` a here-document around it.
    pub(super) fn expansion(
        &mut self,
        piece: &'a mut Piece,
        next: Option<char>,
        here: bool,
    ) -> Result<(), Refusal> {
        match piece {
            Piece::Parameter(parameter) => self.parameter(parameter, next, here),
            Piece::Substitution { script, .. } => {
                self.push("$(");
                self.substituted(script)
            }
            Piece::Arithmetic { expression, .. } => {
                self.push("$((");
                self.expression(expression)?;
                self.push("))");
                Ok(())
            }
            _ => Err(Refusal::NotRenderable),
        }
    }

    /// An arithmetic expression, in which expansions need no quotes.
    pub(super) fn expression(&mut self, expression: &'a mut Word) -> Result<(), Refusal> {
        let nexts: Vec<Option<char>> = expression
            .pieces
            .iter()
            .skip(1)
            .map(first_character)
            .chain([None])
            .collect();
        for (piece, next) in expression.pieces.iter_mut().zip(nexts) {
            match piece {
                Piece::Plain(text) => self.push(text),
                _ => self.expansion(piece, next, false)?,
            }
        }
        Ok(())
    }

    pub(super) fn subscript(&mut self, index: &'a mut Word) -> Result<(), Refusal> {
        self.push("[");
        self.word(index)?;
        self.push("]");
        Ok(())
    }

    /// The body of a here-document with expansions.
    pub(super) fn here_document(&mut self, body: &'a mut Word) -> Result<(), Refusal> {
        let nexts: Vec<Option<char>> = body
            .pieces
            .iter()
            .skip(1)
            .map(first_character)
            .chain([None])
            .collect();
        for (piece, next) in body.pieces.iter_mut().zip(nexts) {
            match piece {
                Piece::Quoted(text) => self.with_backslashes(text, &['$', '`', '\\']),
                _ => self.expansion(piece, next, true)?,
            }
        }
        Ok(())
    }
}

/// The character with which a piece begins.
pub(super) fn first_character(piece: &Piece) -> Option<char> {
    match piece {
        Piece::Plain(text) | Piece::Quoted(text) => text.chars().next(),
        Piece::Tilde(_) => Some('~'),
        Piece::Braces(_) => Some('{'),
        Piece::Process { .. } => Some('<'),
        Piece::Parameter(_) | Piece::Substitution { .. } | Piece::Arithmetic { .. } => Some('$'),
    }
}

fn is_quoted_expansion(piece: &Piece) -> bool {
    match piece {
        Piece::Parameter(parameter) => parameter.quoted,
        Piece::Substitution { quoted, .. } | Piece::Arithmetic { quoted, .. } => *quoted,
        _ => false,
    }
}

/// Whether a piece is quoted. Beside brackets and braces bare text must stay bare.
fn is_quoted(piece: &Piece) -> bool {
    matches!(piece, Piece::Quoted(_)) || is_quoted_expansion(piece)
}

/// Whether a piece can stand in double quotes and say the same.
fn stands_in_quotes(piece: &Piece) -> bool {
    match piece {
        Piece::Plain(text) => text.chars().all(is_plain),
        Piece::Quoted(_) => true,
        _ => is_quoted_expansion(piece),
    }
}
