//! Parameters: what a name stands for at one place, and what `${…}` does with it.

use std::rc::Rc;

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::{Operation, Parameter, Replaced, Word};

use super::limits::MOST_MATCHED_BYTES;
use super::pattern::Pattern;
use super::state::State;
use super::value::{Attribute, Held, Value, Variable, any_of, unknown_of};
use super::walk::Walker;
use crate::word::Origin;

/// What a parameter yields.
pub(super) enum Got<'a> {
    /// Nothing at all.
    Nothing,
    /// One value.
    One(Value),
    /// Values that are words of their own where it stands in quotes.
    Each(Vec<Value>),
    /// Words of which not even the number is known.
    Some(Value),
    /// What another word says: the default.
    Word(&'a Word),
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Base {
    Unset,
    One(Value),
    Each(Vec<Value>),
    Some(Value),
}

/// Variables that the environment sets without the text doing it.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "SHELL",
    "TERM",
    "LANG",
    "LC_ALL",
    "HOSTNAME",
    "TMPDIR",
    "EDITOR",
    "MAIL",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SUDO_USER",
    "XDG_RUNTIME_DIR",
    "HOME",
    "USER",
    "LOGNAME",
    "PWD",
    "OLDPWD",
];

/// Variables that the shell sets, whose values are numbers or plain names.
const PLAIN: &[&str] = &[
    "RANDOM",
    "SECONDS",
    "LINENO",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "BASHPID",
    "PPID",
    "UID",
    "EUID",
    "COLUMNS",
    "LINES",
    "HOSTNAME",
    "OSTYPE",
    "HOSTTYPE",
    "MACHTYPE",
    "OPTIND",
    "SHLVL",
    "SRANDOM",
    "BASH_VERSION",
];

