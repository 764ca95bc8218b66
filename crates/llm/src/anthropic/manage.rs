//! The models an account may use.

use reqwest::Method;
use serde::Deserialize;

use super::Anthropic;
use crate::caller::Asked;
use crate::{LlmError, ModelLine};

/// What the list is expected to be.
const EXPECTED_LIST: &str = "a JSON object with `data`";

#[derive(Debug, Deserialize)]
struct List {
    data: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    max_input_tokens: Option<u32>,
}

impl Anthropic {
    pub(super) async fn listed(&self) -> Result<Vec<ModelLine>, LlmError> {
        let list: List = self
            .caller
            .ask(
                Method::GET,
                "v1/models?limit=1000",
                Asked::about(""),
                None,
                EXPECTED_LIST,
            )
            .await?;
        let line = |listed: Listed| ModelLine {
            name: listed.id,
            context: listed.max_input_tokens,
            ..ModelLine::default()
        };
        Ok(list.data.into_iter().map(line).collect())
    }

    /// The context of a model. Asked by name and not in the list, which leaves out names that stand for the newest of
    /// their kind.
    pub(super) async fn said_context(&self, model: &str) -> Result<Option<u32>, LlmError> {
        let path = format!("v1/models/{model}");
        let listed: Listed = self
            .caller
            .ask(
                Method::GET,
                &path,
                Asked::about(model),
                None,
                "a JSON object with `id`",
            )
            .await?;
        Ok(listed.max_input_tokens)
    }
}
