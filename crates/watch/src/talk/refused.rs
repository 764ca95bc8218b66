//! Why somebody may not say something now.

use watchkeeper_llm::EgressRefused;
use watchkeeper_model::{ActionNumber, ConversationNumber, HostName, JobNumber};

/// Why nothing was said. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TalkRefused {
    /// There is no such conversation.
    #[error("there is no conversation {number}")]
    NoSuchConversation {
        /// The number asked for.
        number: ConversationNumber,
    },
    /// Only the person of a conversation goes on with it.
    #[error("conversation {number} is {person}'s")]
    OfAnother {
        /// Which.
        number: ConversationNumber,
        /// Whose it is.
        person: String,
    },
    /// One question at a time.
    #[error("the question before this one is still being answered, by job {job}")]
    StillAnswering {
        /// Which job.
        job: JobNumber,
    },
    /// It has become too long.
    #[error("conversation {number} has become too long: begin another")]
    Full {
        /// Which.
        number: ConversationNumber,
    },
    /// Nothing was said.
    #[error("nothing was asked")]
    Empty,
    /// More than is read at once.
    #[error("a question of {bytes} bytes is too long: at most {limit} are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Nobody can answer.
    #[error("no model is configured, so nobody can answer")]
    NoModel,
    /// There is no such lane.
    #[error("there is no lane {lane}; there is {known}")]
    NoSuchLane {
        /// The name asked for.
        lane: String,
        /// Those there are.
        known: String,
    },
    /// What a host says may go to no lane.
    #[error("nobody may answer")]
    MayNotLeave(#[source] EgressRefused),
    /// Of the lanes that may have what one host says, none may answer for all.
    #[error("what {host} says may not go to a lane that could answer this")]
    NoLaneForAll {
        /// Which host.
        host: HostName,
    },
    /// A discussion is about an action, and nothing else is.
    #[error("a discussion is about an action, and this names none")]
    NoAction,
    /// What is over is not discussed.
    #[error("action {number} is {state}: there is nothing to decide any more")]
    Decided {
        /// Which.
        number: ActionNumber,
        /// Where it stands.
        state: &'static str,
    },
}

impl TalkRefused {
    /// What a person can do about it; empty where looking again says more.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::NoModel => {
                "add [[lanes]] with a model to the configuration, then watchkeeper doctor"
                    .to_owned()
            }
            Self::NoSuchConversation { .. } => "watchkeeper chat --list".to_owned(),
            Self::OfAnother { .. } => "begin one of your own".to_owned(),
            Self::StillAnswering { job } => {
                format!("wait for it, or watchkeeper queue cancel {job}")
            }
            Self::Decided { number, .. } => format!("watchkeeper approve show {number}"),
            _ => String::new(),
        }
    }
}
