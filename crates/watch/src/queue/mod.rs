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

mod asking;
mod coalesce;
mod desk;
mod ears;
mod error;
mod estimate;
mod follow;
mod handlers;
mod lanes;
mod leaving;
mod output;
mod settle;
mod work;
mod worker;

pub(crate) use asking::FRESH;
pub use asking::QueueQuery;
pub(crate) use coalesce::coalescing_key;
pub(crate) use desk::{Desk, ModelRole};
pub(crate) use ears::Ears;
pub(crate) use error::JobError;
pub use follow::{Following, OnLeaving};
pub(crate) use lanes::LaneBook;
pub(crate) use leaving::MayHave;
pub(crate) use output::Output;
pub use work::work;
