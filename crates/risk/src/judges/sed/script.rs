//! The grammar of sed scripts: addresses, commands, their flags and texts. What a script would do besides editing its
//! stream is collected; the editing itself is not looked at.

/// Most commands in a script that are looked at.
const MOST_COMMANDS: usize = 5_000;

/// What a script does besides editing its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// `r`, `R`: reads a file into the stream.
    Reads(String),
    /// `w`, `W`, `s///w`: writes lines to a file.
    Writes(String),
    /// `e command`: runs a command.
    Runs(String),
    /// `e` and `s///e`: runs the stream's own text.
    RunsStream,
}

/// A script that is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sed script is not understood at character {at}")]
pub(super) struct Misunderstood {
    at: usize,
}

/// Reads a script. `brackets` says whether a delimiter in `[…]` counts as part of the expression, which differs
/// between versions of sed.
pub(super) fn read(text: &str, brackets: bool) -> Result<Vec<Deed>, Misunderstood> {
    let mut reader = Reader::new(text, brackets);
    reader.script()?;
    Ok(reader.deeds)
}

/// Whether the first thing that a script does is to delete every line.
pub(super) fn empties(text: &str) -> bool {
    let mut reader = Reader::new(text.trim_start(), true);
    reader.script().is_ok() && reader.empties
}

/// Whether an address surely holds for every line.
fn is_every_line(address: &str) -> bool {
    let address: String = address.split_whitespace().collect();
    matches!(
        address.as_str(),
        "" | "1,$" | "0~1" | "1~1" | "/^/" | "/$/" | "/.*/" | "/^.*/" | "/^.*$/"
    )
}

/// The state of one reading.
struct Reader {
    letters: Vec<char>,
    at: usize,
    brackets: bool,
    open: usize,
    deeds: Vec<Deed>,
    empties: bool,
}

impl Reader {
    fn new(text: &str, brackets: bool) -> Self {
        Self {
            letters: text.chars().collect(),
            at: 0,
            brackets,
            open: 0,
            deeds: Vec::new(),
            empties: false,
        }
    }

    fn script(&mut self) -> Result<(), Misunderstood> {
        for _ in 0..MOST_COMMANDS {
            self.skip(|letter| letter.is_ascii_whitespace() || letter == ';');
            if self.peek().is_none() {
                return if self.open == 0 { Ok(()) } else { self.fail() };
            }
            let from = self.at;
            self.addresses()?;
            let address: String = self.letters[from..self.at].iter().collect();
            self.empties |= self.peek() == Some('d') && from == 0 && is_every_line(&address);
            self.command()?;
        }
        self.fail()
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        letter
    }

