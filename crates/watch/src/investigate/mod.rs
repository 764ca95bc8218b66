//! Looking into what a model asks about: the driver of the agent's machine (`agent`), its tools against real hosts, and
//! what becomes of its conclusions.
//!
//! The machine is pure: it says what it wants (ask a model, use a tool, finish) and is told what came of it. Here these
//! wants are served, and nothing the machine or a model says is taken on trust: every command is judged by code for its
//! host, what changes something is refused with a reason and never run, what a host says is redacted before it is kept
//! or shown, and a host's text goes to no lane that its rules keep it from. What was looked at is kept whole under its
//! label (`looked_at`), and after every event the machine's state is kept with the job, so that a worker that takes the
//! job up again asks nothing twice.

mod command;
mod diagnosis;
mod drive;
mod figures;
mod known;
mod reach;
mod sight;
mod stored;
mod targets;
mod texts;

pub(crate) use command::ReadOnlyCommand;
pub(crate) use drive::Investigate;
pub(crate) use known::as_known;
pub(crate) use sight::tells_of_several;
