//! The events of an answer as OpenAI writes them, and vLLM and llama.cpp after it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::generation::Accepted;
use super::turn::Answer;
use super::wire::{Frames, event};

/// When every answer was made, and what it is called.
const CREATED: u64 = 1_795_255_200;
const ID: &str = "chatcmpl-1";
/// Characters of a tool call's arguments in one event.
const ARGUMENT_CHARS: usize = 5;

/// All events of an answer.
pub(super) fn frames(accepted: &Accepted, answer: &Answer) -> Vec<Bytes> {
    let said = accepted.said(answer);
    let mut frames = Frames::default();
    frames.before(&delta(
        accepted,
        &json!({ "role": "assistant", "content": "" }),
    ));
    for thought in &said.thoughts {
        frames.piece(&delta(accepted, &json!({ "reasoning_content": thought })));
    }
    for token in &said.tokens {
        frames.piece(&delta(accepted, &json!({ "content": token })));
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let mut begin = json!({
            "index": index, "type": "function",
            "function": { "name": call.name, "arguments": "" },
        });
        if !call.id.is_empty() {
            begin["id"] = call.id.clone().into();
        }
        frames.before(&delta(accepted, &json!({ "tool_calls": [begin] })));
        let arguments: Vec<char> = call.arguments_as_text().chars().collect();
        for piece in arguments.chunks(ARGUMENT_CHARS) {
            let piece: String = piece.iter().collect();
            let more = json!({ "index": index, "function": { "arguments": piece } });
            frames.piece(&delta(accepted, &json!({ "tool_calls": [more] })));
        }
    }
    let usual = match said.reason {
        "stop" if !answer.calls.is_empty() => "tool_calls",
        reason => reason,
    };
    let reason = answer.done_reason.as_deref().unwrap_or(usual);
    let mut end = chunk(accepted, &json!({}));
    end["choices"][0]["finish_reason"] = reason.into();
    frames.before(&event(&end));
    if accepted.counts && !answer.counts_nothing {
        let prompt = answer.prompt_tokens.unwrap_or(accepted.prompt_tokens);
        let output = answer.output_tokens.unwrap_or(said.tokens.len() as u64);
        let mut counts = chunk(accepted, &json!({}));
        counts["choices"] = json!([]);
        counts["usage"] = json!({
            "prompt_tokens": prompt, "completion_tokens": output,
            "total_tokens": prompt.saturating_add(output),
        });
        frames.before(&event(&counts));
    }
    frames.piece(b"data: [DONE]\n\n");
    frames.finish()
}

/// An event that can be sent for ever.
pub(super) fn endless(text: &str) -> Bytes {
    event(&json!({
        "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": super::MODEL,
        "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }],
    }))
}

fn delta(accepted: &Accepted, delta: &Value) -> Bytes {
    event(&chunk(accepted, delta))
}

fn chunk(accepted: &Accepted, delta: &Value) -> Value {
    json!({
        "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": accepted.model,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": null }],
    })
}