impl<'a> Walker<'a> {
    /// What a parameter yields.
    pub(super) fn parameter(&mut self, parameter: &'a Parameter, state: &mut State<'a>) -> Got<'a> {
        let name = parameter.name.as_str();
        if parameter.operation == Operation::NamesBeginningWith {
            return Got::Some(Value::plain(Origin::Variable(name.to_owned())));
        }
        if parameter.operation == Operation::Keys {
            return self.keys(name, state);
        }
        let mut base = self.base(name, parameter.index.as_deref(), state);
        let star = name == "*" || is_star(parameter.index.as_deref());
        if parameter.indirect {
            base = self.indirect(name, base, state);
        }
        if let (true, Base::Each(values)) = (star && parameter.quoted, &base)
            && parameter.operation != Operation::Length
        {
            base = Base::One(self.joined(values, state));
        }
        self.operate(parameter, base, state)
    }

    fn operate(&mut self, parameter: &'a Parameter, base: Base, state: &mut State<'a>) -> Got<'a> {
        let name = parameter.name.as_str();
        match &parameter.operation {
            Operation::Get | Operation::NamesBeginningWith | Operation::Keys => got(name, base),
            Operation::Length => Got::One(length(name, &base)),
            Operation::Default(colon, word) => match self.present(name, &base, *colon) {
                true => got(name, base),
                false => Got::Word(word),
            },
            Operation::Assign(colon, word) => {
                if self.present(name, &base, *colon) {
                    return got(name, base);
                }
                let value = self.single(word, state);
                self.assign_text(name, &value, state);
                Got::One(value)
            }
            Operation::Fail(colon, word) => {
                if !self.present(name, &base, *colon) {
                    self.single(word, state);
                }
                got(name, base)
            }
            Operation::Alternative(colon, word) => match self.present(name, &base, *colon) {
                true => Got::Word(word),
                false => Got::Nothing,
            },
            Operation::CutPrefix(longest, word) => {
                let pattern = self.pattern(word, state);
                mapped(name, base, |value| {
                    cut(value, pattern.as_ref(), true, *longest)
                })
            }
            Operation::CutSuffix(longest, word) => {
                let pattern = self.pattern(word, state);
                mapped(name, base, |value| {
                    cut(value, pattern.as_ref(), false, *longest)
                })
            }
            Operation::Slice(offset, length) => {
                self.slice(parameter, base, offset, length.as_deref(), state)
            }
            Operation::Replace {
                which,
                pattern,
                replacement,
            } => {
                let pattern = self.pattern(pattern, state);
                let replacement = replacement
                    .as_ref()
                    .map(|word| self.single(word, state))
                    .unwrap_or_default();
                mapped(name, base, |value| {
                    replaced(value, *which, pattern.as_ref(), &replacement)
                })
            }
            Operation::Case(operator, pattern) => {
                let whole = pattern.is_none();
                if let Some(word) = pattern {
                    self.single(word, state);
                }
                mapped(name, base, |value| cased(value, operator, whole))
            }
            Operation::Transform(letter) => {
                if *letter == 'P' {
                    self.check_prompt(&base, state);
                }
                mapped(name, base, |value| transformed(value, *letter))
            }
        }
    }

    /// Whether a parameter counts as set; where that is not known, both are tried.
    fn present(&mut self, name: &str, base: &Base, colon: bool) -> bool {
        let unknown = match base {
            Base::Unset => {
                if !ENVIRONMENT.contains(&name) {
                    return false;
                }
                true
            }
            Base::One(value) => match value.as_text() {
                Some(text) => return !(colon && text.is_empty()),
                None if !colon => return true,
                None => !value
                    .parts
                    .iter()
                    .any(|part| matches!(part, crate::word::Part::Text(_))),
            },
            Base::Each(values) => return !values.is_empty(),
            Base::Some(_) => true,
        };
        !unknown || self.choices.choose(2).is_none_or(|choice| choice == 0)
    }

    /// What a name stands for.
    fn base(&mut self, name: &str, index: Option<&'a Word>, state: &mut State<'a>) -> Base {
        match name {
            "@" | "*" => match self.positional_list(state) {
                Some(list) => Base::Each(list),
                None => Base::Some(Value::unknown(Origin::Variable("@".to_owned()))),
            },
            "#" => Base::One(match self.positional_list(state) {
                Some(list) => Value::text(list.len().to_string()),
                None => Value::plain(Origin::Variable("#".to_owned())),
            }),
            "?" | "$" | "!" | "-" => Base::One(Value::plain(Origin::Variable(name.to_owned()))),
            "_" => Base::One(Value::unknown(Origin::Variable(name.to_owned()))),
            "0" => Base::One(state.positional.zero.clone()),
            name if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                let Ok(number) = name.parse::<usize>() else {
                    return Base::Unset;
                };
                match self.positional_list(state) {
                    Some(list) => number
                        .checked_sub(1)
                        .and_then(|at| list.into_iter().nth(at))
                        .map_or(Base::Unset, Base::One),
                    None => Base::One(Value::unknown(Origin::Variable(name.to_owned()))),
                }
            }
            name => {
                let key = index.map(|word| self.key(word, name, state));
                self.variable(name, key, state)
            }
        }
    }

    /// A subscript: `@`, a key, or nothing where it is not known.
    fn key(&mut self, word: &'a Word, name: &str, state: &mut State<'a>) -> Option<String> {
        let keyed = state
            .variable(name)
            .is_some_and(|variable| variable.attribute == Attribute::Keyed);
        let value = self.single(word, state);
        let text = value.as_text()?;
        if keyed || matches!(text, "@" | "*") {
            return Some(text.to_owned());
        }
        self.arithmetic_text(text, state)
            .map(|number| number.to_string())
    }

    fn variable(&mut self, name: &str, key: Option<Option<String>>, state: &mut State<'a>) -> Base {
        let Some(held) = self.chosen(name, state) else {
            return self.shell_variable(name, state);
        };
        match (held, key) {
            (Held::Unset, _) => self.shell_variable(name, state),
            (Held::Scalar(value), None | Some(None)) => Base::One(value),
            (Held::Scalar(value), Some(Some(key))) => match key.as_str() {
                "@" | "*" => Base::Each(vec![value]),
                "0" => Base::One(value),
                _ if value.as_text().is_none() => Base::One(value),
                _ => Base::Unset,
            },
            (Held::Array(items), Some(Some(key)))
                if matches!(key.as_str(), "@" | "*") && items.iter().any(|(key, _)| key == "?") =>
            {
                Base::Some(unknown_of(items.iter().map(|(_, value)| value)))
            }
            (Held::Array(items), Some(Some(key))) if key == "@" || key == "*" => {
                Base::Each(items.iter().map(|(_, value)| value.clone()).collect())
            }
            (Held::Array(items), Some(None)) => {
                Base::One(unknown_of(items.iter().map(|(_, value)| value)))
            }
            (Held::Array(items), key) => {
                let key = key.flatten().unwrap_or_else(|| "0".to_owned());
                match key
                    .strip_prefix('-')
                    .and_then(|back| back.parse::<usize>().ok())
                {
                    Some(back) => items.len().checked_sub(back).and_then(|at| items.get(at)),
                    None => items.iter().find(|(own, _)| *own == key),
                }
                .map_or(Base::Unset, |(_, value)| Base::One(value.clone()))
            }
        }
    }

    /// What a variable holds in this run; nothing where it was never set.
    fn chosen(&mut self, name: &str, state: &mut State<'a>) -> Option<Held> {
        let variable = Rc::clone(state.variable(name)?);
        if let [one] = variable.held.as_slice() {
            return Some(one.clone());
        }
        let Some(index) = self.choices.choose(variable.held.len()) else {
            return Some(Held::Scalar(any_of(name, &variable.held)));
        };
        let held = variable.held[index].clone();
        let mut pinned = Variable::clone(&variable);
        pinned.held = vec![held.clone()];
        state.restore(name, Some(Rc::new(pinned)));
        Some(held)
    }

    /// The positional parameters in this run.
    pub(super) fn positional_list(&mut self, state: &mut State<'a>) -> Option<Vec<Value>> {
        let count = state.positional.lists.len();
        if count == 0 {
            return None;
        }
        let index = self.choices.choose(count)?;
        if count > 1 {
            let positional = Rc::make_mut(&mut state.positional);
            let list = positional.lists.swap_remove(index);
            positional.lists = vec![list];
        }
        state.positional.lists.first().cloned()
    }

    /// Variables that are there without being assigned.
    fn shell_variable(&self, name: &str, state: &State<'a>) -> Base {
        let directory = |directories: &[String]| match directories {
            [one] => Base::One(Value::text(one.as_str())),
            _ => Base::Unset,
        };
        match name {
            "HOME" => Base::One(self.home(state)),
            "USER" | "LOGNAME" => {
                let account = state.context.account.as_ref().or(self.facts.login.as_ref());
                Base::One(
                    account
                        .filter(|_| state.context.elsewhere.is_empty())
                        .map_or_else(
                            || Value::plain(Origin::Variable(name.to_owned())),
                            |account| Value::text(account.as_str()),
                        ),
                )
            }
            "IFS" => Base::One(Value::text(" \t\n")),
            "PWD" => directory(&state.context.directories),
            "OLDPWD" => directory(&state.previous),
            name if PLAIN.contains(&name) => {
                Base::One(Value::plain(Origin::Variable(name.to_owned())))
            }
            _ => Base::Unset,
        }
    }

    /// `${!name}`.
    fn indirect(&mut self, name: &str, base: Base, state: &mut State<'a>) -> Base {
        let unknown = || Base::One(Value::unknown(Origin::Variable(name.to_owned())));
        let Base::One(value) = base else {
            return unknown();
        };
        let Some(text) = value.as_text() else {
            self.check_subscript(&value, state);
            return unknown();
        };
        let (target, key) = match text.split_once('[') {
            Some((target, rest)) => {
                let key = rest.strip_suffix(']').unwrap_or(rest).to_owned();
                self.check_subscript(&value, state);
                (target, Some(Some(key)))
            }
            None => (text, None),
        };
        let target = target.to_owned();
        if key.is_some() {
            return self.variable(&target, key, state);
        }
        if target.is_empty() {
            return Base::Unset;
        }
        self.base(&target, None, state)
    }

    fn keys(&mut self, name: &str, state: &mut State<'a>) -> Got<'a> {
        match self.chosen(name, state) {
            Some(Held::Array(items)) => Got::Each(
                items
                    .iter()
                    .map(|(key, _)| Value::text(key.as_str()))
                    .collect(),
            ),
            Some(Held::Scalar(_)) => Got::Each(vec![Value::text("0")]),
            Some(Held::Unset) | None => Got::Nothing,
        }
    }

    /// Values with the first separator between them.
    fn joined(&mut self, values: &[Value], state: &State<'a>) -> Value {
        let between = match self.separators(state) {
            super::expand::Separators::Blanks => Some(' '),
            super::expand::Separators::These(set) => set.chars().next(),
        };
        let mut all = Value::default();
        for (index, value) in values.iter().enumerate() {
            if let (true, Some(c)) = (index > 0, between) {
                all.push_text(c.encode_utf8(&mut [0; 4]));
            }
            all.append(value);
        }
        all
    }

    fn slice(
        &mut self,
        parameter: &Parameter,
        base: Base,
        offset: &'a Word,
        length: Option<&'a Word>,
        state: &mut State<'a>,
    ) -> Got<'a> {
        let offset = self.arithmetic_word(offset, state);
        let length = length.map(|word| self.arithmetic_word(word, state));
        let known = match (offset, length) {
            (Some(offset), None) => Some((offset, None)),
            (Some(offset), Some(Some(length))) => Some((offset, Some(length))),
            _ => None,
        };
        let name = parameter.name.as_str();
        if let (Base::Each(mut values), Some((offset, length))) = (base.clone(), known) {
            if matches!(name, "@" | "*") {
                values.insert(0, state.positional.zero.clone());
            }
            return match span(values.len(), offset, length) {
                Some((from, to)) => Got::Each(values[from..to].to_vec()),
                None => Got::Nothing,
            };
        }
        let path = matches!(name, "PATH" | "HOME" | "PWD" | "OLDPWD" | "SHELL");
        let assigned = state.variable(name).is_some();
        if path && !assigned && known == Some((0, Some(1))) {
            return Got::One(Value::text("/"));
        }
        mapped(name, base, |value| {
            let (offset, length) = known?;
            let chars: Vec<char> = value.as_text()?.chars().collect();
            Some(match span(chars.len(), offset, length) {
                Some((from, to)) => chars[from..to].iter().collect(),
                None => String::new(),
            })
        })
    }

    /// `${x@P}` runs what stands in a value.
    fn check_prompt(&mut self, base: &Base, state: &State<'a>) {
        let safe = matches!(base, Base::One(value) if value.as_text().is_some_and(|text| !text.contains(['$', '`', '\\'])));
        if !safe {
            let say = "expands a value as a prompt, which runs what stands in it";
            self.flag(
                EffectKind::RunsCode,
                RiskLevel::High,
                "shell.prompt_expansion",
                say,
                state,
            );
        }
    }
}

