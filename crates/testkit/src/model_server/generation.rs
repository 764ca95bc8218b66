//! The lines of an answer as Ollama writes them, and what it does before it writes any: find the model, count the
//! prompt, load.

use serde_json::{Value, json};

use super::server::{FakeModel, State, lock};
use super::turn::{Answer, Ending};

/// When every line was made: the same always, so that answers are the same always.
pub(super) const CREATED_AT: &str = "2026-11-21T10:00:00.000000000Z";
/// Characters of a prompt that make a token here.
const CHARS_PER_TOKEN: u64 = 4;
/// Tokens a template adds to a message.
const TOKENS_PER_MESSAGE: u64 = 4;
/// Longest token of an answer, in characters.
const MAX_TOKEN_CHARS: usize = 12;
/// How long a token takes, as claimed.
const NANOS_PER_TOKEN: u64 = 20_000_000;
/// The context of a request that asks for none.
const DEFAULT_CONTEXT: u64 = 4096;

/// A refusal: status and error text.
pub(super) struct Refused(pub(super) u16, pub(super) String);

/// A generation that was accepted.
pub(super) struct Accepted {
    pub(super) model: String,
    pub(super) prompt_tokens: u64,
    pub(super) context: u64,
    /// The longest answer, where one was said.
    pub(super) room: Option<u64>,
    /// Whether lines carry `message`, as in chat, or `response`.
    pub(super) chats: bool,
    pub(super) streams: bool,
}

/// The model a request names.
pub(super) fn model_of(state: &State, body: &Value) -> Result<FakeModel, Refused> {
    let name = body["model"]
        .as_str()
        .or(body["name"].as_str())
        .unwrap_or_default();
    if name.is_empty() {
        return Err(Refused(400, "model is required".to_owned()));
    }
    let found = lock(&state.models)
        .iter()
        .find(|model| model.is(name))
        .cloned();
    found.ok_or_else(|| Refused(404, format!("model '{name}' not found")))
}

