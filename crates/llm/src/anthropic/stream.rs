//! The events of an answer as Anthropic writes them: blocks that begin, grow and end, each by its index; counts at
//! the beginning and the end; `message_stop` is last. Events of kinds that are not known are passed over, as the
//! protocol demands.

use serde::Deserialize;
use serde_json::Value;

use super::wire::ANSWER_TOOL;
use crate::answer::{Answer, arguments};
use crate::caller::{Dialect, Said, Trouble};
use crate::{Done, StopReason, Times};

/// What every event is expected to be.
const EXPECTED_EVENT: &str = "an event with `type`";

/// One event. What a kind does not have is left out.
#[derive(Debug, Deserialize)]
struct Event {
    r#type: String,
    error: Option<Value>,
    message: Option<Begun>,
    index: Option<u64>,
    content_block: Option<Block>,
    delta: Option<Delta>,
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Begun {
    usage: Option<Usage>,
}

/// Counts. What was read from a cache is counted apart, and was read all the same.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Block {
    r#type: String,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
}

/// A block that is growing.
#[derive(Debug)]
enum Growing {
    /// Text, thoughts, or something else that needs no end.
    Plain,
    /// The tool by which the answer is given.
    Answer,
    /// A tool call.
    Call {
        id: String,
        name: String,
        input: Value,
        json: String,
    },
}

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The block that grows, with its index. One grows at a time.
    block: Option<(u64, Growing)>,
    reason: Option<StopReason>,
    prompt_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Dialect for Stream {
    fn expected(&self) -> &'static str {
        EXPECTED_EVENT
    }

    fn take(&mut self, frame: &[u8], answer: &mut Answer<'_>) -> Result<Option<Done>, Trouble> {
        let event: Event =
            serde_json::from_slice(frame).map_err(|_| Trouble::Protocol(EXPECTED_EVENT))?;
        match event.r#type.as_str() {
            "error" => {
                return Err(Trouble::Said(Said::of(&event.error.unwrap_or_default())));
            }
            "message_start" => self.count(event.message.and_then(|begun| begun.usage)),
            "content_block_start" => {
                let block = event
                    .content_block
                    .ok_or(Trouble::Protocol("a `content_block`"))?;
                self.begin(event.index.unwrap_or(0), block, answer)?;
            }
            "content_block_delta" => {
                let delta = event.delta.ok_or(Trouble::Protocol("a `delta`"))?;
                self.grow(event.index.unwrap_or(0), delta, answer)?;
            }
            "content_block_stop" => self.finish(answer)?,
            "message_delta" => {
                self.count(event.usage);
                if let Some(reason) = event.delta.and_then(|delta| delta.stop_reason) {
                    self.reason = Some(meant(&reason)?);
                }
            }
            "message_stop" => {
                self.finish(answer)?;
                let reason = self.reason.ok_or(Trouble::Protocol("a `stop_reason`"))?;
                return Ok(Some(Done {
                    reason,
                    prompt_tokens: self.prompt_tokens,
                    output_tokens: self.output_tokens,
                    times: Times::default(),
                }));
            }
            _ => {}
        }
        Ok(None)
    }
}

fn meant(reason: &str) -> Result<StopReason, Trouble> {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Ok(StopReason::Length),
        "refusal" => Err(Trouble::Declined(
            "its filter has stopped the answer".to_owned(),
        )),
        _ => Ok(StopReason::Finished),
    }
}

impl Stream {
    fn count(&mut self, usage: Option<Usage>) {
        let usage = usage.unwrap_or_default();
        if let Some(fresh) = usage.input_tokens {
            let cached = usage.cache_creation_input_tokens.unwrap_or(0)
                + usage.cache_read_input_tokens.unwrap_or(0);
            self.prompt_tokens = Some(fresh.saturating_add(cached));
        }
        self.output_tokens = usage.output_tokens.or(self.output_tokens);
    }

    fn begin(&mut self, index: u64, block: Block, answer: &mut Answer<'_>) -> Result<(), Trouble> {
        self.finish(answer)?;
        let growing = match (block.r#type.as_str(), block.name) {
            ("tool_use", Some(name)) if name == ANSWER_TOOL => Growing::Answer,
            ("tool_use", Some(name)) => Growing::Call {
                id: block.id.unwrap_or_default(),
                name,
                input: block.input.unwrap_or_default(),
                json: String::new(),
            },
            ("tool_use", None) => return Err(Trouble::Protocol("a `name` of the tool")),
            _ => {
                answer.say(block.text.unwrap_or_default())?;
                Growing::Plain
            }
        };
        self.block = Some((index, growing));
        Ok(())
    }

    fn grow(&mut self, index: u64, delta: Delta, answer: &mut Answer<'_>) -> Result<(), Trouble> {
        let Some((growing_index, growing)) = &mut self.block else {
            return Err(Trouble::Protocol("a block before its pieces"));
        };
        if *growing_index != index {
            return Err(Trouble::Protocol("a piece of the block that has begun"));
        }
        answer.think(delta.thinking.unwrap_or_default())?;
        answer.say(delta.text.unwrap_or_default())?;
        let Some(piece) = delta.partial_json else {
            return Ok(());
        };
        match growing {
            Growing::Answer => answer.say(piece)?,
            Growing::Call { json, .. } => {
                answer.grow(piece.len())?;
                json.push_str(&piece);
            }
            Growing::Plain => return Err(Trouble::Protocol("JSON only for a tool")),
        }
        Ok(())
    }

    /// The block that has grown is whole.
    fn finish(&mut self, answer: &mut Answer<'_>) -> Result<(), Trouble> {
        if let Some((
            _,
            Growing::Call {
                id,
                name,
                input,
                json,
            },
        )) = self.block.take()
        {
            let has_input = input.as_object().is_some_and(|input| !input.is_empty());
            let made = if json.is_empty() && has_input {
                input
            } else {
                arguments(json)
            };
            answer.call(Some(id), name, made)?;
        }
        Ok(())
    }
}
