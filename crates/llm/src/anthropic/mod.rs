//! Anthropic's messages. A schema is no word of this protocol: an answer that must be of one is asked for as the call
//! of a tool made for it, which the model cannot but use, and the arguments of that call are the answer's text. Where
//! there are other tools the model must call one of them or give its answer so.
//!
//! There are no vectors, nothing is fetched or loaded, and how long a model's context is, is not said by older
//! versions of the interface.

mod manage;
mod stream;
mod wire;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::caller::{self, Caller, Dialect, Framing, KeyHeader, Protocol};
use crate::{
    ApiKey, ChatEvent, ChatRequest, EmbedPurpose, KeepAlive, Lane, LaneError, LlmError, ModelLine,
    PromptSize, Provider, PullProgress, Reply,
};

/// The version of the interface that is spoken.
pub(crate) const VERSION: &str = "2023-06-01";

/// A lane to Anthropic.
#[derive(Debug)]
pub(crate) struct Anthropic {
    caller: Caller,
}

impl Anthropic {
    /// A provider for a lane. Nothing is sent yet.
    pub(crate) fn new(lane: Lane, key: Option<ApiKey>) -> Result<Self, LaneError> {
        Ok(Self {
            caller: Caller::new(lane, key, KeyHeader::XApiKey)?,
        })
    }
}

#[async_trait]
impl Protocol for Anthropic {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn path(&self) -> &'static str {
        "v1/messages"
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    fn body(&self, request: &ChatRequest, _run_with: u32) -> serde_json::Value {
        wire::body(request)
    }

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(stream::Stream::default())
    }

    async fn longest_context(&self, model: &str) -> Result<Option<u32>, LlmError> {
        match self.said_context(model).await {
            // A proxy that speaks of messages only. Whether it does, the chat will show.
            Err(LlmError::Status { .. } | LlmError::Protocol { .. }) => Ok(None),
            said => said,
        }
    }
}

#[async_trait]
impl Provider for Anthropic {
    fn name(&self) -> &str {
        &self.caller.lane.name
    }

    fn measure(&self, request: &ChatRequest) -> PromptSize {
        caller::measure(&self.caller, request)
    }

    async fn chat(
        &self,
        request: &ChatRequest,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
        cancel: &CancellationToken,
    ) -> Result<Reply, LlmError> {
        caller::chat(self, request, on_event, cancel).await
    }

    async fn embed(
        &self,
        _model: &str,
        _purpose: EmbedPurpose,
        _texts: &[String],
        _cancel: &CancellationToken,
    ) -> Result<Vec<Vec<f32>>, LlmError> {
        Err(self.caller.not_offered("make vectors"))
    }

    async fn models(&self) -> Result<Vec<ModelLine>, LlmError> {
        self.listed().await
    }

    async fn pull(
        &self,
        _model: &str,
        _on_progress: &mut (dyn FnMut(PullProgress) + Send),
        _cancel: &CancellationToken,
    ) -> Result<(), LlmError> {
        Err(self.caller.not_offered("fetch a model"))
    }

    async fn preload(&self, _model: &str, _keep_alive: KeepAlive) -> Result<(), LlmError> {
        Err(self.caller.not_offered("load a model"))
    }

    async fn context_of(&self, model: &str) -> Result<Option<u32>, LlmError> {
        self.longest_context(model).await
    }

    async fn server(&self) -> Result<String, LlmError> {
        let models = self.listed().await?;
        Ok(format!("Anthropic with {} models", models.len()))
    }
}
