//! The standing orders as a section of the configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Autonomy, Span, UnitName};

/// The section `[policy]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// How much the watch may do by itself, where a host says nothing else.
    pub autonomy: Autonomy,
    /// Units that are never touched without a person: `nginx.service`, `nginx` (any suffix), `postgresql*`.
    pub protected_units: Vec<UnitPattern>,
    /// How long an action waits for a decision.
    pub approve_within: Span,
    /// How long a decision is good.
    pub execute_within: Span,
    /// After so many failures of the same fix for the same finding within `attempt_window`, a person must look.
    pub max_attempts_per_finding: u32,
    /// After so many runs of the same fix for the same finding within `attempt_window`, even if each helped for a
    /// while, a person must look.
    pub max_runs_per_finding: u32,
    /// How long runs count.
    pub attempt_window: Span,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            autonomy: Autonomy::Suggest,
            protected_units: Vec::new(),
            approve_within: Span::days(7),
            execute_within: Span::hours(24),
            max_attempts_per_finding: 3,
            max_runs_per_finding: 6,
            attempt_window: Span::hours(24),
        }
    }
}

/// Why standing orders cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// A length of time that makes no sense.
    #[error("policy.{key} is {found}, and must lie between {least} and {most}")]
    SpanOutOfRange {
        /// Which key.
        key: &'static str,
        /// What it is.
        found: Span,
        /// The least it may be.
        least: Span,
        /// The most it may be.
        most: Span,
    },
    /// A count that makes no sense.
    #[error("policy.{key} is {found}, and must lie between {least} and {most}")]
    CountOutOfRange {
        /// Which key.
        key: &'static str,
        /// What it is.
        found: u32,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
    },
    /// More protected units than are looked through for every action.
    #[error("policy.protected_units names {found} units, and may name {most}")]
    TooManyUnits {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
}

impl PolicySettings {
    /// Most entries of `protected_units`.
    pub const MAX_PROTECTED_UNITS: usize = 1_000;

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the first key that makes no sense.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let minute = Span::minutes(1);
        within(
            "approve_within",
            self.approve_within,
            minute,
            Span::days(365),
        )?;
        within(
            "execute_within",
            self.execute_within,
            minute,
            Span::days(30),
        )?;
        within(
            "attempt_window",
            self.attempt_window,
            minute,
            Span::days(365),
        )?;
        counted("max_attempts_per_finding", self.max_attempts_per_finding)?;
        counted("max_runs_per_finding", self.max_runs_per_finding)?;
        if self.protected_units.len() > Self::MAX_PROTECTED_UNITS {
            return Err(InvalidPolicy::TooManyUnits {
                found: self.protected_units.len(),
                most: Self::MAX_PROTECTED_UNITS,
            });
        }
        Ok(())
    }

    /// Whether a unit is protected.
    #[must_use]
    pub fn protects(&self, unit: &UnitName) -> bool {
        self.protected_units
            .iter()
            .any(|pattern| pattern.matches(unit))
    }
}

fn within(key: &'static str, found: Span, least: Span, most: Span) -> Result<(), InvalidPolicy> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(InvalidPolicy::SpanOutOfRange {
        key,
        found,
        least,
        most,
    })
}

fn counted(key: &'static str, found: u32) -> Result<(), InvalidPolicy> {
    let (least, most) = (1, 100);
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(InvalidPolicy::CountOutOfRange {
        key,
        found,
        least,
        most,
    })
}

/// Names units: in full, without the suffix for all suffixes, or by their beginning and a final `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitPattern(String);

/// Why a text names no units.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no unit: write `nginx.service`, `nginx` or `nginx*`")]
pub struct InvalidUnitPattern {
    /// The text, cut to its first 80 characters.
    pub text: String,
}

impl UnitPattern {
    /// Whether it names this unit.
    #[must_use]
    pub fn matches(&self, unit: &UnitName) -> bool {
        let unit = unit.as_str();
        match self.0.strip_suffix('*') {
            Some(beginning) => unit.starts_with(beginning),
            None => {
                unit == self.0
                    || unit
                        .rsplit_once('.')
                        .is_some_and(|(stem, _)| stem == self.0)
            }
        }
    }
}

impl FromStr for UnitPattern {
    type Err = InvalidUnitPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_suffix('*').unwrap_or(text);
        let named = UnitName::new(name).is_ok() || UnitName::new(format!("{name}.service")).is_ok();
        if named {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidUnitPattern {
            text: text.chars().take(80).collect(),
        })
    }
}

impl TryFrom<String> for UnitPattern {
    type Error = InvalidUnitPattern;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UnitPattern> for String {
    fn from(pattern: UnitPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for UnitPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_careful() {
        let settings = PolicySettings::default();
        assert_eq!(settings.validate(), Ok(()));
        assert_eq!(settings.autonomy, Autonomy::Suggest);
        assert_eq!(settings.approve_within.to_string(), "7d");
        assert_eq!(settings.execute_within.to_string(), "1d");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let settings = PolicySettings {
            execute_within: Span::seconds(0),
            ..PolicySettings::default()
        };
        let error = settings.validate().expect_err("it is never");
        assert_eq!(
            error.to_string(),
            "policy.execute_within is 0s, and must lie between 1m and 30d"
        );
        let settings = PolicySettings {
            max_attempts_per_finding: 0,
            ..PolicySettings::default()
        };
        assert!(settings.validate().is_err());
    }

    #[test]
    fn a_pattern_names_what_it_says() {
        let named = |pattern: &str, unit: &str| {
            let pattern: UnitPattern = pattern.parse().expect("a pattern");
            pattern.matches(&UnitName::new(unit).expect("a unit"))
        };
        assert!(named("nginx.service", "nginx.service"));
        assert!(named("nginx", "nginx.socket"));
        assert!(named("postgresql*", "postgresql@15-main.service"));
        assert!(!named("nginx.service", "nginx.socket"));
        assert!(!named("nginx", "nginx-exporter.service"));
    }

    #[test]
    fn what_names_no_unit_is_refused() {
        for text in ["", "*", "-x", "a b", "ng*nx", "a/b", "\u{1b}"] {
            assert!(text.parse::<UnitPattern>().is_err(), "{text:?}");
        }
    }
}
