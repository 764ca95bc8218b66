//! Words of SQL in the dialects of Postgres, MySQL, SQLite and ClickHouse: strings, names, comments, and the commands
//! of the clients that stand between statements. Where dialects read a text differently the dialect decides; what no
//! dialect reads is refused.

use super::super::words::PLAIN;

/// Most words that are looked at.
const MOST_TOKENS: usize = 50_000;

/// A dialect with its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Postgres, by psql.
    Postgres,
    /// MySQL and MariaDB, by mysql.
    MySql,
    /// SQLite, by sqlite3.
    Sqlite,
    /// ClickHouse, by clickhouse-client.
    ClickHouse,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or a name, in small letters.
    Word(String),
    /// A quoted name, as it is.
    Name(String),
    /// A string.
    Text(String),
    /// A number, or a variable.
    Value,
    /// A bracket, a comma, an operator's character.
    Sign(char),
    /// The end of a statement.
    End,
    /// A command of the client: the rest of its line.
    Client(String),
}

/// A text that is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the statement is not understood at character {at}")]
pub(super) struct Misunderstood {
    pub(super) at: usize,
}

/// All words of a text.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<Vec<Token>, Misunderstood> {
    let mut reader = Reader {
        letters: text.chars().collect(),
        at: 0,
        dialect,
        tokens: Vec::new(),
    };
    while reader.next()? {
        if reader.tokens.len() > MOST_TOKENS {
            return reader.fail();
        }
    }
    Ok(reader.tokens)
}

struct Reader {
    letters: Vec<char>,
    at: usize,
    dialect: Dialect,
    tokens: Vec<Token>,
}

impl Reader {
    fn fail<T>(&self) -> Result<T, Misunderstood> {
        Err(Misunderstood { at: self.at })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn stands(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(ahead, letter)| self.peek(ahead) == Some(letter))
    }

    fn has_backslashes(&self) -> bool {
        matches!(self.dialect, Dialect::MySql | Dialect::ClickHouse)
    }

    /// Reads one word or comment; whether there was one.
    fn next(&mut self) -> Result<bool, Misunderstood> {
        let Some(letter) = self.peek(0) else {
            return Ok(false);
        };
        match letter {
            _ if letter.is_whitespace() => self.at += 1,
            '-' if self.stands("--") && self.dashes_comment() => self.skip_line(),
            '#' if matches!(self.dialect, Dialect::MySql) => self.skip_line(),
            '/' if self.stands("/*") => self.comment()?,
            '\'' => self.string('\'')?,
            '"' if self.dialect == Dialect::MySql => self.string('"')?,
            '"' => self.name('"', '"')?,
            '`' if self.dialect != Dialect::Postgres => self.name('`', '`')?,
            '[' if self.dialect == Dialect::Sqlite => self.name('[', ']')?,
            '$' if self.dialect == Dialect::Postgres => self.dollar()?,
            '\\' => self.backslash()?,
            '.' if self.dialect == Dialect::Sqlite && self.at_statement() && self.at_line() => {
                self.client();
            }
            ';' => {
                self.at += 1;
                self.tokens.push(Token::End);
            }
            ':' if self.dialect == Dialect::Postgres => self.colon()?,
            _ if letter.is_ascii_digit() => self.number(),
            _ if is_word(letter) => self.word()?,
            '@' | '?' | '$' => {
                self.at += 1;
                while self
                    .peek(0)
                    .is_some_and(|next| is_word(next) || next == '@')
                {
                    self.at += 1;
                }
                self.tokens.push(Token::Value);
            }
            _ if letter.is_ascii_punctuation() => {
                self.at += 1;
                self.tokens.push(Token::Sign(letter));
            }
            _ => return self.fail(),
        }
        Ok(true)
    }

