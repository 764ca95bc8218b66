//! What a command prints, where that can be told from its words: text that is decoded, the name of a temporary file.

use crate::invocation::{Decoder, Invocation, Outcome, Output};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// Most characters in a set of `tr`.
const MOST_IN_SET: usize = 512;

/// `base64 -d`, `base32 -d`, `xxd -r -p`, `rev`, `tac`, `tr`: what its input says, read otherwise.
pub(super) fn decoder(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let decodes = ["-d", "--decode", "-D"]
        .into_iter()
        .any(|name| matched.has_surely(name));
    let from_input = matched
        .operands
        .iter()
        .all(|word| matches!(word.as_text(), Some("-" | "/dev/stdin")));
    let decoder = match notes.command() {
        "tr" => translation(matched),
        _ if !from_input => None,
        "base64" if decodes => Some(Decoder::Base64),
        "base32" if decodes => Some(Decoder::Base32),
        "xxd" if is_plain_hex(matched) => Some(Decoder::Hex),
        "rev" if matched.options.is_empty() => Some(Decoder::Reverse),
        "tac" if matched.options.is_empty() => Some(Decoder::ReverseLines),
        _ => None,
    };
    if let Some(decoder) = decoder {
        notes.prints(Output::Decoded(decoder));
    }
    notes.finish()
}

fn is_plain_hex(matched: &Matched) -> bool {
    let any = |names: [&str; 2]| names.into_iter().any(|name| matched.has_surely(name));
    any(["-r", "-revert"]) && (any(["-p", "-ps"]) || any(["-plain", "-postscript"]))
}

/// What `tr` does with its input.
fn translation(matched: &Matched) -> Option<Decoder> {
    let sets = matched
        .operands
        .iter()
        .map(|word| set(word.as_text()?))
        .collect::<Option<Vec<_>>>()?;
    let deletes = |name: &str| name == "-d" || name == "--delete";
    match (sets.as_slice(), matched.options.as_slice()) {
        ([from, to], []) => {
            let last = *to.last()?;
            let to = to.iter().copied().chain(std::iter::repeat(last));
            Some(Decoder::Translate(
                from.clone(),
                to.take(from.len()).collect(),
            ))
        }
        ([from], [option]) if deletes(&option.name) => Some(Decoder::DeleteChars(from.clone())),
        _ => None,
    }
}

/// The characters of a set of `tr`; nothing where it is not plain.
fn set(text: &str) -> Option<Vec<char>> {
    let mut rest = text.chars().peekable();
    let mut all: Vec<char> = Vec::new();
    while let Some(letter) = rest.next() {
        if letter == '[' && matches!(rest.peek(), Some(':' | '=')) {
            let class: String = rest.by_ref().take_while(|letter| *letter != ']').collect();
            all.extend(class_of(&class)?);
        } else {
            let from = one(letter, &mut rest)?;
            let mut ahead = rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.peek().is_some();
            if is_range {
                rest.next();
                let to = rest.next()?;
                let to = one(to, &mut rest)?;
                if from > to || (to as usize) - (from as usize) > MOST_IN_SET {
                    return None;
                }
                all.extend(from..=to);
            } else {
                all.push(from);
            }
        }
        if all.len() > MOST_IN_SET {
            return None;
        }
    }
    (!all.is_empty()).then_some(all)
}

/// One character, which may be written with a backslash. A set with `[x*n]` is not plain.
fn one(letter: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    if letter == '[' {
        let mut ahead = rest.clone();
        return (!ahead.any(|letter| letter == '*')).then_some(letter);
    }
    if letter != '\\' {
        return Some(letter);
    }
    let digits: String = rest
        .clone()
        .take(3)
        .take_while(|letter| letter.is_digit(8))
        .collect();
    if !digits.is_empty() {
        rest.nth(digits.len() - 1);
        return u32::from_str_radix(&digits, 8)
            .ok()
            .and_then(char::from_u32)
            .filter(char::is_ascii);
    }
    Some(match rest.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        other => other,
    })
}

/// The characters of a class, e.g. `:upper:`.
fn class_of(class: &str) -> Option<Vec<char>> {
    let ascii = (0..=127_u8).map(char::from);
    let is: fn(&char) -> bool = match class {
        ":upper:" => char::is_ascii_uppercase,
        ":lower:" => char::is_ascii_lowercase,
        ":digit:" => char::is_ascii_digit,
        ":alpha:" => char::is_ascii_alphabetic,
        ":alnum:" => char::is_ascii_alphanumeric,
        ":punct:" => char::is_ascii_punctuation,
        ":cntrl:" => char::is_ascii_control,
        ":space:" => |letter| matches!(letter, '\t'..='\r' | ' '),
        ":blank:" => |letter| matches!(letter, '\t' | ' '),
        _ => return None,
    };
    Some(ascii.filter(is).collect())
}

/// `mktemp`: the name of what it has made.
pub(super) fn mktemp(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let given = matched.value("-p").or_else(|| matched.value("--tmpdir"));
    let elsewhere = ["-p", "--tmpdir"].into_iter().any(|name| matched.has(name));
    let directory = match (given, matched.operands.as_slice()) {
        (Some(directory), []) => directory.as_text().map(str::to_owned),
        (None, []) if !elsewhere => Some("/tmp".to_owned()),
        (None, [template]) if !elsewhere => parent(template),
        _ => None,
    };
    if let Some(directory) = directory {
        notes.prints(Output::PathsBelow(vec![directory]));
    }
    notes.finish()
}

fn parent(path: &Arg) -> Option<String> {
    let (directory, _) = path.as_text()?.rsplit_once('/')?;
    (!directory.is_empty()).then(|| directory.to_owned())
}
