//! One exchange: the request out, the lines of the answer in, and the judgement whether it may be used.
//!
//! A server that is busy sends nothing, not even headers, until it is our turn; so one time limit covers everything
//! up to the first byte, and another the gaps after it. An answer counts only with its `done` line: an orderly end
//! of the connection before it is a cut. Versions that do not refuse a prompt that is too long answer from what was
//! left of it; then only the token counts tell, and the answer is thrown away.

use std::time::Duration;

use reqwest::{Method, Response};

use super::{Asked, Ollama, wire};
use crate::error::one_line;
use crate::lines::{LineTooLong, Lines};
use crate::{
    Cause, ChatEvent, ChatRequest, Done, LlmError, OutputLimit, PromptSize, Reply, StopReason,
    TimeLimit, Times, ToolCall,
};

/// So many bytes of an answer are kept: text, thinking and tool calls together.
const MAX_REPLY_BYTES: usize = 1024 * 1024;
/// So many tool calls of an answer are kept.
const MAX_TOOL_CALLS: usize = 64;
/// Longest text taken from an error in a stream, in characters.
const MAX_MESSAGE_CHARS: usize = 300;
/// What every line is expected to be.
const EXPECTED_LINE: &str = "a line of JSON with `message` and `done`";

impl Ollama {
    /// Asks, reads and judges.
    pub(super) async fn exchange(
        &self,
        request: &ChatRequest,
        size: PromptSize,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
    ) -> Result<Reply, LlmError> {
        let limit = self.lane().timeouts.first_byte.0;
        let asked = Asked::chat(request, size);
        let opening = async {
            let body = wire::ChatBody::of(request);
            let mut response = self
                .send(Method::POST, "api/chat", asked, Some(&body))
                .await?;
            let first = self.chunk(&mut response).await?;
            Ok((response, first))
        };
        let (response, first) = tokio::time::timeout(limit, opening)
            .await
            .unwrap_or_else(|_| Err(self.too_slow(TimeLimit::FirstByte, limit)))?;

        let mut answer = Answer::default();
        let done = self
            .read(asked, response, first, &mut answer, on_event)
            .await?;
        self.judge(request, &done)?;
        on_event(ChatEvent::Done(done));
        Ok(Reply {
            text: answer.text,
            thinking: answer.thinking,
            tool_calls: answer.tool_calls,
            done,
            estimated_prompt_tokens: size.tokens,
        })
    }

