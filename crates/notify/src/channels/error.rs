//! Why a message did not go out, and what that means for the next try.

use std::path::PathBuf;
use std::time::Duration;

/// Why a message did not go out. What a server said is bounded, visible and without the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nobody is there.
    #[error("{endpoint} cannot be reached ({why})")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// Why not.
        why: String,
    },
    /// Somebody is there, and does not show that it is who it should be.
    #[error("{endpoint} is not trusted ({why})")]
    Untrusted {
        /// Where.
        endpoint: String,
        /// Why not.
        why: String,
    },
    /// It took too long; it may have arrived.
    #[error("{endpoint} did not answer within {limit_ms} ms")]
    TooSlow {
        /// Where.
        endpoint: String,
        /// The limit.
        limit_ms: u64,
    },
    /// It is asked to wait.
    #[error("{endpoint} asks for patience ({said})")]
    Busy {
        /// Where.
        endpoint: String,
        /// How long.
        retry_after: Option<Duration>,
        /// What it says.
        said: String,
    },
    /// The server is not well, or is another than it should be.
    #[error("{endpoint} answers {said}")]
    Failed {
        /// Where.
        endpoint: String,
        /// What it says.
        said: String,
    },
    /// The secret is refused.
    #[error("{endpoint} refuses the secret ({said})")]
    Refused {
        /// Where.
        endpoint: String,
        /// What it says.
        said: String,
    },
    /// This message is refused, and will be.
    #[error("{endpoint} refuses this message ({said})")]
    Rejected {
        /// Where.
        endpoint: String,
        /// What it says.
        said: String,
    },
    /// The secret cannot be read.
    #[error("the secret in {} cannot be used ({why})", file.display())]
    Secret {
        /// Where it should lie.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// What becomes of a message that did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is tried again after a pause that grows, or as long as the server asks for.
    Later(Option<Duration>),
    /// When the secret or the settings are others.
    WhenMended,
    /// Never: another message may go.
    Never,
}

impl SendError {
    /// Whether to try again.
    #[must_use]
    pub const fn again(&self) -> Again {
        match self {
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::TooSlow { .. }
            | Self::Failed { .. } => Again::Later(None),
            Self::Busy { retry_after, .. } => Again::Later(*retry_after),
            Self::Refused { .. } | Self::Secret { .. } => Again::WhenMended,
            Self::Rejected { .. } => Again::Never,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::TooSlow { .. } => {
                "see whether the server runs and can be reached from here; what waits is sent when it can"
            }
            Self::Untrusted { .. } => {
                "see whether url has the name that is in the server's certificate, and name its authority in ca_file where \
                 it is one of your own"
            }
            Self::Busy { .. } => "it is waited for",
            Self::Failed { .. } => {
                "see whether the address is right and what the server's own log says"
            }
            Self::Refused { .. } => {
                "put a valid secret into the channel's token_file; it is used as soon as the file changes"
            }
            Self::Rejected { .. } => "see what the server says about the message",
            Self::Secret { .. } => "let the daemon's account read the channel's token_file",
        }
    }
}
