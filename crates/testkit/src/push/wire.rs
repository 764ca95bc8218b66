//! One request and one answer over HTTP/1.1, by hand: so that an answer can be cut in the middle, or never come.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Longest request.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// How long a test waits for what it expects.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every connection is closed at once.
    Down,
    /// The request is read, and nothing is ever said.
    Silent,
    /// The answer has this status.
    Status(u16),
    /// Too many requests: to be tried again after so many seconds.
    TooMany(u64),
    /// Something else than it should be is said, and the request is not served.
    Says {
        /// The status.
        status: u16,
        /// Headers, whole lines.
        headers: Vec<String>,
        /// The body.
        body: String,
    },
    /// The answer is a body without end, with this status.
    Endless(u16),
    /// The request is served, and the connection breaks in the middle of the answer's first line.
    CutInHalf,
    /// The request is served, and the connection breaks in the middle of the answer's body.
    CutInBody,
    /// The request is served, and nothing more is said in the middle of the answer's body.
    SilentInBody,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Names in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The token of an `Authorization: Bearer …`.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (kind, token) = self.header("authorization")?.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then_some(token)
    }
}

/// An answer of JSON.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: serde_json::Value,
}

type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;
/// The body of an answer that a fault asks for.
type Refusal = fn(u16) -> serde_json::Value;

/// A running server.
pub(super) struct Server {
    address: SocketAddr,
    encrypted: bool,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    handler: Handler,
    refusal: Refusal,
    fault: Mutex<Option<Fault>>,
    requests: watch::Sender<u64>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(super) async fn start(
        refusal: Refusal,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, refusal, handler).await
    }

    pub(super) async fn start_at(
        address: Ipv4Addr,
        refusal: Refusal,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(address, None, refusal, handler).await
    }

    pub(super) async fn start_encrypted(
        refusal: Refusal,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(
            Ipv4Addr::LOCALHOST,
            Some(crate::tls::acceptor()),
            refusal,
            handler,
        )
        .await
    }

    async fn start_with(
        address: Ipv4Addr,
        acceptor: Option<TlsAcceptor>,
        refusal: Refusal,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let encrypted = acceptor.is_some();
        let listener = TcpListener::bind((address, 0))
            .await
            .expect("the machine has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            handler: Arc::new(handler),
            refusal,
            fault: Mutex::default(),
            requests: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor, Arc::clone(&shared)));
        Self {
            address,
            encrypted,
            shared,
            _tasks: tasks,
        }
    }

    pub(super) fn url(&self) -> String {
        match self.encrypted {
            true => format!("https://localhost:{}", self.address.port()),
            false => format!("http://{}", self.address),
        }
    }

    pub(super) fn fails(&self, fault: Option<Fault>) {
        *lock(&self.shared.fault) = fault;
    }

    /// Requests that came so far, served or not.
    pub(super) fn requests(&self) -> u64 {
        *self.shared.requests.borrow()
    }

    /// Waits until so many requests have come.
    pub(super) async fn until_requests(&self, count: u64) {
        let mut requests = self.shared.requests.subscribe();
        let came = tokio::time::timeout(DEADLINE, requests.wait_for(|seen| *seen >= count)).await;
        let seen = self.requests();
        assert!(
            came.is_ok(),
            "waited in vain for {count} requests; {seen} came"
        );
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                connections.spawn(async move { greet(stream, acceptor, &shared).await });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn greet(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: &Shared) {
    match acceptor {
        None => serve(stream, shared).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, shared).await;
            }
        }
    }
}

/// Serves one request and closes.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) {
    let fault = lock(&shared.fault).clone();
    if fault == Some(Fault::Down) {
        shared.requests.send_modify(|count| *count += 1);
        return;
    }
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let answer = match &fault {
        Some(Fault::Status(status)) => refused(shared, *status),
        Some(Fault::TooMany(_)) => refused(shared, 429),
        Some(Fault::Silent | Fault::Says { .. } | Fault::Endless(_)) => Answer {
            status: 200,
            body: serde_json::Value::Null,
        },
        _ => (shared.handler)(&request),
    };
    shared.requests.send_modify(|count| *count += 1);
    let bytes = written(&answer, fault.as_ref());
    match fault {
        Some(Fault::Silent) => {
            // Until the other side has enough.
            let _ = stream.read_u8().await;
        }
        Some(Fault::CutInHalf) => {
            let _ = stream.write_all(&bytes[..20.min(bytes.len())]).await;
        }
        Some(Fault::CutInBody) => {
            let _ = stream.write_all(&bytes[..bytes.len() - 2]).await;
        }
        Some(Fault::SilentInBody) => {
            let _ = stream.write_all(&bytes[..bytes.len() - 2]).await;
            let _ = stream.flush().await;
            let _ = stream.read_u8().await;
        }
        Some(Fault::Endless(status)) => {
            let reason = reason(status);
            let head =
                format!("HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n\r\n");
            let mut said = stream.write_all(head.as_bytes()).await;
            // Until the other side has enough.
            while said.is_ok() {
                said = stream.write_all(&[b'x'; 8 * 1024]).await;
            }
        }
        Some(Fault::Says {
            status,
            headers,
            body,
        }) => {
            let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            let reason = reason(status);
            let length = body.len();
            let said = format!(
                "HTTP/1.1 {status} {reason}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(said.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        _ => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    }
}

fn refused(shared: &Shared, status: u16) -> Answer {
    Answer {
        status,
        body: (shared.refusal)(status),
    }
}

fn written(answer: &Answer, fault: Option<&Fault>) -> Vec<u8> {
    let body = answer.body.to_string();
    let wait = match fault {
        Some(Fault::TooMany(seconds)) => format!("Retry-After: {seconds}\r\n"),
        _ => String::new(),
    };
    format!(
        "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{wait}Connection: close\r\n\r\n{body}",
        answer.status,
        reason(answer.status),
        body.len(),
    )
    .into_bytes()
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MAX_REQUEST_BYTES || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let length: usize = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length.min(MAX_REQUEST_BYTES) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body,
    })
}

/// The words of a status, as servers of Go write them.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
