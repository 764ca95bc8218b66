//! `echo`, `printf` and `pwd`: what they print is known where their words are.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::Called;
use crate::interpret::expand::Field;
use crate::interpret::state::State;
use crate::interpret::value::{Printed, Value};
use crate::interpret::walk::{Done, Walker};
use crate::word::{Origin, Part};

impl<'a> Walker<'a> {
    pub(super) fn echo(&mut self, called: &Called) -> Done<'a> {
        let mut arguments = called.arguments();
        let (mut newline, mut escapes) = (true, None);
        while let Some(text) = arguments.first().and_then(|field| field.arg.as_text()) {
            let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                break;
            };
            if !letters
                .bytes()
                .all(|letter| matches!(letter, b'n' | b'e' | b'E'))
            {
                break;
            }
            for letter in letters.bytes() {
                match letter {
                    b'n' => newline = false,
                    letter => escapes = Some(letter == b'e'),
                }
            }
            arguments = &arguments[1..];
        }
        let mut raw = joined(arguments);
        if newline {
            raw.push_text("\n");
        }
        let (decoded, changed) = with_escapes(&raw);
        // Whether `echo` reads escapes by itself is not the same in every shell.
        match escapes {
            Some(true) => Done::printed(decoded),
            None if changed => Done {
                printed: Printed(vec![raw, decoded]),
                failed: None,
            },
            _ => Done::printed(raw),
        }
    }

    pub(super) fn pwd(&mut self, state: &State<'a>) -> Done<'a> {
        Done::printed(match state.context.directories.as_slice() {
            [] => Value::unknown(Origin::Variable("PWD".to_owned())),
            [one] => Value::text(format!("{one}\n")),
            several => Value::unknown(Origin::PathsBelow(several.to_vec())),
        })
    }

    pub(super) fn printf(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let mut arguments = called.arguments();
        let mut into: Option<Field> = None;
        if arguments.first().and_then(|field| field.arg.as_text()) == Some("-v") {
            into = arguments.get(1).cloned();
            arguments = arguments.get(2..).unwrap_or_default();
        } else if let Some(first) = arguments.first()
            && first.arg.as_text() == Some("--")
        {
            arguments = &arguments[1..];
        }
        let value = formatted(arguments);
        let Some(name) = into else {
            return Done::printed(value);
        };
        match name.arg.as_text() {
            Some(name) if is_name(name) => self.assign_text(name, &value, state),
            _ => {
                let value = name.into_value();
                self.check_subscript(&value, state);
                let say = "assigns to a variable whose name is not plain";
                self.flag(
                    EffectKind::Environment,
                    RiskLevel::High,
                    "shell.printf",
                    say,
                    state,
                );
            }
        }
        Done::default()
    }
}

/// Whether this is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Words with blanks between them.
pub(super) fn joined(fields: &[Field]) -> Value {
    let mut all = Value::default();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            all.push_text(" ");
        }
        all.append(&printed_field(field));
    }
    all
}

/// A word as it is printed: a pattern becomes names of files.
fn printed_field(field: &Field) -> Value {
    let value = field.clone().into_value();
    if !value
        .parts
        .iter()
        .any(|part| matches!(part, Part::Pattern(_)))
    {
        return value;
    }
    let mut unknown = Value::unknown(value.origin());
    unknown.hidden = value.hidden;
    unknown
}

/// A value with its escapes read, and whether there are any.
fn with_escapes(value: &Value) -> (Value, bool) {
    let mut all = Value {
        hidden: value.hidden,
        ..Value::default()
    };
    let mut changed = false;
    for part in &value.parts {
        match part {
            Part::Text(text) if text.contains('\\') => {
                changed = true;
                let (text, ends) = unescaped(text);
                all.push_text(&text);
                if ends {
                    break;
                }
            }
            part => all.push(part.clone()),
        }
    }
    (all, changed)
}

/// A text with its escapes read, and whether one ended it.
fn unescaped(text: &str) -> (String, bool) {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte != b'\\' || at == bytes.len() {
            out.push(byte);
            continue;
        }
        let letter = bytes[at];
        at += 1;
        let simple = match letter {
            b'n' => Some(b'\n'),
            b't' => Some(b'\t'),
            b'\\' => Some(b'\\'),
            b'a' => Some(7),
            b'b' => Some(8),
            b'f' => Some(12),
            b'r' => Some(b'\r'),
            b'v' => Some(11),
            b'e' | b'E' => Some(27),
            b'"' => Some(b'"'),
            _ => None,
        };
        match (simple, letter) {
            (Some(byte), _) => out.push(byte),
            (None, b'c') => return (String::from_utf8_lossy(&out).into_owned(), true),
            (None, b'x') => number(bytes, &mut at, 16, 2, &mut out, b"\\x"),
            (None, b'0') => number(bytes, &mut at, 8, 3, &mut out, b"\0"),
            (None, b'1'..=b'7') => {
                at -= 1;
                number(bytes, &mut at, 8, 3, &mut out, b"");
            }
            (None, b'u') => number(bytes, &mut at, 16, 4, &mut out, b"\\u"),
            (None, b'U') => number(bytes, &mut at, 16, 8, &mut out, b"\\U"),
            (None, letter) => out.extend([b'\\', letter]),
        }
    }
    (String::from_utf8_lossy(&out).into_owned(), false)
}

