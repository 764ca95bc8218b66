//! The grammar of awk programs. What a program would do besides computing and printing - commands, files - is
//! collected with the text that says to what, as far as that is literal; the computing itself is not looked at.

use std::collections::HashMap;

use super::expressions::{known_function, strength};
use super::tokens::{Token, Tokens};

/// Deepest nesting of expressions and statements.
const MOST_DEPTH: usize = 60;

/// Most words of a program that are looked at.
const MOST_TOKENS: usize = 200_000;

/// A program that is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the awk program is not understood at character {at}")]
pub(super) struct Misunderstood {
    pub(super) at: usize,
}

/// An expression, as far as it matters what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Exactly this.
    Text(String),
    /// What a variable holds.
    Variable(String),
    /// These one after another.
    Joined(Vec<Self>),
    /// Something that is computed.
    Other,
}

/// What a program does besides computing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// `system(command)`, `command | getline`
    Runs(Value),
    /// `print | command`, with what it prints where that is literal.
    Feeds(Value, Option<Value>),
    /// `print > file`
    Overwrites(Value),
    /// `print >> file`
    Appends(Value),
    /// `getline < file`
    Reads(Value),
    /// Code that is not seen: an include, a loaded library, a call by name.
    Code,
}

/// A program.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// What it does, in the order in which it stands.
    pub(super) acts: Vec<Act>,
    /// What is assigned to each variable; nothing for what is computed or set in another way.
    pub(super) assigned: HashMap<String, Vec<Value>>,
    /// What it prints, where that is all it does.
    pub(super) prints: Option<Vec<Value>>,
}

/// Reads a program; `brackets` as for the tokens.
pub(super) fn read(text: &str, brackets: bool) -> Result<Program, Misunderstood> {
    let mut parser = Parser {
        tokens: Tokens::of(text, brackets),
        program: Program::default(),
        functions: Vec::new(),
        called: Vec::new(),
        depth: 0,
        taken: 0,
        printed: Vec::new(),
        only_prints: true,
    };
    parser.rules()?;
    let all_known = parser
        .called
        .iter()
        .all(|name| parser.functions.contains(name));
    if !all_known {
        return Err(Misunderstood { at: 0 });
    }
    if parser.only_prints {
        parser.program.prints = Some(parser.printed);
    }
    Ok(parser.program)
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Where `>` compares.
    Free,
    /// After `print`, where `>` and `|` tell where to.
    Printed,
}

/// Words that are no names.
const KEYWORDS: &str = "BEGIN END BEGINFILE ENDFILE function func if else while for do break continue next nextfile \
    exit return delete in getline print printf switch case default";

/// The state of one reading.
pub(super) struct Parser {
    pub(super) tokens: Tokens,
    pub(super) program: Program,
    functions: Vec<String>,
    pub(super) called: Vec<String>,
    pub(super) depth: usize,
    taken: usize,
    printed: Vec<Value>,
    only_prints: bool,
}

impl Parser {
    pub(super) fn fail<T>(&self) -> Result<T, Misunderstood> {
        Err(Misunderstood {
            at: self.tokens.place(),
        })
    }

    /// The next word, where a slash divides.
    pub(super) fn peek(&mut self) -> Result<Token, Misunderstood> {
        let place = self.tokens.place();
        let token = self.tokens.next(false);
        self.tokens.return_to(place);
        token.map(plain_keyword)
    }

    /// Takes the next word.
    pub(super) fn take(&mut self, expression: bool) -> Result<Token, Misunderstood> {
        self.taken += 1;
        if self.taken > MOST_TOKENS {
            return self.fail();
        }
        self.tokens.next(expression).map(plain_keyword)
    }

    /// Takes this sign where it stands.
    pub(super) fn accept(&mut self, sign: &'static str) -> Result<bool, Misunderstood> {
        let stands = self.peek()? == Token::Sign(sign);
        if stands {
            self.take(false)?;
        }
        Ok(stands)
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), Misunderstood> {
        if self.accept(sign)? {
            Ok(())
        } else {
            self.fail()
        }
    }

    pub(super) fn is_keyword(&mut self, word: &str) -> Result<bool, Misunderstood> {
        Ok(self.peek()? == Token::Name(word.to_owned()))
    }

    pub(super) fn lines(&mut self) -> Result<(), Misunderstood> {
        while self.peek()? == Token::Line {
            self.take(false)?;
        }
        Ok(())
    }

