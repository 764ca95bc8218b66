//! What a sentence names that can be looked up in what it cites: units, hosts, paths and numbers.

use std::fmt;

use watchkeeper_model::{HostName, UnitName};

/// Something a sentence names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mention {
    /// A unit.
    Unit(String),
    /// A host that there is.
    Host(String),
    /// An absolute path.
    Path(String),
    /// A number of two digits or more; smaller ones are often words.
    Number(String),
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(text) | Self::Host(text) | Self::Path(text) | Self::Number(text) => {
                f.write_str(text)
            }
        }
    }
}

/// Most things looked up of one sentence.
const MAX_MENTIONS: usize = 40;

/// What a sentence names, outside the labels it cites.
pub(super) fn mentions(sentence: &str, hosts: &[&HostName]) -> Vec<Mention> {
    let mut found: Vec<Mention> = paths(sentence).map(Mention::Path).collect();
    for word in words(sentence) {
        let bare = word.trim_matches(|c: char| matches!(c, '.' | ':' | '-' | '_' | '\\'));
        if super::is_label(bare) || bare.is_empty() {
            continue;
        }
        if UnitName::new(bare).is_ok() {
            found.push(Mention::Unit(bare.to_owned()));
        } else if hosts.iter().any(|host| host.as_str() == bare) {
            found.push(Mention::Host(bare.to_owned()));
        } else {
            found.extend(numbers(bare).into_iter().map(Mention::Number));
        }
        if found.len() >= MAX_MENTIONS {
            break;
        }
    }
    found
}

/// The runs of characters of which names are made.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '@' | '\\'))
    })
    .filter(|word| !word.is_empty())
}

/// The absolute paths of a sentence: two parts at least, since `/` and `/var` are said of anything.
fn paths(sentence: &str) -> impl Iterator<Item = String> {
    sentence
        .split(|c: char| c.is_whitespace() || "\"'`()[]{}<>,;|=".contains(c))
        .map(|word| word.trim_end_matches(['.', ':', '!', '?', '/']))
        .filter(|word| word.starts_with('/') && word[1..].contains('/'))
        .filter(|word| {
            word.chars()
                .all(|c| c.is_alphanumeric() || "/._-+@%~".contains(c))
        })
        .map(str::to_owned)
        .take(MAX_MENTIONS)
}

/// The numbers of a word: runs of digits and points (also addresses and versions) of two digits or more, unless letters
/// stand before them, as in `sda12`.
fn numbers(word: &str) -> Vec<String> {
    word.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .flat_map(|part| {
            let number = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = &part[number.len()..];
            let whole = number.chars().all(|c| c.is_ascii_digit() || c == '.') && unit.len() <= 3;
            whole.then(|| number.trim_matches('.').to_owned())
        })
        .filter(|number| number.chars().filter(char::is_ascii_digit).count() >= 2)
        .collect()
}

impl Mention {
    /// Whether it stands in a text as a word of its own. A whole number also stands for one with places after it.
    pub(super) fn stands_in(&self, text: &str) -> bool {
        let (needle, number) = match self {
            Self::Unit(name) | Self::Host(name) | Self::Path(name) => (name, false),
            Self::Number(number) => (number, true),
        };
        text.match_indices(needle.as_str()).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + needle.len()..].chars().next();
            if number {
                !before.is_some_and(|c| c.is_ascii_digit())
                    && !after.is_some_and(|c| c.is_ascii_digit())
            } else {
                !before.is_some_and(is_of_name) && !after.is_some_and(is_of_name)
            }
        })
    }
}

/// Whether a character would make a name another name. A dot or colon behind it ends a sentence as often.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@')
}
