//! Quotes of every kind, and what begins with a dollar.

use super::{Around, Cursor, UNCLOSED, is_name};
use crate::arithmetic;
use crate::atoms::Atom;
use crate::refusal::Refusal;
use crate::tree::{Operation, Parameter, Piece};

impl Cursor {
    /// The rest of `'…'`.
    pub(super) fn single(&mut self, out: &mut Vec<Atom>) -> Result<(), Refusal> {
        let before = out.len();
        while let Some(c) = self.next() {
            if c == '\'' {
                if out.len() == before {
                    out.push(Atom::EmptyQuotes);
                }
                return Ok(());
            }
            out.push(Atom::Quoted(c));
        }
        Err(UNCLOSED)
    }

    /// The rest of `"…"`, or all of a here-document.
    pub(super) fn double(&mut self, around: Around, out: &mut Vec<Atom>) -> Result<(), Refusal> {
        let before = out.len();
        let here = around == Around::HereDocument;
        while let Some(c) = self.peek() {
            match c {
                '"' if !here => {
                    self.at += 1;
                    if out.len() == before {
                        out.push(Atom::EmptyQuotes);
                    }
                    return Ok(());
                }
                '\\' => self.escaped(here, out),
                '$' => self.dollar(around, out)?,
                '`' => self.backquotes(around, around, out)?,
                _ => {
                    self.at += 1;
                    out.push(Atom::Quoted(c));
                }
            }
        }
        if here { Ok(()) } else { Err(UNCLOSED) }
    }

    /// A backslash in double quotes: it is one itself unless what follows is special there.
    pub(super) fn escaped(&mut self, here: bool, out: &mut Vec<Atom>) {
        match self.after(1) {
            Some('\n') => self.at += 2,
            Some(c @ ('$' | '`' | '\\')) => {
                self.at += 2;
                out.push(Atom::Quoted(c));
            }
            Some('"') if !here => {
                self.at += 2;
                out.push(Atom::Quoted('"'));
            }
            _ => {
                self.at += 1;
                out.push(Atom::Quoted('\\'));
            }
        }
    }

    /// What begins with a dollar.
    pub(super) fn dollar(&mut self, around: Around, out: &mut Vec<Atom>) -> Result<(), Refusal> {
        self.at += 1;
        let quoted = around.quoted();
        match self.peek() {
            Some('(') if self.after(1) == Some('(') => {
                self.at += 2;
                let read = self.arithmetic_atoms(|c, depth| c == ')' && depth == 0)?;
                if !(self.take(')') && self.take(')')) {
                    return Err(Refusal::unsupported("`$((` that is not arithmetic"));
                }
                out.push(arithmetic_piece(read, quoted)?);
            }
            Some('(') => {
                self.at += 1;
                let script = self.substituted()?;
                out.push(Atom::Piece(Piece::Substitution { script, quoted }));
            }
            Some('[') => {
                self.at += 1;
                let from = self.at;
                let read = self.arithmetic_atoms(|c, depth| c == ']' && depth == 0)?;
                if self.characters[from..self.at].contains(&'"') {
                    return Err(Refusal::unsupported("quotes in `$[`"));
                }
                if !self.take(']') {
                    return Err(UNCLOSED);
                }
                out.push(arithmetic_piece(read, quoted)?);
            }
            Some('{') => {
                self.at += 1;
                let parameter = self.parameter(around)?;
                out.push(Atom::Piece(Piece::Parameter(parameter)));
            }
            Some('\'') if !quoted => {
                self.at += 1;
                self.decoded(out)?;
            }
            Some('"') if !quoted => {
                self.at += 1;
                self.double(Around::DoubleQuotes, out)?;
            }
            Some(c) if is_name(c.encode_utf8(&mut [0; 4])) => {
                let mut name = String::new();
                while let Some(c) = self
                    .peek()
                    .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                {
                    name.push(c);
                    self.at += 1;
                }
                if !quoted && self.peek() == Some('{') {
                    // Braces are expanded first, and their text would become part of the name.
                    return Err(Refusal::unsupported("a name that braces would continue"));
                }
                out.push(plain_parameter(name, quoted));
            }
            Some(c @ ('0'..='9' | '@' | '*' | '#' | '?' | '-' | '$' | '!')) => {
                self.at += 1;
                // The shell looks for the end of quotes as if the second dollar began something.
                if c == '$' && matches!(self.peek(), Some('(' | '{' | '[' | '\'')) {
                    return Err(Refusal::unsupported("`$$` before an opening character"));
                }
                out.push(plain_parameter(String::from(c), quoted));
            }
            Some(',' | '}') if !quoted => {
                return Err(Refusal::unsupported("a bare dollar at the end of a part"));
            }
            _ => out.push(Atom::Quoted('$')),
        }
        Ok(())
    }