/// Finds the model, counts the prompt and loads, or refuses as Ollama would.
pub(super) fn accept(state: &State, path: &str, body: &Value) -> Result<Accepted, Refused> {
    let model = model_of(state, body)?;
    for (wanted, word, plain) in [
        (true, "completion", "chat"),
        (
            body["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty()),
            "tools",
            "tools",
        ),
        (
            !matches!(body["think"], Value::Null | Value::Bool(false)),
            "thinking",
            "thinking",
        ),
    ] {
        if wanted && !model.can(word) {
            return Err(Refused(
                400,
                format!("\"{}\" does not support {plain}", model.name),
            ));
        }
    }
    let asked = body["options"]["num_ctx"]
        .as_u64()
        .unwrap_or(DEFAULT_CONTEXT);
    let context = asked.min(model.context_length);
    let mut prompt_tokens = count(body);
    if prompt_tokens >= context {
        if body["truncate"] == json!(false) && *lock(&state.refuses_long_prompts) {
            return Err(Refused(
                400,
                "the input length exceeds the context length".to_owned(),
            ));
        }
        prompt_tokens = context;
    }
    let mut loaded = lock(&state.loaded);
    if unloads(&body["keep_alive"]) {
        loaded.remove(&model.name);
    } else {
        loaded.insert(model.name.clone(), context);
    }
    Ok(Accepted {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        prompt_tokens,
        context,
        room: body["options"]["num_predict"].as_u64(),
        chats: path == "/api/chat",
        streams: body["stream"] != json!(false),
    })
}

/// Tokens of a prompt, as this server counts them.
fn count(body: &Value) -> u64 {
    let tokens = |text: &Value| {
        let chars = text.as_str().map_or(0, |text| text.chars().count());
        (chars as u64).div_ceil(CHARS_PER_TOKEN)
    };
    let messages = body["messages"].as_array().into_iter().flatten();
    let chat: u64 = messages
        .map(|message| TOKENS_PER_MESSAGE + tokens(&message["content"]))
        .sum();
    chat + tokens(&body["prompt"]) + tokens(&body["system"])
}

fn unloads(keep_alive: &Value) -> bool {
    match keep_alive {
        Value::Number(seconds) => seconds.as_f64() == Some(0.0),
        Value::String(text) => matches!(text.as_str(), "0" | "0s" | "0ms"),
        _ => false,
    }
}

impl Accepted {
    /// All lines of an answer, `done` the last. An answer longer than its room ends there.
    pub(super) fn lines(&self, answer: &Answer) -> Vec<Value> {
        let tokens = answer
            .tokens
            .clone()
            .unwrap_or_else(|| tokens(&answer.text));
        let wanted = tokens.len() as u64;
        let left = self.context.saturating_sub(self.prompt_tokens);
        let room = self.room.map_or(left, |room| room.min(left.max(1)));
        let is_cut = answer.output_tokens.is_none() && wanted > room;
        let kept = if is_cut { room } else { wanted };
        let mut lines: Vec<Value> = Vec::new();
        for thought in tokens_of(&answer.thinking) {
            lines.push(
                self.line(json!({ "role": "assistant", "content": "", "thinking": thought })),
            );
        }
        for token in tokens
            .iter()
            .take(usize::try_from(kept).unwrap_or(usize::MAX))
        {
            lines.push(self.line(json!({ "role": "assistant", "content": token })));
        }
        if !answer.calls.is_empty() {
            lines.push(
                self.line(
                    json!({ "role": "assistant", "content": "", "tool_calls": answer.calls }),
                ),
            );
        }
        let reason = if is_cut { "length" } else { "stop" };
        lines.push(self.last(answer, kept, reason));
        lines
    }

    /// The answer to a request that is not streamed: all in one object.
    pub(super) fn whole(&self, answer: &Answer) -> Value {
        let mut lines = self.lines(answer);
        let mut whole = lines.pop().expect("the last line is always there");
        if !self.chats {
            whole["response"] = lines
                .iter()
                .filter_map(|line| line["response"].as_str())
                .collect::<String>()
                .into();
            return whole;
        }
        for key in ["content", "thinking"] {
            let text: String = lines
                .iter()
                .filter_map(|line| line["message"][key].as_str())
                .collect();
            if key == "content" || !text.is_empty() {
                whole["message"][key] = text.into();
            }
        }
        if !answer.calls.is_empty() {
            whole["message"]["tool_calls"] = answer.calls.clone().into();
        }
        whole
    }

    fn line(&self, message: Value) -> Value {
        let mut line = json!({ "model": self.model, "created_at": CREATED_AT });
        if self.chats {
            line["message"] = message;
        } else {
            line["response"] = message["content"].clone();
        }
        line["done"] = false.into();
        line
    }

    fn last(&self, answer: &Answer, output_tokens: u64, reason: &str) -> Value {
        let mut line = self.line(json!({ "role": "assistant", "content": "" }));
        let prompt_tokens = answer.prompt_tokens.unwrap_or(self.prompt_tokens);
        let output_tokens = answer.output_tokens.unwrap_or(output_tokens);
        line["done"] = true.into();
        line["done_reason"] = answer.done_reason.as_deref().unwrap_or(reason).into();
        line["load_duration"] = 1_000_000.into();
        line["prompt_eval_count"] = prompt_tokens.into();
        line["prompt_eval_duration"] = prompt_tokens.saturating_mul(1_000_000).into();
        line["eval_count"] = output_tokens.into();
        line["eval_duration"] = output_tokens.saturating_mul(NANOS_PER_TOKEN).into();
        line["total_duration"] = output_tokens
            .saturating_mul(NANOS_PER_TOKEN)
            .saturating_add(2_000_000)
            .into();
        line
    }
}

/// The lines that are sent before an answer ends as its script says.
pub(super) fn sent_before(ending: &Ending, mut lines: Vec<Value>) -> Vec<Value> {
    match ending {
        Ending::Done => {}
        Ending::Cut(count) | Ending::Quiet(count) | Ending::Hang(count) => lines.truncate(*count),
        Ending::Error(count, error) => {
            lines.truncate(*count);
            lines.push(json!({ "error": error }));
        }
    }
    lines
}

fn tokens_of(text: &str) -> Vec<String> {
    if text.is_empty() {
        Vec::new()
    } else {
        tokens(text)
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
