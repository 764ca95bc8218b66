//! Shell arithmetic on values that are known. A variable's value is an expression too, and one with a subscript runs
//! what stands in it: such values are flagged.

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::{Piece, Word};

use super::state::State;
use super::value::{Held, Value, any_of};
use super::walk::Walker;
use crate::word::Origin;

/// Variables whose values are variables, and parentheses in one another.
const MOST_DEPTH: usize = 24;

/// Operators with two operands, from weak to strong.
const OPERATORS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Operators that assign.
const ASSIGNMENTS: &[&str] = &[
    "<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "=",
];

/// A result is not known.
struct NotKnown;

impl<'a> Walker<'a> {
    /// The number that an expression yields, where it is known.
    pub(super) fn arithmetic_word(&mut self, word: &'a Word, state: &mut State<'a>) -> Option<i64> {
        let value = self.single(word, state);
        let own_subscript = word.pieces.iter().any(
            |piece| matches!(piece, Piece::Plain(text) | Piece::Quoted(text) if text.contains('[')),
        );
        if own_subscript {
            self.check_substitution(&value, state);
        } else {
            self.check_arithmetic(&value, state);
        }
        match value.as_text() {
            Some(text) => self.arithmetic_text(text, state),
            None => {
                for part in &value.parts {
                    if let crate::word::Part::Text(text) = part {
                        self.forget_assigned(text, state);
                    }
                }
                None
            }
        }
    }

    /// The same for text.
    pub(super) fn arithmetic_text(&mut self, text: &str, state: &mut State<'a>) -> Option<i64> {
        if text.trim().is_empty() {
            return Some(0);
        }
        let mut reader = Reader {
            text,
            at: 0,
            depth: 0,
            quiet: 0,
        };
        let result = self.comma(&mut reader, state).ok();
        let whole = reader.rest().trim().is_empty();
        if let (Some(number), true) = (result, whole) {
            return Some(number);
        }
        self.forget_assigned(text, state);
        None
    }

    /// Flags a value that would run code where it is evaluated as a number.
    pub(super) fn check_arithmetic(&mut self, value: &Value, state: &State<'a>) {
        let hostile = match value.as_text() {
            Some(text) => text.contains(['[', '`']) || text.contains("$("),
            None => value.origin() == Origin::Network,
        };
        if hostile {
            self.hostile_number(state);
        }
        let text = value.as_text().unwrap_or_default().trim().to_owned();
        self.check_named(&text, state);
    }

    fn check_substitution(&mut self, value: &Value, state: &State<'a>) {
        if value
            .as_text()
            .is_some_and(|text| text.contains('`') || text.contains("$("))
        {
            self.hostile_number(state);
        }
    }

    /// Flags a subscript that would run code.
    pub(super) fn check_subscript(&mut self, value: &Value, state: &State<'a>) {
        let hostile = match value.as_text() {
            Some(text) => text.contains('`') || text.contains("$("),
            None => true,
        };
        if hostile {
            self.hostile_number(state);
        }
    }

    /// A variable that is named in an expression, whose value is one in its turn.
    fn check_named(&mut self, name: &str, state: &State<'a>) {
        let hostile = state.variable(name).is_some_and(|variable| {
            variable.held.iter().any(|held| match held {
                Held::Scalar(value) => value
                    .as_text()
                    .is_some_and(|text| text.contains(['[', '`']) || text.contains("$(")),
                _ => false,
            })
        });
        if hostile {
            self.hostile_number(state);
        }
    }

    fn hostile_number(&mut self, state: &State<'a>) {
        self.flag(
            EffectKind::RunsCode,
            RiskLevel::High,
            "shell.arithmetic_code",
            "evaluates as a number what may run commands",
            state,
        );
    }

