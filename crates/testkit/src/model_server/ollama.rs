//! The lines of an answer as Ollama writes them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::generation::Accepted;
use super::turn::Answer;
use super::wire::{Wire, line};

/// When every line was made: the same always, so that answers are the same always.
const CREATED_AT: &str = "2026-11-21T10:00:00.000000000Z";
/// How long a token takes, as claimed.
const NANOS_PER_TOKEN: u64 = 20_000_000;

/// All lines of an answer.
pub(super) fn frames(accepted: &Accepted, answer: &Answer) -> Vec<Bytes> {
    lines(accepted, answer).iter().map(line).collect()
}

/// A line that can be sent for ever.
pub(super) fn endless(text: &str) -> Bytes {
    line(&json!({
        "model": super::MODEL, "created_at": CREATED_AT,
        "message": { "role": "assistant", "content": text }, "done": false,
    }))
}

/// The answer to a request that is not streamed: all in one object.
pub(super) fn whole(accepted: &Accepted, answer: &Answer) -> Value {
    let mut lines = lines(accepted, answer);
    let mut whole = lines.pop().expect("the last line is always there");
    if !chats(accepted) {
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
        whole["message"]["tool_calls"] = calls(answer);
    }
    whole
}

/// What is said when a model was loaded and nothing was asked of it.
pub(super) fn loaded(model: &str) -> Value {
    json!({
        "model": model, "created_at": CREATED_AT, "response": "", "done": true, "done_reason": "load",
    })
}

/// Whether lines carry `message`, as in chat, or `response`.
fn chats(accepted: &Accepted) -> bool {
    accepted.wire != Wire::OllamaGenerate
}

fn lines(accepted: &Accepted, answer: &Answer) -> Vec<Value> {
    let said = accepted.said(answer);
    let mut lines: Vec<Value> = Vec::new();
    for thought in &said.thoughts {
        let message = json!({ "role": "assistant", "content": "", "thinking": thought });
        lines.push(a_line(accepted, message));
    }
    for token in &said.tokens {
        let message = json!({ "role": "assistant", "content": token });
        lines.push(a_line(accepted, message));
    }
    if !answer.calls.is_empty() {
        let message = json!({ "role": "assistant", "content": "", "tool_calls": calls(answer) });
        lines.push(a_line(accepted, message));
    }
    lines.push(last(
        accepted,
        answer,
        said.tokens.len() as u64,
        said.reason,
    ));
    lines
}

fn calls(answer: &Answer) -> Value {
    let calls = answer.calls.iter().enumerate().map(|(index, call)| {
        let function = json!({ "index": index, "name": call.name, "arguments": call.arguments });
        let mut made = json!({ "function": function });
        if !call.id.is_empty() {
            made["id"] = call.id.clone().into();
        }
        made
    });
    calls.collect()
}

fn a_line(accepted: &Accepted, message: Value) -> Value {
    let mut line = json!({ "model": accepted.model, "created_at": CREATED_AT });
    if chats(accepted) {
        line["message"] = message;
    } else {
        line["response"] = message["content"].clone();
    }
    line["done"] = false.into();
    line
}

fn last(accepted: &Accepted, answer: &Answer, output_tokens: u64, reason: &str) -> Value {
    let mut line = a_line(accepted, json!({ "role": "assistant", "content": "" }));
    let prompt_tokens = answer.prompt_tokens.unwrap_or(accepted.prompt_tokens);
    let output_tokens = answer.output_tokens.unwrap_or(output_tokens);
    line["done"] = true.into();
    line["done_reason"] = answer.done_reason.as_deref().unwrap_or(reason).into();
    if answer.counts_nothing {
        return line;
    }
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
