//! Which protocol a request is spoken in, and what all of them have: frames of an answer, refusals, errors.

use bytes::Bytes;
use serde_json::{Value, json};

use super::generation::Accepted;
use super::turn::Answer;
use super::{anthropic, ollama, openai};

/// A protocol, told by the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// `/api/chat`.
    Ollama,
    /// `/api/generate`.
    OllamaGenerate,
    /// `/v1/chat/completions`.
    Openai,
    /// `/v1/messages`.
    Anthropic,
}

/// A refusal that is to be worded.
#[derive(Clone, Debug)]
pub(super) struct Refusal<'r> {
    pub(super) status: u16,
    pub(super) text: &'r str,
    /// The protocol's word for it; empty for the usual one of the status.
    pub(super) code: &'r str,
}

impl Wire {
    /// The protocol of a path, behind whatever prefix; Ollama's for all that are of none.
    pub(super) fn of(path: &str) -> Self {
        if path.ends_with("/v1/messages") {
            Self::Anthropic
        } else if path.contains("/v1/") {
            Self::Openai
        } else if path.ends_with("/api/generate") {
            Self::OllamaGenerate
        } else {
            Self::Ollama
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Ollama | Self::OllamaGenerate => "application/x-ndjson",
            Self::Openai | Self::Anthropic => "text/event-stream",
        }
    }

    /// All frames of an answer: one for each piece of it, what must come before it in the same; the last ends it.
    pub(super) fn frames(self, accepted: &Accepted, answer: &Answer) -> Vec<Bytes> {
        match self {
            Self::Ollama | Self::OllamaGenerate => ollama::frames(accepted, answer),
            Self::Openai => openai::frames(accepted, answer),
            Self::Anthropic => anthropic::frames(accepted, answer),
        }
    }

    /// A frame that can be sent for ever.
    pub(super) fn endless(self) -> Bytes {
        let text = "and so on ".repeat(100);
        match self {
            Self::Ollama | Self::OllamaGenerate => ollama::endless(&text),
            Self::Openai => openai::endless(&text),
            Self::Anthropic => anthropic::endless(&text),
        }
    }

    /// An error in the middle of an answer.
    pub(super) fn error_frame(self, text: &str) -> Bytes {
        match self {
            Self::Ollama | Self::OllamaGenerate => line(&json!({ "error": text })),
            Self::Openai => {
                event(&json!({ "error": { "message": text, "type": "server_error", "code": 500 } }))
            }
            Self::Anthropic => anthropic::error_event(text),
        }
    }

    /// The body of a refusal.
    pub(super) fn refusal(self, refusal: &Refusal<'_>) -> Value {
        let Refusal { status, text, code } = refusal;
        match self {
            Self::Ollama | Self::OllamaGenerate => json!({ "error": text }),
            Self::Openai => {
                let kind = match status {
                    404 => "not_found_error",
                    401 => "authentication_error",
                    429 => "rate_limit_error",
                    503 => "unavailable_error",
                    500.. => "server_error",
                    _ => "invalid_request_error",
                };
                let code = if code.is_empty() {
                    json!(status)
                } else {
                    json!(code)
                };
                json!({ "error": { "message": text, "type": kind, "code": code } })
            }
            Self::Anthropic => {
                let usual = match status {
                    401 => "authentication_error",
                    404 => "not_found_error",
                    429 => "rate_limit_error",
                    529 => "overloaded_error",
                    500.. => "api_error",
                    _ => "invalid_request_error",
                };
                let kind = if code.is_empty() { usual } else { code };
                json!({ "type": "error", "error": { "type": kind, "message": text } })
            }
        }
    }
}

/// A line of newline-delimited JSON.
pub(super) fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

/// A server-sent event without a name.
pub(super) fn event(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

/// Frames from pieces: what belongs before a piece is sent with it, so that every piece is one frame in every
/// protocol.
#[derive(Debug, Default)]
pub(super) struct Frames {
    frames: Vec<Bytes>,
    waiting: Vec<u8>,
}

impl Frames {
    /// Adds what is sent with the next piece.
    pub(super) fn before(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// Adds a piece.
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.frames.push(std::mem::take(&mut self.waiting).into());
    }

    pub(super) fn finish(self) -> Vec<Bytes> {
        self.frames
    }
}
