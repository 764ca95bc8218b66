//! What happens before an answer is written, in every protocol: find the model, count the prompt, load; and how much
//! of the answer there is room for.

use serde_json::{Value, json};

use super::server::{FakeModel, State, lock};
use super::turn::Answer;
use super::wire::Wire;

/// Characters of a prompt that make a token here.
const CHARS_PER_TOKEN: u64 = 4;
/// Tokens a template adds to a message.
const TOKENS_PER_MESSAGE: u64 = 4;
/// Longest token of an answer, in characters.
const MAX_TOKEN_CHARS: usize = 12;
/// The context of a request that asks for none of an Ollama server.
const DEFAULT_CONTEXT: u64 = 4096;

/// A refusal: status, error text, and the protocol's word for it where it is not the usual one.
#[derive(Debug)]
pub(super) struct Refused(pub(super) u16, pub(super) String, pub(super) &'static str);

impl Refused {
    pub(super) fn plainly(status: u16, text: impl Into<String>) -> Self {
        Self(status, text.into(), "")
    }
}

/// A generation that was accepted.
pub(super) struct Accepted {
    pub(super) wire: Wire,
    pub(super) model: String,
    pub(super) prompt_tokens: u64,
    pub(super) context: u64,
    /// The longest answer, where one was said.
    pub(super) room: Option<u64>,
    pub(super) streams: bool,
    /// Whether the client wants counts, where it must say so.
    pub(super) counts: bool,
    /// The tool the model is held to.
    pub(super) answer_tool: Option<String>,
}

/// What of an answer is really said.
pub(super) struct Said {
    pub(super) thoughts: Vec<String>,
    pub(super) tokens: Vec<String>,
    /// `stop` or `length`.
    pub(super) reason: &'static str,
}

/// The model a request names.
pub(super) fn model_of(state: &State, wire: Wire, body: &Value) -> Result<FakeModel, Refused> {
    let name = body["model"]
        .as_str()
        .or(body["name"].as_str())
        .unwrap_or_default();
    if name.is_empty() {
        return Err(Refused::plainly(400, "model is required"));
    }
    let found = lock(&state.models)
        .iter()
        .find(|model| model.is(name))
        .cloned();
    found.ok_or_else(|| match wire {
        Wire::Ollama | Wire::OllamaGenerate => {
            Refused::plainly(404, format!("model '{name}' not found"))
        }
        Wire::Openai => Refused(
            404,
            format!("The model `{name}` does not exist."),
            "model_not_found",
        ),
        Wire::Anthropic => Refused::plainly(404, format!("model: {name}")),
    })
}

/// Finds the model, counts the prompt and loads, or refuses as the real server would.
pub(super) fn accept(state: &State, wire: Wire, body: &Value) -> Result<Accepted, Refused> {
    let model = model_of(state, wire, body)?;
    is_able(&model, wire, body)?;
    let context = match wire {
        Wire::Ollama | Wire::OllamaGenerate => body["options"]["num_ctx"]
            .as_u64()
            .unwrap_or(DEFAULT_CONTEXT)
            .min(model.context_length),
        // These have decided with what context they run a model.
        Wire::Openai | Wire::Anthropic => model.context_length,
    };
    let counted = count(body);
    let mut prompt_tokens = counted;
    if counted >= context {
        let may_refuse =
            matches!(wire, Wire::Openai | Wire::Anthropic) || body["truncate"] == json!(false);
        if may_refuse && *lock(&state.refuses_long_prompts) {
            return Err(too_long(wire, counted, context));
        }
        prompt_tokens = context;
    }
    load(state, &model, body, context);
    Ok(Accepted {
        wire,
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        prompt_tokens,
        context,
        room: room(wire, body),
        streams: streams(wire, body),
        counts: wire != Wire::Openai || body["stream_options"]["include_usage"] == json!(true),
        answer_tool: answer_tool(wire, body),
    })
}

fn is_able(model: &FakeModel, wire: Wire, body: &Value) -> Result<(), Refused> {
    let has_tools = body["tools"]
        .as_array()
        .is_some_and(|tools| !tools.is_empty());
    let thinks = wire == Wire::Ollama && !matches!(body["think"], Value::Null | Value::Bool(false));
    for (wanted, word, plain) in [
        (true, "completion", "chat"),
        (has_tools, "tools", "tools"),
        (thinks, "thinking", "thinking"),
    ] {
        if wanted && !model.can(word) {
            let text = format!("\"{}\" does not support {plain}", model.name);
            return Err(Refused::plainly(400, text));
        }
    }
    Ok(())
}

/// How each refuses a prompt that is too long.
fn too_long(wire: Wire, counted: u64, context: u64) -> Refused {
    match wire {
        Wire::Ollama | Wire::OllamaGenerate => {
            Refused::plainly(400, "the input length exceeds the context length")
        }
        Wire::Openai => Refused(
            400,
            format!(
                "This model's maximum context length is {context} tokens. However, you requested {counted} tokens. \
                 Please reduce the length of the messages."
            ),
            "context_length_exceeded",
        ),
        Wire::Anthropic => Refused::plainly(
            400,
            format!("prompt is too long: {counted} tokens > {context} maximum"),
        ),
    }
}

/// Keeps the model in memory with this context, or takes it out.
pub(super) fn load(state: &State, model: &FakeModel, body: &Value, context: u64) {
    let mut loaded = lock(&state.loaded);
    if unloads(&body["keep_alive"]) {
        loaded.remove(&model.name);
    } else {
        loaded.insert(model.name.clone(), context);
    }
}

fn unloads(keep_alive: &Value) -> bool {
    match keep_alive {
        Value::Number(seconds) => seconds.as_f64() == Some(0.0),
        Value::String(text) => matches!(text.as_str(), "0" | "0s" | "0ms"),
        _ => false,
    }
}

fn room(wire: Wire, body: &Value) -> Option<u64> {
    match wire {
        Wire::Ollama | Wire::OllamaGenerate => body["options"]["num_predict"].as_u64(),
        Wire::Openai => ["max_tokens", "max_completion_tokens"]
            .iter()
            .find_map(|key| body[key].as_u64()),
        Wire::Anthropic => body["max_tokens"].as_u64(),
    }
}

fn streams(wire: Wire, body: &Value) -> bool {
    match wire {
        Wire::Ollama | Wire::OllamaGenerate => body["stream"] != json!(false),
        Wire::Openai | Wire::Anthropic => body["stream"] == json!(true),
    }
}

/// The tool that a request holds the model to: by its name, or the last where any will do.
fn answer_tool(wire: Wire, body: &Value) -> Option<String> {
    if wire != Wire::Anthropic {
        return None;
    }
    let choice = &body["tool_choice"];
    let name = match choice["type"].as_str() {
        Some("tool") => choice["name"].as_str(),
        Some("any") => body["tools"].as_array()?.last()?["name"].as_str(),
        _ => None,
    };
    name.map(str::to_owned)
}

/// Tokens of a prompt, as this server counts them.
pub(super) fn count(body: &Value) -> u64 {
    let messages = body["messages"].as_array().into_iter().flatten();
    let chat: u64 = messages
        .map(|message| TOKENS_PER_MESSAGE + tokens_in(&message["content"]))
        .sum();
    let calls: u64 = body["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|message| tokens_in(&message["tool_calls"]))
        .sum();
    let tools = match &body["tools"] {
        Value::Null => 0,
        tools => (tools.to_string().chars().count() as u64).div_ceil(CHARS_PER_TOKEN),
    };
    chat + calls + tools + tokens_in(&body["prompt"]) + tokens_in(&body["system"])
}

/// Tokens of all texts in a value.
pub(super) fn tokens_in(value: &Value) -> u64 {
    match value {
        // No word is less than a token.
        Value::String(text) => (text.chars().count() as u64)
            .div_ceil(CHARS_PER_TOKEN)
            .max(text.split_whitespace().count() as u64),
        Value::Array(items) => items.iter().map(tokens_in).sum(),
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != "type")
            .map(|(_, value)| tokens_in(value))
            .sum(),
        _ => 0,
    }
}

impl Accepted {
    /// What there is room for. An answer longer than its room ends there.
    pub(super) fn said(&self, answer: &Answer) -> Said {
        let mut tokens = answer
            .tokens
            .clone()
            .unwrap_or_else(|| tokens(&answer.text));
        let left = self.context.saturating_sub(self.prompt_tokens);
        let room = self.room.map_or(left, |room| room.min(left.max(1)));
        let is_cut = answer.output_tokens.is_none() && tokens.len() as u64 > room;
        if is_cut {
            tokens.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        Said {
            thoughts: if answer.thinking.is_empty() {
                Vec::new()
            } else {
                self::tokens(&answer.thinking)
            },
            tokens,
            reason: if is_cut { "length" } else { "stop" },
        }
    }
}

/// A text in tokens: a word with the blank after it, long ones in pieces.
fn tokens(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace)
        .flat_map(|word| {
            let chars: Vec<char> = word.chars().collect();
            chars
                .chunks(MAX_TOKEN_CHARS)
                .map(|piece| piece.iter().collect())
                .collect::<Vec<String>>()
        })
        .collect()
}
