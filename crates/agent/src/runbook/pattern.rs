//! Patterns over subjects: literal text in which `*` stands for anything. Matching takes time in proportion to both
//! lengths at worst, whatever a host calls its units.

use std::fmt;

use serde::Deserialize;

/// A pattern. It is exact when no `*` stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern as it is written.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it stands for one subject only.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// How many characters it asks for literally.
    #[must_use]
    pub fn literal_chars(&self) -> usize {
        self.0.chars().filter(|c| *c != '*').count()
    }

    /// Whether a subject fits.
    #[must_use]
    pub fn matches(&self, subject: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or("");
        let Some(mut rest) = subject.strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
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

    #[test]
    fn a_pattern_matches_the_whole_subject() {
        let cases = [
            ("nginx.service", "nginx.service", true),
            ("nginx.service", "nginx.services", false),
            ("*.service", "nginx.service", true),
            ("*.service", "nginx.service\n", false),
            ("acme-*.service", "acme-example.org.service", true),
            ("acme-*.service", "acme-.timer", false),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "aXXcYYb", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("/*", "/boot", true),
            ("**", "x", true),
        ];
        for (pattern, subject, expect) in cases {
            assert_eq!(
                Pattern::new(pattern).matches(subject),
                expect,
                "{pattern} {subject:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_can_be_asked_with_any_subject(pattern in "[a*]{0,12}", subject in "[ab]{0,12}") {
            let _ = Pattern::new(pattern).matches(&subject);
        }

        #[test]
        fn a_pattern_without_a_star_matches_only_itself(text in "[a-z.]{0,8}", other in "[a-z.]{0,8}") {
            assert_eq!(Pattern::new(text.as_str()).matches(&other), text == other);
        }
    }
}
