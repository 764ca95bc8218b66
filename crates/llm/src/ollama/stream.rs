//! The lines of an answer as Ollama writes them. A line says `done` or that it is not the last; an error may come on
//! any of them.

use std::time::Duration;

use super::wire;
use crate::answer::Answer;
use crate::caller::{Dialect, Said, Trouble};
use crate::{Done, StopReason, Times};

/// What every line is expected to be.
const EXPECTED_LINE: &str = "a line of JSON with `message` and `done`";

/// Reads the lines of one answer.
#[derive(Debug)]
pub(super) struct Stream;

impl Dialect for Stream {
    fn expected(&self) -> &'static str {
        EXPECTED_LINE
    }

    fn take(&mut self, frame: &[u8], answer: &mut Answer<'_>) -> Result<Option<Done>, Trouble> {
        let line: wire::ChatLine =
            serde_json::from_slice(frame).map_err(|_| Trouble::Protocol(EXPECTED_LINE))?;
        if let Some(error) = &line.error {
            return Err(Trouble::Said(Said::of(error)));
        }
        let is_done = line.done.ok_or(Trouble::Protocol(EXPECTED_LINE))?;
        if let Some(piece) = line.message {
            answer.think(piece.thinking.unwrap_or_default())?;
            answer.say(piece.content.unwrap_or_default())?;
            for call in piece.tool_calls.unwrap_or_default() {
                answer.call(call.id, call.function.name, call.function.arguments)?;
            }
        }
        if !is_done {
            return Ok(None);
        }
        let reason = match line.done_reason.as_deref() {
            None | Some("stop" | "tool_calls") => StopReason::Finished,
            Some("length") => StopReason::Length,
            Some(_) => return Err(Trouble::Protocol("`done_reason` stop or length")),
        };
        Ok(Some(Done {
            reason,
            prompt_tokens: line.prompt_eval_count,
            output_tokens: line.eval_count,
            times: Times {
                total: Duration::from_nanos(line.total_duration),
                load: Duration::from_nanos(line.load_duration),
                prompt: Duration::from_nanos(line.prompt_eval_duration),
                output: Duration::from_nanos(line.eval_duration),
            },
        }))
    }
}
