//! One way to reach one host. Four engines stand behind it, and one conformance suite holds them to the same.

use async_trait::async_trait;
use watchkeeper_model::LookFailure;

use crate::RemoteCommand;

/// How a command ended on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// By this signal, named as SSH does: `KILL`, `TERM`.
    Signal(String),
}

impl Exit {
    /// Whether it ended with status 0.
    #[must_use]
    pub fn success(&self) -> bool {
        *self == Self::Code(0)
    }
}

/// What a command printed and how it ended. The bytes are the host's: anything may stand in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub exit: Exit,
}

/// A way to run commands on one host. It may be used by many at once; it connects when it must and connects anew
/// after a loss, but never runs a command a second time by itself.
#[async_trait]
pub trait Connection: Send + Sync + std::fmt::Debug {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// Says why there is no result. A command that ended, however badly, is a result. After `TimedOut`, `TooLarge`
    /// and `ConnectionLost` the command may have run, wholly or in part.
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure>;

    /// Closes what is open. The next command connects anew.
    async fn close(&self);
}
