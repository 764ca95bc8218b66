//! What a request carries, read with limits: a body, a query, a piece of the path. What cannot be used is a problem.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::IntoResponse as _;
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{Kind, Problem};

/// Largest body of a request.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Longest part of the path that is repeated in a problem, in characters.
const REPEATED_CHARS: usize = 100;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let read = axum::Json::<T>::from_request(request, state);
        match in_time(BODY_WITHIN, read).await? {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(error) => Err(refused(error)),
        }
    }
}

async fn in_time<T>(limit: Duration, read: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, read).await.map_err(|_| {
        let title = format!("the body did not come within {} s", limit.as_secs());
        Problem::new(Kind::TooSlow, title)
    })
}

fn refused(error: JsonRejection) -> Problem {
    match error {
        JsonRejection::MissingJsonContentType(_) => Problem::new(
            Kind::UnsupportedMediaType,
            "the body is not said to be JSON",
        )
        .advise("send it with content-type: application/json"),
        JsonRejection::BytesRejection(error) => {
            let text = error.body_text();
            if error.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(
                    Kind::TooLarge,
                    format!("the body is larger than {MAX_BODY_BYTES} bytes"),
                )
            } else {
                Problem::new(Kind::Invalid, text)
            }
        }
        error => Problem::new(Kind::Invalid, error.body_text()),
    }
}

/// The query of the address.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| Problem::new(Kind::Invalid, error.body_text()))
    }
}

/// The one variable piece of the path.
#[derive(Debug)]
pub(crate) struct Piece<T>(pub(crate) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Piece<T>
where
    T::Err: std::fmt::Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(Kind::Invalid, error.body_text()))?;
        text.parse().map(Self).map_err(|error| {
            let shown = watchkeeper_model::bounded(&text, REPEATED_CHARS);
            Problem::new(Kind::Invalid, format!("{shown:?} in the path: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let begun = futures::stream::once(async { Ok::<_, std::io::Error>("{\"note\":") });
        let body = axum::body::Body::from_stream(begun.chain(futures::stream::pending()));
        let request = Request::builder().header("content-type", "application/json");
        let request = request.body(body).expect("a request");
        let read = axum::Json::<serde_json::Value>::from_request(request, &());
        let problem = in_time(Duration::from_millis(20), read).await;
        assert_eq!(problem.expect_err("it never comes").status, 408);
    }
}