    fn skip(&mut self, which: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&which) {
            self.at += 1;
        }
    }

    fn fail<T>(&self) -> Result<T, Misunderstood> {
        Err(Misunderstood { at: self.at })
    }

    fn blanks(&mut self) {
        self.skip(|letter| letter == ' ' || letter == '\t');
    }

    fn addresses(&mut self) -> Result<(), Misunderstood> {
        if self.address(false)? {
            self.blanks();
            if self.peek() == Some(',') {
                self.at += 1;
                self.blanks();
                if !self.address(true)? {
                    return self.fail();
                }
            }
        }
        self.skip(|letter| letter == ' ' || letter == '\t' || letter == '!');
        Ok(())
    }

    /// One address, where one stands.
    fn address(&mut self, second: bool) -> Result<bool, Misunderstood> {
        match self.peek() {
            Some('$') => self.at += 1,
            Some(digit) if digit.is_ascii_digit() => {
                self.digits();
                if self.peek() == Some('~') {
                    self.at += 1;
                    self.digits();
                }
            }
            Some('+' | '~') if second => {
                self.at += 1;
                self.digits();
            }
            Some('/') => {
                self.at += 1;
                self.expression('/')?;
                self.skip(|letter| letter == 'I' || letter == 'M');
            }
            Some('\\') => {
                self.at += 1;
                let delimiter = self.delimiter()?;
                self.expression(delimiter)?;
                self.skip(|letter| letter == 'I' || letter == 'M');
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn digits(&mut self) {
        self.skip(|letter| letter.is_ascii_digit());
    }

    fn delimiter(&mut self) -> Result<char, Misunderstood> {
        match self.next() {
            None | Some('\n' | '\\') => self.fail(),
            Some(letter) => Ok(letter),
        }
    }

    /// A regular expression up to its delimiter.
    fn expression(&mut self, delimiter: char) -> Result<(), Misunderstood> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' if self.next().is_none() => return self.fail(),
                '\\' => {}
                '\n' => return self.fail(),
                _ if letter == delimiter => return Ok(()),
                '[' if self.brackets => self.bracket()?,
                _ => {}
            }
        }
        self.fail()
    }

    /// The rest of a bracket expression.
    fn bracket(&mut self) -> Result<(), Misunderstood> {
        if self.peek() == Some('^') {
            self.at += 1;
        }
        if self.peek() == Some(']') {
            self.at += 1;
        }
        while let Some(letter) = self.next() {
            match (letter, self.peek()) {
                (']', _) => return Ok(()),
                ('\n', _) => return self.fail(),
                ('[', Some(kind @ (':' | '.' | '='))) => {
                    self.at += 1;
                    self.class(kind)?;
                }
                _ => {}
            }
        }
        self.fail()
    }

    /// The rest of `[:alpha:]` and its like.
    fn class(&mut self, kind: char) -> Result<(), Misunderstood> {
        while let Some(letter) = self.next() {
            if letter == kind && self.peek() == Some(']') {
                self.at += 1;
                return Ok(());
            }
            if letter == '\n' {
                break;
            }
        }
        self.fail()
    }

    /// A replacement, or a set of `y`, up to its delimiter.
    fn replacement(&mut self, delimiter: char) -> Result<(), Misunderstood> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' if self.next().is_none() => return self.fail(),
                '\\' => {}
                _ if letter == delimiter => return Ok(()),
                '\n' => return self.fail(),
                _ => {}
            }
        }
        self.fail()
    }

    fn command(&mut self) -> Result<(), Misunderstood> {
        let Some(letter) = self.next() else {
            return self.fail();
        };
        match letter {
            '{' => {
                self.open += 1;
                Ok(())
            }
            '}' if self.open == 0 => self.fail(),
            '}' => {
                self.open -= 1;
                self.end()
            }
            '#' => {
                self.line();
                Ok(())
            }
            '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => {
                self.end()
            }
            'q' | 'Q' | 'l' | 'L' => {
                self.blanks();
                self.digits();
                self.end()
            }
            ':' | 'b' | 't' | 'T' | 'v' => {
                self.blanks();
                self.skip(|letter| !letter.is_ascii_whitespace() && letter != ';' && letter != '}');
                self.end()
            }
            'a' | 'i' | 'c' => self.text(),
            'r' | 'R' | 'w' | 'W' => self.file(letter),
            'e' => {
                let command = self.line();
                self.deeds.push(if command.trim().is_empty() {
                    Deed::RunsStream
                } else {
                    Deed::Runs(command)
                });
                Ok(())
            }
            's' => self.substitute(),
            'y' => {
                let delimiter = self.delimiter()?;
                self.replacement(delimiter)?;
                self.replacement(delimiter)?;
                self.end()
            }
            _ => self.fail(),
        }
    }

    /// The end of a command.
    fn end(&mut self) -> Result<(), Misunderstood> {
        self.skip(|letter| letter.is_ascii_whitespace() && letter != '\n');
        match self.peek() {
            None | Some('\n' | ';' | '}' | '#') => Ok(()),
            Some(_) => self.fail(),
        }
    }

    /// The rest of the line.
    fn line(&mut self) -> String {
        let rest: String = self.letters[self.at..]
            .iter()
            .take_while(|letter| **letter != '\n')
            .collect();
        self.at += rest.chars().count();
        rest.trim_start().to_owned()
    }

    /// The text of `a`, `i`, `c`: up to a line end that no backslash stands before.
    fn text(&mut self) -> Result<(), Misunderstood> {
        self.blanks();
        if matches!(self.peek(), None | Some('\n' | '}' | ';')) {
            return self.fail();
        }
        while let Some(letter) = self.next() {
            match letter {
                '\\' if self.next().is_none() => return self.fail(),
                '\\' => {}
                '\n' => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The file of `r`, `R`, `w`, `W`.
    fn file(&mut self, command: char) -> Result<(), Misunderstood> {
        let name = self.line();
        if name.is_empty() {
            return self.fail();
        }
        self.deeds.push(match command {
            'r' | 'R' => Deed::Reads(name),
            _ => Deed::Writes(name),
        });
        Ok(())
    }

    fn substitute(&mut self) -> Result<(), Misunderstood> {
        let delimiter = self.delimiter()?;
        self.expression(delimiter)?;
        self.replacement(delimiter)?;
        loop {
            match self.peek() {
                Some('g' | 'p' | 'i' | 'I' | 'm' | 'M') => self.at += 1,
                Some(digit) if digit.is_ascii_digit() => self.at += 1,
                Some('e') => {
                    self.at += 1;
                    self.deeds.push(Deed::RunsStream);
                }
                Some('w') => {
                    self.at += 1;
                    return self.file('w');
                }
                _ => return self.end(),
            }
        }
    }
}
