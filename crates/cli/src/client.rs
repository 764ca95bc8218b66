//! The commands' side of the API: the same requests go over the socket to a daemon, or straight into the
//! router where none runs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt as _;
use watchkeeper_server::{Body, Caller, Problem, Router};

/// How long a daemon may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Largest answer that is not a stream.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Longest line of an event stream.
const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Where requests go.
#[derive(Debug)]
pub(crate) enum Client {
    /// To a daemon.
    Socket(PathBuf),
    /// To a router of our own, as this caller.
    InProcess(Box<(Router, Caller)>),
}

/// Who is at the other end of a socket.
#[derive(Debug)]
pub(crate) enum Reach {
    /// A daemon.
    Answers,
    /// Nobody.
    Nobody,
    /// It cannot be told.
    Refused(std::io::Error),
}

/// One event of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    /// Its kind.
    pub(crate) name: String,
    /// Its JSON.
    pub(crate) data: String,
}

impl Event {
    /// Reads the event's value.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_str(&self.data)
            .with_context(|| format!("could not read the event {:?}", self.name))
    }
}

impl Client {
    /// Whether a daemon answers at this socket.
    pub(crate) async fn reach(path: &Path) -> Reach {
        match tokio::time::timeout(CONNECT_WITHIN, UnixStream::connect(path)).await {
            Ok(Ok(_)) => Reach::Answers,
            // A socket that nobody listens at was left behind.
            Ok(Err(error)) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => {
                    Reach::Nobody
                }
                _ => Reach::Refused(error),
            },
            Err(_) => Reach::Refused(ErrorKind::TimedOut.into()),
        }
    }

    /// Asks for something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.json(Method::GET, path, None::<&()>).await
    }

    /// Asks for something to be done.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// Puts something in the place of what is there.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.json(Method::PUT, path, Some(body)).await
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<T> {
        let mut answer = self.send(method, path, body).await?;
        let bytes = answer.whole().await?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("could not read the answer to {path}"))
    }

    /// Asks for a stream of events.
    pub(crate) async fn events(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<Events> {
        Ok(Events {
            answer: self.send(method, path, body).await?,
            buffer: Vec::new(),
        })
    }

    /// Asks for a stream of bytes.
    pub(crate) async fn bytes(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None::<&()>).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<Answer> {
        let json = body
            .map(serde_json::to_vec)
            .transpose()?
            .unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "watchkeeper")
            .header(header::CONTENT_TYPE, "application/json");
        let mut answer = match self {
            Self::Socket(socket) => {
                Answer::Remote(remote(socket, request.body(Full::new(Bytes::from(json)))?).await?)
            }
            Self::InProcess(own) => {
                let mut request = request.body(Body::from(json))?;
                request.extensions_mut().insert(own.1.clone());
                let Ok(response) = own.0.clone().oneshot(request).await;
                Answer::Own(response)
            }
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let bytes = answer.whole().await?;
        Err(serde_json::from_slice::<Problem>(&bytes).map_or_else(
            |_| anyhow!("the daemon answered {status}"),
            anyhow::Error::from,
        ))
    }
}

async fn remote(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Response<Incoming>> {
    let stream = tokio::time::timeout(CONNECT_WITHIN, UnixStream::connect(socket))
        .await
        .map_err(|_| anyhow!("the daemon at {} does not answer", socket.display()))?
        .with_context(|| format!("could not reach the daemon at {}", socket.display()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends with its connection, and that with the answer"
    )]
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .context("the daemon closed the connection")
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) enum Answer {
    /// From a daemon.
    Remote(Response<Incoming>),
    /// From our own router.
    Own(Response<Body>),
}

impl Answer {
    fn status(&self) -> http::StatusCode {
        match self {
            Self::Remote(response) => response.status(),
            Self::Own(response) => response.status(),
        }
    }

    /// The next piece of the body; none at its end.
    pub(crate) async fn piece(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            let frame = match self {
                Self::Remote(response) => {
                    let frame = response.body_mut().frame().await.transpose();
                    frame.context("the daemon ended in the middle of its answer")?
                }
                Self::Own(response) => response.body_mut().frame().await.transpose()?,
            };
            match frame.map(hyper::body::Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) => return Ok(Some(data)),
                Some(Err(_)) => {}
            }
        }
    }

    async fn whole(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            all.extend_from_slice(&piece);
            anyhow::ensure!(
                all.len() <= MAX_ANSWER_BYTES,
                "the answer is larger than {MAX_ANSWER_BYTES} bytes"
            );
        }
        Ok(all)
    }
}

/// A stream of events.
#[derive(Debug)]
pub(crate) struct Events {
    answer: Answer,
    buffer: Vec<u8>,
}

impl Events {
    /// The next event; none when the stream ends. A problem in the stream is an error.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            while let Some(end) = find(&self.buffer, b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse_event(&String::from_utf8_lossy(&block)) {
                    if event.name == "problem" {
                        return Err(event.read::<Problem>()?.into());
                    }
                    return Ok(Some(event));
                }
            }
            match self.answer.piece().await? {
                None => return Ok(None),
                Some(piece) => self.buffer.extend_from_slice(&piece),
            }
            anyhow::ensure!(
                self.buffer.len() <= MAX_EVENT_BYTES,
                "an event is larger than {MAX_EVENT_BYTES} bytes"
            );
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// Reads one event as the HTML standard writes it; comments (kept-alive lines) are none.
fn parse_event(block: &str) -> Option<Event> {
    let mut name = String::from("message");
    let mut data = Vec::new();
    for line in block.lines() {
        if let Some(value) = line.strip_prefix("event:") {
            value.trim_start().clone_into(&mut name);
        } else if let Some(value) = line.strip_prefix("data:") {
            data.push(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    (!data.is_empty()).then(|| Event {
        name,
        data: data.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_comments_are_not() {
        let event = parse_event("event: report\ndata: {\"a\":\ndata: 1}\n\n").expect("an event");
        assert_eq!(
            (event.name.as_str(), event.data.as_str()),
            ("report", "{\"a\":\n1}")
        );
        assert!(parse_event(": still here\n\n").is_none());
    }
}
