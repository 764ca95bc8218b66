//! An ntfy server: topics, JSON published to the root, errors with its own codes.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::wire::{Answer, Fault, Request, Server, lock};

/// A longer text becomes a file.
const MAX_MESSAGE_BYTES: usize = 4_096;
/// A longer request of JSON is refused.
const MAX_BODY_BYTES: usize = 2 * MAX_MESSAGE_BYTES;
/// As many buttons as a phone shows.
const MAX_ACTIONS: usize = 3;

/// A message as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NtfyMessage {
    /// Where it was published.
    pub topic: String,
    /// The whole of what was sent.
    pub body: Value,
    /// Whether its text was too long and became a file.
    pub became_a_file: bool,
}

#[derive(Debug, Default)]
struct State {
    token: Option<String>,
    messages: Vec<NtfyMessage>,
}

/// An ntfy server.
#[derive(Debug)]
pub struct Ntfy {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Ntfy {
    /// Starts one on which everybody may publish.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let kept = Arc::clone(&state);
        let server = Server::start(refusal, move |request| answer(&kept, request)).await;
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

    /// Wants this access token of everybody.
    pub fn wants_token(&self, token: &str) {
        lock(&self.state).token = Some(token.to_owned());
    }

    /// The messages so far.
    #[must_use]
    pub fn messages(&self) -> Vec<NtfyMessage> {
        lock(&self.state).messages.clone()
    }
}

fn refusal(status: u16) -> Value {
    let (code, error) = match status {
        400 => (40_017, "invalid request: request body must be message JSON"),
        401 => (40_101, "unauthorized"),
        403 => (40_301, "forbidden"),
        404 => (40_401, "page not found"),
        429 => (42_901, "limit reached: too many requests, please be nice"),
        _ => (50_001, "internal server error"),
    };
    json!({ "code": code, "http": status, "error": error })
}

fn refused(status: u16, code: u32, error: &str) -> Answer {
    Answer {
        status,
        body: json!({ "code": code, "http": status, "error": error }),
    }
}

fn answer(state: &Mutex<State>, request: &Request) -> Answer {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST" | "PUT", "/") => publish(state, request),
        ("POST" | "PUT", path) if is_topic(path.trim_matches('/')) => {
            publish_text(state, path.trim_matches('/'), request)
        }
        ("GET", "/v1/health") => Answer {
            status: 200,
            body: json!({ "healthy": true }),
        },
        _ => Answer {
            status: 404,
            body: refusal(404),
        },
    }
}

fn is_topic(topic: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (1..=64).contains(&topic.len()) && topic.chars().all(letters)
}

/// At the address of a topic any body is a message's text, JSON too.
fn publish_text(state: &Mutex<State>, topic: &str, request: &Request) -> Answer {
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let body = json!({ "topic": topic, "message": text });
    lock(state).messages.push(NtfyMessage {
        topic: topic.to_owned(),
        became_a_file: text.len() > MAX_MESSAGE_BYTES,
        body: body.clone(),
    });
    Answer { status: 200, body }
}

fn publish(state: &Mutex<State>, request: &Request) -> Answer {
    let mut state = lock(state);
    if request.body.len() > MAX_BODY_BYTES {
        return refused(413, 41_303, "JSON body too large");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return Answer {
            status: 400,
            body: refusal(400),
        };
    };
    if state.token.is_some() && state.token.as_deref() != request.bearer() {
        let status = if request.header("authorization").is_some() {
            401
        } else {
            403
        };
        return Answer {
            status,
            body: refusal(status),
        };
    }
    let topic = body
        .get("topic")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !is_topic(topic) {
        return refused(400, 40_009, "invalid request: topic invalid");
    }
    let priority = body.get("priority").and_then(Value::as_i64).unwrap_or(3);
    if !(1..=5).contains(&priority) {
        return refused(400, 40_007, "invalid priority parameter");
    }
    let actions = body
        .get("actions")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if actions > MAX_ACTIONS {
        return refused(400, 40_018, "invalid request: actions invalid");
    }
    let text = body
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let kept = NtfyMessage {
        topic: topic.to_owned(),
        became_a_file: text.len() > MAX_MESSAGE_BYTES,
        body: body.clone(),
    };
    let mut answer = body.clone();
    answer["id"] = json!(format!("msg{}", state.messages.len() + 1));
    answer["time"] = json!(1_781_524_800);
    answer["event"] = json!("message");
    state.messages.push(kept);
    Answer {
        status: 200,
        body: answer,
    }
}