fn is_star(index: Option<&Word>) -> bool {
    index.is_some_and(|word| {
        word.as_literal().is_none() && {
            matches!(word.pieces.as_slice(), [watchkeeper_shell::Piece::Plain(text)] if text == "*")
        }
    })
}

fn got<'a>(name: &str, base: Base) -> Got<'a> {
    match base {
        Base::Unset => Got::One(Value::unknown(Origin::Variable(name.to_owned()))),
        Base::One(value) => Got::One(value),
        Base::Each(values) => Got::Each(values),
        Base::Some(value) => Got::Some(value),
    }
}

fn length(name: &str, base: &Base) -> Value {
    let known = match base {
        Base::One(value) => value.as_text().map(|text| text.chars().count()),
        Base::Each(values) => Some(values.len()),
        Base::Unset | Base::Some(_) => None,
    };
    match known {
        Some(count) => Value::text(count.to_string()),
        None => Value::plain(Origin::Variable(name.to_owned())),
    }
}

/// Does something to every value; what cannot be done is not known.
fn mapped<'a>(name: &str, base: Base, mut change: impl FnMut(&Value) -> Option<String>) -> Got<'a> {
    let mut one = |value: &Value| {
        let mut changed = match change(value) {
            Some(text) => Value::text(text),
            None if value.as_text().is_some() => Value::unknown(Origin::Variable(name.to_owned())),
            None if value.is_plain() => Value::plain(value.origin()),
            None => Value::unknown(value.origin()),
        };
        changed.hidden = value.hidden;
        changed
    };
    match base {
        Base::Unset => Got::One(Value::unknown(Origin::Variable(name.to_owned()))),
        Base::One(value) => Got::One(one(&value)),
        Base::Each(values) => Got::Each(values.iter().map(one).collect()),
        Base::Some(value) => Got::Some(value),
    }
}

