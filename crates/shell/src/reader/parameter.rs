//! `${…}`: the name, the subscript and what is done to the value.

use super::{Around, Cursor, Stop, UNCLOSED, here_document_word, is_name, tildes};
use crate::arithmetic;
use crate::atoms::{self, Atom};
use crate::refusal::Refusal;
use crate::tree::{Operation, Parameter, Piece, Replaced, Word};

const UNKNOWN: Refusal = Refusal::unsupported("an expansion of unknown form");

/// Which word of a quoted expansion is read. In a replacement `$'…'` is decoded, elsewhere it is text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    Word,
    Replacement,
}

impl Cursor {
    /// The rest of `${…}`.
    pub(super) fn parameter(&mut self, around: Around) -> Result<Parameter, Refusal> {
        let quoted = around.quoted();
        let mut length = false;
        let mut indirect = false;
        match (self.peek(), self.after(1)) {
            (Some(' ' | '\t' | '\n' | '|'), _) => {
                return Err(Refusal::unsupported("`${ command; }`"));
            }
            (Some('#'), Some(c)) if c != '}' => {
                length = true;
                self.at += 1;
            }
            (Some('!'), Some(c)) if c.is_ascii_alphanumeric() || matches!(c, '_' | '#') => {
                indirect = true;
                self.at += 1;
            }
            _ => {}
        }
        let name = self.parameter_name()?;
        let index = if is_name(&name) && self.take('[') {
            Some(Box::new(self.subscript()?))
        } else {
            None
        };
        let operation = if length {
            Operation::Length
        } else {
            self.operation(around, indirect)?
        };
        if !self.take('}') {
            return Err(UNKNOWN);
        }
        let mut parameter = Parameter {
            name,
            index,
            indirect,
            operation,
            quoted,
        };
        parameter.settle_keys();
        Ok(parameter)
    }

    fn parameter_name(&mut self) -> Result<String, Refusal> {
        let mut name = String::new();
        match self.peek().ok_or(UNCLOSED)? {
            c if c.is_ascii_digit() => {
                while let Some(c) = self.peek().filter(char::is_ascii_digit) {
                    name.push(c);
                    self.at += 1;
                }
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                while let Some(c) = self
                    .peek()
                    .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                {
                    name.push(c);
                    self.at += 1;
                }
            }
            c @ ('@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                self.at += 1;
                name.push(c);
            }
            _ => return Err(UNKNOWN),
        }
        Ok(name)
    }

    /// A subscript whose bracket has been read, with the bracket that ends it.
    pub(super) fn subscript(&mut self) -> Result<Word, Refusal> {
        let mut read = Vec::new();
        self.bare(Stop::Bracket, Around::Nothing, &mut read)?;
        if !self.take(']') || read.is_empty() {
            return Err(UNCLOSED);
        }
        Ok(atoms::word(&read, false))
    }

    fn operation(&mut self, around: Around, indirect: bool) -> Result<Operation, Refusal> {
        let Some(c) = self.peek() else {
            return Err(UNCLOSED);
        };
        if c == '}' {
            return Ok(Operation::Get);
        }
        self.at += 1;
        Ok(match c {
            '-' | '=' | '?' | '+' => value_operation(c, false, self.value(around)?),
            ':' => match self.peek() {
                Some(c @ ('-' | '=' | '?' | '+')) => {
                    self.at += 1;
                    value_operation(c, true, self.value(around)?)
                }
                _ => self.slice()?,
            },
            '#' => Operation::CutPrefix(self.take('#'), self.pattern(Stop::Brace, around)?),
            '%' => Operation::CutSuffix(self.take('%'), self.pattern(Stop::Brace, around)?),
            '/' => self.replacement(around)?,
            '^' | ',' => {
                let mut operator = String::from(c);
                if self.take(c) {
                    operator.push(c);
                }
                let pattern = self.pattern(Stop::Brace, around)?;
                Operation::Case(operator, (!pattern.pieces.is_empty()).then_some(pattern))
            }
            '@' if indirect && self.peek() == Some('}') => Operation::NamesBeginningWith,
            '*' if indirect && self.peek() == Some('}') => Operation::NamesBeginningWith,
            '@' => match self.next() {
                Some(c @ ('U' | 'u' | 'L' | 'Q' | 'E' | 'P' | 'A' | 'K' | 'a' | 'k')) => {
                    Operation::Transform(c)
                }
                _ => return Err(UNKNOWN),
            },
            _ => return Err(UNKNOWN),
        })
    }

    /// The word of `${x:-word}`. In double quotes all text of it is quoted too.
    fn value(&mut self, around: Around) -> Result<Box<Word>, Refusal> {
        if !around.quoted() {
            let mut read = Vec::new();
            self.bare(Stop::Brace, around, &mut read)?;
            return Ok(Box::new(atoms::word(&tildes(&read, false), false)));
        }
        self.quoted_value(around, Value::Word)
    }

    fn quoted_value(&mut self, around: Around, value: Value) -> Result<Box<Word>, Refusal> {
        self.values += 1;
        let read = self.quoted_atoms(around, value)?;
        self.values -= 1;
        Ok(Box::new(quoted_word(read)))
    }

