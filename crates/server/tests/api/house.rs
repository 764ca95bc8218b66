//! A house to ask: a watch over a simulated host, behind the router, in process or at a socket of its own.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use watchkeeper_model::Person;
use watchkeeper_server::{Body, Caller, Gate, Router, Serving, bind, router, serve};
use watchkeeper_watch::Role;

use crate::bridge::{Bridge, NGINX};
use crate::soon;

/// The router over a bridge.
pub(crate) struct House {
    pub(crate) bridge: Bridge,
    pub(crate) router: Router,
    pub(crate) tasks: TaskTracker,
}

impl House {
    /// Served by a daemon.
    pub(crate) async fn with_daemon() -> Self {
        Self::open(Bridge::on_sqlite().await, true)
    }

    /// The same on Postgres.
    pub(crate) async fn with_daemon_on_postgres() -> Self {
        Self::open(Bridge::on_postgres().await, true)
    }

    /// Served by a command for itself.
    pub(crate) async fn without_daemon() -> Self {
        Self::open(Bridge::on_sqlite().await, false)
    }

    fn open(bridge: Bridge, daemon: bool) -> Self {
        let tasks = TaskTracker::new();
        let serving = Serving {
            watch: bridge.watch.clone(),
            tasks: tasks.clone(),
            daemon,
        };
        Self {
            bridge,
            router: router(serving),
            tasks,
        }
    }

    /// nginx fails and is seen to; action 0 waits for a person.
    pub(crate) async fn with_held_action(self) -> Self {
        self.bridge.host().unit(NGINX).fails("exit-code");
        self.bridge.check().await;
        assert_eq!(self.bridge.state(0).await, "held");
        self
    }

    /// Asks in process.
    pub(crate) async fn ask(&self, by: &Caller, request: Request<Body>) -> Answer {
        let mut request = request;
        request.extensions_mut().insert(by.clone());
        let answered = soon("an answer", self.router.clone().oneshot(request)).await;
        Answer::of(answered.expect("a router always answers").map(Body::new))
    }

    /// Asks for something as an operator.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&ann(), get(path)).await
    }

    /// Asks for something to be done as an operator.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(&ann(), send(Method::POST, path, body)).await
    }

    /// The body that approves an action as it stands.
    pub(crate) async fn decision(&self, number: i64) -> Value {
        let sheet = self
            .get(&format!("/v1/actions/{number}"))
            .await
            .json()
            .await;
        json!({ "revision": sheet["action"]["revision"], "digest": sheet["action"]["digest"] })
    }

    /// Approves an action as it stands.
    pub(crate) async fn approve(&self, number: i64) {
        let body = self.decision(number).await;
        let path = format!("/v1/actions/{number}/approve");
        let answer = self.post(&path, &body).await;
        assert_eq!(answer.status, 200);
    }

    /// Serves at a socket that every account can reach.
    pub(crate) async fn at_a_socket(self, gate: Gate) -> Served {
        let dir = tempfile::tempdir().expect("a directory");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(dir.path(), open).expect("changed");
        let socket = dir.path().join("run/socket");
        let listener = bind(&socket).await.expect("it listens");
        let stop = CancellationToken::new();
        let serving = tokio::task::JoinSet::new();
        let mut served = Served {
            house: self,
            socket,
            stop: stop.clone(),
            serving,
            _dir: dir,
        };
        let router = served.house.router.clone();
        served.serving.spawn(serve(listener, router, gate, stop));
        served
    }
}

/// A house at a socket.
pub(crate) struct Served {
    pub(crate) house: House,
    pub(crate) socket: PathBuf,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: tokio::task::JoinSet<std::io::Result<()>>,
    _dir: tempfile::TempDir,
}

impl Served {
    /// Asks at the socket, as the account of this process.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        soon("an answer", ask_at(&self.socket, request)).await
    }

    /// Tells the server to stop, and waits until it has.
    pub(crate) async fn stops(&mut self) {
        self.stop.cancel();
        let ended = soon("the end of the server", self.serving.join_next()).await;
        ended
            .expect("it was serving")
            .expect("it does not panic")
            .expect("it ends well");
    }
}

/// Asks at a socket on a connection of its own.
pub(crate) async fn ask_at(socket: &Path, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let stream = UnixStream::connect(socket).await.expect("it is reached");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .expect("it speaks HTTP");
    let mut talking = tokio::task::JoinSet::new();
    talking.spawn(async move {
        let _ = connection.await;
    });
    let response = sender
        .send_request(Request::from_parts(parts, Full::new(body)))
        .await
        .expect("it answers");
    let mut answer = Answer::of(response.map(Body::new));
    answer._talking = Some(talking);
    answer
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    _talking: Option<tokio::task::JoinSet<()>>,
}

impl Answer {
    fn of(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            _talking: None,
        }
    }

    /// The whole body.
    pub(crate) async fn bytes(self) -> Bytes {
        let body = soon("the end of the body", self.body.collect()).await;
        body.expect("a body").to_bytes()
    }

    /// The whole body as JSON; the answer was a good one.
    pub(crate) async fn json(self) -> Value {
        let status = self.status;
        let bytes = self.bytes().await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// The problem that the answer is.
    pub(crate) async fn problem(self) -> Value {
        let (status, headers) = (self.status, self.headers.clone());
        let bytes = self.bytes().await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(status >= 400, "{status}: {text}");
        assert_eq!(
            headers[header::CONTENT_TYPE],
            "application/problem+json",
            "{status}: {text}"
        );
        let problem: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(problem["status"], status);
        problem
    }

    /// The body as a stream of events.
    pub(crate) fn events(self) -> Events {
        assert_eq!(self.status, 200);
        assert_eq!(self.headers[header::CONTENT_TYPE], "text/event-stream");
        Events {
            answer: self,
            text: String::new(),
        }
    }
}

/// A stream of events.
pub(crate) struct Events {
    answer: Answer,
    text: String,
}

impl Events {
    /// The next event: its name and its data; none at the end.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse(block);
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let frame = soon("the next event", self.answer.body.frame()).await;
            let data = frame?.expect("a frame").into_data().expect("data");
            self.text
                .push_str(std::str::from_utf8(&data).expect("text"));
        }
    }

    /// All events until the end.
    pub(crate) async fn rest(mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

fn parse(block: &str) -> Option<(String, Value)> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).expect("JSON");
    Some((field("event: ")?.to_owned(), data))
}

/// A request that brings nothing.
pub(crate) fn get(path: &str) -> Request<Body> {
    Request::builder()
        .uri(path)
        .header(header::HOST, "watchkeeper")
        .body(Body::empty())
        .expect("a request")
}

/// A request that brings JSON.
pub(crate) fn send(method: Method, path: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "watchkeeper")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

/// An operator.
pub(crate) fn ann() -> Caller {
    caller("ann", 1_000, Role::Operator)
}

/// Another operator, who edits what ann approves: nobody approves what they asked for themselves.
pub(crate) fn ben() -> Caller {
    caller("ben", 1_001, Role::Operator)
}

/// Somebody who has a role.
pub(crate) fn caller(name: &str, uid: u32, role: Role) -> Caller {
    Caller {
        person: Person {
            name: name.to_owned(),
            uid,
        },
        role,
    }
}
