//! The HTTP API: every way to read or change the store goes through this router, over a unix socket to the
//! daemon or in process where none runs.
//!
//! Who asks is told by the socket's peer credentials, never by what is sent. Handlers extract, call one use
//! case of `watch`, and convert; deciding is not done here. What goes wrong is a problem (RFC 9457), always.

mod caller;
mod extract;
mod follow;
mod own;
mod pages;
mod panics;
mod problem;
mod pulse;
mod reader;
mod routes;
mod serve;
mod socket;
mod stream;

pub use axum::Router;
pub use axum::body::Body;
pub use caller::{Accounts, Caller, Gate};
pub use pages::{PageServing, pages, serve_pages};
pub use problem::{Kind as ProblemKind, Problem};
pub use routes::{
    ApproveBody, CheckBody, ConfigsAnswer, ConfigsBody, DeviceBody, EditBody, EnrolBody, EntryBody,
    EntryEditBody, ImportBody, IssueBody, LaneBody, LogQuery, MoveBody, NoteBody, ROUTES,
    RejectBody, ReplayBody, RepositoryBody, Route, SayBody, SayWordsBody, SearchBody, SentAnswer,
    Serving, TalkBody, TestBody, router,
};
pub use serve::serve;
pub use socket::{ListenError, bind};
