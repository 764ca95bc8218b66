//! The routes, one file per noun. `/v1` is a promise: fields are added, never renamed or removed.

mod actions;
mod checks;
mod hosts;
mod issues;
mod log;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::{
    DefaultBodyLimit, FromRequest, FromRequestParts, Request, rejection::JsonRejection,
};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use tokio_util::task::TaskTracker;
use watchkeeper_watch::Watch;
use watchkeeper_watch::{Operation, may};

use crate::caller::Caller;
use crate::problem::Problem;

pub use actions::{ApproveBody, EditBody, RejectBody};
pub use hosts::EnrolBody;
pub use issues::{IssueBody, NoteBody};
pub use log::LogQuery;

/// Largest body of a request.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The use cases.
    pub watch: Watch,
    /// Owns what goes on after a response has begun.
    pub tasks: TaskTracker,
    /// Whether a daemon serves this, or a command for itself.
    pub daemon: bool,
}

/// The router over the use cases.
#[must_use]
pub fn router(serving: Serving) -> Router {
    Router::new()
        .route("/v1/status", get(status::status))
        .route("/v1/doctor", get(status::doctor))
        .route("/v1/systems", get(hosts::list))
        .route("/v1/hosts/{host}/key", get(hosts::offered_key))
        .route("/v1/hosts/{host}/enrol", post(hosts::enrol))
        .route("/v1/checks", post(checks::check))
        .route("/v1/issues", get(issues::list).post(issues::create))
        .route("/v1/issues/{number}", get(issues::show))
        .route("/v1/issues/{number}/ack", post(issues::acknowledge))
        .route("/v1/issues/{number}/notes", post(issues::note))
        .route("/v1/issues/{number}/resolve", post(issues::resolve))
        .route("/v1/issues/{number}/close", post(issues::close))
        .route("/v1/actions", get(actions::list))
        .route(
            "/v1/actions/{number}",
            get(actions::show).put(actions::edit),
        )
        .route("/v1/actions/{number}/approve", post(actions::approve))
        .route("/v1/actions/{number}/reject", post(actions::reject))
        .route("/v1/actions/{number}/events", get(actions::events))
        .route("/v1/log", get(log::list))
        .route("/v1/log/follow", get(log::follow))
        .route("/v1/log/verify", post(log::verify))
        .route("/v1/log/export", get(log::export))
        .fallback(|| async { Problem::not_found("there is no such path") })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(serving))
}

/// Refuses what the caller's role does not allow.
pub(crate) fn require(caller: &Caller, operation: Operation) -> Result<(), Problem> {
    may(caller.role, operation).map_err(|why| {
        Problem::forbidden(format!("{} may not do this: {why}", caller.person.name))
            .advise("root and members of the operators' group may")
    })
}

/// A JSON body whose errors are problems, too.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(error)) => Err(Problem::invalid(error.body_text())),
            Err(error) => Err(Problem::invalid(error.body_text())),
        }
    }
}

/// A query whose errors are problems, too.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| Problem::invalid(error.body_text()))
    }
}

/// A piece of the path whose errors are problems, too.
#[derive(Debug)]
pub(crate) struct Piece<T>(pub(crate) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Piece<T>
where
    T::Err: std::fmt::Display,
{
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let axum::extract::Path(text) =
            axum::extract::Path::<String>::from_request_parts(parts, state)
                .await
                .map_err(|error| Problem::invalid(error.body_text()))?;
        text.parse()
            .map(Self)
            .map_err(|error| Problem::invalid(format!("{text:?}: {error}")))
    }
}
