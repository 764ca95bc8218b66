//! Vectors, as Ollama makes them. A text that is too long for the model is refused: by default it would be cut.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Ollama;
use crate::LlmError;
use crate::caller::{self, Asked};
use crate::vectors::{Batch, Vectoring};

#[derive(Debug, Deserialize)]
struct Answer {
    embeddings: Vec<Vec<f32>>,
    prompt_eval_count: Option<u64>,
}

#[async_trait]
impl Vectoring for Ollama {
    async fn batch(&self, asked: Asked<'_>, texts: &[String]) -> Result<Batch, LlmError> {
        let body = json!({
            "model": asked.model,
            "input": texts,
            "truncate": false,
            "keep_alive": super::wire::WireKeepAlive::of(self.caller.lane.keep_alive),
            "options": { "num_ctx": caller::run_with(&self.caller, asked.model) },
        });
        let answer: Answer = self
            .caller
            .ask_patiently(
                Method::POST,
                "api/embed",
                asked,
                Some(&body),
                "a JSON object with `embeddings`",
            )
            .await?;
        Ok(Batch {
            vectors: answer.embeddings,
            counted: answer.prompt_eval_count,
        })
    }
}