/// Reads a number in an escape and writes the character.
fn number(
    bytes: &[u8],
    at: &mut usize,
    base: u32,
    most: usize,
    out: &mut Vec<u8>,
    otherwise: &[u8],
) {
    let begin = *at;
    let mut value: u32 = 0;
    while *at < bytes.len() && *at - begin < most {
        let Some(digit) = char::from(bytes[*at]).to_digit(base) else {
            break;
        };
        value = value.wrapping_mul(base).wrapping_add(digit);
        *at += 1;
    }
    if *at == begin {
        out.extend(otherwise);
    } else if most > 3 {
        let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.push((value & 255) as u8);
    }
}

/// What `printf` makes of its format and arguments.
fn formatted(arguments: &[Field]) -> Value {
    let Some((format, mut rest)) = arguments.split_first() else {
        return Value::default();
    };
    let Some(text) = format.arg.as_text() else {
        let mut all = joined(arguments);
        all.append(&Value::unknown(Origin::Output));
        return all;
    };
    let mut all = Value {
        hidden: format.hidden,
        ..Value::default()
    };
    loop {
        let before = rest.len();
        if !one_round(text, &mut rest, &mut all) || rest.is_empty() || rest.len() == before {
            return all;
        }
        if all.bytes() > crate::interpret::limits::MOST_VALUE_BYTES {
            return Value::unknown(Origin::Output);
        }
    }
}

/// Writes the format once; false where it ends early.
fn one_round(format: &str, rest: &mut &[Field], all: &mut Value) -> bool {
    let mut text = format;
    while let Some(at) = text.find('%') {
        let (plain, ended) = unescaped(&text[..at]);
        all.push_text(&plain);
        if ended {
            return false;
        }
        let spec = &text[at + 1..];
        let Some(length) = spec.find(|c: char| c.is_ascii_alphabetic() || matches!(c, '%' | '('))
        else {
            all.append(&Value::unknown(Origin::Output));
            return false;
        };
        let letter = spec.as_bytes()[length];
        let plain_spec = length == 0;
        text = &spec[length + 1..];
        if letter == b'%' {
            all.push_text("%");
            continue;
        }
        if letter == b'(' {
            text = text.find(")T").map_or("", |end| &text[end + 2..]);
        }
        let argument = rest.first();
        *rest = rest.get(1..).unwrap_or_default();
        all.append(&one_argument(letter, plain_spec, argument));
    }
    let (plain, ended) = unescaped(text);
    all.push_text(&plain);
    !ended
}

fn one_argument(letter: u8, plain: bool, argument: Option<&Field>) -> Value {
    let value = argument.map(printed_field).unwrap_or_default();
    match letter {
        b's' if plain => value,
        b'b' if plain => with_escapes(&value).0,
        b'c' if plain => match value.as_text() {
            Some(text) => Value::text(text.chars().take(1).collect::<String>()),
            None => Value::unknown(value.origin()),
        },
        b'd' | b'i' | b'u' if plain => match value.as_text().map(str::parse::<i64>) {
            Some(Ok(number)) => Value::text(number.to_string()),
            _ => Value::plain(Origin::Output),
        },
        b'x' | b'X' | b'o' if plain => match value.as_text().map(str::parse::<i64>) {
            Some(Ok(number)) => Value::text(match letter {
                b'x' => format!("{number:x}"),
                b'X' => format!("{number:X}"),
                _ => format!("{number:o}"),
            }),
            _ => Value::plain(Origin::Output),
        },
        b's' | b'b' | b'q' => {
            let mut unknown = Value::unknown(Origin::Output);
            if plain || value.as_text().is_some_and(|text| text.is_empty()) {
                unknown = value.clone();
            }
            // Padding and quotes change how it looks, not what it says.
            if value.as_text().is_none() {
                unknown = Value::unknown(value.origin());
            }
            unknown
        }
        _ => Value::plain(Origin::Output),
    }
}
