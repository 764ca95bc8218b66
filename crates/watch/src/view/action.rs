//! Actions as people see them: a line in the list, and the sheet on which they decide.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    Action, ActionNumber, HostName, IssueNumber, Phase, PlannedStep, RiskLevel, Run, StepOutcome,
    Timestamp,
};

use super::{DiagnosisView, TalkedAbout};

/// One line of `approve list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionLine {
    /// Its number.
    pub number: ActionNumber,
    /// Its risk.
    pub risk: RiskLevel,
    /// Why its risk is so: what its strongest effects do, at most three.
    #[serde(default)]
    pub risk_because: Vec<String>,
    /// Where.
    pub host: HostName,
    /// What it does.
    pub what: String,
    /// The title of its issue, or the reason.
    pub for_what: String,
    /// Its issue.
    pub issue: Option<IssueNumber>,
    /// Its state.
    pub state: String,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// Until when it can be approved, while it is held; until when it can start, once approved.
    pub expires_at: Option<Timestamp>,
}

/// The sheet of one action: the whole action and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionSheet {
    /// The action with its plan, risk and verdict.
    pub action: Action,
    /// The title of its issue.
    pub issue_title: Option<String>,
    /// Its run, where there is one.
    pub run: Option<Run>,
    /// Earlier actions for the same finding, newest first: number, state and what was done.
    pub before: Vec<PastAction>,
    /// What a model concluded before it was proposed, in detail.
    #[serde(default)]
    pub diagnosis: Option<DiagnosisView>,
    /// Where it was talked about.
    #[serde(default)]
    pub conversations: Vec<TalkedAbout>,
}

/// An earlier action for the same finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastAction {
    /// Its number.
    pub number: ActionNumber,
    /// How it ended.
    pub state: String,
    /// What it did.
    pub what: String,
    /// When it was proposed.
    pub at: Timestamp,
}

/// What is done, in a few words: the first step, and how many follow.
#[must_use]
pub fn what_it_does(steps: &[PlannedStep]) -> String {
    match steps {
        [] => "nothing".to_owned(),
        [only] => only.step.summary(),
        [first, rest @ ..] => format!("{}, and {} more", first.step.summary(), rest.len()),
    }
}

/// What happens while an action runs, as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The action has another state.
    State {
        /// The action.
        number: ActionNumber,
        /// The state's word.
        state: String,
        /// One line about it.
        text: String,
        /// Whether nothing more will happen.
        last: bool,
    },
    /// A step was started on the host.
    StepStarted {
        /// The action.
        number: ActionNumber,
        /// Steps or undo.
        phase: Phase,
        /// Its place, from 0.
        index: u32,
        /// What it does.
        what: String,
    },
    /// A step printed something; redacted.
    Output {
        /// The action.
        number: ActionNumber,
        /// Steps or undo.
        phase: Phase,
        /// Its place, from 0.
        index: u32,
        /// Whether as errors.
        stderr: bool,
        /// What.
        text: String,
    },
    /// A step ended.
    StepEnded {
        /// The action.
        number: ActionNumber,
        /// Steps or undo.
        phase: Phase,
        /// Its place, from 0.
        index: u32,
        /// How.
        outcome: StepOutcome,
    },
}
