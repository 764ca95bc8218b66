//! A panic in a handler is a bug here, and an answer there: it is logged, and the client gets a problem.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;

use crate::problem::{Kind, Problem};

/// Answers in the place of a handler that panics.
pub(crate) async fn answer_for(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|panic| problem(&*panic).into_response())
}

/// Logs a panic and says no more than that there was one.
pub(crate) fn problem(panic: &(dyn Any + Send)) -> Problem {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    tracing::error!(panic = said, "a request broke down: this is a bug");
    Problem::new(Kind::Internal, "the request broke down: this is a bug")
        .advise("report it; the daemon's log says where")
}
