//! Verdicts as data: what the standing orders say about an action. They are given in the crate `policy`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::UnknownWord;

/// How much the watch may do by itself.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Autonomy {
    /// Looks; changes are recorded only.
    Observe,
    /// Every change waits for a person.
    Suggest,
    /// Low risk runs by itself.
    AutoSafe,
    /// Low and medium risk run by themselves.
    AutoFull,
}

impl Autonomy {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Suggest => "suggest",
            Self::AutoSafe => "auto-safe",
            Self::AutoFull => "auto-full",
        }
    }
}

impl fmt::Display for Autonomy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Autonomy {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Observe, Self::Suggest, Self::AutoSafe, Self::AutoFull]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| {
                UnknownWord::new(
                    "autonomy level (observe, suggest, auto-safe, auto-full)",
                    text,
                )
            })
    }
}

/// How much depends on a host.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// As usual.
    #[default]
    Normal,
    /// Every risk counts one level more.
    Critical,
}

/// What happens with an action. Greater is stricter; the strictest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It runs by itself.
    Run,
    /// A person decides.
    Hold,
    /// It is recorded and never run.
    Shadow,
    /// It is forbidden.
    Refuse,
}

impl Decision {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Hold => "hold",
            Self::Shadow => "shadow",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A decision with the rules that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What happens.
    pub decision: Decision,
    /// The rules that ask for exactly this, each as one plain line; never empty.
    pub because: Vec<String>,
    /// The names of the standing orders among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<String>,
    /// What would have changed it, each as one plain line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<String>,
}
