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
        .advise("the daemon's log says where; please report it")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        async fn breaks() -> &'static str {
            panic!("the invariant did not hold")
        }
        let router = Router::new()
            .route("/", get(breaks))
            .layer(axum::middleware::from_fn(answer_for));
        let request = Request::builder().uri("/").body(Body::empty());
        let answered = router.oneshot(request.expect("a request")).await;
        let response = answered.expect("an answer");
        assert_eq!(response.status(), 500);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        let body = response.into_body().collect().await.expect("a body");
        let problem: Problem = serde_json::from_slice(&body.to_bytes()).expect("a problem");
        assert_eq!(problem.kind, "internal");
        assert!(
            !problem.title.contains("invariant"),
            "causes are for the log"
        );
    }
}
