//! What can go wrong on the way to a model and back, and whether trying again can help.

use std::fmt;
use std::time::Duration;

use crate::{ProviderKind, Span};

/// Why a request to a model has no answer that may be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// There is no connection.
    #[error("no connection to {endpoint}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What the system says.
        #[source]
        cause: Cause,
    },
    /// The server does not have the model.
    #[error("{endpoint} has no model `{model}`")]
    NoSuchModel {
        /// Where.
        endpoint: String,
        /// Which model.
        model: String,
    },
    /// The server has too much to do.
    #[error("{endpoint} is busy")]
    Busy {
        /// Where.
        endpoint: String,
        /// When it asks to be tried again.
        retry_after: Option<Duration>,
    },
    /// The server refused, or failed before it began to answer.
    #[error("{endpoint} answered {code}: {body}")]
    Status {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        code: u16,
        /// What it said, one bounded line.
        body: String,
    },
    /// The server sent us elsewhere. Prompts go nowhere but to the configured address.
    #[error("{endpoint} answered {code} and points to {to}; redirects are not followed")]
    Redirected {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        code: u16,
        /// To which address.
        to: String,
    },
    /// The server reported an error in the middle of its answer.
    #[error("{endpoint} broke off its answer: {message}")]
    ErrorInStream {
        /// Where.
        endpoint: String,
        /// What it said, one bounded line.
        message: String,
    },
    /// The connection ended before the answer did.
    #[error("the answer of {endpoint} ended before it was complete")]
    CutShort {
        /// Where.
        endpoint: String,
        /// What the system says; none when the end was orderly.
        #[source]
        cause: Option<Cause>,
    },
    /// A time limit passed.
    #[error("{endpoint} was too slow: {limit} within {}", Span(*after))]
    TooSlow {
        /// Where.
        endpoint: String,
        /// Which limit.
        limit: TimeLimit,
        /// How long it is.
        after: Duration,
    },
    /// The prompt does not fit the context, with the room the answer needs. Nothing was answered.
    #[error(
        "the prompt of about {estimated} tokens and the {reserved} kept for the answer do not fit the context of \
         {context} tokens of model `{model}`"
    )]
    PromptTooLong {
        /// Which model.
        model: String,
        /// How long the prompt is: the server's own count where it gave one.
        estimated: u64,
        /// What is kept for the answer.
        reserved: u64,
        /// What fits in all.
        context: u64,
    },
    /// The server answered, but from a prompt of which it had dropped a part.
    #[error(
        "model `{model}` read {read} tokens with a context of {context}: it has answered from a prompt that was cut"
    )]
    PromptCut {
        /// Which model.
        model: String,
        /// What was read and written in all.
        read: u64,
        /// What fits.
        context: u64,
    },
    /// The answer reached a limit before it was complete.
    #[error("the answer of model `{model}` is longer than {limit}")]
    OutputTooLong {
        /// Which model.
        model: String,
        /// Which limit.
        limit: OutputLimit,
    },
    /// What came is not what this protocol says.
    #[error(
        "{endpoint} does not speak as expected: {expected} was to come, and this came: {found}"
    )]
    Protocol {
        /// Where.
        endpoint: String,
        /// What was to come.
        expected: &'static str,
        /// What came, one bounded line.
        found: String,
    },
    /// The protocol has no word for what was asked of the server.
    #[error("{provider} offers no way to {what}")]
    NotOffered {
        /// What is spoken there.
        provider: ProviderKind,
        /// What was wanted, as a verb phrase.
        what: &'static str,
    },
    /// The provider does not want to answer this.
    #[error("the provider of model `{model}` declined to answer: {why}")]
    Declined {
        /// Which model.
        model: String,
        /// What it says, one bounded line.
        why: String,
    },
    /// Nobody wants the answer any more.
    #[error("the request was cancelled")]
    Cancelled,
}

impl LlmError {
    /// Whether the same request may succeed later, with nothing changed here.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::ErrorInStream { .. }
            | Self::CutShort { .. }
            | Self::TooSlow { .. } => true,
            Self::Status { code, .. } => *code >= 500 || *code == 408,
            Self::NoSuchModel { .. }
            | Self::Redirected { .. }
            | Self::PromptTooLong { .. }
            | Self::PromptCut { .. }
            | Self::OutputTooLong { .. }
            | Self::Protocol { .. }
            | Self::NotOffered { .. }
            | Self::Declined { .. }
            | Self::Cancelled => false,
        }
    }

    /// Whether the endpoint is to blame, so that others should not ask it for a while. What is wrong with the question
    /// or with the answer of a model that did answer, is not its fault.
    #[must_use]
    pub const fn blames_the_lane(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoSuchModel { .. }
            | Self::Busy { .. }
            | Self::Redirected { .. }
            | Self::ErrorInStream { .. }
            | Self::CutShort { .. }
            | Self::TooSlow { .. }
            | Self::Protocol { .. } => true,
            Self::Status { code, .. } => *code >= 500 || matches!(*code, 401..=404 | 408 | 429),
            Self::PromptTooLong { .. }
            | Self::PromptCut { .. }
            | Self::OutputTooLong { .. }
            | Self::NotOffered { .. }
            | Self::Declined { .. }
            | Self::Cancelled => false,
        }
    }

    /// When the server asks to be tried again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Which time limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeLimit {
    /// For the first byte of the answer. It allows for waiting behind others, loading the model, reading the prompt.
    FirstByte,
    /// Between two pieces of an answer.
    Idle,
    /// For the whole answer.
    Total,
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstByte => "no first byte of an answer",
            Self::Idle => "no further byte of the answer",
            Self::Total => "no complete answer",
        })
    }
}

/// Which limit of an answer was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputLimit {
    /// So many tokens were allowed.
    Tokens(u64),
    /// So many tokens fit the context, the prompt included.
    Context(u64),
    /// So many bytes are kept of any answer.
    Bytes(usize),
    /// So many tool calls are kept of any answer.
    ToolCalls(usize),
}

impl fmt::Display for OutputLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(count) => write!(f, "the {count} tokens it was allowed"),
            Self::Context(count) => {
                write!(f, "what the prompt leaves of the context of {count} tokens")
            }
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::ToolCalls(count) => write!(f, "{count} tool calls"),
        }
    }
}

/// What lies at the bottom of a failure, in the words of the system or of a parser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

/// Longest text of a cause, in characters.
const MAX_CAUSE_CHARS: usize = 200;

impl Cause {
    /// The innermost of a chain of errors; what lies around it are the layers it passed through.
    pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self(one_line(&innermost.to_string(), MAX_CAUSE_CHARS))
    }
}

/// One bounded line in which nothing acts on a terminal.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let head = watchkeeper_model::bounded(text.trim(), max_chars);
    watchkeeper_model::bounded(&watchkeeper_model::visible(&head), max_chars).into_owned()
}
