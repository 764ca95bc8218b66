//! What a look at some hosts returned.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    ActionNumber, CheckName, CheckOutcome, CheckResult, HostName, IssueNumber, LookFailure,
    Severity, Timestamp,
};

/// The hosts that were looked at, and what stands open afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// When the look began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Every host asked for, in the order of the inventory.
    pub hosts: Vec<HostReport>,
    /// How many issues are open or acknowledged, over all hosts.
    pub open_issues: i64,
    /// How many actions wait for a person.
    pub waiting_actions: i64,
    /// Whether a model helps, in a few words: `no model configured (runbooks only)`.
    pub model: String,
}

/// One host as it was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostReport {
    /// Which.
    pub host: HostName,
    /// Whether it is the machine Watchkeeper runs on.
    pub local: bool,
    /// What it is; none where it was not reached.
    pub identity: Option<HostIdentity>,
    /// How long the look took, in milliseconds.
    pub took_ms: u64,
    /// Why nothing was seen, where nothing was.
    pub failure: Option<Unseen>,
    /// What each check says, worst first.
    pub results: Vec<CheckLine>,
    /// What went wrong after the look, e.g. while storing it; empty when all went well.
    pub errors: Vec<String>,
}

/// What a host says it is. Its words, bounded and made visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostIdentity {
    /// Its own host name.
    pub hostname: String,
    /// The operating system, e.g. `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// The kernel.
    pub kernel: String,
    /// Seconds since it booted.
    pub uptime_s: Option<u64>,
    /// Processors.
    pub cores: Option<u32>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// Why a host was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The stable word, e.g. `host_key_changed`.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl From<&LookFailure> for Unseen {
    fn from(failure: &LookFailure) -> Self {
        Self {
            kind: failure.kind().to_owned(),
            message: watchkeeper_model::visible(&failure.to_string()).into_owned(),
            remedy: watchkeeper_model::visible(&failure.remedy()).into_owned(),
        }
    }
}

/// What one check says about one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckLine {
    /// The check.
    pub check: CheckName,
    /// Its subject; empty for the host as a whole.
    pub subject: String,
    /// `passed`, `found` or `unknown`.
    pub outcome: OutcomeWord,
    /// How bad, where something was found.
    pub severity: Option<Severity>,
    /// The figure, the finding's sentence, or why it is not known.
    pub text: String,
    /// What was seen, each `source: text`.
    pub evidence: Vec<String>,
    /// The issue this belongs to.
    pub issue: Option<IssueNumber>,
    /// What is proposed, refused or running about it.
    pub action: Option<ActionBrief>,
    /// Whether it counts already: a finding may need several looks.
    pub firing: bool,
}

/// The word for an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// It is not well.
    Found,
    /// It could not be told.
    Unknown,
    /// It is well.
    Passed,
}

impl CheckLine {
    /// A line of a result that nothing is known about beyond this look.
    #[must_use]
    pub fn of(result: &CheckResult) -> Self {
        let (outcome, severity, text, evidence) = match &result.outcome {
            CheckOutcome::Passed { detail } => {
                (OutcomeWord::Passed, None, detail.clone(), Vec::new())
            }
            CheckOutcome::Unknown { why } => (OutcomeWord::Unknown, None, why.clone(), Vec::new()),
            CheckOutcome::Found { finding } => {
                let evidence = finding
                    .evidence
                    .iter()
                    .map(|piece| format!("{}: {}", piece.source, piece.text))
                    .collect();
                (
                    OutcomeWord::Found,
                    Some(finding.severity),
                    finding.summary.clone(),
                    evidence,
                )
            }
        };
        Self {
            check: result.check.clone(),
            subject: result.subject.clone(),
            outcome,
            severity,
            text,
            evidence,
            issue: None,
            action: None,
            firing: false,
        }
    }
}

/// An action in a few words, beside the finding it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionBrief {
    /// Its number.
    pub number: ActionNumber,
    /// Its state.
    pub state: String,
    /// What it does.
    pub what: String,
}

/// How far a look over many hosts has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckProgress {
    /// Hosts done.
    pub done: usize,
    /// Hosts asked for.
    pub total: usize,
    /// The host that was done last.
    pub host: HostName,
    /// Whether it was seen.
    pub seen: bool,
}
