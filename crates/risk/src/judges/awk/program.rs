//! The grammar of awk programs. What a program would do besides computing and printing - commands, files - is
//! collected with the text that says to what, as far as that is literal; the computing itself is not looked at.

use std::collections::HashMap;

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
enum Place {
    /// Where `>` compares.
    Free,
    /// After `print`, where `>` and `|` tell where to.
    Printed,
}

/// Strengths of operators: a greater one binds closer.
mod strength {
    pub(super) const CHOICE: u8 = 0;
    pub(super) const OR: u8 = 10;
    pub(super) const AND: u8 = 20;
    pub(super) const IN: u8 = 30;
    pub(super) const MATCH: u8 = 40;
    pub(super) const COMPARE: u8 = 50;
    pub(super) const PIPE: u8 = 55;
    pub(super) const JOIN: u8 = 60;
    pub(super) const ADD: u8 = 70;
    pub(super) const MULTIPLY: u8 = 80;
    pub(super) const POWER: u8 = 90;
}

/// Words that are no names.
const KEYWORDS: &str = "BEGIN END BEGINFILE ENDFILE function func if else while for do break continue next nextfile \
    exit return delete in getline print printf switch case default";

/// Functions that compute.
const COMPUTING: &str = "length substr index split sub gsub gensub match sprintf sin cos atan2 exp log sqrt int rand \
    srand tolower toupper systime strftime mktime strtonum and or xor lshift rshift compl isarray typeof asort asorti \
    patsplit close fflush mkbool dcgettext dcngettext bindtextdomain";

/// Functions that set one of their arguments.
const SETTING: &str = "split sub gsub match asort asorti patsplit";

/// The state of one reading.
struct Parser {
    tokens: Tokens,
    program: Program,
    functions: Vec<String>,
    called: Vec<String>,
    depth: usize,
    taken: usize,
    printed: Vec<Value>,
    only_prints: bool,
}

impl Parser {
    fn fail<T>(&self) -> Result<T, Misunderstood> {
        Err(Misunderstood {
            at: self.tokens.place(),
        })
    }

    /// The next word, where a slash divides.
    fn peek(&mut self) -> Result<Token, Misunderstood> {
        let place = self.tokens.place();
        let token = self.tokens.next(false);
        self.tokens.return_to(place);
        token.map(plain_keyword)
    }

    /// Takes the next word.
    fn take(&mut self, expression: bool) -> Result<Token, Misunderstood> {
        self.taken += 1;
        if self.taken > MOST_TOKENS {
            return self.fail();
        }
        self.tokens.next(expression).map(plain_keyword)
    }

    /// Takes this sign where it stands.
    fn accept(&mut self, sign: &'static str) -> Result<bool, Misunderstood> {
        let stands = self.peek()? == Token::Sign(sign);
        if stands {
            self.take(false)?;
        }
        Ok(stands)
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), Misunderstood> {
        if self.accept(sign)? {
            Ok(())
        } else {
            self.fail()
        }
    }

    fn is_keyword(&mut self, word: &str) -> Result<bool, Misunderstood> {
        Ok(self.peek()? == Token::Name(word.to_owned()))
    }

