//! What goes over the wire, field by field, as Ollama spells it.

use serde::{Deserialize, Serialize};

use crate::{ChatRequest, KeepAlive, Message, Think, Tool, ToolCall};

/// The body of `/api/chat`. What Ollama would decide by itself is said, so that nothing depends on its defaults.
#[derive(Debug, Serialize)]
pub(super) struct ChatBody<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a serde_json::Value>,
    options: Options,
    keep_alive: WireKeepAlive,
    think: WireThink,
    stream: bool,
    /// Versions since 0.12.6 then refuse a prompt that is too long; older ones cut it and do not know the word.
    truncate: bool,
    /// Likewise for an answer that reaches the end of the context: it ends there, and the prompt is not dropped.
    shift: bool,
}

#[derive(Debug, Serialize)]
struct Options {
    num_ctx: u32,
    num_predict: u32,
    temperature: f32,
}

#[derive(Debug, Default, Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WireCall<'a> {
    id: &'a str,
    function: WireFunction<'a>,
}

#[derive(Debug, Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    arguments: &'a serde_json::Value,
}

#[derive(Debug, Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: &'a Tool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WireKeepAlive {
    Seconds(String),
    Forever(i8),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WireThink {
    Switch(bool),
    Level(&'static str),
}

impl<'a> ChatBody<'a> {
    pub(super) fn of(request: &'a ChatRequest) -> Self {
        Self {
            model: &request.model,
            messages: request.messages.iter().map(WireMessage::of).collect(),
            tools: request
                .tools
                .iter()
                .map(|function| WireTool {
                    r#type: "function",
                    function,
                })
                .collect(),
            format: request.schema.as_ref(),
            options: Options {
                num_ctx: request.context_tokens,
                num_predict: request.max_tokens,
                temperature: request.temperature,
            },
            keep_alive: match request.keep_alive {
                KeepAlive::For(span) => WireKeepAlive::Seconds(format!("{}ms", span.0.as_millis())),
                KeepAlive::Forever => WireKeepAlive::Forever(-1),
            },
            think: match request.think {
                Think::Off => WireThink::Switch(false),
                Think::On => WireThink::Switch(true),
                Think::Low => WireThink::Level("low"),
                Think::Medium => WireThink::Level("medium"),
                Think::High => WireThink::Level("high"),
            },
            stream: true,
            truncate: false,
            shift: false,
        }
    }
}

impl<'a> WireMessage<'a> {
    fn of(message: &'a Message) -> Self {
        let plain = |role| Self {
            role,
            content: message.content(),
            ..Self::default()
        };
        match message {
            Message::System { .. } => plain("system"),
            Message::User { .. } => plain("user"),
            Message::Assistant { tool_calls, .. } => Self {
                tool_calls: tool_calls.iter().map(WireCall::of).collect(),
                ..plain("assistant")
            },
            Message::Tool { call_id, name, .. } => Self {
                tool_name: Some(name),
                tool_call_id: Some(call_id),
                ..plain("tool")
            },
        }
    }
}

impl<'a> WireCall<'a> {
    fn of(call: &'a ToolCall) -> Self {
        Self {
            id: &call.id,
            function: WireFunction {
                name: &call.name,
                arguments: &call.arguments,
            },
        }
    }
}

/// One line of a streamed answer.
#[derive(Debug, Deserialize)]
pub(super) struct ChatLine {
    pub(super) error: Option<serde_json::Value>,
    pub(super) message: Option<Piece>,
    pub(super) done: Option<bool>,
    pub(super) done_reason: Option<String>,
    pub(super) prompt_eval_count: Option<u64>,
    pub(super) eval_count: Option<u64>,
    #[serde(default)]
    pub(super) total_duration: u64,
    #[serde(default)]
    pub(super) load_duration: u64,
    #[serde(default)]
    pub(super) prompt_eval_duration: u64,
    #[serde(default)]
    pub(super) eval_duration: u64,
}

/// The part of a message that one line brings.
#[derive(Debug, Deserialize)]
pub(super) struct Piece {
    pub(super) content: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) tool_calls: Option<Vec<CallPiece>>,
}

/// A tool call, always whole.
#[derive(Debug, Deserialize)]
pub(super) struct CallPiece {
    pub(super) id: Option<String>,
    pub(super) function: FunctionPiece,
}

/// What is called.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionPiece {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: serde_json::Value,
}

/// The text of an `{"error": …}` body; some proxies put an object there.
pub(super) fn error_text(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: serde_json::Value,
    }
    serde_json::from_str::<Body>(body)
        .ok()
        .map(|body| plain(&body.error))
}

/// An `error` value as text.
pub(super) fn plain(error: &serde_json::Value) -> String {
    match error {
        serde_json::Value::String(text) => text.clone(),
        other => other
            .get("message")
            .and_then(serde_json::Value::as_str)
            .map_or_else(|| other.to_string(), str::to_owned),
    }
}

/// Whether an error's text says that the model is not there: `model 'x' not found`, `model "x" not found, try pulling
/// it first`. A bare 404 comes from something that is not Ollama.
pub(super) fn names_a_missing_model(text: &str) -> bool {
    text.contains("model") && text.contains("not found")
}

/// The server's refusal of a prompt that is longer than the context, with its counts where it gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Overflow {
    pub(super) prompt_tokens: Option<u64>,
    pub(super) context: Option<u64>,
}

/// How versions of Ollama, and llama.cpp's server inside them, word that refusal.
const OVERFLOW_WORDS: [&str; 4] = [
    "exceeds the context length",
    "exceeds maximum context length",
    "exceeds the available context",
    "exceed_context_size_error",
];

impl Overflow {
    /// Reads the refusal in an error's text, if it is one. Newer versions pass on llama.cpp's own error as JSON in it.
    pub(super) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outer {
            error: Counts,
        }
        #[derive(Deserialize)]
        struct Counts {
            n_prompt_tokens: Option<u64>,
            n_ctx: Option<u64>,
        }
        if !OVERFLOW_WORDS.iter().any(|words| text.contains(words)) {
            return None;
        }
        let counts = serde_json::from_str::<Outer>(text)
            .ok()
            .map(|outer| outer.error);
        Some(Self {
            prompt_tokens: counts.as_ref().and_then(|counts| counts.n_prompt_tokens),
            context: counts.as_ref().and_then(|counts| counts.n_ctx),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusals_of_several_versions_are_recognised() {
        let nested = r#"{"error":{"code":400,"message":"request (2622 tokens) exceeds the available context size (512 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":2622,"n_ctx":512}}"#;
        assert_eq!(
            Overflow::read(nested),
            Some(Overflow {
                prompt_tokens: Some(2622),
                context: Some(512)
            })
        );
        let unknown = Some(Overflow {
            prompt_tokens: None,
            context: None,
        });
        assert_eq!(
            Overflow::read("the input length exceeds the context length"),
            unknown
        );
        assert_eq!(
            Overflow::read("input length exceeds maximum context length"),
            unknown
        );
        assert_eq!(Overflow::read("illegal base64 data at input byte 0"), None);
    }

    #[test]
    fn an_error_is_read_as_text_or_object() {
        assert_eq!(
            error_text(r#"{"error":"model 'x' not found"}"#).as_deref(),
            Some("model 'x' not found")
        );
        assert_eq!(
            error_text(r#"{"error":{"message":"no"}}"#).as_deref(),
            Some("no")
        );
        assert_eq!(error_text("<html>"), None);
        assert_eq!(error_text("{}"), None);
    }
}
