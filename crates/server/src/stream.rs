//! Server-sent events: progress, runs and the log as they happen. Each event's data is one JSON text.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::problem::Problem;

/// Events that may wait for a slow reader; the sender waits when there are more.
const WAITING_EVENTS: usize = 256;

/// How often an idle stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// One event of a stream.
#[derive(Debug)]
pub(crate) struct Sent {
    name: &'static str,
    json: String,
}

/// Where a use case puts its events.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(mpsc::Sender<Sent>);

impl Outlet {
    /// Sends one event; false when nobody reads any more.
    pub(crate) async fn send(&self, name: &'static str, value: &impl Serialize) -> bool {
        let json = serde_json::to_string(value).unwrap_or_else(|error| format!("\"{error}\""));
        self.0.send(Sent { name, json }).await.is_ok()
    }

    /// Sends one event if there is room; what a reader is too slow for is left out.
    pub(crate) fn offer(&self, name: &'static str, value: &impl Serialize) {
        if let Ok(json) = serde_json::to_string(value) {
            let _ = self.0.try_send(Sent { name, json });
        }
    }

    /// Ends the stream with an error.
    pub(crate) async fn fail(&self, problem: &Problem) {
        self.send("problem", problem).await;
    }

    /// Resolves when nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

/// A channel whose end is a response.
pub(crate) fn outlet() -> (Outlet, Response) {
    let (sender, receiver) = mpsc::channel(WAITING_EVENTS);
    (Outlet(sender), respond(ReceiverStream::new(receiver)))
}

fn respond(events: impl Stream<Item = Sent> + Send + 'static) -> Response {
    let events =
        events.map(|sent| Ok::<_, Infallible>(Event::default().event(sent.name).data(sent.json)));
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}
