//! Jobs: requests in the LLM queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ActionNumber, ControllerId, ConversationNumber, Fingerprint, HostName, IssueNumber, JobNumber,
    Timestamp, UnknownWord,
};

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

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Finding => "finding",
            Self::CriticalFinding => "critical_finding",
            Self::Interactive => "interactive",
        }
    }

    /// How much sooner it is served than a background job that was asked for at the same moment, where age counts: a
    /// lane serves by priority, and now and then by age, so that nothing starves.
    #[must_use]
    pub const fn head_start(self) -> Duration {
        match self {
            Self::Background => Duration::ZERO,
            Self::Finding => Duration::from_secs(15 * 60),
            Self::CriticalFinding => Duration::from_secs(45 * 60),
            Self::Interactive => Duration::from_secs(2 * 3_600),
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
    /// Answer what a person said last in a conversation.
    AnswerPerson {
        /// Which conversation.
        conversation: ConversationNumber,
        /// The place of what the person said.
        seq: i64,
    },
    /// Write down what an action that is over has taught, in words.
    LearnFromAction {
        /// The action.
        action: ActionNumber,
    },
    /// Give the entries of what is known that have none a vector of this model.
    EmbedEntries {
        /// The embedding model.
        model: String,
    },
}

/// What a lane must offer to serve a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A model that answers.
    Answer,
    /// A model that embeds.
    Embed,
}

impl Need {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Embed => "embed",
        }
    }
}

impl JobRequest {
    /// The stable word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DiagnoseFinding { .. } => "diagnose_finding",
            Self::AnswerPerson { .. } => "answer_person",
            Self::LearnFromAction { .. } => "learn_from_action",
            Self::EmbedEntries { .. } => "embed_entries",
        }
    }

    /// What a lane must offer to serve it.
    #[must_use]
    pub const fn needs(&self) -> Need {
        match self {
            Self::DiagnoseFinding { .. }
            | Self::AnswerPerson { .. }
            | Self::LearnFromAction { .. } => Need::Answer,
            Self::EmbedEntries { .. } => Need::Embed,
        }
    }

    /// Two jobs with the same key at the same time are one. Findings that are alike on several hosts are given one key
    /// by who queues them.
    #[must_use]
    pub fn coalescing_key(&self) -> String {
        match self {
            Self::DiagnoseFinding { fingerprint, .. } => format!("diagnose_finding {fingerprint}"),
            Self::AnswerPerson { conversation, seq } => {
                format!("answer_person {conversation} {seq}")
            }
            Self::LearnFromAction { action } => format!("learn_from_action {action}"),
            Self::EmbedEntries { model } => format!("embed_entries {model}"),
        }
    }

    /// The host it is about, where it is about one.
    #[must_use]
    pub const fn host(&self) -> Option<&HostName> {
        match self {
            Self::DiagnoseFinding { host, .. } => Some(host),
            _ => None,
        }
    }

    /// The issue it is about, where it is about one.
    #[must_use]
    pub const fn issue(&self) -> Option<IssueNumber> {
        match self {
            Self::DiagnoseFinding { issue, .. } => Some(*issue),
            _ => None,
        }
    }
}

/// A finding that a job answers for. The first is the one that is looked into; the others are alike on other hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMember {
    /// Where.
    pub host: HostName,
    /// The trouble.
    pub issue: IssueNumber,
    /// The finding.
    pub fingerprint: Fingerprint,
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
        /// On which lane; none where many jobs are leased at once.
        #[serde(default)]
        lane: Option<String>,
        /// Since when.
        #[serde(default)]
        since: Option<Timestamp>,
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
    /// How often it was put back for a person who was waiting; that is no failure.
    #[serde(default)]
    pub preempted: i64,
    /// Who waits for it, where a person does.
    #[serde(default)]
    pub asked_by: Option<String>,
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
