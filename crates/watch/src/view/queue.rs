//! The queue to the models: what waits, who serves, and what one job says while it is served.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchkeeper_model::{Job, JobMember, JobNumber, Priority, Timestamp};

/// The answer to `queue list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueView {
    /// What waits, the most urgent first.
    pub waiting: Vec<Waiting>,
    /// Jobs that are being served.
    pub serving: i64,
    /// Jobs that were done in the last hour.
    pub done_last_hour: i64,
    /// Jobs that were given up in the last hour.
    pub failed_last_hour: i64,
    /// Tokens that all lanes together have written for each second of writing, over the last hour; none where nothing
    /// was written.
    pub tokens_per_second: Option<f64>,
    /// Who paused all lanes, and when.
    pub paused: Option<Paused>,
    /// The lanes that workers serve.
    pub lanes: Vec<LaneView>,
    /// Those that are being served or wait, in the order in which they are served; then those that are over, newest
    /// first, where they were asked for.
    pub jobs: Vec<JobLine>,
}

/// What waits with one priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which priority.
    pub priority: Priority,
    /// How many.
    pub count: i64,
    /// Since when the one waits that has waited longest.
    pub oldest: Option<Timestamp>,
}

/// Who paused a lane, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One lane of one worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneView {
    /// Its name.
    pub name: String,
    /// Which worker serves it.
    pub worker: String,
    /// Where its server is.
    pub endpoint: String,
    /// Its models.
    pub models: Vec<String>,
    /// `idle`, `serving`, `paused`, `broken`, `standby` or `gone`.
    pub state: LaneState,
    /// The job that it serves.
    pub job: Option<JobNumber>,
    /// The share of the time since it was first seen that it was busy, from 0 to 1.
    pub busy_share: f64,
    /// Jobs it has served.
    pub served: i64,
    /// Tries that failed on it.
    pub failed: i64,
    /// Tokens it writes in a second; none where it has written nothing.
    pub tokens_per_second: Option<f64>,
    /// The word of its breaker: `closed`, `open`, `half_open`.
    pub breaker: String,
    /// What is wrong with it.
    pub fault: Option<String>,
    /// Who paused it, and when.
    pub paused: Option<Paused>,
    /// When its worker was last heard of.
    pub heard_at: Timestamp,
}

/// What a lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneState {
    /// It waits for a job.
    Idle,
    /// It serves one.
    Serving,
    /// A person has paused it.
    Paused,
    /// Its server or its model fails, so that it takes nothing.
    Broken,
    /// It serves only while other lanes do not.
    Standby,
    /// Its worker was not heard of for a while.
    Gone,
}

impl LaneState {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Serving => "serving",
            Self::Paused => "paused",
            Self::Broken => "broken",
            Self::Standby => "standby",
            Self::Gone => "gone",
        }
    }
}

/// One job in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLine {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What it is about, in words.
    pub about: String,
}

/// One job, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    #[serde(flatten)]
    pub line: JobLine,
    /// Where it stands in the queue, while it waits.
    pub place: Option<Place>,
    /// The findings that it answers for.
    pub members: Vec<JobMember>,
    /// What it has said so far, without its thinking.
    pub said: String,
    /// What it returned.
    pub result: Option<Value>,
}

/// Where a job stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Jobs that are served before it.
    pub ahead: i64,
    /// How long it waits about, in milliseconds; none where nothing tells.
    pub about_ms: Option<u64>,
}

/// What happens to a job, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEvent {
    /// It waits.
    Waiting {
        /// Jobs that are served before it.
        ahead: i64,
        /// How long it waits about, in milliseconds; none where nothing tells.
        about_ms: Option<u64>,
    },
    /// A lane has it.
    Started {
        /// Which lane.
        lane: String,
        /// The lane's model.
        model: String,
    },
    /// Text of the answer.
    Token {
        /// The text.
        text: String,
    },
    /// Text of the model's thinking.
    Thinking {
        /// The text.
        text: String,
    },
    /// A remark of the watch: what is looked at, what was found.
    Note {
        /// Which kind of remark.
        kind: String,
        /// The text.
        text: String,
    },
    /// It waits again; what it has said so far does not count.
    PutBack {
        /// Why.
        why: String,
    },
    /// It is answered.
    Done {
        /// What it returned.
        result: Value,
    },
    /// It was given up.
    Failed {
        /// Why.
        why: String,
    },
    /// It is not wanted any more.
    Cancelled,
}

impl JobEvent {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Done { .. } | Self::Failed { .. } | Self::Cancelled
        )
    }
}

/// An event and its place: whoever was cut off goes on after the last place they have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The place of what the job has said; events in between have that of the one before.
    pub seq: i64,
    /// The event.
    #[serde(flatten)]
    pub event: JobEvent,
}

/// What a job is about, in words for a list.
#[must_use]
pub fn about_of(job: &Job) -> String {
    use watchkeeper_model::JobRequest;
    match &job.request {
        JobRequest::DiagnoseFinding { host, issue, .. } => {
            format!("why issue {issue} on {host}")
        }
        JobRequest::AnswerPerson { conversation, .. } => format!("conversation {conversation}"),
        JobRequest::LearnFromAction { action } => format!("what action {action} taught"),
        JobRequest::EmbedEntries { model } => format!("vectors by {model}"),
    }
}
