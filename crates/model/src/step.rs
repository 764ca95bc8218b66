//! Typed steps: the only words in which a change to a host can be proposed. What each costs is `risk`'s to
//! say, how it is done `remedy`'s.

use serde::{Deserialize, Serialize};

use crate::UnitName;

/// One step of an action. Kinds unknown to this list are refused where they are read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Restart a unit.
    UnitRestart {
        /// The unit.
        #[schemars(with = "String")]
        unit: UnitName,
    },
    /// Start a unit.
    UnitStart {
        /// The unit.
        #[schemars(with = "String")]
        unit: UnitName,
    },
    /// Stop a unit. Not proposed by itself: it is the inverse of a start.
    UnitStop {
        /// The unit.
        #[schemars(with = "String")]
        unit: UnitName,
    },
    /// Have a unit read its configuration again.
    UnitReload {
        /// The unit.
        #[schemars(with = "String")]
        unit: UnitName,
    },
    /// Forget that a unit failed, and its start counter.
    UnitResetFailed {
        /// The unit.
        #[schemars(with = "String")]
        unit: UnitName,
    },
    /// Delete the oldest archived journal files until they take no more than this.
    JournalVacuum {
        /// What may stay, in MiB.
        keep_mib: u32,
    },
    /// Empty the download cache of the host's package manager, or collect the Nix store's garbage.
    PackageCacheClean {},
    /// A shell script. The last resort.
    Shell {
        /// The text, run by `/bin/sh`.
        script: String,
    },
}

impl Step {
    /// Longest script of a shell step, in bytes.
    pub const MAX_SCRIPT_BYTES: usize = 16 * 1024;

    /// The stable word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::UnitRestart { .. } => "unit_restart",
            Self::UnitStart { .. } => "unit_start",
            Self::UnitStop { .. } => "unit_stop",
            Self::UnitReload { .. } => "unit_reload",
            Self::UnitResetFailed { .. } => "unit_reset_failed",
            Self::JournalVacuum { .. } => "journal_vacuum",
            Self::PackageCacheClean {} => "package_cache_clean",
            Self::Shell { .. } => "shell",
        }
    }

    /// The unit it acts on, if it acts on one.
    #[must_use]
    pub const fn unit(&self) -> Option<&UnitName> {
        match self {
            Self::UnitRestart { unit }
            | Self::UnitStart { unit }
            | Self::UnitStop { unit }
            | Self::UnitReload { unit }
            | Self::UnitResetFailed { unit } => Some(unit),
            Self::JournalVacuum { .. } | Self::PackageCacheClean {} | Self::Shell { .. } => None,
        }
    }

    /// What it does, in a few words for a list. A script shows its first line.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::UnitRestart { unit } => format!("restart {unit}"),
            Self::UnitStart { unit } => format!("start {unit}"),
            Self::UnitStop { unit } => format!("stop {unit}"),
            Self::UnitReload { unit } => format!("reload {unit}"),
            Self::UnitResetFailed { unit } => format!("reset the failed state of {unit}"),
            Self::JournalVacuum { keep_mib } => format!("vacuum the journal to {keep_mib} MiB"),
            Self::PackageCacheClean {} => "clean the package cache".to_owned(),
            Self::Shell { script } => {
                let first = script
                    .lines()
                    .find(|line| !line.trim().is_empty())
                    .unwrap_or("");
                format!("run: {}", crate::bounded(&crate::visible(first), 60))
            }
        }
    }
}
