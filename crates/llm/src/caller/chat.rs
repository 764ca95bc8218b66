//! One question from its measure to its judgement, the same for every protocol: it is refused here when it does not
//! fit, asked, and its answer thrown away when the server has read less than was sent.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Asked, Caller, Overflow};
use crate::answer::Answer;
use crate::tokens::is_cut;
use crate::{
    ChatEvent, ChatRequest, Done, LlmError, Message, OutputLimit, PromptSize, Reply, StopReason,
    TimeLimit,
};

/// How an answer's bytes are parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Newline-delimited JSON.
    Lines,
    /// Server-sent events.
    Events,
}

/// What one protocol says and how.
#[async_trait]
pub(crate) trait Protocol: Send + Sync {
    fn caller(&self) -> &Caller;

    /// Where questions go, below the address.
    fn path(&self) -> &'static str;

    fn framing(&self) -> Framing;

    /// What is sent. `run_with` is the context the model is run with, always the same for one model.
    fn body(&self, request: &ChatRequest, run_with: u32) -> serde_json::Value;

    fn dialect(&self) -> Box<dyn Dialect>;

    /// Whether a request says with what context its model is run; else the server has decided.
    fn sets_context(&self) -> bool {
        false
    }

    /// The longest context of a model, as the server says.
    async fn longest_context(&self, model: &str) -> Result<Option<u32>, LlmError>;
}

/// Reads the frames of one answer.
pub(crate) trait Dialect: Send {
    /// What every frame is expected to be.
    fn expected(&self) -> &'static str;

    /// Takes one frame; gives the end when it is the last.
    fn take(&mut self, frame: &[u8], answer: &mut Answer<'_>) -> Result<Option<Done>, Trouble>;

    /// The end, where an orderly end of the connection is one.
    fn ended(&mut self, _answer: &mut Answer<'_>) -> Result<Option<Done>, Trouble> {
        Ok(None)
    }
}

/// What is wrong with a frame.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is not what the protocol says; this was to come.
    Protocol(&'static str),
    /// It is the server's error.
    Said(super::Said),
    /// The answer is too long.
    TooLong(OutputLimit),
    /// The provider does not want to answer this.
    Declined(String),
}

impl From<OutputLimit> for Trouble {
    fn from(limit: OutputLimit) -> Self {
        Self::TooLong(limit)
    }
}

/// How long a request's prompt is, against what is known of its model.
pub(crate) fn measure(caller: &Caller, request: &ChatRequest) -> PromptSize {
    caller.corrections.measure(&held(caller, request))
}

/// Asks a question: measured first, within the lane's time limits, until it is cancelled.
pub(crate) async fn chat(
    protocol: &dyn Protocol,
    request: &ChatRequest,
    on_event: &mut (dyn FnMut(ChatEvent) + Send),
    cancel: &CancellationToken,
) -> Result<Reply, LlmError> {
    let caller = protocol.caller();
    let total = caller.lane.timeouts.total.0;
    let answered = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(LlmError::Cancelled),
        answered = tokio::time::timeout(total, ask_when_it_fits(protocol, request, on_event)) => {
            answered.unwrap_or_else(|_| Err(caller.too_slow(TimeLimit::Total, total)))
        }
    };
    if answered.is_err() {
        caller.contexts.forget(&request.model);
    }
    answered
}

/// Measures the prompt, first against what was asked for, then against what the model really has, and asks.
async fn ask_when_it_fits(
    protocol: &dyn Protocol,
    request: &ChatRequest,
    on_event: &mut (dyn FnMut(ChatEvent) + Send),
) -> Result<Reply, LlmError> {
    let caller = protocol.caller();
    fitting(caller, &held(caller, request))?;
    learn_context(protocol, &request.model).await?;
    let request = held(caller, request);
    let size = fitting(caller, &request)?;
    let mut answer = Answer::new(on_event);
    let body = protocol.body(&request, run_with(caller, &request.model));
    let asked = Asked::chat(&request, size);
    let done = caller.exchange(protocol, asked, &body, &mut answer).await?;
    judge(protocol, &request, &done)?;
    answer.end(done);
    Ok(Reply {
        text: answer.text,
        thinking: answer.thinking,
        tool_calls: answer.tool_calls,
        done,
        estimated_prompt_tokens: size.tokens,
    })
}

/// Asks for a model's real context, once.
pub(crate) async fn learn_context(protocol: &dyn Protocol, model: &str) -> Result<(), LlmError> {
    let contexts = &protocol.caller().contexts;
    if contexts.known(model).is_none() {
        contexts.remember(model, protocol.longest_context(model).await?);
    }
    Ok(())
}

/// The context a model is run with: the lane's, or its own where that is less. It is never another for one model,
/// since a server loads the model anew for each.
pub(crate) fn run_with(caller: &Caller, model: &str) -> u32 {
    let real = caller.contexts.known(model).flatten();
    caller.lane.context.min(real.unwrap_or(u32::MAX))
}

/// The request with no more context than its model is run with.
fn held<'r>(caller: &Caller, request: &'r ChatRequest) -> Cow<'r, ChatRequest> {
    let context_tokens = run_with(caller, &request.model);
    if context_tokens >= request.context_tokens {
        return Cow::Borrowed(request);
    }
    Cow::Owned(ChatRequest {
        context_tokens,
        ..request.clone()
    })
}

fn fitting(caller: &Caller, request: &ChatRequest) -> Result<PromptSize, LlmError> {
    let size = caller.corrections.measure(request);
    if size.fits() {
        return Ok(size);
    }
    Err(Asked::chat(request, size).too_long(Overflow::default()))
}

/// Whether an answer that ended in order may be used; what it teaches about the model's tokens is kept.
fn judge(protocol: &dyn Protocol, request: &ChatRequest, done: &Done) -> Result<(), LlmError> {
    let caller = protocol.caller();
    let context = if protocol.sets_context() {
        Some(run_with(caller, &request.model))
    } else {
        caller.contexts.known(&request.model).flatten()
    };
    let prompt = done.prompt_tokens.unwrap_or(0);
    let read = prompt.saturating_add(done.output_tokens.unwrap_or(0));
    if let Some(context) = context.map(u64::from) {
        // An answer that fills the context ends with `length`, one token early or late; one that goes beyond it was
        // written after a part of the prompt had been dropped.
        let has_shifted = done.reason == StopReason::Finished && read > context;
        if prompt >= context || has_shifted {
            caller.corrections.learn(request, prompt);
            return Err(LlmError::PromptCut {
                model: request.model.clone(),
                read,
                context,
            });
        }
    }
    if let Some(counted) = done.prompt_tokens {
        if is_cut(request.messages.iter().map(Message::content), counted) {
            return Err(LlmError::PromptCut {
                model: request.model.clone(),
                read,
                context: context.unwrap_or(request.context_tokens).into(),
            });
        }
        caller.corrections.learn(request, counted);
    }
    if done.reason == StopReason::Length && request.schema.is_some() {
        return Err(LlmError::OutputTooLong {
            model: request.model.clone(),
            limit: match context.map(u64::from) {
                Some(context) if read + 1 >= context => OutputLimit::Context(context),
                _ => OutputLimit::Tokens(request.max_tokens.into()),
            },
        });
    }
    Ok(())
}

/// The longest a server may take before the first byte of an answer.
pub(super) const fn first_byte(caller: &Caller) -> Duration {
    caller.lane.timeouts.first_byte.0
}
