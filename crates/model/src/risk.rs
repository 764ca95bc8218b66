//! Risk as data: levels, effects and assessments. They are computed in the crate `risk`, by code alone.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How dangerous something is. Greater is worse; the strictest effect wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Looks and changes nothing.
    ReadOnly,
    /// A change that is narrow and comes undone by itself or easily.
    Low,
    /// A change that interrupts something or takes work to undo.
    Medium,
    /// A change that can do lasting harm, or whose effects cannot be told.
    High,
    /// Never run, at any level, for anybody.
    Forbidden,
}

impl RiskLevel {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Forbidden => "forbidden",
        }
    }

    /// One level worse, but never forbidden: that is not a matter of degree.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::ReadOnly => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
            Self::Forbidden => Self::Forbidden,
        }
    }
}

impl fmt::Display for RiskLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of thing an effect does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Looks at something.
    Reads,
    /// Changes or makes a file or a setting.
    Writes,
    /// Deletes.
    Deletes,
    /// Starts a unit.
    Starts,
    /// Has a unit read its configuration again.
    Reloads,
    /// Restarts a unit: what it serves is interrupted.
    Restarts,
    /// Stops a unit.
    Stops,
    /// Reaches out over the network.
    NetworkOut,
    /// Uses rights beyond the login's.
    Privilege,
    /// Touches a secret.
    Secrets,
    /// Cannot be told.
    Unknown,
}

/// How sure it is that an effect happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It may.
    Possible,
    /// It does.
    Certain,
}

/// One thing that a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What kind.
    pub kind: EffectKind,
    /// To what: a unit, a path, a device.
    pub target: String,
    /// How sure.
    pub certainty: Certainty,
    /// The level this effect alone asks for.
    pub level: RiskLevel,
    /// The rule that says so, e.g. `step.unit_restart`.
    pub rule: String,
    /// The words of the step that cause it.
    pub words: String,
    /// One plain line for a person.
    pub sentence: String,
}

/// What code says about the risk of a list of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The strictest level of its effects.
    pub level: RiskLevel,
    /// What the steps do, strictest first.
    pub effects: Vec<Effect>,
    /// Whether all of it can be undone.
    pub undoable: bool,
}