    fn quoted_atoms(&mut self, around: Around, value: Value) -> Result<Vec<Atom>, Refusal> {
        let mut read = Vec::new();
        let mut apostrophes = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '}' => {
                    // The shells do not agree on what apostrophes do here, unless they change nothing.
                    if apostrophes % 2 == 1 {
                        return Err(Refusal::unsupported("an apostrophe in a quoted expansion"));
                    }
                    return Ok(read);
                }
                '\'' if value == Value::Replacement => {
                    return Err(Refusal::unsupported(
                        "an apostrophe in a quoted replacement",
                    ));
                }
                '$' if value == Value::Replacement
                    && around == Around::DoubleQuotes
                    && self.after(1) == Some('\'') =>
                {
                    self.at += 2;
                    self.decoded(&mut read)?;
                }
                '\'' => {
                    apostrophes += 1;
                    self.at += 1;
                    read.push(Atom::Quoted(c));
                }
                '\\' | '"' if apostrophes % 2 == 1 => {
                    return Err(Refusal::unsupported("an apostrophe in a quoted expansion"));
                }
                '"' if around == Around::HereDocument => {
                    return Err(Refusal::unsupported(
                        "quotes in an expansion in a here-document",
                    ));
                }
                '"' => {
                    self.at += 1;
                    self.double(Around::DoubleQuotes, &mut read)?;
                }
                '\\' if self.after(1) == Some('}') => {
                    self.at += 2;
                    read.push(Atom::Quoted('}'));
                }
                '\\' => self.escaped(around == Around::HereDocument, &mut read),
                '$' => self.dollar(around, &mut read)?,
                '`' => self.backquotes(around, around, &mut read)?,
                _ => {
                    self.at += 1;
                    read.push(Atom::Quoted(c));
                }
            }
        }
        Err(UNCLOSED)
    }

    /// A pattern, in which quotes quote even within double quotes.
    fn pattern(&mut self, stop: Stop, around: Around) -> Result<Box<Word>, Refusal> {
        let mut read = Vec::new();
        let inner = if around == Around::HereDocument {
            around
        } else {
            Around::Nothing
        };
        self.bare(stop, inner, &mut read)?;
        Ok(Box::new(atoms::word(&read, false)))
    }

    fn replacement(&mut self, around: Around) -> Result<Operation, Refusal> {
        let which = match self.peek() {
            Some('/') => Replaced::All,
            Some('#') => Replaced::Prefix,
            Some('%') => Replaced::Suffix,
            _ => Replaced::First,
        };
        self.at += usize::from(which != Replaced::First);
        let pattern = self.pattern(Stop::BraceOrSlash, around)?;
        let replacement = if self.take('/') {
            let word = if around.quoted() {
                self.quoted_value(around, Value::Replacement)?
            } else {
                self.pattern(Stop::Brace, around)?
            };
            Some(word).filter(|word| !word.pieces.is_empty())
        } else {
            None
        };
        Ok(Operation::Replace {
            which,
            pattern,
            replacement,
        })
    }

    fn slice(&mut self) -> Result<Operation, Refusal> {
        let offset = self.slice_part()?;
        let length = if self.take(':') {
            Some(self.slice_part()?)
        } else {
            None
        };
        if offset.pieces.is_empty() && length.is_none() {
            return Err(UNKNOWN);
        }
        Ok(Operation::Slice(offset, length))
    }

    fn slice_part(&mut self) -> Result<Box<Word>, Refusal> {
        let from = self.at;
        let read = self.arithmetic_atoms(|c, depth| c == '}' || (c == ':' && depth == 0))?;
        if self.characters[from..self.at].contains(&'"') {
            return Err(Refusal::unsupported("quotes in a slice"));
        }
        if read.contains(&Atom::Bare('?')) {
            return Err(Refusal::unsupported("a choice in a slice"));
        }
        Ok(Box::new(arithmetic::expression(read)?))
    }
}

fn value_operation(operator: char, empty_too: bool, word: Box<Word>) -> Operation {
    match operator {
        '-' => Operation::Default(empty_too, word),
        '=' => Operation::Assign(empty_too, word),
        '?' => Operation::Fail(empty_too, word),
        _ => Operation::Alternative(empty_too, word),
    }
}

/// All literal text is quoted; nothing at all is no piece.
fn quoted_word(read: Vec<Atom>) -> Word {
    if read.iter().all(|atom| *atom == Atom::EmptyQuotes) {
        return Word::default();
    }
    here_document_word(read)
}

impl Parameter {
    /// `${!name[@]}` gives keys; with any other operation it goes by the name that the value holds.
    fn settle_keys(&mut self) {
        let all = self.index.as_ref().is_some_and(|index| {
            matches!(index.pieces.as_slice(), [Piece::Plain(text)] if text == "@" || text == "*")
        });
        if self.indirect && all && self.operation == Operation::Get {
            self.operation = Operation::Keys;
        }
    }
}
