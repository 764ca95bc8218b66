//! A Gotify server: applications with tokens, messages with numbers of their own, errors in its own words.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::wire::{Answer, Fault, Request, Server, lock, reason};

/// A message as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct GotifyMessage {
    /// Its number.
    pub id: u64,
    /// The application it came from.
    pub app: u64,
    /// Its title; the application's name where none was sent.
    pub title: String,
    /// Its text.
    pub message: String,
    /// Its priority.
    pub priority: i64,
    /// Everything else.
    pub extras: Value,
}

#[derive(Debug, Default)]
struct State {
    applications: Vec<String>,
    clients: Vec<String>,
    messages: Vec<GotifyMessage>,
}

/// A Gotify server.
#[derive(Debug)]
pub struct Gotify {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Gotify {
    /// Starts one with an application of this token.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start(token: &str) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, token).await
    }

    /// The same at another address of this machine, where other machines reach it.
    ///
    /// # Panics
    /// When the address is not this machine's.
    pub async fn start_at(address: Ipv4Addr, token: &str) -> Self {
        let state = Arc::new(Mutex::new(State {
            applications: vec![token.to_owned()],
            ..State::default()
        }));
        let kept = Arc::clone(&state);
        let server =
            Server::start_at(address, refusal, move |request| answer(&kept, request)).await;
        Self { server, state }
    }

    /// One that speaks over TLS, as `localhost`; its authority is that of [`crate::model_server::authority`].
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start_encrypted(token: &str) -> Self {
        let state = Arc::new(Mutex::new(State {
            applications: vec![token.to_owned()],
            ..State::default()
        }));
        let kept = Arc::clone(&state);
        let server = Server::start_encrypted(refusal, move |request| answer(&kept, request)).await;
        Self { server, state }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Fails from now on, or no longer.
    pub fn fails(&self, fault: impl Into<Option<Fault>>) {
        self.server.fails(fault.into());
    }

    /// Has another application.
    pub fn has_application(&self, token: &str) {
        lock(&self.state).applications.push(token.to_owned());
    }

    /// Has a client, whose token is none of an application.
    pub fn has_client(&self, token: &str) {
        lock(&self.state).clients.push(token.to_owned());
    }

    /// Forgets the applications that it had.
    pub fn forgets_applications(&self) {
        lock(&self.state).applications.clear();
    }

    /// The messages so far.
    #[must_use]
    pub fn messages(&self) -> Vec<GotifyMessage> {
        lock(&self.state).messages.clone()
    }

    /// Requests so far, served or not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.server.requests()
    }

    /// Waits until so many requests have come.
    ///
    /// # Panics
    /// When they do not.
    pub async fn until_requests(&self, count: u64) {
        self.server.until_requests(count).await;
    }
}

fn refusal(status: u16) -> Value {
    let description = match status {
        401 => "you need to provide a valid access token or user credentials to access this api",
        403 => "you are not allowed to access this api",
        _ => "something went wrong",
    };
    error(status, description)
}

fn error(status: u16, description: &str) -> Value {
    json!({ "error": reason(status), "errorCode": status, "errorDescription": description })
}

fn refused(status: u16, description: &str) -> Answer {
    Answer {
        status,
        body: error(status, description),
    }
}

fn answer(state: &Mutex<State>, request: &Request) -> Answer {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/message") => take(state, request),
        ("GET", "/version") => Answer {
            status: 200,
            body: json!({ "version": "2.6.3", "commit": "unknown", "buildDate": "unknown" }),
        },
        ("GET", "/health") => Answer {
            status: 200,
            body: json!({ "health": "green", "database": "green" }),
        },
        _ => refused(404, "page not found"),
    }
}

/// The place of a token: in the query, in Gotify's own header, or as a bearer's.
fn token(request: &Request) -> Option<&str> {
    request
        .query("token")
        .or_else(|| request.header("x-gotify-key"))
        .or_else(|| request.bearer())
}

fn take(state: &Mutex<State>, request: &Request) -> Answer {
    let mut state = lock(state);
    let token = token(request);
    let application = state
        .applications
        .iter()
        .position(|known| Some(known.as_str()) == token);
    let Some(application) = application else {
        // A person who is known, but is no application, may not do this.
        let basic = request
            .header("authorization")
            .is_some_and(|value| value.starts_with("Basic "));
        let status = if basic { 403 } else { 401 };
        return Answer {
            status,
            body: refusal(status),
        };
    };
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return refused(400, "invalid character looking for beginning of value");
    };
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let message = text("message");
    if message.is_empty() {
        return refused(400, "Field 'message' is required");
    }
    let title = match text("title").trim() {
        "" => "watch".to_owned(),
        title => title.to_owned(),
    };
    let kept = GotifyMessage {
        id: state.messages.len() as u64 + 1,
        app: application as u64 + 1,
        title,
        message,
        priority: body.get("priority").and_then(Value::as_i64).unwrap_or(0),
        extras: body.get("extras").cloned().unwrap_or(Value::Null),
    };
    let answer = json!({
        "id": kept.id, "appid": kept.app, "message": kept.message, "title": kept.title,
        "priority": kept.priority, "extras": kept.extras, "date": "2026-06-15T12:00:00.000000000Z",
    });
    state.messages.push(kept);
    Answer {
        status: 200,
        body: answer,
    }
}
