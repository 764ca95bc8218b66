//! Issues as people see them.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Finding, Issue, LogEntry};

use super::{ActionLine, Before, DiagnosisView};

/// One line of `issues list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueLine {
    /// The issue.
    #[serde(flatten)]
    pub issue: Issue,
    /// What is being done about it: `waiting for approval of action 0`, `diagnosing`, or nothing.
    pub doing: Option<String>,
}

/// The sheet of one issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueSheet {
    /// The issue.
    #[serde(flatten)]
    pub issue: Issue,
    /// What is being done about it.
    pub doing: Option<String>,
    /// What it was taken for last, by a runbook or a model.
    pub diagnosis: Option<String>,
    /// The same in detail, where it was a model: what each sentence rests on and what was looked at.
    #[serde(default)]
    pub diagnosed: Option<DiagnosisView>,
    /// What was done before about a like finding, on any host, newest first.
    #[serde(default)]
    pub learned: Vec<Before>,
    /// The finding as it was last seen.
    pub finding: Option<Finding>,
    /// What happened, oldest first; the newest [`IssueSheet::TIMELINE`] entries.
    pub timeline: Vec<LogEntry>,
    /// Its actions, newest first.
    pub actions: Vec<ActionLine>,
}

impl IssueSheet {
    /// Most entries of the timeline that are shown.
    pub const TIMELINE: i64 = 200;
}
