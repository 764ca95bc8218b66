//! The text of `${…}`.

use super::Printer;
use super::quoting::{escaped, must_be_escaped};
use super::word::first_character;
use crate::atoms::is_plain;
use crate::refusal::Refusal;
use crate::tree::{Operation, Parameter, Piece, Replaced, Word};

/// Characters that would be taken for part of an operator at the beginning of a pattern.
const OPERATORS: [char; 3] = ['%', ',', '/'];

impl<'a> Printer<'a> {
    pub(super) fn parameter(
        &mut self,
        parameter: &'a mut Parameter,
        next: Option<char>,
        here: bool,
    ) -> Result<(), Refusal> {
        let quoted = parameter.quoted;
        let plain = parameter.index.is_none()
            && !parameter.indirect
            && parameter.operation == Operation::Get;
        // Behind `$$` a parenthesis or quote would read as if the dollar before it were its own.
        let joined = next.is_some_and(|c| {
            parameter.name == "$" || c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | '{')
        });
        let many_digits =
            parameter.name.len() > 1 && parameter.name.starts_with(|c: char| c.is_ascii_digit());
        if plain && !joined && !many_digits {
            self.push("$");
            self.push(&parameter.name);
            return Ok(());
        }
        self.push("${");
        if parameter.operation == Operation::Length {
            self.push("#");
        }
        if parameter.indirect {
            self.push("!");
        }
        self.push(&parameter.name);
        if let Some(index) = &mut parameter.index {
            self.subscript(index)?;
        }
        self.operation(&mut parameter.operation, quoted, here)?;
        self.push("}");
        Ok(())
    }

    fn operation(
        &mut self,
        operation: &'a mut Operation,
        quoted: bool,
        here: bool,
    ) -> Result<(), Refusal> {
        let (mark, word) = match operation {
            Operation::Get | Operation::Length | Operation::Keys => return Ok(()),
            Operation::NamesBeginningWith => {
                self.push("*");
                return Ok(());
            }
            Operation::Transform(letter) => {
                self.push("@");
                self.out.push(*letter);
                return Ok(());
            }
            Operation::Default(colon, word) => (colon.then_some(":-").unwrap_or("-"), word),
            Operation::Assign(colon, word) => (colon.then_some(":=").unwrap_or("="), word),
            Operation::Fail(colon, word) => (colon.then_some(":?").unwrap_or("?"), word),
            Operation::Alternative(colon, word) => (colon.then_some(":+").unwrap_or("+"), word),
            Operation::CutPrefix(longest, pattern) => {
                self.push(if *longest { "##" } else { "#" });
                return self.pattern(pattern, false, quoted || here);
            }
            Operation::CutSuffix(longest, pattern) => {
                self.push(if *longest { "%%" } else { "%" });
                return self.pattern(pattern, false, quoted || here);
            }
            Operation::Case(operator, pattern) => {
                self.push(operator);
                return match pattern {
                    Some(pattern) => self.pattern(pattern, false, quoted || here),
                    None => Ok(()),
                };
            }
            Operation::Slice(offset, length) => return self.slice(offset, length.as_deref_mut()),
            Operation::Replace {
                which,
                pattern,
                replacement,
            } => {
                self.push(match which {
                    Replaced::First => "/",
                    Replaced::All => "//",
                    Replaced::Prefix => "/#",
                    Replaced::Suffix => "/%",
                });
                self.pattern(pattern, true, quoted || here)?;
                self.push("/");
                return match replacement {
                    Some(word) => {
                        if quoted && !here {
                            self.replacement(word)
                        } else {
                            self.value(word, quoted, here)
                        }
                    }
                    None => Ok(()),
                };
            }
        };
        self.push(mark);
        self.value(word, quoted, here)
    }

    /// The word of `${x:-word}`: in double quotes it is quoted like all around it.
    fn value(&mut self, word: &'a mut Word, quoted: bool, here: bool) -> Result<(), Refusal> {
        if !quoted {
            return self.word(word);
        }
        let special: &[char] = if here {
            &['$', '`', '\\', '}']
        } else {
            &['$', '`', '"', '\\', '}']
        };
        let nexts: Vec<Option<char>> = word
            .pieces
            .iter()
            .skip(1)
            .map(first_character)
            .chain([None])
            .collect();
        for (piece, next) in word.pieces.iter_mut().zip(nexts) {
            match piece {
                Piece::Quoted(text) => {
                    if text
                        .chars()
                        .any(|c| must_be_escaped(c) && !matches!(c, '\n' | '\t'))
                    {
                        return Err(Refusal::NotRenderable);
                    }
                    self.value_text(text, special);
                }
                Piece::Plain(_) => return Err(Refusal::NotRenderable),
                _ => self.expansion(piece, next, here)?,
            }
        }
        Ok(())
    }

    /// The replacement in a quoted expansion, in which what must not be shown can be escaped.
    fn replacement(&mut self, word: &'a mut Word) -> Result<(), Refusal> {
        let nexts: Vec<Option<char>> = word
            .pieces
            .iter()
            .skip(1)
            .map(first_character)
            .chain([None])
            .collect();
        for (piece, next) in word.pieces.iter_mut().zip(nexts) {
            let Piece::Quoted(text) = piece else {
                self.expansion(piece, next, false)?;
                continue;
            };
            for c in text.chars() {
                if must_be_escaped(c) {
                    self.push(&escaped(c.encode_utf8(&mut [0; 4])));
                } else {
                    self.with_backslashes(c.encode_utf8(&mut [0; 4]), &['$', '`', '"', '\\', '}']);
                }
            }
        }
        Ok(())
    }

    /// Literal text in the word of a quoted expansion. A dollar before an apostrophe needs no backslash, and could
    /// not have one.
    fn value_text(&mut self, text: &str, special: &[char]) {
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let is_bare = c == '$' && characters.peek() == Some(&'\'');
            if special.contains(&c) && !is_bare {
                self.out.push('\\');
            }
            self.out.push(c);
        }
    }

    /// A pattern. Where a slash ends it, a literal one is escaped.
    fn pattern(
        &mut self,
        pattern: &'a mut Word,
        slash_ends: bool,
        in_quotes: bool,
    ) -> Result<(), Refusal> {
        let mut first = true;
        let mut rest = pattern.pieces.as_mut_slice();
        while let Some((piece, _)) = rest.split_first() {
            // Plain text is written here, with what needs it escaped; all between two such pieces by the rule.
            if let Piece::Plain(text) = piece {
                for c in text.chars() {
                    if (first && OPERATORS.contains(&c)) || (slash_ends && c == '/') {
                        self.out.push('\\');
                    }
                    first = false;
                    self.out.push(c);
                }
                rest = &mut rest[1..];
                continue;
            }
            first = false;
            // Whether single quotes quote within double quotes is told differently; backslashes always do.
            if let (Piece::Quoted(text), true) = (piece, in_quotes) {
                self.escaped_pattern(text);
                rest = &mut rest[1..];
                continue;
            }
            let apart = |piece: &Piece| match piece {
                Piece::Plain(_) => true,
                Piece::Quoted(_) => in_quotes,
                _ => false,
            };
            let until = rest.iter().position(apart).unwrap_or(rest.len());
            let (now, later) = rest.split_at_mut(until);
            let next = later.first().and_then(first_character);
            self.pieces_before(now, next)?;
            rest = later;
        }
        Ok(())
    }

    fn escaped_pattern(&mut self, text: &str) {
        for c in text.chars() {
            if must_be_escaped(c) {
                self.push(&escaped(c.encode_utf8(&mut [0; 4])));
            } else {
                if !is_plain(c) || OPERATORS.contains(&c) {
                    self.out.push('\\');
                }
                self.out.push(c);
            }
        }
    }

    fn slice(&mut self, offset: &'a mut Word, length: Option<&'a mut Word>) -> Result<(), Refusal> {
        self.push(":");
        self.slice_part(offset)?;
        if let Some(length) = length {
            self.push(":");
            self.slice_part(length)?;
        }
        Ok(())
    }

    fn slice_part(&mut self, part: &'a mut Word) -> Result<(), Refusal> {
        if let Some(Piece::Plain(text)) = part.pieces.first()
            && text.starts_with(['-', '+', '=', '?'])
        {
            self.push(" ");
        }
        self.expression(part)
    }
}
