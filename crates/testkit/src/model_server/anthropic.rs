//! The events of an answer as Anthropic writes them: blocks that begin, grow and end.

use bytes::Bytes;
use serde_json::{Value, json};

use super::generation::Accepted;
use super::turn::{Answer, Call};
use super::wire::Frames;

/// Characters of a tool call's input in one event.
const INPUT_CHARS: usize = 5;

/// All events of an answer.
pub(super) fn frames(accepted: &Accepted, answer: &Answer) -> Vec<Bytes> {
    let said = accepted.said(answer);
    let mut writing = Writing::default();
    let prompt = answer.prompt_tokens.unwrap_or(accepted.prompt_tokens);
    let output = answer.output_tokens.unwrap_or(said.tokens.len() as u64);
    let mut begun = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": accepted.model, "content": [],
        "stop_reason": null, "stop_sequence": null,
    });
    if !answer.counts_nothing {
        begun["usage"] = json!({ "input_tokens": prompt, "output_tokens": 1 });
    }
    writing.before("message_start", json!({ "message": begun }));
    writing.before("ping", json!({}));
    if !said.thoughts.is_empty() {
        let pieces = said.thoughts.iter();
        let deltas = pieces.map(|text| json!({ "type": "thinking_delta", "thinking": text }));
        writing.block(&json!({ "type": "thinking", "thinking": "" }), deltas);
    }
    let held_to = accepted
        .answer_tool
        .as_ref()
        .filter(|_| answer.calls.is_empty());
    if let Some(name) = held_to {
        // A model that is held to a tool writes its input and nothing else.
        let block = json!({ "type": "tool_use", "id": "toolu_answer", "name": name, "input": {} });
        let deltas = said.tokens.iter().map(|token| input_delta(token));
        writing.block(&block, deltas);
    } else if !said.tokens.is_empty() {
        let deltas = said
            .tokens
            .iter()
            .map(|token| json!({ "type": "text_delta", "text": token }));
        writing.block(&json!({ "type": "text", "text": "" }), deltas);
    }
    for (index, call) in answer.calls.iter().enumerate() {
        writing.call(index, call);
    }
    let usual = match said.reason {
        "length" => "max_tokens",
        _ if held_to.is_some() || !answer.calls.is_empty() => "tool_use",
        _ => "end_turn",
    };
    let reason = match answer.done_reason.as_deref() {
        Some("length") => "max_tokens",
        Some(reason) => reason,
        None => usual,
    };
    let mut end = json!({ "delta": { "stop_reason": reason, "stop_sequence": null } });
    if !answer.counts_nothing {
        end["usage"] = json!({ "output_tokens": output });
    }
    writing.before("message_delta", end);
    writing.frames.piece(&named("message_stop", json!({})));
    writing.frames.finish()
}

/// An event that can be sent for ever, once its block has begun.
pub(super) fn endless(text: &str) -> Bytes {
    // Every one begins its block anew: a block need not end before another begins.
    let begin = json!({ "index": 0, "content_block": { "type": "text", "text": "" } });
    let grow = json!({ "index": 0, "delta": { "type": "text_delta", "text": text } });
    [
        named("content_block_start", begin),
        named("content_block_delta", grow),
    ]
    .concat()
    .into()
}

/// An error in the middle of an answer.
pub(super) fn error_event(text: &str) -> Bytes {
    named(
        "error",
        json!({ "error": { "type": "api_error", "message": text } }),
    )
}

fn input_delta(json: &str) -> Value {
    json!({ "type": "input_json_delta", "partial_json": json })
}

/// An event with its name, which its data repeats.
fn named(name: &str, mut data: Value) -> Bytes {
    data["type"] = name.into();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// An answer that is being written, block by block.
#[derive(Default)]
struct Writing {
    frames: Frames,
    blocks: u64,
}

impl Writing {
    fn before(&mut self, name: &str, data: Value) {
        self.frames.before(&named(name, data));
    }

    fn block(&mut self, block: &Value, deltas: impl Iterator<Item = Value>) {
        let index = self.blocks;
        self.blocks += 1;
        self.before(
            "content_block_start",
            json!({ "index": index, "content_block": block }),
        );
        for delta in deltas {
            let grown = named(
                "content_block_delta",
                json!({ "index": index, "delta": delta }),
            );
            self.frames.piece(&grown);
        }
        self.before("content_block_stop", json!({ "index": index }));
    }

    fn call(&mut self, index: usize, call: &Call) {
        let id = if call.id.is_empty() {
            format!("toolu_{index}")
        } else {
            call.id.clone()
        };
        let input: Vec<char> = call.arguments_as_text().chars().collect();
        let pieces = input
            .chunks(INPUT_CHARS)
            .map(|piece| input_delta(&piece.iter().collect::<String>()));
        let block = json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} });
        self.block(&block, pieces);
    }
}
