//! Errors on the wire: RFC 9457 problem details, which say what happened and what to do. What is broken on this side
//! also goes to the log.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use watchkeeper_model::{bounded, visible};
use watchkeeper_watch::{Fault, WatchError};

/// Longest title and detail, in characters: they may repeat what was sent.
const MAX_TEXT_CHARS: usize = 1_000;

/// The kinds of problem. Their words are a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was sent cannot be used.
    Invalid,
    /// The caller may not do this.
    Forbidden,
    /// There is no such thing, or no such path.
    NotFound,
    /// The path is right and the method is not.
    MethodNotAllowed,
    /// The body did not come in time.
    TooSlow,
    /// What stands is not what was decided about.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON, or does not say so.
    UnsupportedMediaType,
    /// A host did not answer as it should.
    Host,
    /// So much waits already that nothing is added.
    Full,
    /// It cannot be done now; nothing was changed.
    Unavailable,
    /// Something is broken on this side.
    Internal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Invalid,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Host,
        Self::Full,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Its word, the `type` of a problem.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooSlow => "too_slow",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Host => "host",
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Its HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Host => StatusCode::BAD_GATEWAY,
            Self::Full => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A refusal or a failure, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The word of its [`Kind`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to what.
    pub title: String,
    /// What to do about it, said to whoever asked; may be empty.
    #[serde(default)]
    pub detail: String,
}

impl Problem {
    /// A problem of this kind; what of `title` acts on a terminal is made visible, and what is too long is cut.
    #[must_use]
    pub fn new(kind: Kind, title: impl AsRef<str>) -> Self {
        Self {
            kind: kind.as_str().to_owned(),
            status: kind.status().as_u16(),
            title: shown(title.as_ref()),
            detail: String::new(),
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advise(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = shown(detail.as_ref());
        self
    }
}

fn shown(text: &str) -> String {
    bounded(&visible(text), MAX_TEXT_CHARS).into_owned()
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
        let body = serde_json::to_string(&self).expect("a problem is texts and a number");
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
    /// Causes are told, too: who asks sits at this machine, and a command without a daemon has no log to look into.
    fn from(error: WatchError) -> Self {
        let whole = chain(&error);
        let (kind, usual) = match error.fault() {
            Fault::NoSuchThing => (Kind::NotFound, ""),
            Fault::NotTheirs => (Kind::Forbidden, ""),
            Fault::Conflict => (Kind::Conflict, "look again, then decide again"),
            Fault::Invalid => (Kind::Invalid, ""),
            Fault::Host => (Kind::Host, "watchkeeper doctor"),
            Fault::Full => (Kind::Full, "ask again when less waits"),
            Fault::Unavailable => (
                Kind::Unavailable,
                "check the store, then try again; nothing was changed",
            ),
            Fault::Uncertain => (
                Kind::Internal,
                "look again before trying again: it may have taken effect",
            ),
            Fault::Broken => (Kind::Internal, "watchkeeper doctor"),
        };
        if matches!(kind, Kind::Unavailable | Kind::Internal) {
            tracing::error!(error = whole, kind = kind.as_str(), "a request failed");
        }
        let advice = error.advice();
        let advice = if advice.is_empty() { usual } else { &advice };
        Self::new(kind, whole).advise(advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_an_error_status() {
        let words: std::collections::BTreeSet<_> =
            Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(
                kind.status().is_client_error() || kind.status().is_server_error(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn what_was_sent_is_repeated_bounded_and_harmless() {
        let sent = format!("\u{1b}[2J\n{}", "x".repeat(10_000));
        let problem = Problem::new(Kind::Invalid, sent);
        assert!(problem.title.starts_with("\\u{1b}[2J\\n"));
        assert_eq!(problem.title.chars().count(), MAX_TEXT_CHARS);
    }
}
