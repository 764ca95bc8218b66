//! Private key blocks, line by line. A block without its end reaches as far as lines look like part of a key. PuTTY's
//! files say how many lines their private part has.

use std::borrow::Cow;

use super::REDACTED;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// What a label says of a block that is secret; `Static key` is OpenVPN's.
const MARKS: [&str; 2] = ["PRIVATE KEY", "Static key"];
/// Before the number of lines of the private part of PuTTY's files.
const PUTTY: &str = "Private-Lines: ";
const DASHES: &str = "-----";

/// Most lines of a key that has its end.
const MAX_KEY_LINES: usize = 400;

/// The text without private keys.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    let without_putty = redact_putty(text);
    let further = match redact_blocks(&without_putty) {
        Cow::Borrowed(_) => None,
        Cow::Owned(without) => Some(without),
    };
    further.map_or(without_putty, Cow::Owned)
}

/// Whether a line, inside a public block or not, is part of one: a certificate, a public key, a signature.
pub(super) fn in_public_block(line: &str, inside: bool) -> bool {
    if line.contains(BEGIN) {
        return true;
    }
    inside && !line.contains(END) && is_part_of_key(line)
}

fn redact_putty(text: &str) -> Cow<'_, str> {
    if !text.contains(PUTTY) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut left = 0_usize;
    let mut said = false;
    for line in text.split_inclusive('\n') {
        if left > 0 && !line.trim().is_empty() && is_part_of_key(line) {
            left -= 1;
            if !said {
                out.push_str(REDACTED);
                out.push('\n');
            }
            said = true;
            continue;
        }
        let lines = line.strip_prefix(PUTTY).map(str::trim);
        left = lines.map_or(0, |lines| lines.parse().unwrap_or(0).min(MAX_KEY_LINES));
        said = false;
        out.push_str(line);
    }
    Cow::Owned(out)
}

fn redact_blocks(text: &str) -> Cow<'_, str> {
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut ends = (0..lines.len())
        .filter(|index| end_of_key(lines[*index]).is_some())
        .peekable();
    let mut out = String::with_capacity(text.len());
    let mut inside = Inside::No;
    for (index, line) in lines.iter().enumerate() {
        while ends.next_if(|end| *end <= index).is_some() {}
        let ends_at = ends
            .peek()
            .copied()
            .filter(|end| end - index <= MAX_KEY_LINES);
        inside = redact_line(line, index, inside, ends_at, &mut out);
    }
    Cow::Owned(out)
}

/// Whether a line begins inside a key.
#[derive(Clone, Copy)]
enum Inside {
    /// It does not.
    No,
    /// It does, and the key ends in that line.
    Until(usize),
    /// It does, and the key has no end: it goes on while lines look like it.
    Cut,
}

/// Writes what may stay of a line; says whether the next one begins inside a key. `ends_at` is the next line, behind
/// this one, in which a key ends.
fn redact_line(
    line: &str,
    index: usize,
    inside: Inside,
    ends_at: Option<usize>,
    out: &mut String,
) -> Inside {
    let mut rest = match inside {
        Inside::Until(end) if index < end => return inside,
        Inside::Cut if end_of_key(line).is_none() && is_part_of_key(line) => return inside,
        Inside::No => line,
        Inside::Until(_) | Inside::Cut => &line[end_of_key(line).unwrap_or(0)..],
    };
    while let Some(at) = begin_of_key(rest) {
        out.push_str(&rest[..at]);
        out.push_str(REDACTED);
        rest = &rest[at + BEGIN.len()..];
        let Some(after) = end_of_key(rest) else {
            // The rest of the line is the beginning of the key; the line's end stays.
            if line.ends_with('\n') {
                out.push('\n');
            }
            return ends_at.map_or(Inside::Cut, Inside::Until);
        };
        rest = &rest[after..];
    }
    out.push_str(rest);
    Inside::No
}

/// Where a key begins.
fn begin_of_key(text: &str) -> Option<usize> {
    text.match_indices(BEGIN)
        .map(|(at, _)| at)
        .find(|at| label(&text[at + BEGIN.len()..]).is_some_and(|(label, _)| is_secret(label)))
}

/// Behind where a key ends.
fn end_of_key(text: &str) -> Option<usize> {
    text.match_indices(END).find_map(|(at, _)| {
        let from = at + END.len();
        let (label, length) = label(&text[from..])?;
        is_secret(label).then_some(from + length)
    })
}

fn is_secret(label: &str) -> bool {
    MARKS.iter().any(|mark| label.contains(mark))
}

/// What stands between the dashes, and the length of both.
fn label(text: &str) -> Option<(&str, usize)> {
    const MAX_LABEL_BYTES: usize = 60;
    let window = text.get(..MAX_LABEL_BYTES.min(text.len())).unwrap_or(text);
    let length = window.find(DASHES)?;
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ';
    window[..length]
        .bytes()
        .all(in_label)
        .then(|| (&window[..length], length + DASHES.len()))
}

/// Whether a line inside a block without its end still looks like a key: base64, perhaps behind a log's prefix, a
/// header of the block, or nothing.
fn is_part_of_key(line: &str) -> bool {
    const HEADERS: [&str; 4] = ["Proc-Type:", "DEK-Info:", "Comment:", "Version:"];
    const LEAST_BASE64_CHARS: usize = 16;
    let Some(last) = line.split_whitespace().next_back() else {
        return true;
    };
    let alone = line.trim() == last;
    let base64 = last
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    base64 && (alone || last.len() >= LEAST_BASE64_CHARS)
        || HEADERS.iter().any(|header| line.contains(header))
}
