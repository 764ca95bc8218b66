//! The events of an answer as OpenAI writes them. Tool calls come in pieces, put together by their index; the counts
//! come in an event of their own after the reason for the end; `[DONE]` is last.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, MAX_TOOL_CALLS, arguments};
use crate::caller::{Dialect, Said, Trouble};
use crate::frames::LAST_EVENT;
use crate::{Done, OutputLimit, StopReason, Times};

/// What every event is expected to be.
const EXPECTED_EVENT: &str = "an event with `choices`";

/// One event.
#[derive(Debug, Deserialize)]
struct Chunk {
    error: Option<Value>,
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    timings: Option<Timings>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    content: Option<String>,
    /// llama.cpp, vLLM.
    reasoning_content: Option<String>,
    /// Newer vLLM, and proxies.
    reasoning: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Debug, Deserialize)]
struct CallPiece {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

#[derive(Debug, Default, Deserialize)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// What llama.cpp adds.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Timings {
    #[serde(default)]
    prompt_ms: f64,
    #[serde(default)]
    predicted_ms: f64,
}

/// A tool call that is being put together.
#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    /// As text, in pieces.
    arguments: String,
    /// As an object, by servers that send it so.
    object: Option<Value>,
}

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(super) struct Stream {
    calls: Vec<Call>,
    refusal: String,
    reason: Option<StopReason>,
    usage: Option<Usage>,
    timings: Option<Timings>,
}

impl Dialect for Stream {
    fn expected(&self) -> &'static str {
        EXPECTED_EVENT
    }

    fn take(&mut self, frame: &[u8], answer: &mut Answer<'_>) -> Result<Option<Done>, Trouble> {
        if frame.trim_ascii() == LAST_EVENT {
            return match self.ended(answer)? {
                Some(done) => Ok(Some(done)),
                None => Err(Trouble::Protocol("a `finish_reason` before the end")),
            };
        }
        let chunk: Chunk =
            serde_json::from_slice(frame).map_err(|_| Trouble::Protocol(EXPECTED_EVENT))?;
        if let Some(error) = &chunk.error {
            return Err(Trouble::Said(Said::of(error)));
        }
        if chunk.choices.is_none() && chunk.usage.is_none() {
            // llama.cpp has written its errors bare, vLLM those of older versions.
            let said = std::str::from_utf8(frame).ok().and_then(Said::read);
            return Err(said.map_or(Trouble::Protocol(EXPECTED_EVENT), Trouble::Said));
        }
        self.usage = chunk.usage.or(self.usage);
        self.timings = chunk.timings.or(self.timings);
        // One answer was asked for.
        if let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) {
            self.take_choice(choice, answer)?;
        }
        Ok(None)
    }

    /// Some servers leave out the last event; with the reason for the end everything has been said.
    fn ended(&mut self, answer: &mut Answer<'_>) -> Result<Option<Done>, Trouble> {
        let Some(reason) = self.reason else {
            return Ok(None);
        };
        if !self.refusal.is_empty() {
            return Err(Trouble::Declined(std::mem::take(&mut self.refusal)));
        }
        for call in self.calls.drain(..) {
            let arguments = call.object.unwrap_or_else(|| arguments(call.arguments));
            answer.call(Some(call.id), call.name, arguments)?;
        }
        let millis = |ms: f64| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
        Ok(Some(Done {
            reason,
            prompt_tokens: self.usage.and_then(|usage| usage.prompt_tokens),
            output_tokens: self.usage.and_then(|usage| usage.completion_tokens),
            times: self.timings.map_or_else(Times::default, |timings| Times {
                prompt: millis(timings.prompt_ms),
                output: millis(timings.predicted_ms),
                ..Times::default()
            }),
        }))
    }
}

impl Stream {
    fn take_choice(&mut self, choice: Choice, answer: &mut Answer<'_>) -> Result<(), Trouble> {
        if let Some(delta) = choice.delta {
            let thought = delta.reasoning_content.or(delta.reasoning);
            answer.think(thought.unwrap_or_default())?;
            answer.say(delta.content.unwrap_or_default())?;
            if let Some(refusal) = delta.refusal {
                answer.grow(refusal.len())?;
                self.refusal.push_str(&refusal);
            }
            for piece in delta.tool_calls.unwrap_or_default() {
                self.take_piece(piece, answer)?;
            }
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => Ok(()),
            Some("content_filter") => Err(Trouble::Declined(
                "its filter has stopped the answer".to_owned(),
            )),
            Some("length") => {
                self.reason = Some(StopReason::Length);
                Ok(())
            }
            Some("error") => Err(Trouble::Protocol(
                "`finish_reason` stop, length or tool_calls",
            )),
            // `stop`, `tool_calls`, and words of servers of their own, such as `eos`.
            Some(_) => {
                self.reason = Some(StopReason::Finished);
                Ok(())
            }
        }
    }

