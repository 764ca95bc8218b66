//! From characters to pieces: what was read of a word, one character at a time, into the normal form of the tree.
//! Braces are found here, because they are found before anything else is expanded.

use crate::tree::{Braces, Piece, Word};

/// One character or piece, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    /// A character that stood unquoted.
    Bare(char),
    /// A character that was quoted or escaped.
    Quoted(char),
    /// Quotes with nothing in them.
    EmptyQuotes,
    /// An expansion.
    Piece(Piece),
}

/// Whether a character means itself wherever it stands in a word, so that quotes make no difference.
pub(crate) const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '-' | '.' | '/' | ',' | ':' | '=' | '+' | '@' | '%')
}

/// The word that the atoms make, with braces found where they are live.
pub(crate) fn word(atoms: &[Atom], braces: bool) -> Word {
    pieces(atoms, braces, false)
}

/// The regular expression that the atoms make: quotes make a difference for every character but letters and digits.
pub(crate) fn regex(atoms: &[Atom]) -> Word {
    let mut pieces: Vec<Piece> = Vec::new();
    for atom in atoms {
        let (c, quoted) = match atom {
            Atom::Bare(c) => (*c, false),
            Atom::Quoted(c) => (*c, !(c.is_ascii_alphanumeric() || *c == '_')),
            Atom::EmptyQuotes => continue,
            Atom::Piece(piece) => {
                pieces.push(piece.clone());
                continue;
            }
        };
        push_literal(&mut pieces, c, quoted);
    }
    if pieces.is_empty() {
        pieces.push(Piece::Quoted(String::new()));
    }
    Word { pieces }
}

fn push_literal(pieces: &mut Vec<Piece>, c: char, quoted: bool) {
    match (pieces.last_mut(), quoted) {
        (Some(Piece::Plain(text)), false) | (Some(Piece::Quoted(text)), true) => text.push(c),
        (_, true) => pieces.push(Piece::Quoted(String::from(c))),
        (_, false) => pieces.push(Piece::Plain(String::from(c))),
    }
}

fn pieces(atoms: &[Atom], braces: bool, in_braces: bool) -> Word {
    let mut pieces = Vec::new();
    let mut run = Vec::new();
    let mut empty_quotes = false;
    let mut at = 0;
    while at < atoms.len() {
        match &atoms[at] {
            Atom::Bare('{') if braces => {
                if let Some((found, end)) = brace(&atoms[at..]) {
                    flush(&mut run, in_braces, &mut pieces);
                    pieces.push(Piece::Braces(found));
                    at += end;
                    continue;
                }
                run.push(Atom::Bare('{'));
            }
            Atom::Piece(piece) => {
                flush(&mut run, in_braces, &mut pieces);
                pieces.push(piece.clone());
            }
            Atom::EmptyQuotes => empty_quotes = true,
            other => run.push(other.clone()),
        }
        at += 1;
    }
    flush(&mut run, in_braces, &mut pieces);
    if empty_quotes && pieces.iter().all(may_vanish) {
        pieces.insert(0, Piece::Quoted(String::new()));
    }
    // A brace alone is a reserved word in places where only the shell's state tells.
    if let [Piece::Plain(text)] = pieces.as_slice()
        && !in_braces
        && (text == "{" || text == "}")
    {
        pieces = vec![Piece::Quoted(text.clone())];
    }
    Word { pieces }
}

/// Whether nothing may be left of a piece, so that empty quotes beside it keep the word.
fn may_vanish(piece: &Piece) -> bool {
    match piece {
        Piece::Parameter(parameter) => !parameter.quoted || parameter.may_be_no_word(),
        Piece::Substitution { quoted, .. } => !quoted,
        _ => false,
    }
}

/// Turns a stretch of literal characters into pieces in the normal form.
fn flush(run: &mut Vec<Atom>, in_braces: bool, pieces: &mut Vec<Piece>) {
    let atoms = std::mem::take(run);
    let is_plain = |c: char| is_plain(c) && !(in_braces && c == ',');
    let live = atoms
        .iter()
        .any(|atom| matches!(atom, Atom::Bare(c) if !self::is_plain(*c)));
    // Quotes change what a bracket matches, and what is a brace expansion.
    let bracket = atoms
        .iter()
        .any(|atom| matches!(atom, Atom::Bare('[' | '{' | '}')));
    let needs_quotes = atoms
        .iter()
        .any(|atom| matches!(atom, Atom::Quoted(c) if !is_plain(*c)));
    for atom in atoms {
        let (c, quoted) = match atom {
            Atom::Bare(c) => (c, !live && needs_quotes),
            Atom::Quoted(c) if live => (c, bracket || !is_plain(c)),
            Atom::Quoted(c) => (c, needs_quotes),
            Atom::EmptyQuotes | Atom::Piece(_) => continue,
        };
        push_literal(pieces, c, quoted);
    }
}

/// The brace expansion that begins with the first atom, and how many atoms it takes.
fn brace(atoms: &[Atom]) -> Option<(Braces, usize)> {
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    let mut end = None;
    for (at, atom) in atoms.iter().enumerate() {
        match atom {
            Atom::Bare('{') => depth += 1,
            Atom::Bare('}') => {
                depth -= 1;
                if depth == 0 {
                    end = Some(at);
                    break;
                }
            }
            Atom::Bare(',') if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    let end = end?;
    if commas.is_empty() {
        return Some((range(&atoms[1..end])?, end + 1));
    }
    let mut parts = Vec::new();
    let mut from = 1;
    for to in commas.into_iter().chain([end]) {
        parts.push(pieces(&atoms[from..to], true, true));
        from = to + 1;
    }
    Some((Braces::List(parts), end + 1))
}

/// `1..9`, `a..f`, `01..10..2`.
fn range(atoms: &[Atom]) -> Option<Braces> {
    let mut text = String::new();
    for atom in atoms {
        match atom {
            Atom::Bare(c) => text.push(*c),
            _ => return None,
        }
    }
    let mut parts = text.split("..");
    let (from, to, step) = (parts.next()?, parts.next()?, parts.next());
    let letter =
        |part: &str| part.len() == 1 && part.starts_with(|c: char| c.is_ascii_alphabetic());
    let kinds_agree = (is_number(from) && is_number(to)) || (letter(from) && letter(to));
    if parts.next().is_some() || !kinds_agree || step.is_some_and(|step| !is_number(step)) {
        return None;
    }
    Some(Braces::Range {
        from: from.to_owned(),
        to: to.to_owned(),
        step: step.map(str::to_owned),
    })
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
