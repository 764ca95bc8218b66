//! What is to be found out, and how much may be spent on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    ActionNumber, ConversationKind, Finding, HostName, IssueNumber, Plan, Said,
};

use super::Summarised;
use crate::HostTraits;
use crate::prompt::Attempt;

/// What is to be found out.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Find the cause of a finding, and a repair.
    Diagnose(DiagnoseTask),
    /// Answer what a person said.
    Converse(ConverseTask),
}

/// A finding whose cause is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagnoseTask {
    /// The finding, redacted.
    pub finding: Finding,
    /// The trouble it belongs to.
    pub issue: IssueNumber,
    /// What is known of the host.
    pub traits: HostTraits,
    /// What was tried before, the latest last.
    pub attempts: Vec<Attempt>,
    /// What is known of like findings, the best first.
    pub similar: Vec<Known>,
    /// Other hosts that may be looked at for comparison.
    pub peers: Vec<HostName>,
}

/// A person's question or wish.
#[derive(Clone, Debug, PartialEq)]
pub struct ConverseTask {
    /// What the conversation is for.
    pub kind: ConversationKind,
    /// The hosts that may be looked at, and for which something may be proposed in `do`.
    pub hosts: Vec<HostName>,
    /// The host it is about, where it is about one. It may be looked at even where `hosts` leaves it out.
    pub host: Option<HostName>,
    /// The action it is about; without one `discuss` can only answer.
    pub action: Option<ActionBrief>,
    /// The part before the history, in short, where it was summed up for an earlier question.
    pub summarised: Option<Summarised>,
    /// What was said before, without the question.
    pub history: Vec<Said>,
    /// What the person says now.
    pub question: String,
    /// What was looked at earlier in the conversation, by its labels, so that it can be cited again. New labels go on
    /// from the greatest of these.
    pub earlier: Vec<EarlierLook>,
    /// What is known of the matter.
    pub known: Vec<Known>,
}

/// Something that was looked at for an earlier question of the same conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierLook {
    /// Its label.
    pub label: String,
    /// What was looked at, in words.
    pub title: String,
    /// What was shown of it.
    pub shown: String,
}

/// The action a talk is about, exactly as it would run.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionBrief {
    /// Which.
    pub number: ActionNumber,
    /// Its plan: what would run, byte for byte.
    pub plan: Plan,
    /// Why it was proposed.
    pub reason: String,
    /// How dangerous it is and why, as the watch tells people.
    pub risk: String,
    /// Where it stands, e.g. `held`, and what it waits for.
    pub state: String,
    /// The finding it is for, in a line; empty: none.
    pub finding: String,
}

/// Something that is known, fit to be told to a model with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What it is called in the prompt and cited by: `K1`.
    pub label: String,
    /// Its topic, in a line.
    pub title: String,
    /// What it says.
    pub text: String,
    /// Where it comes from, in words: `issue 12, fixed by action 3`, `a person: anna`, `text of host web2`.
    pub from_where: String,
    /// The host it is about.
    pub host: Option<HostName>,
    /// Whether a person found it to be right.
    pub confirmed: bool,
}

/// How much may be spent. Each of these ends the looking; then one last question asks for a conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Questions to the main model while it looks.
    pub steps: u32,
    /// Tokens of all prompts and answers together.
    pub tokens: u64,
    /// Time; a quarter more is left for the last question.
    pub time: Duration,
    /// Uses of tools in all.
    pub calls: u32,
    /// Uses of tools on one host.
    pub calls_per_host: u32,
    /// Calls that are heeded in one answer.
    pub calls_per_answer: u32,
    /// Calls and answers that can be refused with a line to the model before the looking ends.
    pub refusals: u32,
    /// Bytes shown of what one tool returned; the rest is kept under its label.
    pub shown_bytes: usize,
    /// Whether the model can call tools. Without, it is asked once, by a schema.
    pub tools: bool,
    /// Whether a small model sorts first.
    pub triage: bool,
    /// Whether a second opinion is asked for.
    pub critic: bool,
    /// Tokens a prompt may have, where it is known beforehand; [`super::NoAnswer::TooLong`] tells it otherwise.
    pub room: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 12,
            tokens: 120_000,
            time: Duration::from_secs(600),
            calls: 20,
            calls_per_host: 15,
            calls_per_answer: 5,
            refusals: 6,
            shown_bytes: 4_000,
            tools: true,
            triage: false,
            critic: false,
            room: None,
        }
    }
}

impl ConverseTask {
    /// A sample, with which templates are tried.
    ///
    /// # Panics
    /// Never: the names in it are valid.
    #[must_use]
    pub fn sample() -> Self {
        use watchkeeper_model::{PlannedStep, Privilege, Step, UnitName, Verification};
        let host = HostName::new("web1").expect("a host's name");
        let unit = UnitName::new("nginx.service").expect("a unit's name");
        let plan = Plan {
            host: host.clone(),
            login: "root".to_owned(),
            privilege: Privilege::Root,
            steps: vec![PlannedStep {
                step: Step::UnitRestart { unit: unit.clone() },
                script: "systemctl restart nginx.service".to_owned(),
                limit_s: 60,
                max_output_bytes: 65_536,
            }],
            verify: Verification::UnitActive { unit, settle_s: 15 },
            undo: Vec::new(),
        };
        Self {
            kind: ConversationKind::Discuss,
            hosts: vec![host.clone()],
            host: Some(host),
            action: Some(ActionBrief {
                number: ActionNumber(0),
                plan,
                reason: "the port is free now".to_owned(),
                risk: "low: it restarts a unit".to_owned(),
                state: "held".to_owned(),
                finding: "nginx.service failed 3 min ago: exit code 1".to_owned(),
            }),
            summarised: None,
            history: Vec::new(),
            question: "What does it do?".to_owned(),
            earlier: Vec::new(),
            known: Vec::new(),
        }
    }
}
