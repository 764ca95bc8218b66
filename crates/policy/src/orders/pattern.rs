//! Patterns of names: text in which `*` stands for any characters and `?` for one. Matching is linear in practice and
//! bounded always: nothing is tried twice.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It is empty.
    #[error("a pattern is empty: write `*` for everything")]
    Empty,
    /// It is too long.
    #[error("a pattern has {chars} characters; {limit} are allowed")]
    TooLong {
        /// How many it has.
        chars: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Something stands in it that a reader would not see.
    #[error("the pattern `{pattern}` holds a character that cannot be seen")]
    HiddenCharacter {
        /// The pattern, made visible.
        pattern: String,
    },
}

impl Pattern {
    /// Longest pattern, in characters.
    pub const MAX_CHARS: usize = 300;

    /// Whether it names exactly this.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut seen) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while seen < name.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(expected) if *expected == '?' || *expected == name[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => match star {
                    Some((after, from)) => {
                        at = after + 1;
                        seen = from + 1;
                        star = Some((after, from + 1));
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|rest| *rest == '*')
    }

    /// Whether it names this unit: in full, or without the suffix.
    #[must_use]
    pub fn matches_unit(&self, unit: &str) -> bool {
        self.matches(unit)
            || unit
                .rsplit_once('.')
                .is_some_and(|(stem, _)| self.matches(stem))
            || (!unit.contains('.') && self.matches(&format!("{unit}.service")))
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        let chars = text.chars().count();
        if chars > Self::MAX_CHARS {
            return Err(InvalidPattern::TooLong {
                chars,
                limit: Self::MAX_CHARS,
            });
        }
        let visible = watchkeeper_model::visible(text);
        if visible != text {
            return Err(InvalidPattern::HiddenCharacter {
                pattern: visible.into_owned(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().expect("a pattern").matches(name)
    }

    #[test]
    fn a_pattern_names_what_it_says() {
        for (pattern, name) in [
            ("*", ""),
            ("web*", "web1"),
            ("*_exporter", "node_exporter"),
            ("db?", "db1"),
            ("a*b*c", "axxbyyc"),
            ("a*b*c", "abbbc"),
            ("/srv/*/log", "/srv/a/b/log"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("web", "web1"),
            ("web*", "aweb"),
            ("db?", "db"),
            ("a*b*c", "axxbyy"),
            ("a*b", "abc"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let pattern = "*a".repeat(100);
        assert!(!matches(&pattern, &"a".repeat(99)));
        assert!(matches(&pattern, &"a".repeat(5_000)));
    }

    #[test]
    fn a_unit_is_named_with_and_without_its_suffix() {
        let named = |pattern: &str, unit: &str| {
            pattern
                .parse::<Pattern>()
                .expect("a pattern")
                .matches_unit(unit)
        };
        assert!(named("nginx", "nginx.service"));
        assert!(named("nginx.service", "nginx"));
        assert!(named("*_exporter", "node_exporter.service"));
        assert!(!named("nginx", "nginx-exporter.service"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!("".parse::<Pattern>(), Err(InvalidPattern::Empty));
        assert!("a".repeat(301).parse::<Pattern>().is_err());
        assert!("a\u{202e}b".parse::<Pattern>().is_err());
        assert!("a\nb".parse::<Pattern>().is_err());
    }
}
