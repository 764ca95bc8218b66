//! Jobs: requests in the LLM queue.

use serde::{Deserialize, Serialize};

use crate::{ControllerId, Fingerprint, HostName, IssueNumber, JobNumber, Timestamp, UnknownWord};

/// How soon a job is served. Greater is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Summaries, learning.
    Background,
    /// A finding.
    Finding,
    /// A critical finding.
    CriticalFinding,
    /// A person waits.
    Interactive,
}

impl Priority {
    /// The number it is stored as: 0 for background to 3 for interactive.
    #[must_use]
    pub const fn as_number(self) -> i64 {
        match self {
            Self::Background => 0,
            Self::Finding => 1,
            Self::CriticalFinding => 2,
            Self::Interactive => 3,
        }
    }

    /// Reads the stored number.
    ///
    /// # Errors
    /// Says which number is none of them.
    pub fn from_number(number: i64) -> Result<Self, UnknownWord> {
        [
            Self::Background,
            Self::Finding,
            Self::CriticalFinding,
            Self::Interactive,
        ]
        .into_iter()
        .find(|priority| priority.as_number() == number)
        .ok_or_else(|| UnknownWord::new("priority", &number.to_string()))
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum JobRequest {
    /// Find the cause of a finding and propose a repair.
    DiagnoseFinding {
        /// Where.
        host: HostName,
        /// The trouble.
        issue: IssueNumber,
        /// The finding.
        fingerprint: Fingerprint,
    },
}

impl JobRequest {
    /// The stable word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DiagnoseFinding { .. } => "diagnose_finding",
        }
    }

    /// Two jobs with the same key at the same time are one.
    #[must_use]
    pub fn coalescing_key(&self) -> String {
        match self {
            Self::DiagnoseFinding { fingerprint, .. } => format!("diagnose_finding {fingerprint}"),
        }
    }
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a lane, not before `not_before`.
    Queued {
        /// The earliest time it is served.
        not_before: Timestamp,
    },
    /// A worker has it until the lease ends.
    Leased {
        /// Which worker.
        by: ControllerId,
        /// Until when.
        until: Timestamp,
    },
    /// Answered.
    Done {
        /// When.
        at: Timestamp,
    },
    /// Given up.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// Not wanted any more.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

impl JobState {
    /// The stable word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Leased { .. } => "leased",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// One request in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub number: JobNumber,
    /// What is asked.
    pub request: JobRequest,
    /// How soon.
    pub priority: Priority,
    /// How often it was tried; a try begins with its lease.
    pub attempts: i64,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// After this it is given up.
    pub deadline: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub state: JobState,
}
