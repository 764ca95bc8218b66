//! Errors on the wire: RFC 9457 problem details. The client gets what happened and what to do; causes that
//! only an operator of the daemon should see go to its log.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use watchkeeper_watch::WatchError;

/// A refusal or a failure, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable word for the kind: `not_found`, `conflict`, `forbidden`, `invalid`, `unavailable`, `internal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to what.
    pub title: String,
    /// What to do about it; may be empty.
    #[serde(default)]
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            status: status.as_u16(),
            title: title.into(),
            detail: String::new(),
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    /// The caller may not do this.
    #[must_use]
    pub fn forbidden(why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", why)
    }

    /// What was sent cannot be used.
    #[must_use]
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", why)
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advise(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response()
    }
}

/// The whole chain of an error in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<WatchError> for Problem {
    fn from(error: WatchError) -> Self {
        let title = chain(&error);
        match &error {
            WatchError::NoSuchAction { .. }
            | WatchError::NoSuchIssue { .. }
            | WatchError::NoSuchHost { .. } => Self::not_found(title),
            WatchError::Approval(_) | WatchError::Transition(_) | WatchError::LostRace { .. } => {
                Self::new(StatusCode::CONFLICT, "conflict", title)
                    .advise("look again, then decide again")
            }
            WatchError::Invalid { .. } | WatchError::Plan(_) => Self::invalid(title),
            WatchError::Enrol(_) | WatchError::Host { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "host", title)
            }
            WatchError::Store(store) if store.is_conflict() => {
                Self::new(StatusCode::CONFLICT, "conflict", title)
                    .advise("somebody else changed it; look again")
            }
            WatchError::Store(store) if store.retryable() => {
                tracing::error!(error = title, "the store did not answer");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title)
                    .advise("nothing was changed; check the store, then try again")
            }
            WatchError::Store(_) => {
                tracing::error!(error = title, "the store failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title)
                    .advise("watchkeeper doctor")
            }
        }
    }
}
