//! The HTTP API: every way to read or change the store goes through this router, over a unix socket to the
//! daemon or in process where none runs.
//!
//! Who asks is told by the socket's peer credentials, never by what is sent. Handlers extract, call one use
//! case of `watch`, and convert; deciding is not done here.

mod caller;
mod listen;
mod problem;
mod routes;
mod stream;

pub use axum::Router;
pub use axum::body::Body;
pub use caller::{Caller, Gate};
pub use listen::{ListenError, bind, serve};
pub use problem::Problem;
pub use routes::{
    ApproveBody, EditBody, EnrolBody, IssueBody, LogQuery, NoteBody, RejectBody, Serving, router,
};
