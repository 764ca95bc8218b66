//! Words of awk programs. Whether a slash begins an expression or divides is known to the grammar alone, so it asks
//! for one word at a time and says which it would take.

use super::program::Misunderstood;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A number.
    Number,
    /// A string, with its escapes resolved.
    Text(String),
    /// `/…/`
    Expression,
    /// A name that a parenthesis follows at once.
    Call(String),
    /// Any other name, keywords included.
    Name(String),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end of a line.
    Line,
    /// The end of the program.
    End,
}

/// Operators and brackets, longest first.
const SIGNS: [&str; 43] = [
    "**=", "|&", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=",
    ">=", "!=", ">>", "!~", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^",
    "!", ">", "<", "|", "?", ":", "~", "$", "=", "@",
];

/// The letters of a program, and how far they are read.
pub(super) struct Tokens {
    letters: Vec<char>,
    at: usize,
    brackets: bool,
}

impl Tokens {
    /// `brackets` says whether a slash in `[…]` counts as part of an expression, which differs between awks.
    pub(super) fn of(text: &str, brackets: bool) -> Self {
        Self {
            letters: text.chars().collect(),
            at: 0,
            brackets,
        }
    }

    /// The place that is read next.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Goes back to a place.
    pub(super) fn return_to(&mut self, place: usize) {
        self.at = place;
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    /// The next word; with `expression`, a slash begins one.
    pub(super) fn next(&mut self, expression: bool) -> Result<Token, Misunderstood> {
        self.blanks();
        let Some(letter) = self.peek(0) else {
            return Ok(Token::End);
        };
        match letter {
            '\n' => {
                self.at += 1;
                Ok(Token::Line)
            }
            '"' => self.text(),
            '/' if expression => self.expression(),
            _ if letter.is_ascii_digit() => Ok(self.number()),
            '.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => Ok(self.number()),
            _ if is_name(letter) => Ok(self.name()),
            _ => self.sign(),
        }
    }

    /// Blanks, comments and continued lines.
    fn blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(' ' | '\t' | '\r'), _) => self.at += 1,
                (Some('\\'), Some('\n')) => self.at += 2,
                (Some('#'), _) => {
                    while self.peek(0).is_some_and(|letter| letter != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn text(&mut self) -> Result<Token, Misunderstood> {
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            match letter {
                '"' => return Ok(Token::Text(text)),
                '\n' => break,
                '\\' => self.escape(&mut text)?,
                _ => text.push(letter),
            }
        }
        Err(Misunderstood { at: self.at })
    }

    /// What follows a backslash in a string. Escapes that differ between awks are refused.
    fn escape(&mut self, text: &mut String) -> Result<(), Misunderstood> {
        let Some(letter) = self.peek(0) else {
            return Err(Misunderstood { at: self.at });
        };
        self.at += 1;
        match letter {
            '\n' => {}
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'v' => text.push('\u{b}'),
            '0'..='7' => {
                let mut value = letter.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    if let Some(digit) = self.peek(0).and_then(|next| next.to_digit(8)) {
                        value = value * 8 + digit;
                        self.at += 1;
                    }
                }
                text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            'x' => {
                let mut value = 0;
                let mut digits = 0;
                while let Some(digit) = self.peek(0).and_then(|next| next.to_digit(16)) {
                    value = value * 16 + digit;
                    digits += 1;
                    self.at += 1;
                    if digits == 2 {
                        break;
                    }
                }
                if digits == 0 || self.peek(0).is_some_and(|next| next.is_ascii_hexdigit()) {
                    return Err(Misunderstood { at: self.at });
                }
                text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            'u' => return Err(Misunderstood { at: self.at }),
            other => text.push(other),
        }
        Ok(())
    }

    /// A regular expression.
    fn expression(&mut self) -> Result<Token, Misunderstood> {
        self.at += 1;
        let mut in_brackets = false;
        let mut first_in_brackets = false;
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            match letter {
                '\n' => break,
                '\\' => {
                    if self.peek(0).is_none_or(|next| next == '\n') {
                        break;
                    }
                    self.at += 1;
                    first_in_brackets = false;
                }
                '/' if !in_brackets => return Ok(Token::Expression),
                '[' if !in_brackets && self.brackets => {
                    in_brackets = true;
                    first_in_brackets = true;
                }
                '[' if in_brackets && matches!(self.peek(0), Some(':' | '.' | '=')) => {
                    self.class();
                    first_in_brackets = false;
                }
                '^' if first_in_brackets => {}
                ']' if in_brackets && !first_in_brackets => in_brackets = false,
                _ => first_in_brackets = false,
            }
        }
        Err(Misunderstood { at: self.at })
    }

    /// The rest of `[:alpha:]`, where it is one.
    fn class(&mut self) {
        let rest = &self.letters[self.at..];
        let end = rest
            .iter()
            .skip(1)
            .position(|letter| !letter.is_ascii_lowercase());
        if let Some(end) = end
            && rest.get(end + 1) == rest.first()
            && rest.get(end + 2) == Some(&']')
        {
            self.at += end + 3;
        }
    }

    fn number(&mut self) -> Token {
        let hexadecimal = self.peek(0) == Some('0')
            && matches!(self.peek(1), Some('x' | 'X'))
            && self.peek(2).is_some_and(|next| next.is_ascii_hexdigit());
        if hexadecimal {
            self.at += 2;
            self.skip(|letter| letter.is_ascii_hexdigit());
            return Token::Number;
        }
        self.skip(|letter| letter.is_ascii_digit());
        if self.peek(0) == Some('.') {
            self.at += 1;
            self.skip(|letter| letter.is_ascii_digit());
        }
        if matches!(self.peek(0), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
            if self
                .peek(1 + sign)
                .is_some_and(|next| next.is_ascii_digit())
            {
                self.at += 1 + sign;
                self.skip(|letter| letter.is_ascii_digit());
            }
        }
        Token::Number
    }

    fn skip(&mut self, which: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&which) {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Token {
        let start = self.at;
        self.skip(|letter| is_name(letter) || letter.is_ascii_digit() || letter == ':');
        // A colon belongs to a name only doubled, as in `space::name`.
        let mut name: String = self.letters[start..self.at].iter().collect();
        if let Some(colon) = name.find(':') {
            let doubled = name[colon..].starts_with("::")
                && name[colon + 2..].starts_with(is_name)
                && !name[colon + 2..].contains(':');
            if !doubled {
                name.truncate(colon);
                self.at = start + name.chars().count();
            }
        }
        if self.peek(0) == Some('(') {
            Token::Call(name)
        } else {
            Token::Name(name)
        }
    }

    fn sign(&mut self) -> Result<Token, Misunderstood> {
        for sign in SIGNS {
            let matches = sign
                .chars()
                .enumerate()
                .all(|(ahead, letter)| self.peek(ahead) == Some(letter));
            if matches {
                self.at += sign.len();
                return Ok(Token::Sign(sign));
            }
        }
        Err(Misunderstood { at: self.at })
    }
}

/// Whether a letter may begin a name; the mark of a plain value does.
fn is_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_' || letter == super::super::words::PLAIN
}
