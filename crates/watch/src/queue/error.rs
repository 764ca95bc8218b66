//! Why a try at a job did not succeed, and whether another may help.

use std::time::Duration;

use watchkeeper_agent::{PromptError, ReplyRefused};
use watchkeeper_llm::{EgressRefused, LlmError};
use watchkeeper_store::StoreError;

use crate::WatchError;

/// Why a try at a job did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// The question could not be put.
    #[error("the model was not asked")]
    Prompt(#[from] PromptError),
    /// There is no answer.
    #[error("the model did not answer")]
    Llm(#[from] LlmError),
    /// There is an answer that is of no use.
    #[error("the model's answer cannot be used")]
    Reply(#[from] ReplyRefused),
    /// What the job is about may not go to the lane that has it.
    #[error(transparent)]
    Egress(#[from] EgressRefused),
    /// What the job needs could not be read or written.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Nobody needs the answer any more: the job is cancelled.
    #[error("nobody needs the answer any more")]
    NotNeeded,
    /// The job is somebody else's by now, or over: nothing of this try counts.
    #[error("the job is not ours any more")]
    Lost,
    /// It cannot be done, and asking again changes nothing.
    #[error("{why}")]
    Impossible {
        /// Why, for a person.
        why: String,
    },
    /// What came is of no use; a model does not say the same thing twice.
    #[error("{why}")]
    Useless {
        /// Why, for a person.
        why: String,
    },
}

impl JobError {
    /// When another try may help, and how long to wait at least; none when none helps.
    pub(crate) fn retry(&self) -> Option<Duration> {
        match self {
            Self::Llm(error) if error.retryable() => Some(error.retry_after().unwrap_or_default()),
            Self::Reply(_) | Self::Useless { .. } => Some(Duration::ZERO),
            Self::Watch(WatchError::Store(error)) if error.retryable() || error.is_conflict() => {
                Some(Duration::ZERO)
            }
            Self::Watch(WatchError::Host { .. }) => Some(Duration::ZERO),
            Self::Prompt(_)
            | Self::Egress(_)
            | Self::Llm(_)
            | Self::Watch(_)
            | Self::NotNeeded
            | Self::Lost
            | Self::Impossible { .. } => None,
        }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Watch(WatchError::Store(error))
    }
}
