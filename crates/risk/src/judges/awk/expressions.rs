//! Expressions of awk programs: operators by their strength, operands, calls, and what is assigned to.

use super::program::{Act, Misunderstood, Parser, Place, Value, is_keyword, listed};
use super::tokens::Token;

/// Strengths of operators: a greater one binds closer.
pub(super) mod strength {
    pub(in super::super) const CHOICE: u8 = 0;
    pub(in super::super) const OR: u8 = 10;
    pub(in super::super) const AND: u8 = 20;
    pub(in super::super) const IN: u8 = 30;
    pub(in super::super) const MATCH: u8 = 40;
    pub(in super::super) const COMPARE: u8 = 50;
    pub(in super::super) const PIPE: u8 = 55;
    pub(in super::super) const JOIN: u8 = 60;
    pub(in super::super) const ADD: u8 = 70;
    pub(in super::super) const MULTIPLY: u8 = 80;
    pub(in super::super) const POWER: u8 = 90;
}

/// Functions that compute.
const COMPUTING: &str = "length substr index split sub gsub gensub match sprintf sin cos atan2 exp log sqrt int rand \
    srand tolower toupper systime strftime mktime strtonum and or xor lshift rshift compl isarray typeof asort asorti \
    patsplit close fflush mkbool dcgettext dcngettext bindtextdomain";

/// Functions that set one of their arguments.
const SETTING: &str = "split sub gsub match asort asorti patsplit";
impl Parser {
    pub(super) fn value(&mut self, place: Place) -> Result<Value, Misunderstood> {
        self.deeper()?;
        let value = self.binary(strength::CHOICE, place)?;
        self.depth -= 1;
        Ok(value)
    }

    /// Operands and operators, of at least this strength.
    pub(super) fn binary(&mut self, least: u8, place: Place) -> Result<Value, Misunderstood> {
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
}

pub(super) fn known_function(name: &str) -> bool {
    name == "system" || listed(COMPUTING, name)
}