    /// The characters and expansions of an expression, up to a character that ends it, or the end.
    pub(super) fn arithmetic_atoms(
        &mut self,
        ends: impl Fn(char, usize) -> bool,
    ) -> Result<Vec<Atom>, Refusal> {
        let mut out = Vec::new();
        let mut depth = 0_usize;
        // How many have been opened in all.
        let mut brackets = 0_usize;
        while let Some(c) = self.peek() {
            if ends(c, depth) {
                break;
            }
            match c {
                '$' => self.dollar(Around::DoubleQuotes, &mut out)?,
                '`' => self.backquotes(Around::HereDocument, Around::DoubleQuotes, &mut out)?,
                // All of an expression is expanded as if quoted, so quotes around one expansion say nothing. In a
                // subscript they may say what is a key.
                '"' if brackets == 0 && self.after(1) == Some('$') => {
                    self.at += 1;
                    self.dollar(Around::DoubleQuotes, &mut out)?;
                    if !self.take('"') {
                        return Err(Refusal::unsupported("text that may not be arithmetic"));
                    }
                }
                '\\' if self.after(1) == Some('\n') => self.at += 2,
                _ => {
                    match c {
                        '(' | '[' => depth += 1,
                        ')' | ']' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    brackets += usize::from(c == '[');
                    self.at += 1;
                    out.push(Atom::Bare(c));
                }
            }
        }
        Ok(out)
    }

    /// The rest of `$'…'`.
    pub(super) fn decoded(&mut self, out: &mut Vec<Atom>) -> Result<(), Refusal> {
        let before = out.len();
        loop {
            match self.next().ok_or(UNCLOSED)? {
                '\'' => break,
                '\\' => {
                    let c = self.escape()?;
                    out.extend(c.into_iter().map(Atom::Quoted));
                }
                c => out.push(Atom::Quoted(c)),
            }
        }
        if out.len() == before {
            out.push(Atom::EmptyQuotes);
        }
        Ok(())
    }

    /// What a backslash in `$'…'` stands for.
    fn escape(&mut self) -> Result<Vec<char>, Refusal> {
        let c = self.next().ok_or(UNCLOSED)?;
        let one = match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' | 'E' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '?' => c,
            '0'..='7' => {
                self.at -= 1;
                byte(self.number(8, 3))?
            }
            'x' if self.peek() == Some('{') => {
                return Err(Refusal::unsupported("`\\x{` in quotes"));
            }
            'x' if self.peek().is_some_and(|c| c.is_ascii_hexdigit()) => byte(self.number(16, 2))?,
            'u' if self.peek().is_some_and(|c| c.is_ascii_hexdigit()) => {
                scalar(self.number(16, 4))?
            }
            'U' if self.peek().is_some_and(|c| c.is_ascii_hexdigit()) => {
                scalar(self.number(16, 8))?
            }
            'c' => return Err(Refusal::unsupported("a control escape in quotes")),
            _ => return Ok(vec!['\\', c]),
        };
        Ok(vec![one])
    }

    fn number(&mut self, base: u32, digits: usize) -> u32 {
        let mut value = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(base)) else {
                break;
            };
            value = value.saturating_mul(base).saturating_add(digit);
            self.at += 1;
        }
        value
    }
}

/// A byte that is a character by itself. Others would make text that is not UTF-8, and zero ends text.
fn byte(value: u32) -> Result<char, Refusal> {
    match u8::try_from(value) {
        Ok(byte @ 1..=0x7f) => Ok(char::from(byte)),
        _ => Err(Refusal::unsupported(
            "an escape for a byte that is no ASCII",
        )),
    }
}

fn scalar(value: u32) -> Result<char, Refusal> {
    char::from_u32(value)
        .filter(|c| *c != '\0')
        .ok_or(Refusal::unsupported("an escape for no character"))
}

fn arithmetic_piece(read: Vec<Atom>, quoted: bool) -> Result<Atom, Refusal> {
    let expression = Box::new(arithmetic::expression(read)?);
    Ok(Atom::Piece(Piece::Arithmetic { expression, quoted }))
}

fn plain_parameter(name: String, quoted: bool) -> Atom {
    Atom::Piece(Piece::Parameter(Parameter {
        name,
        index: None,
        indirect: false,
        operation: Operation::Get,
        quoted,
    }))
}