    pub(super) fn deeper(&mut self) -> Result<(), Misunderstood> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return self.fail();
        }
        Ok(())
    }

    fn rules(&mut self) -> Result<(), Misunderstood> {
        loop {
            match self.peek()? {
                Token::End => return Ok(()),
                Token::Line | Token::Sign(";") => {
                    self.take(false)?;
                }
                Token::Sign("@") => self.directive()?,
                Token::Name(word) if word == "function" || word == "func" => self.function()?,
                Token::Name(word) if word == "BEGIN" => {
                    self.take(false)?;
                    self.block()?;
                }
                Token::Name(word) if matches!(word.as_str(), "END" | "BEGINFILE" | "ENDFILE") => {
                    self.only_prints = false;
                    self.take(false)?;
                    self.block()?;
                }
                Token::Sign("{") => {
                    self.only_prints = false;
                    self.block()?;
                }
                _ => self.pattern()?,
            }
        }
    }

    fn pattern(&mut self) -> Result<(), Misunderstood> {
        self.only_prints = false;
        self.value(Place::Free)?;
        if self.accept(",")? {
            self.lines()?;
            self.value(Place::Free)?;
        }
        match self.peek()? {
            Token::Sign("{") => self.block(),
            Token::Line | Token::Sign(";") | Token::End => Ok(()),
            _ => self.fail(),
        }
    }

    /// `@include`, `@load`, `@namespace`.
    fn directive(&mut self) -> Result<(), Misunderstood> {
        self.take(false)?;
        self.only_prints = false;
        self.program.acts.push(Act::Code);
        match (self.take(false)?, self.take(false)?) {
            (Token::Name(_), Token::Text(_)) => Ok(()),
            _ => self.fail(),
        }
    }

    fn function(&mut self) -> Result<(), Misunderstood> {
        self.take(false)?;
        self.only_prints = false;
        let (Token::Name(name) | Token::Call(name)) = self.take(false)? else {
            return self.fail();
        };
        if known_function(&name) || name.contains(super::super::words::PLAIN) {
            return self.fail();
        }
        self.functions.push(name);
        self.expect("(")?;
        self.lines()?;
        while !self.accept(")")? {
            let Token::Name(parameter) = self.take(false)? else {
                return self.fail();
            };
            self.assign(parameter, Value::Other);
            self.accept(",")?;
            self.lines()?;
        }
        self.lines()?;
        self.block()
    }

    /// `{ … }`
    fn block(&mut self) -> Result<(), Misunderstood> {
        self.expect("{")?;
        self.deeper()?;
        loop {
            match self.peek()? {
                Token::Sign("}") => break,
                Token::Line | Token::Sign(";") => {
                    self.take(false)?;
                }
                _ => self.statement()?,
            }
        }
        self.depth -= 1;
        self.expect("}")
    }

    fn statement(&mut self) -> Result<(), Misunderstood> {
        self.deeper()?;
        let token = self.peek()?;
        if !matches!(&token, Token::Name(word) if word == "print") {
            self.only_prints = false;
        }
        match token {
            Token::Sign("{") => self.block()?,
            Token::Sign(";") => {
                self.take(false)?;
            }
            Token::Name(word) => match word.as_str() {
                "if" => self.condition()?,
                "while" => {
                    self.take(false)?;
                    self.guard()?;
                    self.body()?;
                }
                "do" => self.do_while()?,
                "for" => self.for_loop()?,
                "switch" => self.switch()?,
                _ => {
                    self.simple(&word)?;
                    self.ended()?;
                }
            },
            _ => {
                self.simple("")?;
                self.ended()?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// The end of a simple statement.
    fn ended(&mut self) -> Result<(), Misunderstood> {
        match self.peek()? {
            Token::Line | Token::Sign(";") => {
                self.take(false)?;
                Ok(())
            }
            Token::Sign("}") | Token::End => Ok(()),
            _ => self.fail(),
        }
    }

    /// `( expression )`
    fn guard(&mut self) -> Result<(), Misunderstood> {
        self.expect("(")?;
        self.value(Place::Free)?;
        self.expect(")")
    }

    /// The statement after a condition; nothing but a semicolon is one too.
    fn body(&mut self) -> Result<(), Misunderstood> {
        self.lines()?;
        self.statement()
    }

    fn condition(&mut self) -> Result<(), Misunderstood> {
        self.take(false)?;
        self.guard()?;
        self.body()?;
        let place = self.tokens.place();
        while matches!(self.peek()?, Token::Line | Token::Sign(";")) {
            self.take(false)?;
        }
        if self.is_keyword("else")? {
            self.take(false)?;
            return self.body();
        }
        self.tokens.return_to(place);
        Ok(())
    }

    fn do_while(&mut self) -> Result<(), Misunderstood> {
        self.take(false)?;
        self.body()?;
        while matches!(self.peek()?, Token::Line | Token::Sign(";")) {
            self.take(false)?;
        }
        if !self.is_keyword("while")? {
            return self.fail();
        }
        self.take(false)?;
        self.guard()?;
        self.ended()
    }

    fn for_loop(&mut self) -> Result<(), Misunderstood> {
        self.take(false)?;
        self.expect("(")?;
        if self.peek()? != Token::Sign(";") {
            let start = self.tokens.place();
            if let Token::Name(variable) = self.take(false)?
                && self.is_keyword("in")?
            {
                self.assign(variable, Value::Other);
            }
            self.tokens.return_to(start);
            let word = self.first_word()?;
            self.simple(&word)?;
        }
        if self.accept(")")? {
            return self.body();
        }
        self.expect(";")?;
        self.lines()?;
        if self.peek()? != Token::Sign(";") {
            self.value(Place::Free)?;
        }
        self.expect(";")?;
        self.lines()?;
        if self.peek()? != Token::Sign(")") {
            let word = self.first_word()?;
            self.simple(&word)?;
        }
        self.expect(")")?;
        self.body()
    }

    fn first_word(&mut self) -> Result<String, Misunderstood> {
        Ok(match self.peek()? {
            Token::Name(word) => word,
            _ => String::new(),
        })
    }

    fn switch(&mut self) -> Result<(), Misunderstood> {
        self.take(false)?;
        self.guard()?;
        self.lines()?;
        self.expect("{")?;
        loop {
            match self.peek()? {
                Token::Sign("}") => break,
                Token::Line | Token::Sign(";") => {
                    self.take(false)?;
                }
                Token::Name(word) if word == "case" => {
                    self.take(false)?;
                    self.take(true)?;
                    self.expect(":")?;
                }
                Token::Name(word) if word == "default" => {
                    self.take(false)?;
                    self.expect(":")?;
                }
                _ => self.statement()?,
            }
        }
        self.expect("}")
    }

    /// A statement without statements in it.
    fn simple(&mut self, word: &str) -> Result<(), Misunderstood> {
        match word {
            "print" | "printf" => self.print(word == "print"),
            "next" | "nextfile" | "break" | "continue" => self.take(false).map(|_| ()),
            "exit" | "return" => {
                self.take(false)?;
                if !matches!(
                    self.peek()?,
                    Token::Line | Token::Sign(";" | "}") | Token::End
                ) {
                    self.value(Place::Free)?;
                }
                Ok(())
            }
            "delete" => {
                self.take(false)?;
                self.value(Place::Free).map(|_| ())
            }
            _ => self.value(Place::Free).map(|_| ()),
        }
    }

    fn print(&mut self, adds_line: bool) -> Result<(), Misunderstood> {
        self.take(false)?;
        let mut values = Vec::new();
        if !self.at_print_end()? {
            values.push(self.value(Place::Printed)?);
            while self.accept(",")? {
                self.lines()?;
                values.push(self.value(Place::Printed)?);
            }
        }
        let printed = match values.as_slice() {
            [value] if adds_line => Some(value.clone()),
            _ => None,
        };
        let Token::Sign(sign @ (">" | ">>" | "|" | "|&")) = self.peek()? else {
            match printed {
                Some(value) => self.printed.push(value),
                None => self.only_prints = false,
            }
            return Ok(());
        };
        self.only_prints = false;
        self.take(false)?;
        let place = self.binary(strength::JOIN, Place::Printed)?;
        self.program.acts.push(match sign {
            ">" => Act::Overwrites(place),
            ">>" => Act::Appends(place),
            "|" => Act::Feeds(place, printed),
            _ => Act::Feeds(place, None),
        });
        Ok(())
    }

    fn at_print_end(&mut self) -> Result<bool, Misunderstood> {
        Ok(matches!(
            self.peek()?,
            Token::Line | Token::Sign(";" | "}" | ">" | ">>" | "|" | "|&" | ")") | Token::End
        ))
    }

    pub(super) fn assign(&mut self, name: String, value: Value) {
        self.program.assigned.entry(name).or_default().push(value);
    }
}

/// A keyword that a parenthesis follows is a keyword all the same.
fn plain_keyword(token: Token) -> Token {
    match token {
        Token::Call(name) if is_keyword(&name) => Token::Name(name),
        token => token,
    }
}

pub(super) fn is_keyword(word: &str) -> bool {
    listed(KEYWORDS, word)
}

pub(super) fn listed(list: &str, word: &str) -> bool {
    super::super::options::listed(list, word)
}
