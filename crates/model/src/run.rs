//! Runs: one execution of one approved revision, step by step. How a step is started at most once on the
//! host is `remedy`'s work.

use serde::{Deserialize, Serialize};

use crate::{ActionNumber, ControllerId, Digest, Revision, RunId, Timestamp};

/// One boot of one host: its boot id and the start time of its first process, as the run protocol reads them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub String);

/// Whether a step belongs to the plan's steps or to its undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The steps.
    Apply,
    /// The undo.
    Undo,
}

/// How one step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepOutcome {
    /// It ended by itself.
    Exited {
        /// Its exit status as the shell gives it; above 128 a signal or the step's own number.
        code: i32,
        /// Whether children of it still hold its output.
        children_left: bool,
    },
    /// It was ended by its time limit.
    TimedOut {
        /// Its exit status as the shell gives it.
        code: i32,
    },
    /// The host refused to start it; nothing has started.
    NotStarted {
        /// Why.
        why: String,
    },
    /// It was cancelled before it started.
    Cancelled,
    /// It may have run; what became of it cannot be told.
    Unknown {
        /// What is known.
        why: String,
    },
}

impl StepOutcome {
    /// Whether the step did what it should.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self, Self::Exited { code: 0, .. })
    }

    /// One line for a person.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Exited { code: 0, .. } => "ended well".to_owned(),
            Self::Exited { code, .. } => format!("exit status {code}"),
            Self::TimedOut { .. } => "stopped at its time limit".to_owned(),
            Self::NotStarted { why } => format!("not started: {}", crate::visible(why)),
            Self::Cancelled => "cancelled before it started".to_owned(),
            Self::Unknown { why } => format!("outcome unknown: {}", crate::visible(why)),
        }
    }
}

/// One step of a run. `ended_at` and `outcome` are absent while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    /// Steps or undo.
    pub phase: Phase,
    /// Its place in that list, from 0.
    pub index: u32,
    /// When its start was first asked for.
    pub asked_at: Timestamp,
    /// How it ended.
    pub outcome: Option<StepOutcome>,
    /// When its end was learned.
    pub ended_at: Option<Timestamp>,
    /// What it printed, bounded and redacted.
    pub stdout: String,
    /// What it printed as errors, bounded and redacted.
    pub stderr: String,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id; also names its directories on the host.
    pub id: RunId,
    /// Of which action.
    pub action: ActionNumber,
    /// Of which revision.
    pub revision: Revision,
    /// Of exactly these bytes.
    pub digest: Digest,
    /// Which controller claimed it.
    pub controller: ControllerId,
    /// When.
    pub claimed_at: Timestamp,
    /// The boot of the host that the re-check saw: a start is good for this boot only.
    pub boot: BootId,
    /// Its steps so far.
    pub steps: Vec<RunStep>,
}