    fn lines(&mut self) -> Result<(), Misunderstood> {
        while self.peek()? == Token::Line {
            self.take(false)?;
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Misunderstood> {
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

    fn value(&mut self, place: Place) -> Result<Value, Misunderstood> {
        self.deeper()?;
        let value = self.binary(strength::CHOICE, place)?;
        self.depth -= 1;
        Ok(value)
    }

    /// Operands and operators, of at least this strength.
    fn binary(&mut self, least: u8, place: Place) -> Result<Value, Misunderstood> {
        self.deeper()?;
        let mut left = self.unary(place)?;
        loop {
            let token = self.peek()?;
            let Some(own) = self.strength_of(&token, place)? else {
                break;
            };
            if own < least {
                break;
            }
            left = self.operation(left, &token, own, place)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// How strongly a word binds, where it goes on an expression.
    fn strength_of(&mut self, token: &Token, place: Place) -> Result<Option<u8>, Misunderstood> {
        Ok(match token {
            Token::Sign("?") => Some(strength::CHOICE),
            Token::Sign("||") => Some(strength::OR),
            Token::Sign("&&") => Some(strength::AND),
            Token::Sign("~" | "!~") => Some(strength::MATCH),
            Token::Sign(">") if place == Place::Printed => None,
            Token::Sign("<" | "<=" | "!=" | "==" | ">" | ">=") => Some(strength::COMPARE),
            Token::Sign("|" | "|&") => self.getline_follows()?.then_some(strength::PIPE),
            Token::Sign("+" | "-") => Some(strength::ADD),
            Token::Sign("*" | "/" | "%") => Some(strength::MULTIPLY),
            Token::Sign("^" | "**") => Some(strength::POWER),
            Token::Sign("$" | "(" | "++" | "--") | Token::Number | Token::Text(_) => {
                Some(strength::JOIN)
            }
            Token::Call(_) => Some(strength::JOIN),
            Token::Name(word) if word == "in" => Some(strength::IN),
            Token::Name(word) if !is_keyword(word) => Some(strength::JOIN),
            _ => None,
        })
    }

    /// Whether `getline` stands behind the next sign.
    fn getline_follows(&mut self) -> Result<bool, Misunderstood> {
        let place = self.tokens.place();
        self.take(false)?;
        let follows = self.is_keyword("getline");
        self.tokens.return_to(place);
        follows
    }

    /// One operator and what stands right of it.
    fn operation(
        &mut self,
        left: Value,
        token: &Token,
        own: u8,
        place: Place,
    ) -> Result<Value, Misunderstood> {
        match own {
            strength::JOIN => {
                let right = self.binary(strength::ADD, place)?;
                let mut parts = match left {
                    Value::Joined(parts) => parts,
                    left => vec![left],
                };
                parts.push(right);
                return Ok(Value::Joined(parts));
            }
            strength::CHOICE => {
                self.take(false)?;
                self.lines()?;
                self.value(place)?;
                self.lines()?;
                self.expect(":")?;
                self.lines()?;
                self.value(place)?;
            }
            strength::PIPE => {
                self.take(false)?;
                self.take(false)?;
                self.getline_target()?;
                self.program.acts.push(Act::Runs(left));
            }
            _ => {
                self.take(false)?;
                if matches!(token, Token::Sign("&&" | "||")) {
                    self.lines()?;
                }
                let least = if own == strength::POWER { own } else { own + 1 };
                self.binary(least, place)?;
            }
        }
        Ok(Value::Other)
    }

    /// What `getline` sets, where that is written.
    fn getline_target(&mut self) -> Result<(), Misunderstood> {
        match self.peek()? {
            Token::Sign("$") => {
                self.take(false)?;
                self.primary(Place::Free).map(|_| ())
            }
            Token::Name(word) if !is_keyword(&word) && !known_function(&word) => {
                self.take(false)?;
                if self.accept("[")? {
                    self.list("]")?;
                }
                self.assign(word, Value::Other);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unary(&mut self, place: Place) -> Result<Value, Misunderstood> {
        match self.peek()? {
            Token::Sign("!" | "-" | "+") => {
                self.deeper()?;
                self.take(false)?;
                self.unary(place)?;
                self.depth -= 1;
                Ok(Value::Other)
            }
            _ => self.primary(place),
        }
    }

    /// An operand.
    fn primary(&mut self, place: Place) -> Result<Value, Misunderstood> {
        self.deeper()?;
        let value = match self.take(true)? {
            Token::Number | Token::Expression => Value::Other,
            Token::Text(text) => Value::Text(text),
            Token::Sign("(") => self.grouped()?,
            Token::Sign("$") => {
                if matches!(self.peek()?, Token::Sign("-" | "+" | "!")) {
                    self.take(false)?;
                }
                self.primary(place)?;
                self.assignment_follows(None, place)?
            }
            Token::Sign("++" | "--") => match self.primary(place)? {
                Value::Variable(name) => {
                    self.assign(name, Value::Other);
                    Value::Other
                }
                _ => Value::Other,
            },
            Token::Sign("@") => self.indirect()?,
            Token::Call(name) => self.call(&name)?,
            Token::Name(word) if word == "getline" => self.getline()?,
            Token::Name(word) if is_keyword(&word) => return self.fail(),
            Token::Name(word) if known_function(&word) => self.builtin(&word)?,
            Token::Name(word) => self.variable(word, place)?,
            _ => return self.fail(),
        };
        self.depth -= 1;
        Ok(value)
    }

    /// `( … )`: an expression, or the subscripts before `in`, or what is printed.
    fn grouped(&mut self) -> Result<Value, Misunderstood> {
        let value = self.value(Place::Free)?;
        let mut several = false;
        while self.accept(",")? {
            several = true;
            self.lines()?;
            self.value(Place::Free)?;
        }
        self.expect(")")?;
        Ok(if several { Value::Other } else { value })
    }

    /// `@name(…)`, or `@/…/`.
    fn indirect(&mut self) -> Result<Value, Misunderstood> {
        match self.take(true)? {
            Token::Expression => {}
            Token::Call(_) => {
                self.take(false)?;
                self.list(")")?;
                self.program.acts.push(Act::Code);
            }
            _ => return self.fail(),
        }
        Ok(Value::Other)
    }

    /// Expressions parted by commas, up to a closing sign.
    fn list(&mut self, close: &'static str) -> Result<Vec<Value>, Misunderstood> {
        let mut values = Vec::new();
        self.lines()?;
        while !self.accept(close)? {
            values.push(self.value(Place::Free)?);
            self.lines()?;
            if !self.accept(",")? {
                self.expect(close)?;
                break;
            }
            self.lines()?;
        }
        Ok(values)
    }

    /// A call of a function of the program's own, or of one that awk has.
    fn call(&mut self, name: &str) -> Result<Value, Misunderstood> {
        if known_function(name) {
            return self.builtin(name);
        }
        self.take(false)?;
        self.list(")")?;
        self.called.push(name.to_owned());
        Ok(Value::Other)
    }

    /// A function that awk has.
    fn builtin(&mut self, name: &str) -> Result<Value, Misunderstood> {
        if !self.accept("(")? {
            return if name == "length" {
                Ok(Value::Other)
            } else {
                self.fail()
            };
        }
        let values = self.list(")")?;
        if name == "system" {
            let command = match values.as_slice() {
                [command] => command.clone(),
                _ => Value::Other,
            };
            self.program.acts.push(Act::Runs(command));
        }
        if listed(SETTING, name) {
            for value in values {
                if let Value::Variable(variable) = value {
                    self.assign(variable, Value::Other);
                }
            }
        }
        Ok(Value::Other)
    }

    /// `getline`, `getline variable`, `getline < file`.
    fn getline(&mut self) -> Result<Value, Misunderstood> {
        self.getline_target()?;
        if self.accept("<")? {
            let file = self.primary(Place::Free)?;
            // Where more text follows, some awks take it for a part of the name.
            let next = self.peek()?;
            let longer = self.strength_of(&next, Place::Free)? == Some(strength::JOIN);
            self.program
                .acts
                .push(Act::Reads(if longer { Value::Other } else { file }));
        }
        Ok(Value::Other)
    }

    /// A variable, perhaps with a subscript, perhaps assigned to.
    fn variable(&mut self, name: String, place: Place) -> Result<Value, Misunderstood> {
        if name == "SYMTAB" || name == "FUNCTAB" {
            self.program.acts.push(Act::Code);
        }
        if self.accept("[")? {
            self.list("]")?;
            while self.accept("[")? {
                self.list("]")?;
            }
            return self.assignment_follows(Some((name, true)), place);
        }
        self.assignment_follows(Some((name, false)), place)
    }

    /// What is done to something that can be assigned to: a variable, one with a subscript, or a field.
    fn assignment_follows(
        &mut self,
        target: Option<(String, bool)>,
        place: Place,
    ) -> Result<Value, Misunderstood> {
        match self.peek()? {
            Token::Sign("++" | "--") => {
                self.take(false)?;
                if let Some((name, _)) = target {
                    self.assign(name, Value::Other);
                }
                Ok(Value::Other)
            }
            Token::Sign(sign @ ("=" | "+=" | "-=" | "*=" | "/=" | "%=" | "^=" | "**=")) => {
                self.take(false)?;
                self.lines()?;
                let value = self.value(place)?;
                match target {
                    Some((name, true)) if name == "ARGV" => {
                        self.program.acts.push(Act::Reads(value));
                    }
                    Some((name, false)) if sign == "=" => self.assign(name, value),
                    Some((name, _)) => self.assign(name, Value::Other),
                    None => {}
                }
                Ok(Value::Other)
            }
            _ => Ok(match target {
                Some((name, false)) => Value::Variable(name),
                _ => Value::Other,
            }),
        }
    }

    fn assign(&mut self, name: String, value: Value) {
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

fn is_keyword(word: &str) -> bool {
    listed(KEYWORDS, word)
}

fn known_function(name: &str) -> bool {
    name == "system" || listed(COMPUTING, name)
}

fn listed(list: &str, word: &str) -> bool {
    super::super::options::listed(list, word)
}
