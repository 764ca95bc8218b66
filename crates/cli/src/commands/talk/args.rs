//! What can be typed to talk with the watch. These texts are the help.

use std::path::PathBuf;

use clap::Args;
use watchkeeper_model::{ActionNumber, ConversationNumber, HostName};

/// Whom it is about, and who answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct AboutArgs {
    /// Only about this host; may be said several times
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<HostName>,
    /// Only this lane answers
    #[arg(long, value_name = "LANE")]
    pub(crate) lane: Option<String>,
}

/// One question.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) about: AboutArgs,
    /// The question; `-` or nothing reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub(crate) words: Vec<String>,
}

/// A wish.
#[derive(Debug, Args)]
pub(crate) struct DoArgs {
    #[command(flatten)]
    pub(crate) about: AboutArgs,
    /// The wish; `-` or nothing reads it from standard input
    #[arg(value_name = "WISH")]
    pub(crate) words: Vec<String>,
}

/// A talk that goes on.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    #[command(flatten)]
    pub(crate) about: AboutArgs,
    /// Go on with an earlier talk: this one, or your last
    #[arg(long, value_name = "N", num_args = 0..=1)]
    pub(crate) resume: Option<Option<ConversationNumber>>,
    /// List your talks
    #[arg(long, conflicts_with = "resume")]
    pub(crate) list: bool,
    /// Keep what you type here; without it, in a file of your own
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) history: Option<PathBuf>,
}

/// Which action is discussed.
#[derive(Debug, Args)]
pub(crate) struct DiscussArgs {
    /// The action
    #[arg(value_name = "N")]
    pub(crate) number: ActionNumber,
    /// Only this lane answers
    #[arg(long, value_name = "LANE")]
    pub(crate) lane: Option<String>,
}
