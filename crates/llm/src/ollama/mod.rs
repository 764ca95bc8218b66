//! Ollama's own protocol: chat over newline-delimited JSON, and what the server says about its models.
//!
//! It is spoken over reqwest directly. The crate ollama-rs (0.3.6) was tried for it and is not used. In chat it loses
//! characters that lie across chunks, errors inside a stream, tool-call ids and the reason for the end. For managing
//! models it reads answers of any length into memory, keeps no HTTP status (an absent model and a broken proxy are
//! the same text) and knows neither `/api/version` nor `/api/ps`. And it brings a second, older reqwest, whose client
//! takes its proxy from the environment unless it is given one of that kind, and turns on `preserve_order` in
//! serde_json for everything that is built with it.

mod manage;
mod pull;
mod stream;
mod vectors;
mod wire;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;

pub use manage::{LoadedModel, LocalModel, ModelFacts};

use crate::caller::{self, Asked, Caller, Dialect, Framing, KeyHeader, Protocol};
use crate::{
    ApiKey, ChatEvent, ChatRequest, EmbedPurpose, KeepAlive, Lane, LaneError, LlmError, ModelLine,
    PromptSize, Provider, PullProgress, Reply, TimeLimit,
};

/// A lane to an Ollama server.
#[derive(Debug)]
pub struct Ollama {
    caller: Caller,
}

impl Ollama {
    /// A provider for a lane without a key. Nothing is sent yet.
    ///
    /// # Errors
    /// Says what is wrong with the lane.
    pub fn new(lane: Lane) -> Result<Self, LaneError> {
        Self::with_key(lane, None)
    }

    /// A provider for a lane; the key is for a proxy before the server, which knows none itself.
    pub(crate) fn with_key(lane: Lane, key: Option<ApiKey>) -> Result<Self, LaneError> {
        Ok(Self {
            caller: Caller::new(lane, key, KeyHeader::Bearer)?,
        })
    }

    /// The lane it speaks for.
    #[must_use]
    pub const fn lane(&self) -> &Lane {
        &self.caller.lane
    }
}

#[async_trait]
impl Protocol for Ollama {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn path(&self) -> &'static str {
        "api/chat"
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn body(&self, request: &ChatRequest, run_with: u32) -> serde_json::Value {
        serde_json::to_value(wire::ChatBody::of(request, run_with))
            .expect("texts and numbers are JSON")
    }

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(stream::Stream)
    }

    fn sets_context(&self) -> bool {
        true
    }

    async fn longest_context(&self, model: &str) -> Result<Option<u32>, LlmError> {
        match self.facts(model).await {
            Ok(facts) => Ok(facts
                .context_length
                .map(|length| u32::try_from(length).unwrap_or(u32::MAX))),
            // A server that speaks of chat only. Whether it does, the chat will show.
            Err(LlmError::Status { .. } | LlmError::Protocol { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Provider for Ollama {
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
        model: &str,
        purpose: EmbedPurpose,
        texts: &[String],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<f32>>, LlmError> {
        crate::vectors::embed(self, model, purpose, texts, cancel).await
    }

    async fn models(&self) -> Result<Vec<ModelLine>, LlmError> {
        let models = self.local_models().await?;
        let loaded = self.loaded().await.unwrap_or_default();
        let line = |model: LocalModel| {
            let in_memory = loaded.iter().find(|loaded| loaded.name == model.name);
            ModelLine {
                context: in_memory
                    .and_then(|loaded| loaded.context_length)
                    .and_then(|context| u32::try_from(context).ok()),
                loaded: Some(in_memory.is_some()),
                size: Some(model.size),
                name: model.name,
            }
        };
        Ok(models.into_iter().map(line).collect())
    }

    async fn pull(
        &self,
        model: &str,
        on_progress: &mut (dyn FnMut(PullProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(), LlmError> {
        self.fetch(model, on_progress, cancel).await
    }

    async fn preload(&self, model: &str, keep_alive: KeepAlive) -> Result<(), LlmError> {
        caller::learn_context(self, model).await?;
        let limit = self.caller.lane.timeouts.first_byte.0;
        let body = json!({
            "model": model,
            "stream": false,
            "keep_alive": wire::WireKeepAlive::of(keep_alive),
            "options": { "num_ctx": caller::run_with(&self.caller, model) },
        });
        let loading = self.caller.ask_patiently::<serde_json::Value>(
            Method::POST,
            "api/generate",
            Asked::about(model),
            Some(&body),
            "a JSON object with `done`",
        );
        let answer = tokio::time::timeout(limit, loading)
            .await
            .unwrap_or_else(|_| Err(self.caller.too_slow(TimeLimit::FirstByte, limit)))?;
        if answer["done"] == true {
            return Ok(());
        }
        let found = answer.to_string();
        Err(self
            .caller
            .protocol("a JSON object with `done`", found.as_bytes()))
    }

    async fn context_of(&self, model: &str) -> Result<Option<u32>, LlmError> {
        self.longest_context(model).await
    }

    async fn server(&self) -> Result<String, LlmError> {
        Ok(format!("Ollama {}", self.version().await?))
    }
}
