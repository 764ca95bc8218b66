//! The queue of questions to models, as the use cases know it: who waits, who serves, what is said meanwhile.
//!
//! Every question is a stored job. A worker has one place of one lane; it claims the job that is to be served next,
//! sits down with it at a [`Desk`], and hands the desk to the handler of that kind of job (`handlers.rs`). While the
//! handler works, the worker keeps the lease, listens for a word about the job (somebody more urgent waits, it was
//! cancelled, its lease was lost), and writes down what the model says, so that whoever follows the job reads it
//! wherever the worker runs. The handler ends with one transaction of its own, in which [`Desk::complete`] is called;
//! or with a [`JobError`], which says whether another try may help.
//!
//! What the jobs are about is left to the handlers; which job is next, to the store; the wire, to `llm`.

mod desk;
mod diagnosis;
mod error;
mod handlers;
mod health;
mod output;
mod worker;

pub(crate) use desk::{Desk, ModelRole};
pub(crate) use error::JobError;
pub(crate) use health::LaneHealth;
pub(crate) use output::{Output, Piece};
