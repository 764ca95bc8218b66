//! Server-sent events: progress, runs and the log as they happen. Each event's data is one JSON text.
//!
//! A task puts events into an [`Outlet`], and the response takes them out. The response ends with the task, or when
//! the server stops, and then says so. A task that panics ends its stream with a problem.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use http::request::Parts;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::panics;
use crate::problem::{Kind, Problem};

/// Events that may wait for a slow reader; the sender waits when there are more.
const WAITING_EVENTS: usize = 64;
/// How often an idle stream shows that it lives, so that a reader that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// When streams must end: when the server stops. In process there is no such time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(pub(crate) CancellationToken);

impl<S: Send + Sync> FromRequestParts<S> for Stop {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// One event of a stream.
#[derive(Debug)]
struct Sent {
    name: &'static str,
    json: String,
}

impl Sent {
    fn new(name: &'static str, value: &impl Serialize) -> Self {
        let json = serde_json::to_string(value).expect("our own values are data");
        Self { name, json }
    }
}

/// Where a use case puts its events.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(mpsc::Sender<Sent>);

/// Nobody reads any more.
#[derive(Debug)]
pub(crate) struct NobodyReads;

impl Outlet {
    /// Sends one event, once there is room for it.
    pub(crate) async fn send(
        &self,
        name: &'static str,
        value: &impl Serialize,
    ) -> Result<(), NobodyReads> {
        let sent = self.0.send(Sent::new(name, value)).await;
        sent.map_err(|_| NobodyReads)
    }

    /// Sends one event if there is room; what a reader is too slow for is left out.
    pub(crate) fn offer(&self, name: &'static str, value: &impl Serialize) {
        let _ = self.0.try_send(Sent::new(name, value));
    }

    /// The last event of a stream that could not go on.
    pub(crate) async fn fail(&self, problem: &Problem) {
        let _ = self.send("problem", problem).await;
    }

    /// Resolves when nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    /// Does the work of a stream, to its end whatever becomes of the reader. A panic becomes a problem.
    pub(crate) async fn guard(&self, work: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
            self.fail(&panics::problem(&*panic)).await;
        }
    }

    /// The same, but no longer than somebody reads.
    pub(crate) async fn guard_while_read(&self, work: impl Future<Output = ()>) {
        tokio::select! {
            () = self.guard(work) => {}
            () = self.closed() => {}
        }
    }
}

/// A channel whose end is a response.
pub(crate) fn outlet(stop: Stop) -> (Outlet, Response) {
    let (sender, receiver) = mpsc::channel(WAITING_EVENTS);
    (Outlet(sender), respond(ReceiverStream::new(receiver), stop))
}

fn respond(events: impl Stream<Item = Sent> + Send + 'static, stop: Stop) -> Response {
    let stopping = stop.0.clone();
    let farewell = stream::once(async move {
        stopping
            .is_cancelled()
            .then(|| Sent::new("problem", &stopped()))
    });
    let events = events
        .map(Some)
        .take_until(stop.0.cancelled_owned())
        .chain(farewell)
        .filter_map(std::future::ready);
    let events =
        events.map(|sent| Ok::<_, Infallible>(Event::default().event(sent.name).data(sent.json)));
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// What a stream says that is cut by the end of the server.
pub(crate) fn stopped() -> Problem {
    Problem::new(Kind::Unavailable, "the daemon stops")
        .advise("ask again when it is back; what was begun goes on then")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn text(response: Response) -> String {
        let body = response.into_body().collect().await.expect("a body");
        String::from_utf8_lossy(&body.to_bytes()).into_owned()
    }

    #[tokio::test]
    async fn work_that_panics_ends_its_stream_with_a_problem() {
        let (outlet, response) = outlet(Stop::default());
        let work = async {
            outlet.offer("progress", &1);
            panic!("the invariant did not hold");
        };
        outlet.guard(work).await;
        drop(outlet);
        let said = text(response).await;
        assert!(
            said.starts_with("event: progress\ndata: 1\n\nevent: problem\n"),
            "{said}"
        );
        assert!(!said.contains("invariant"), "that is for the log: {said}");
    }

    #[tokio::test]
    async fn a_slow_reader_misses_offers_and_nothing_that_is_sent() {
        let (outlet, response) = outlet(Stop::default());
        for number in 0..10 * WAITING_EVENTS {
            outlet.offer("progress", &number);
        }
        let (said, ()) = tokio::join!(text(response), async move {
            outlet.send("report", &"whole").await.expect("it is read");
        });
        assert_eq!(said.matches("event: progress").count(), WAITING_EVENTS);
        assert!(
            said.ends_with("event: report\ndata: \"whole\"\n\n"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn a_stop_ends_the_stream_and_its_work() {
        let stop = Stop::default();
        let (outlet, response) = outlet(stop.clone());
        let work = async {
            outlet.guard_while_read(std::future::pending()).await;
        };
        stop.0.cancel();
        let (said, ()) = tokio::join!(text(response), work);
        assert!(said.contains("\"title\":\"the daemon stops\""), "{said}");
    }

    #[tokio::test]
    async fn what_has_line_ends_is_one_event() {
        let (outlet, response) = outlet(Stop::default());
        outlet.offer("run", &"a\n\nevent: problem\ndata: x\r\n");
        drop(outlet);
        let said = text(response).await;
        assert_eq!(
            said,
            "event: run\ndata: \"a\\n\\nevent: problem\\ndata: x\\r\\n\"\n\n"
        );
    }
}
