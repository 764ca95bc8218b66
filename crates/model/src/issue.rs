//! Issues: one trouble as a person sees it. What is being done about it is derived from its jobs and
//! actions, not stored here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, HostName, IssueNumber, Severity, Timestamp};

/// A word that is none of those it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {kind}")]
pub struct UnknownWord {
    /// What it should have been.
    pub kind: &'static str,
    /// What it was, cut to 80 characters.
    pub word: String,
}

impl UnknownWord {
    /// Says that `word` is not a `kind`.
    #[must_use]
    pub fn new(kind: &'static str, word: &str) -> Self {
        Self {
            kind,
            word: word.chars().take(80).collect(),
        }
    }
}

/// A step that the state does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {from}, so it cannot become {to}")]
pub struct InvalidTransition {
    /// Whose state it is, e.g. `action 3`.
    pub what: String,
    /// The state it is in.
    pub from: &'static str,
    /// The state that was asked for.
    pub to: &'static str,
}

/// Where an issue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueState {
    /// Nobody has said that they know of it.
    Open,
    /// Somebody knows of it.
    Acknowledged,
    /// It was seen to be well again, or a person says so.
    Resolved,
    /// Done with; a recurrence is a new issue.
    Closed,
}

impl IssueState {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// Whether the trouble is still there.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged)
    }

    /// Whether an issue may go from here to there. Reopening (resolved to open) is for recurrence.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (
                Self::Open,
                Self::Acknowledged | Self::Resolved | Self::Closed
            ) | (Self::Acknowledged, Self::Resolved | Self::Closed)
                | (Self::Resolved, Self::Open | Self::Closed)
        )
    }
}

impl fmt::Display for IssueState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for IssueState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Open, Self::Acknowledged, Self::Resolved, Self::Closed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownWord::new("state of an issue", text))
    }
}

/// One trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number, from 1.
    pub number: IssueNumber,
    /// Where; none for a trouble of the watch itself.
    pub host: Option<HostName>,
    /// One line.
    pub title: String,
    /// The worst severity of its findings, or what a person said.
    pub severity: Severity,
    /// Where it stands.
    pub state: IssueState,
    /// The finding it is about; none for one that a person made.
    pub fingerprint: Option<Fingerprint>,
    /// In how many looks the trouble was seen.
    pub seen_count: i64,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
}
