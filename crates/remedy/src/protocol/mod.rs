//! One step on one host: at most once, its outcome never lost, over connections that break at any moment.
//!
//! Two kinds of shell text do the work on the host, and both are constant. The *starter* is sent as a command; it
//! takes the step on its standard input, stores it in a stage, checks it against its digest, and launches the *runner*
//! detached. The runner makes the *gate*, a directory named by run and step: `mkdir` succeeds once, so that is the
//! start, whoever asked for it and how often. Everything the run leaves lies in the gate, which is the truth of
//! this boot, and in the *keep*, which survives it. *Attach* says how the step stands and gives what it printed.
//! *Cancel* makes the gate first, so that nothing can start there. *Wipe* removes what is left, by order only.
//!
//! A reply is one line that begins with the nonce of its request. No reply, or a broken one, means that nothing
//! is known; starting again and attaching are both always safe. A start is good for one boot of the host. No wall
//! clock of the host is read.
//!
//! Traps that shaped the texts, each met on a real host:
//! - A gate made by the starter would, were the starter killed, be a run that never runs. So the runner makes it.
//! - A disk may be full, or fill up: the gate is always in `/run`, and what is written late is made early and
//!   written in place.
//! - `kill -TERM -PGID` is the builtin's; one program of that name takes it for every process of the host.
//! - Process numbers are given out again: they count only with their start time. A zombie is dead.
//! - Between "it does not live" and "it left no status" it may have ended: the status is looked for once more.
//! - systemd may say no to a unit and start it all the same: a stage is used by one runner only.
//! - The directories are neither the daemon's `RuntimeDirectory` nor its `StateDirectory`: systemd removes the one
//!   at each stop, and gives the other to the daemon's account.

mod decide;
mod drive;
mod host;
mod output;
mod reply;
mod request;
pub mod texts;

pub use decide::*;
pub use drive::*;
pub use host::*;
pub use output::*;
pub use reply::*;
pub use request::*;