/// The bounds of a slice.
fn span(count: usize, offset: i64, length: Option<i64>) -> Option<(usize, usize)> {
    let count = i64::try_from(count).ok()?;
    let from = if offset < 0 { count + offset } else { offset };
    let to = match length {
        None => count,
        Some(length) if length < 0 => count + length,
        Some(length) => from.saturating_add(length).min(count),
    };
    let inside = (0..=count).contains(&from) && to >= from;
    let bounds = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
    inside.then_some(bounds)
}

fn cut(value: &Value, pattern: Option<&Pattern>, front: bool, longest: bool) -> Option<String> {
    let text = value
        .as_text()
        .filter(|text| text.len() <= MOST_MATCHED_BYTES)?;
    let chars: Vec<char> = text.chars().collect();
    let pattern = pattern?;
    let found = if front {
        pattern.prefixes(&chars)
    } else {
        pattern.suffixes(&chars)
    };
    let Some((fewest, most)) = found else {
        return Some(text.to_owned());
    };
    let gone = if longest { most } else { fewest };
    Some(if front {
        chars[gone..].iter().collect()
    } else {
        chars[..chars.len() - gone].iter().collect()
    })
}

fn replaced(
    value: &Value,
    which: Replaced,
    pattern: Option<&Pattern>,
    replacement: &Value,
) -> Option<String> {
    let text = value.as_text()?;
    let pattern = pattern?;
    // An `&` stands for what is replaced.
    let new = replacement.as_text().filter(|text| !text.contains('&'))?;
    let chars: Vec<char> = text.chars().collect();
    if chars.len() * chars.len() * pattern.len().max(1) > MOST_MATCHED_BYTES << 10 {
        return None;
    }
    let mut out = String::new();
    let mut at = 0;
    match which {
        Replaced::Prefix => {
            at = pattern.prefixes(&chars).map_or(0, |(_, most)| most);
            if pattern.prefixes(&chars).is_some() {
                out.push_str(new);
            }
        }
        Replaced::Suffix => {
            let end = chars.len() - pattern.suffixes(&chars).map_or(0, |(_, most)| most);
            out.extend(&chars[..end]);
            if pattern.suffixes(&chars).is_some() {
                out.push_str(new);
            }
            return Some(out);
        }
        Replaced::First | Replaced::All => {
            while at < chars.len() {
                match pattern.prefixes(&chars[at..]) {
                    Some((_, most)) if most > 0 => {
                        out.push_str(new);
                        at += most;
                        if which == Replaced::First {
                            break;
                        }
                    }
                    _ => {
                        out.push(chars[at]);
                        at += 1;
                    }
                }
            }
        }
    }
    out.extend(&chars[at..]);
    Some(out)
}

fn cased(value: &Value, operator: &str, whole: bool) -> Option<String> {
    let text = value.as_text().filter(|_| whole)?;
    let first = |upper: bool| {
        let mut chars = text.chars();
        chars.next().map_or_else(String::new, |c| {
            let c = if upper {
                c.to_uppercase().to_string()
            } else {
                c.to_lowercase().to_string()
            };
            c + chars.as_str()
        })
    };
    match operator {
        "^^" => Some(text.to_uppercase()),
        ",," => Some(text.to_lowercase()),
        "^" => Some(first(true)),
        "," => Some(first(false)),
        _ => None,
    }
}

fn transformed(value: &Value, letter: char) -> Option<String> {
    match letter {
        'U' => cased(value, "^^", true),
        'u' => cased(value, "^", true),
        'L' => cased(value, ",,", true),
        'Q' => Some(format!("'{}'", value.as_text()?.replace('\'', "'\\''"))),
        _ => None,
    }
}