    /// What an expression assigns is not known, where the expression is not understood.
    fn forget_assigned(&mut self, text: &str, state: &mut State<'a>) {
        let assigns = text.contains("++")
            || text.contains("--")
            || text.match_indices('=').any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + 1..].chars().next();
                after != Some('=') && !matches!(before, Some('=' | '!'))
            });
        if !assigns {
            return;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names: Vec<String> = text
            .split(|c| !is_name(c))
            .filter(|name| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        for name in names {
            self.assign_text(&name, &Value::plain(Origin::Variable(name.clone())), state);
        }
    }

    fn comma(&mut self, reader: &mut Reader<'_>, state: &mut State<'a>) -> Result<i64, NotKnown> {
        let mut value = self.assignment(reader, state)?;
        while reader.take(",") {
            value = self.assignment(reader, state)?;
        }
        Ok(value)
    }

    fn assignment(
        &mut self,
        reader: &mut Reader<'_>,
        state: &mut State<'a>,
    ) -> Result<i64, NotKnown> {
        let begin = reader.at;
        if let Some(name) = reader.name() {
            for operator in ASSIGNMENTS {
                let equal = *operator == "=" && reader.begins("==");
                if !equal && reader.take(operator) {
                    reader.deeper()?;
                    let right = self.assignment(reader, state)?;
                    reader.depth -= 1;
                    let value = match operator.strip_suffix('=') {
                        Some("") | None => right,
                        Some(operator) => {
                            let left = self.named(&name, reader, state)?;
                            apply(operator, left, right)?
                        }
                    };
                    self.assign_number(&name, value, reader, state);
                    return Ok(value);
                }
            }
        }
        reader.at = begin;
        self.ternary(reader, state)
    }

    fn assign_number(
        &mut self,
        name: &str,
        value: i64,
        reader: &Reader<'_>,
        state: &mut State<'a>,
    ) {
        if reader.quiet == 0 {
            self.assign_text(name, &Value::text(value.to_string()), state);
        }
    }

    fn ternary(&mut self, reader: &mut Reader<'_>, state: &mut State<'a>) -> Result<i64, NotKnown> {
        let condition = self.binary(0, reader, state)?;
        if !reader.take("?") {
            return Ok(condition);
        }
        reader.deeper()?;
        let yes = self.quietly(condition == 0, reader, state, |walker, reader, state| {
            walker.assignment(reader, state)
        })?;
        if !reader.take(":") {
            return Err(NotKnown);
        }
        let no = self.quietly(condition != 0, reader, state, |walker, reader, state| {
            walker.ternary(reader, state)
        })?;
        reader.depth -= 1;
        Ok(if condition != 0 { yes } else { no })
    }

    /// Reads a part that is not evaluated, where that is so.
    fn quietly(
        &mut self,
        quiet: bool,
        reader: &mut Reader<'_>,
        state: &mut State<'a>,
        read: impl FnOnce(&mut Self, &mut Reader<'_>, &mut State<'a>) -> Result<i64, NotKnown>,
    ) -> Result<i64, NotKnown> {
        reader.quiet += u32::from(quiet);
        let result = read(self, reader, state);
        reader.quiet -= u32::from(quiet);
        result
    }

    fn binary(
        &mut self,
        strength: usize,
        reader: &mut Reader<'_>,
        state: &mut State<'a>,
    ) -> Result<i64, NotKnown> {
        let Some(operators) = OPERATORS.get(strength) else {
            return self.power(reader, state);
        };
        let mut left = self.binary(strength + 1, reader, state)?;
        while let Some(operator) = reader.operator(operators) {
            let skips = (operator == "&&" && left == 0) || (operator == "||" && left != 0);
            let right = self.quietly(skips, reader, state, |walker, reader, state| {
                walker.binary(strength + 1, reader, state)
            })?;
            left = match apply(operator, left, right) {
                Ok(value) => value,
                Err(_) if reader.quiet > 0 => 0,
                Err(error) => return Err(error),
            };
        }
        Ok(left)
    }

    fn power(&mut self, reader: &mut Reader<'_>, state: &mut State<'a>) -> Result<i64, NotKnown> {
        let base = self.unary(reader, state)?;
        if !reader.take("**") {
            return Ok(base);
        }
        reader.deeper()?;
        let exponent = self.power(reader, state)?;
        reader.depth -= 1;
        u32::try_from(exponent)
            .ok()
            .map(|exponent| base.wrapping_pow(exponent))
            .ok_or(NotKnown)
    }

    fn unary(&mut self, reader: &mut Reader<'_>, state: &mut State<'a>) -> Result<i64, NotKnown> {
        reader.deeper()?;
        let value = if reader.take("++") {
            self.step(1, reader, state)?
        } else if reader.take("--") {
            self.step(-1, reader, state)?
        } else if reader.take("!") {
            i64::from(self.unary(reader, state)? == 0)
        } else if reader.take("~") {
            !self.unary(reader, state)?
        } else if reader.take("-") {
            self.unary(reader, state)?.wrapping_neg()
        } else if reader.take("+") {
            self.unary(reader, state)?
        } else {
            self.primary(reader, state)?
        };
        reader.depth -= 1;
        Ok(value)
    }

    fn step(
        &mut self,
        by: i64,
        reader: &mut Reader<'_>,
        state: &mut State<'a>,
    ) -> Result<i64, NotKnown> {
        let name = reader.name().ok_or(NotKnown)?;
        let value = self.named(&name, reader, state)?.wrapping_add(by);
        self.assign_number(&name, value, reader, state);
        Ok(value)
    }

    fn primary(&mut self, reader: &mut Reader<'_>, state: &mut State<'a>) -> Result<i64, NotKnown> {
        if reader.take("(") {
            let value = self.comma(reader, state)?;
            return if reader.take(")") {
                Ok(value)
            } else {
                Err(NotKnown)
            };
        }
        if let Some(name) = reader.name() {
            if reader.begins("[") {
                return Err(NotKnown);
            }
            let value = self.named(&name, reader, state)?;
            for (operator, by) in [("++", 1), ("--", -1)] {
                if reader.take(operator) {
                    self.assign_number(&name, value.wrapping_add(by), reader, state);
                }
            }
            return Ok(value);
        }
        reader.number().ok_or(NotKnown)
    }

    /// The number that a variable holds.
    fn named(
        &mut self,
        name: &str,
        reader: &mut Reader<'_>,
        state: &mut State<'a>,
    ) -> Result<i64, NotKnown> {
        self.check_named(name, state);
        let Some(variable) = state.variable(name) else {
            return Err(NotKnown);
        };
        let value = any_of(name, &variable.held);
        let text = value.as_text().or(match variable.held.as_slice() {
            [Held::Scalar(value)] => value.as_text(),
            _ => None,
        });
        let text = text.ok_or(NotKnown)?.trim().to_owned();
        if text.is_empty() {
            return Ok(0);
        }
        reader.deeper()?;
        let mut inner = Reader {
            text: &text,
            at: 0,
            depth: reader.depth,
            quiet: reader.quiet,
        };
        let result = self.comma(&mut inner, state)?;
        reader.depth -= 1;
        if inner.rest().trim().is_empty() {
            Ok(result)
        } else {
            Err(NotKnown)
        }
    }
}

