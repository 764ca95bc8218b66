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
    temperature: f64,
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
pub(super) enum WireKeepAlive {
    Seconds(String),
    Forever(i8),
}

impl WireKeepAlive {
    pub(super) fn of(keep_alive: KeepAlive) -> Self {
        match keep_alive {
            KeepAlive::For(span) => Self::Seconds(format!("{}ms", span.0.as_millis())),
            KeepAlive::Forever => Self::Forever(-1),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WireThink {
    Switch(bool),
    Level(&'static str),
}

impl<'a> ChatBody<'a> {
    pub(super) fn of(request: &'a ChatRequest, num_ctx: u32) -> Self {
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
                num_ctx,
                num_predict: request.max_tokens,
                temperature: request.written_temperature(),
            },
            keep_alive: WireKeepAlive::of(request.keep_alive),
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
