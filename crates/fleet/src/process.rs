//! Processes on this machine: the one place in the workspace that makes them.

use std::ffi::OsStr;

/// A process to be started; dropping it before its end does not end it unless the caller says so.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where processes are made"
)]
pub(crate) fn command(program: impl AsRef<OsStr>) -> tokio::process::Command {
    tokio::process::Command::new(program)
}

/// The same for where nothing can be awaited.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where processes are made"
)]
pub(crate) fn blocking_command(program: impl AsRef<OsStr>) -> std::process::Command {
    std::process::Command::new(program)
}