    /// Reads lines up to the one that says `done`.
    async fn read(
        &self,
        asked: Asked<'_>,
        mut response: Response,
        first: Option<bytes::Bytes>,
        answer: &mut Answer,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
    ) -> Result<Done, LlmError> {
        let idle = self.lane().timeouts.idle.0;
        let mut lines = Lines::default();
        let mut chunk = first;
        while let Some(bytes) = chunk {
            lines.push(&bytes);
            while let Some(line) = lines
                .next_line()
                .map_err(|LineTooLong| self.protocol("a line of bounded length", bytes.as_ref()))?
            {
                if let Some(done) = self.take(asked, &line, answer, on_event)? {
                    return Ok(done);
                }
            }
            chunk = tokio::time::timeout(idle, self.chunk(&mut response))
                .await
                .unwrap_or_else(|_| Err(self.too_slow(TimeLimit::Idle, idle)))?;
        }
        // The last line may lack its end. One that is cut in the middle is the beginning of JSON and no more.
        let rest = lines.rest();
        let is_cut = || {
            serde_json::from_slice::<serde::de::IgnoredAny>(rest).is_err_and(|error| error.is_eof())
        };
        if !rest.is_empty()
            && !is_cut()
            && let Some(done) = self.take(asked, rest, answer, on_event)?
        {
            return Ok(done);
        }
        Err(LlmError::CutShort {
            endpoint: self.endpoint(),
            cause: None,
        })
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, LlmError> {
        response.chunk().await.map_err(|error| LlmError::CutShort {
            endpoint: self.endpoint(),
            cause: Some(Cause::innermost(&error)),
        })
    }

    /// Takes one line; gives the end when it is the last.
    fn take(
        &self,
        asked: Asked<'_>,
        line: &[u8],
        answer: &mut Answer,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
    ) -> Result<Option<Done>, LlmError> {
        let line_read: wire::ChatLine =
            serde_json::from_slice(line).map_err(|_| self.protocol(EXPECTED_LINE, line))?;
        if let Some(error) = line_read.error {
            return Err(self.broke_off(asked, &wire::plain(&error)));
        }
        let Some(is_done) = line_read.done else {
            return Err(self.protocol(EXPECTED_LINE, line));
        };
        if let Some(piece) = line_read.message {
            answer
                .add(piece, on_event)
                .map_err(|limit| LlmError::OutputTooLong {
                    model: asked.model.to_owned(),
                    limit,
                })?;
        }
        if !is_done {
            return Ok(None);
        }
        let reason = match line_read.done_reason.as_deref() {
            None | Some("stop" | "tool_calls") => StopReason::Finished,
            Some("length") => StopReason::Length,
            Some(_) => return Err(self.protocol("`done_reason` stop or length", line)),
        };
        Ok(Some(Done {
            reason,
            prompt_tokens: line_read.prompt_eval_count,
            output_tokens: line_read.eval_count,
            times: Times {
                total: Duration::from_nanos(line_read.total_duration),
                load: Duration::from_nanos(line_read.load_duration),
                prompt: Duration::from_nanos(line_read.prompt_eval_duration),
                output: Duration::from_nanos(line_read.eval_duration),
            },
        }))
    }

    fn broke_off(&self, asked: Asked<'_>, message: &str) -> LlmError {
        match wire::Overflow::read(message) {
            Some(overflow) => asked.too_long(overflow),
            None => LlmError::ErrorInStream {
                endpoint: self.endpoint(),
                message: one_line(message, MAX_MESSAGE_CHARS),
            },
        }
    }

    /// Whether an answer that ended in order may be used; what it teaches about the model's tokens is kept.
    fn judge(&self, request: &ChatRequest, done: &Done) -> Result<(), LlmError> {
        let context = u64::from(request.context_tokens);
        let prompt = done.prompt_tokens.unwrap_or(0);
        let read = prompt.saturating_add(done.output_tokens.unwrap_or(0));
        // With `shift` off an answer that fills the context ends with `length`, one token early or late.
        let has_shifted = done.reason == StopReason::Finished && read > context;
        if prompt >= context || has_shifted {
            self.corrections.learn(request, prompt);
            return Err(LlmError::PromptCut {
                model: request.model.clone(),
                read,
                context,
            });
        }
        if let Some(counted) = done.prompt_tokens {
            self.corrections.learn(request, counted);
        }
        if done.reason == StopReason::Length && request.schema.is_some() {
            return Err(LlmError::OutputTooLong {
                model: request.model.clone(),
                limit: if read + 1 >= context {
                    OutputLimit::Context(context)
                } else {
                    OutputLimit::Tokens(request.max_tokens.into())
                },
            });
        }
        Ok(())
    }
}

/// What has come so far.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    thinking: String,
    tool_calls: Vec<ToolCall>,
    bytes: usize,
}

impl Answer {
    fn add(
        &mut self,
        piece: wire::Piece,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
    ) -> Result<(), OutputLimit> {
        if let Some(thinking) = piece.thinking.filter(|text| !text.is_empty()) {
            self.grow(thinking.len())?;
            self.thinking.push_str(&thinking);
            on_event(ChatEvent::Thinking(thinking));
        }
        if let Some(text) = piece.content.filter(|text| !text.is_empty()) {
            self.grow(text.len())?;
            self.text.push_str(&text);
            on_event(ChatEvent::Token(text));
        }
        for call in piece.tool_calls.unwrap_or_default() {
            if self.tool_calls.len() >= MAX_TOOL_CALLS {
                return Err(OutputLimit::ToolCalls(MAX_TOOL_CALLS));
            }
            let made = ToolCall {
                id: call
                    .id
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| format!("call_{}", self.tool_calls.len())),
                name: call.function.name,
                arguments: call.function.arguments,
            };
            self.grow(made.id.len() + made.name.len() + made.arguments.to_string().len())?;
            self.tool_calls.push(made.clone());
            on_event(ChatEvent::ToolCall(made));
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), OutputLimit> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_REPLY_BYTES {
            return Err(OutputLimit::Bytes(MAX_REPLY_BYTES));
        }
        Ok(())
    }
}
