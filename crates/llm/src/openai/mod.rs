//! OpenAI's protocol: chat completions over server-sent events, vectors, the list of models. It is spoken by OpenAI
//! itself and, each with ways of its own, by vLLM, llama.cpp and LM Studio.
//!
//! Such a server has decided with what context it runs a model, so nothing is sent about it; what it says of it is
//! read where it says something (`manage`). Nothing is fetched or loaded through this protocol.

mod manage;
mod stream;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::caller::{self, Asked, Caller, Dialect, Framing, KeyHeader, Protocol};
use crate::vectors::{Batch, Vectoring};
use crate::{
    ApiKey, ChatEvent, ChatRequest, EmbedPurpose, KeepAlive, Lane, LaneError, LlmError, ModelLine,
    PromptSize, Provider, ProviderKind, PullProgress, Reply,
};

/// A lane to OpenAI, or to a server that speaks its protocol.
#[derive(Debug)]
pub(crate) struct Openai {
    caller: Caller,
    /// Whether the server has said that it is one that knows `chat_template_kwargs`; others may refuse words they do not
    /// know.
    knows_templates: AtomicBool,
}

impl Openai {
    /// A provider for a lane. Nothing is sent yet.
    pub(crate) fn new(lane: Lane, key: Option<ApiKey>) -> Result<Self, LaneError> {
        Ok(Self {
            caller: Caller::new(lane, key, KeyHeader::Bearer)?,
            knows_templates: AtomicBool::new(false),
        })
    }

    /// Whether it is OpenAI itself, which refuses words that are not its own.
    fn is_openai(&self) -> bool {
        self.caller.lane.provider == ProviderKind::Openai
    }
}

#[async_trait]
impl Protocol for Openai {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn path(&self) -> &'static str {
        "v1/chat/completions"
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    fn body(&self, request: &ChatRequest, _run_with: u32) -> serde_json::Value {
        let speaks = if self.is_openai() {
            wire::Words::OpenAi
        } else if self.knows_templates.load(Ordering::Relaxed) {
            wire::Words::Templates
        } else {
            wire::Words::Plain
        };
        wire::chat_body(request, speaks)
    }

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(stream::Stream::default())
    }

    async fn longest_context(&self, model: &str) -> Result<Option<u32>, LlmError> {
        match self.served_context(model).await {
            // A server that speaks of chat only. Whether it does, the chat will show.
            Err(LlmError::Status { .. } | LlmError::Protocol { .. }) => Ok(None),
            said => said,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Vectors {
    data: Vec<Vector>,
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    index: Option<usize>,
    embedding: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
}

#[async_trait]
impl Vectoring for Openai {
    async fn batch(&self, asked: Asked<'_>, texts: &[String]) -> Result<Batch, LlmError> {
        let body = json!({ "model": asked.model, "input": texts, "encoding_format": "float" });
        let mut answer: Vectors = self
            .caller
            .ask_patiently(
                Method::POST,
                "v1/embeddings",
                asked,
                Some(&body),
                "a JSON object with `data`",
            )
            .await?;
        // They are in order already where they are not numbered; the sort is stable.
        answer.data.sort_by_key(|vector| vector.index.unwrap_or(0));
        let all_there = answer
            .data
            .iter()
            .enumerate()
            .all(|(place, vector)| vector.index.is_none_or(|index| index == place));
        if !all_there {
            let found = b"two of one number, or a gap";
            return Err(self.caller.protocol("vectors numbered from 0", found));
        }
        Ok(Batch {
            vectors: answer
                .data
                .into_iter()
                .map(|vector| vector.embedding)
                .collect(),
            counted: answer.usage.and_then(|usage| usage.prompt_tokens),
        })
    }
}

#[async_trait]
impl Provider for Openai {
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
        self.kind_of_server().await
    }
}
