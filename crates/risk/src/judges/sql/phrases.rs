//! Words of a statement, looked at by their places: brackets, names with their schemas, and conditions that always hold.

use super::super::options::listed;
use super::tokens::Token;

/// Longest name of a table that is shown.
const LONGEST_NAME: usize = 64;

/// Whether a condition holds for every row as it is written.
pub(super) fn is_always_true(condition: &[Token]) -> bool {
    match condition {
        [] => true,
        [Token::Word(word)] => word == "true",
        [Token::Value] => true,
        [Token::Value, Token::Sign('='), Token::Value] => true,
        [Token::Text(left), Token::Sign('='), Token::Text(right)] => left == right,
        [Token::Sign('('), inner @ .., Token::Sign(')')] => is_always_true(inner),
        [
            inner @ ..,
            Token::Word(or),
            Token::Value,
            Token::Sign('='),
            Token::Value,
        ] => or == "or" || (or == "and" && is_always_true(inner)),
        [.., Token::Word(or), Token::Word(holds)] => or == "or" && holds == "true",
        [Token::Word(left), Token::Sign('='), Token::Word(right)] => left == right,
        _ => false,
    }
}

/// A statement without brackets round all of it.
pub(super) fn unwrapped(mut tokens: &[Token]) -> &[Token] {
    while tokens.first() == Some(&Token::Sign('(')) && closing(tokens, 0) == Some(tokens.len() - 1)
    {
        tokens = &tokens[1..tokens.len() - 1];
    }
    match tokens {
        // Several queries in brackets, joined: the first word decides, and all words are looked at.
        [Token::Sign('('), rest @ ..]
            if matches!(word_at(rest, 0), "select" | "values" | "table" | "with") =>
        {
            rest
        }
        tokens => tokens,
    }
}

/// Where the bracket that is opened here is closed.
pub(super) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

pub(super) fn depth_at(tokens: &[Token], at: usize) -> usize {
    tokens[..at]
        .iter()
        .fold(0, |depth: usize, token| match token {
            Token::Sign('(') => depth + 1,
            Token::Sign(')') => depth.saturating_sub(1),
            _ => depth,
        })
}

/// The keyword or bare name at a place; nothing for anything else.
pub(super) fn word_at(tokens: &[Token], at: usize) -> &str {
    match tokens.get(at) {
        Some(Token::Word(word)) => word,
        _ => "",
    }
}

pub(super) fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(own) if own == word)
}

pub(super) fn has(tokens: &[Token], word: &str) -> bool {
    tokens.iter().any(|token| is(token, word))
}

pub(super) fn name_is(token: &Token, name: &str) -> bool {
    match token {
        Token::Word(own) => own == name,
        Token::Name(own) => own.eq_ignore_ascii_case(name),
        _ => false,
    }
}

/// Whether one of these words stands before a place.
pub(super) fn follows(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    at > 0 && words.contains(&word_at(tokens, at - 1))
}

/// Whether a dot stands before a place.
pub(super) fn is_part_of_name(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1] == Token::Sign('.')
}

/// The schema before a name.
pub(super) fn schema_of(tokens: &[Token], at: usize) -> Option<String> {
    if at < 2 || !is_part_of_name(tokens, at) {
        return None;
    }
    match &tokens[at - 2] {
        Token::Word(word) => Some(word.clone()),
        Token::Name(name) => Some(name.to_lowercase()),
        _ => Some(String::new()),
    }
}

/// Whether a name before a bracket names columns of what stands before it.
pub(super) fn is_alias(tokens: &[Token], at: usize) -> bool {
    if at == 0 {
        return false;
    }
    is(&tokens[at - 1], "as")
        || (tokens[at - 1] == Token::Sign(')')
            && opening(tokens, at - 1).is_some_and(|open| {
                // After these brackets an expression goes on: `DISTINCT ON (…)`, `OPERATOR(…)`.
                open == 0 || !matches!(word_at(tokens, open - 1), "on" | "operator")
            }))
}

/// Where the bracket that is closed here is opened.
pub(super) fn opening(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for index in (0..=close).rev() {
        match tokens[index] {
            Token::Sign(')') => depth += 1,
            Token::Sign('(') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a name before a bracket is that of a common table: `WITH name (a, b) AS (`.
pub(super) fn is_common_table(tokens: &[Token], at: usize) -> bool {
    word_at(tokens, 0) == "with"
        && closing(tokens, at + 1).is_some_and(|end| {
            word_at(tokens, end + 1) == "as"
                && (tokens.get(end + 2) == Some(&Token::Sign('('))
                    || matches!(word_at(tokens, end + 2), "materialized" | "not"))
        })
}

/// Whether a name before a bracket is the table that rows are added to, with its columns, or `REFERENCES`.
pub(super) fn is_insert_target(tokens: &[Token], at: usize) -> bool {
    let mut start = at;
    while start >= 2 && tokens[start - 1] == Token::Sign('.') {
        start -= 2;
    }
    start > 0 && matches!(word_at(tokens, start - 1), "into" | "references" | "copy")
}

/// The table that a statement changes, with its schema.
pub(super) fn target(tokens: &[Token]) -> Option<(Option<String>, String)> {
    let skip = "insert update delete merge replace into from only ignore low_priority delayed quick high_priority or \
        rollback abort fail table overwrite";
    let start = tokens
        .iter()
        .position(|token| !matches!(token, Token::Word(word) if listed(skip, word)))?;
    let name = |token: &Token| match token {
        Token::Word(name) => Some(name.clone()),
        Token::Name(name) => Some(name.to_lowercase()),
        _ => None,
    };
    let first = name(tokens.get(start)?)?;
    if tokens.get(start + 1) == Some(&Token::Sign('.')) {
        return Some((Some(first), name(tokens.get(start + 2)?)?));
    }
    Some((None, first))
}

/// A name that may be shown as it is.
pub(super) fn shown(name: &str) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    (name.len() <= LONGEST_NAME && !name.is_empty() && name.chars().all(plain))
        .then(|| name.to_owned())
}
