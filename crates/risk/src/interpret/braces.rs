//! Brace expansion: one word with `{a,b}` and `{1..9}` in it becomes several. It is counted before it is done, so that a
//! range over a thousand million costs nothing.

use std::borrow::Cow;

use watchkeeper_shell::{Braces, Piece, Word};

use super::limits::MOST_BRACE_WORDS;

/// A word without braces: its pieces, some of which come from a range.
pub(super) type Pieces<'a> = Vec<Cow<'a, Piece>>;

/// Whether any piece of a word is a brace expansion.
pub(super) fn has_braces(word: &Word) -> bool {
    word.pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Braces(_)))
}

/// The words that a word becomes; nothing where they are too many.
pub(super) fn expand(word: &Word) -> Option<Vec<Pieces<'_>>> {
    if count(word) > MOST_BRACE_WORDS {
        return None;
    }
    let mut words: Vec<Pieces<'_>> = vec![Vec::new()];
    for piece in &word.pieces {
        let Piece::Braces(braces) = piece else {
            for pieces in &mut words {
                pieces.push(Cow::Borrowed(piece));
            }
            continue;
        };
        let alternatives: Vec<Pieces<'_>> = match braces {
            Braces::List(list) => {
                let mut all = Vec::new();
                for inner in list {
                    all.extend(expand(inner)?);
                }
                all
            }
            Braces::Range { from, to, step } => range(from, to, step.as_deref())
                .into_iter()
                .map(|text| vec![Cow::Owned(Piece::Plain(text))])
                .collect(),
        };
        words = words
            .iter()
            .flat_map(|before| {
                alternatives.iter().map(|next| {
                    let mut pieces = before.clone();
                    pieces.extend(next.iter().cloned());
                    pieces
                })
            })
            .collect();
    }
    Some(words)
}

/// How many words a word becomes.
fn count(word: &Word) -> usize {
    word.pieces
        .iter()
        .map(|piece| match piece {
            Piece::Braces(Braces::List(list)) => {
                list.iter().map(count).fold(0, usize::saturating_add)
            }
            Piece::Braces(Braces::Range { from, to, step }) => {
                range_count(from, to, step.as_deref())
            }
            _ => 1,
        })
        .fold(1, usize::saturating_mul)
}

/// The numbers of a range: from, to and by how much.
fn bounds(from: &str, to: &str, step: Option<&str>) -> Option<(i128, i128, i128, bool)> {
    let number = |text: &str| text.parse::<i64>().ok().map(i128::from);
    let letter = |text: &str| match text.as_bytes() {
        [one] if one.is_ascii_alphabetic() => Some(i128::from(*one)),
        _ => None,
    };
    let (from, to, letters) = match (number(from), number(to)) {
        (Some(from), Some(to)) => (from, to, false),
        _ => (letter(from)?, letter(to)?, true),
    };
    let step = match step {
        Some(step) => number(step)?.abs().max(1),
        None => 1,
    };
    Some((from, to, step, letters))
}

fn range_count(from: &str, to: &str, step: Option<&str>) -> usize {
    match bounds(from, to, step) {
        Some((from, to, step, _)) => {
            usize::try_from((from - to).abs() / step + 1).unwrap_or(usize::MAX)
        }
        None => 1,
    }
}

/// The texts of a range that is not too long.
fn range(from: &str, to: &str, step: Option<&str>) -> Vec<String> {
    let Some((first, last, by, letters)) = bounds(from, to, step) else {
        let step = step.map_or_else(String::new, |step| format!("..{step}"));
        return vec![format!("{{{from}..{to}{step}}}")];
    };
    let padded = |text: &str| text.trim_start_matches('-').starts_with('0') && text.len() > 1;
    let width = if padded(from) || padded(to) {
        from.len().max(to.len())
    } else {
        0
    };
    let total = (first - last).abs() / by;
    (0..=total)
        .map(|index| {
            let value = if first <= last {
                first + index * by
            } else {
                first - index * by
            };
            match u8::try_from(value) {
                Ok(byte) if letters => char::from(byte).to_string(),
                _ => format!("{value:0width$}"),
            }
        })
        .collect()
}