fn apply(operator: &str, left: i64, right: i64) -> Result<i64, NotKnown> {
    let shift = || u32::try_from(right & 63).map_err(|_| NotKnown);
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(shift()?),
        ">>" => left.wrapping_shr(shift()?),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" if right != 0 => left.wrapping_div(right),
        "%" if right != 0 => left.wrapping_rem(right),
        _ => return Err(NotKnown),
    })
}

/// Where an expression is read.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// How many parts around this one are not evaluated.
    quiet: u32,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn deeper(&mut self) -> Result<(), NotKnown> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(NotKnown);
        }
        Ok(())
    }

    fn begins(&mut self, text: &str) -> bool {
        self.skip_blanks();
        self.rest().starts_with(text)
    }

    fn take(&mut self, text: &str) -> bool {
        let there = self.begins(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// One of some operators, and none that is longer.
    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.skip_blanks();
        let rest = self.rest();
        let found = operators.iter().find(|own| rest.starts_with(**own))?;
        let after = rest[found.len()..].chars().next();
        let longer = match *found {
            "|" | "&" => rest.starts_with("||") || rest.starts_with("&&") || after == Some('='),
            "<" | ">" => rest.starts_with("<<") || rest.starts_with(">>"),
            "*" => after == Some('*') || after == Some('='),
            "+" | "-" | "/" | "%" | "^" | "<<" | ">>" => after == Some('='),
            _ => false,
        };
        if longer {
            return None;
        }
        self.at += found.len();
        Some(found)
    }

    fn name(&mut self) -> Option<String> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += end;
        Some(name.to_owned())
    }

    fn number(&mut self) -> Option<i64> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '#' | '@' | '_')))
            .unwrap_or(rest.len());
        let text = &rest[..end];
        self.at += end;
        if let Some((base, digits)) = text.split_once('#') {
            let base = base.parse().ok().filter(|base| (2..=36).contains(base))?;
            return i64::from_str_radix(digits, base).ok();
        }
        if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
            return i64::from_str_radix(digits, 16).ok();
        }
        match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => i64::from_str_radix(digits, 8).ok(),
            _ => text.parse().ok(),
        }
    }
}