    /// Whether two dashes begin a comment: for MySQL only before a blank.
    fn dashes_comment(&self) -> bool {
        self.dialect != Dialect::MySql || self.peek(2).is_none_or(char::is_whitespace)
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            self.at += 1;
        }
    }

    /// `/* … */`; within each other only for Postgres. What MySQL runs of them is refused.
    fn comment(&mut self) -> Result<(), Misunderstood> {
        let runs = self.dialect == Dialect::MySql
            && (matches!(self.peek(2), Some('!')) || self.stands("/*M!"));
        if runs {
            return self.fail();
        }
        let mut depth = 0_usize;
        while self.peek(0).is_some() {
            if self.stands("*/") {
                self.at += 2;
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(());
                }
            } else if self.stands("/*") {
                if depth > 0 && self.dialect == Dialect::ClickHouse {
                    return self.fail();
                }
                self.at += 2;
                depth = if self.dialect == Dialect::Postgres {
                    depth + 1
                } else {
                    1
                };
            } else {
                self.at += 1;
            }
        }
        self.fail()
    }

    fn string(&mut self, quote: char) -> Result<(), Misunderstood> {
        let escapes = self.has_backslashes() || self.escapes_are_announced();
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            if letter == quote {
                if self.peek(0) != Some(quote) {
                    self.tokens.push(Token::Text(text));
                    return Ok(());
                }
                self.at += 1;
                text.push(quote);
            } else if letter == '\\' && escapes {
                let Some(escaped) = self.peek(0) else {
                    return self.fail();
                };
                self.at += 1;
                text.push(escaped);
            } else {
                text.push(letter);
            }
        }
        self.fail()
    }

    /// Whether `E` stands before a string of Postgres, and takes it away.
    fn escapes_are_announced(&mut self) -> bool {
        let adjoins = self.at > 0 && matches!(self.letters[self.at - 1], 'e' | 'E');
        let announced = self.dialect == Dialect::Postgres
            && adjoins
            && self.tokens.last() == Some(&Token::Word("e".to_owned()));
        if announced {
            self.tokens.pop();
        }
        announced
    }

    fn name(&mut self, open: char, close: char) -> Result<(), Misunderstood> {
        self.at += 1;
        let mut name = String::new();
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            if letter == close {
                if open == close && self.peek(0) == Some(close) {
                    self.at += 1;
                    name.push(close);
                    continue;
                }
                self.tokens.push(Token::Name(name));
                return Ok(());
            }
            if letter == '\\' && self.dialect == Dialect::ClickHouse {
                break;
            }
            name.push(letter);
        }
        self.fail()
    }

    /// `$1`, or a string between two equal tags.
    fn dollar(&mut self) -> Result<(), Misunderstood> {
        let rest = &self.letters[self.at + 1..];
        if rest.first().is_some_and(char::is_ascii_digit) {
            self.at += 1;
            self.number();
            return Ok(());
        }
        let Some(length) = rest.iter().position(|letter| *letter == '$') else {
            return self.fail();
        };
        if !rest[..length].iter().all(|letter| is_word(*letter)) {
            return self.fail();
        }
        let tag: Vec<char> = self.letters[self.at..self.at + length + 2].to_vec();
        let start = self.at + tag.len();
        let Some(end) = (start..self.letters.len())
            .find(|at| self.letters[*at] == '$' && self.letters[*at..].starts_with(&tag))
        else {
            return self.fail();
        };
        let text = self.letters[start..end].iter().collect();
        self.tokens.push(Token::Text(text));
        self.at = end + tag.len();
        Ok(())
    }

    /// `::` and slices; a variable of psql is not known.
    fn colon(&mut self) -> Result<(), Misunderstood> {
        if self.stands("::") || self.stands(":=") {
            self.at += 2;
        } else if self.peek(1).is_some_and(|next| {
            next.is_alphabetic() || matches!(next, '_' | '\'' | '"' | '{' | PLAIN)
        }) {
            return self.fail();
        } else {
            self.at += 1;
        }
        self.tokens.push(Token::Sign(':'));
        Ok(())
    }

    fn number(&mut self) {
        while self
            .peek(0)
            .is_some_and(|letter| is_word(letter) || letter == '.')
        {
            self.at += 1;
        }
        self.tokens.push(Token::Value);
    }

    fn word(&mut self) -> Result<(), Misunderstood> {
        let start = self.at;
        while self
            .peek(0)
            .is_some_and(|letter| is_word(letter) || letter == '$' || letter.is_ascii_digit())
        {
            self.at += 1;
        }
        let word: String = self.letters[start..self.at].iter().collect();
        let word = word.to_lowercase();
        if word == "u" && self.stands("&") && matches!(self.peek(1), Some('\'' | '"')) {
            return self.fail();
        }
        self.tokens.push(Token::Word(word));
        Ok(())
    }

    /// A command of psql or of mysql.
    fn backslash(&mut self) -> Result<(), Misunderstood> {
        match self.dialect {
            Dialect::Postgres => {
                self.at += 1;
                self.client();
                Ok(())
            }
            Dialect::MySql if matches!(self.peek(1), Some('g' | 'G')) => {
                self.at += 2;
                self.tokens.push(Token::End);
                Ok(())
            }
            Dialect::MySql => {
                self.client();
                Ok(())
            }
            _ => self.fail(),
        }
    }

    /// The rest of the line, for the client.
    fn client(&mut self) {
        let start = self.at;
        self.skip_line();
        let line: String = self.letters[start..self.at].iter().collect();
        self.tokens.push(Token::Client(line));
    }

    /// Whether a statement begins here.
    fn at_statement(&self) -> bool {
        matches!(
            self.tokens.last(),
            None | Some(Token::End | Token::Client(_))
        )
    }

    /// Whether a line begins here.
    fn at_line(&self) -> bool {
        self.letters[..self.at]
            .iter()
            .rev()
            .take_while(|letter| **letter != '\n')
            .all(|letter| letter.is_whitespace())
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == PLAIN
}