    fn take_piece(&mut self, piece: CallPiece, answer: &mut Answer<'_>) -> Result<(), Trouble> {
        let function = piece.function.unwrap_or_default();
        let id = piece.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let place = match self.place(piece.index, &id, &name) {
            Some(place) => place,
            None if self.calls.len() >= MAX_TOOL_CALLS => {
                return Err(OutputLimit::ToolCalls(MAX_TOOL_CALLS).into());
            }
            None => {
                self.calls.push(Call {
                    index: piece.index,
                    ..Call::default()
                });
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[place];
        answer.grow(id.len() + name.len())?;
        if call.id.is_empty() {
            call.id = id;
        }
        // The name comes once; a server that repeats it with every piece means the same.
        if call.name.is_empty() {
            call.name = name;
        }
        match function.arguments {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                answer.grow(text.len())?;
                call.arguments.push_str(&text);
            }
            Some(object) => {
                answer.grow(object.to_string().len())?;
                call.object = Some(object);
            }
        }
        Ok(())
    }

    /// The call a piece belongs to; none where it begins one. Some servers number every call 0, or none, and tell
    /// them apart by their ids only.
    fn place(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let place = match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index)?,
            None => self.calls.len().checked_sub(1)?,
        };
        let call = &self.calls[place];
        let begins = !id.is_empty() && !name.is_empty() && !call.id.is_empty() && call.id != id;
        (!begins).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolCall;
    use serde_json::json;

    /// The calls that a list of pieces makes.
    fn check(pieces: &[Value], expected: &[(&str, &str, Value)]) {
        let mut stream = Stream::default();
        let mut ignore = |_| {};
        let mut answer = Answer::new(&mut ignore);
        for piece in pieces {
            let event = json!({ "choices": [{ "delta": { "tool_calls": [piece] } }] }).to_string();
            stream
                .take(event.as_bytes(), &mut answer)
                .expect("an event");
        }
        let end = json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] });
        stream
            .take(end.to_string().as_bytes(), &mut answer)
            .expect("an event");
        stream.take(LAST_EVENT, &mut answer).expect("the end");
        let expected: Vec<ToolCall> = expected
            .iter()
            .map(|(id, name, arguments)| ToolCall {
                id: (*id).to_owned(),
                name: (*name).to_owned(),
                arguments: arguments.clone(),
            })
            .collect();
        assert_eq!(answer.tool_calls, expected, "{pieces:?}");
    }

    #[test]
    fn pieces_of_calls_are_put_together_as_each_server_numbers_them() {
        let two = [("a", "df", json!({ "p": "/" })), ("b", "df", json!({}))];
        let first =
            json!({ "index": 0, "id": "a", "function": { "name": "df", "arguments": "{\"p\":" } });
        let rest = json!({ "index": 0, "function": { "arguments": "\"/\"}" } });
        let second =
            json!({ "index": 1, "id": "b", "function": { "name": "df", "arguments": "{}" } });
        check(&[first.clone(), rest.clone(), second.clone()], &two);
        // Interleaved, as the protocol allows.
        check(&[first.clone(), second.clone(), rest.clone()], &two);
        let without_index = |mut piece: Value| {
            piece.as_object_mut().expect("an object").remove("index");
            piece
        };
        check(
            &[first.clone(), rest, second.clone()].map(without_index),
            &two,
        );
        let mut same_index = second;
        same_index["index"] = 0.into();
        let whole = json!({ "index": 0, "id": "a", "function": { "name": "df", "arguments": { "p": "/" } } });
        check(&[whole, same_index], &two);
    }

    #[test]
    fn arguments_that_are_no_json_are_kept_as_text() {
        let piece = |arguments: &str| json!({ "index": 0, "id": "a", "function": { "name": "x", "arguments": arguments } });
        check(&[piece("{\"p\":")], &[("a", "x", json!("{\"p\":"))]);
        check(&[piece("")], &[("a", "x", json!({}))]);
    }
}
