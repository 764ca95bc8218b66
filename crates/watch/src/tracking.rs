//! From the results of one look to what changed: hysteresis over what was known, nothing stored. Only positive
//! evidence clears anything: a result that is unknown leaves everything as it was.

use serde::{Deserialize, Serialize};
use watchkeeper_health::{Change, FindingState, Look, Seen, rule, step};
use watchkeeper_model::{
    CheckOutcome, CheckResult, Digest, Finding, Fingerprint, IssueNumber, Timestamp,
};
use watchkeeper_store::TrackedFinding;

/// What is remembered of one subject of one check from look to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Where it stands.
    pub(crate) state: FindingState,
    /// The cause that was diagnosed last.
    pub(crate) diagnosed: Option<Digest>,
    /// The cause a model was asked about last, and how many actions there were then.
    pub(crate) asked: Option<(Digest, u32)>,
    /// The cause that was handed to a person because the watch will not go on by itself.
    pub(crate) escalated: Option<Digest>,
}

/// One subject after a look.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    /// The result of the look.
    pub(crate) result: CheckResult,
    /// Its identity.
    pub(crate) fingerprint: Fingerprint,
    /// What is remembered from now on.
    pub(crate) memory: Memory,
    /// The finding as it was last seen.
    pub(crate) finding: Option<Finding>,
    /// The issue it belongs to.
    pub(crate) issue: Option<IssueNumber>,
    /// What this look changed.
    pub(crate) change: Option<Change>,
    /// Whether anything was known of it before.
    pub(crate) was_known: bool,
}

impl Tracked {
    /// Whether it counts as there.
    pub(crate) fn firing(&self) -> bool {
        self.memory.state.is_firing()
    }

    /// Whether this very look saw it.
    pub(crate) fn seen_now(&self) -> Option<&Finding> {
        match &self.result.outcome {
            CheckOutcome::Found { finding } => Some(finding),
            CheckOutcome::Passed { .. } | CheckOutcome::Unknown { .. } => None,
        }
    }

    /// Whether nothing of it is worth keeping.
    pub(crate) fn forgettable(&self, now: Timestamp) -> bool {
        self.memory.state == FindingState::default() || self.memory.state.is_forgettable(now)
    }

    /// The row that keeps it.
    pub(crate) fn row(&self, look: &Look, now: Timestamp) -> TrackedFinding {
        TrackedFinding {
            fingerprint: self.fingerprint,
            host: look.host.clone(),
            check: self.result.check.clone(),
            subject: self.result.subject.clone(),
            memory: serde_json::to_value(&self.memory).unwrap_or_default(),
            finding: self.finding.clone(),
            firing: self.firing(),
            issue: self.issue,
            changed_at: now,
        }
    }
}

/// Moves every subject of a look one step on. A memory that cannot be read begins anew.
pub(crate) fn track(
    look: &Look,
    results: Vec<CheckResult>,
    mut known: Vec<TrackedFinding>,
) -> Vec<Tracked> {
    let one = |result: CheckResult| {
        let fingerprint = Fingerprint::of(&look.host, &result.check, &result.subject);
        let before = known
            .iter()
            .position(|row| row.fingerprint == fingerprint)
            .map(|at| known.swap_remove(at));
        let was_known = before.is_some();
        let (memory, finding, issue) = match before {
            Some(row) => (
                serde_json::from_value(row.memory).unwrap_or_default(),
                row.finding,
                row.issue,
            ),
            None => (Memory::default(), None, None),
        };
        let memory: Memory = memory;
        let (state, change) = step(
            memory.state,
            Seen::from(&result.outcome),
            rule(&result.check, look),
            look.at,
        );
        let finding = match &result.outcome {
            CheckOutcome::Found { finding } => Some(finding.clone()),
            CheckOutcome::Passed { .. } | CheckOutcome::Unknown { .. } => finding,
        };
        let memory = match change {
            Some(Change::Cleared) => Memory {
                state,
                ..Memory::default()
            },
            _ => Memory { state, ..memory },
        };
        Tracked {
            result,
            fingerprint,
            memory,
            finding,
            issue,
            change,
            was_known,
        }
    };
    results.into_iter().map(one).collect()
}

/// What is firing of what is known: the subjects a look must say something about.
pub(crate) fn firing_subjects(
    known: &[TrackedFinding],
) -> Vec<(watchkeeper_model::CheckName, String)> {
    known
        .iter()
        .filter(|row| row.firing)
        .map(|row| (row.check.clone(), row.subject.clone()))
        .collect()
}
