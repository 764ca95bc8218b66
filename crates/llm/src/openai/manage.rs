//! What a server says about its models. The protocol itself only lists them; the context each is served with stands
//! in another place with each server, and with OpenAI nowhere.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::Openai;
use crate::caller::Asked;
use crate::{LlmError, ModelLine};

/// What a list of models is expected to be.
const EXPECTED_LIST: &str = "a JSON object with `data`";

/// Servers, as they call themselves, that take `chat_template_kwargs`.
const KNOW_TEMPLATES: [&str; 3] = ["vllm", "llamacpp", "sglang"];

#[derive(Debug, Deserialize)]
struct List {
    data: Vec<Listed>,
}

/// One model as it is listed, with what some servers add.
#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    owned_by: Value,
    /// vLLM.
    max_model_len: Option<u64>,
    /// Some proxies.
    context_length: Option<u64>,
    /// llama.cpp.
    #[serde(default)]
    meta: Value,
}

impl Listed {
    /// Who serves it, as it says itself: `vllm`, `llamacpp`, `organization_owner` (LM Studio), `library` (Ollama).
    fn owner(&self) -> &str {
        self.owned_by.as_str().unwrap_or_default()
    }

    fn context(&self) -> Option<u32> {
        let said = [
            self.max_model_len,
            self.context_length,
            self.meta["n_ctx"].as_u64(),
        ];
        said.into_iter().flatten().next().map(bounded)
    }

    fn line(self) -> ModelLine {
        ModelLine {
            context: self.context(),
            size: self.meta["size"].as_u64(),
            loaded: None,
            name: self.id,
        }
    }
}

fn bounded(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

impl Openai {
    async fn list(&self) -> Result<Vec<Listed>, LlmError> {
        let list: List = self
            .caller
            .ask(
                Method::GET,
                "v1/models",
                Asked::about(""),
                None,
                EXPECTED_LIST,
            )
            .await?;
        let knows = list
            .data
            .iter()
            .any(|listed| KNOW_TEMPLATES.contains(&listed.owner()));
        self.knows_templates.store(knows, Ordering::Relaxed);
        Ok(list.data)
    }

    pub(super) async fn listed(&self) -> Result<Vec<ModelLine>, LlmError> {
        Ok(self.list().await?.into_iter().map(Listed::line).collect())
    }

    pub(super) async fn kind_of_server(&self) -> Result<String, LlmError> {
        let models = self.list().await?;
        let kind = match models.first().map_or("", Listed::owner) {
            _ if self.is_openai() => "OpenAI".to_owned(),
            "vllm" => "vLLM".to_owned(),
            "llamacpp" => "llama.cpp".to_owned(),
            "organization_owner" => "LM Studio".to_owned(),
            "library" => "Ollama, by OpenAI's protocol".to_owned(),
            _ => "a server that speaks OpenAI's protocol".to_owned(),
        };
        Ok(kind)
    }

    /// The context a model is served with. A model that is not listed may still be known: the chat will show.
    pub(super) async fn served_context(&self, model: &str) -> Result<Option<u32>, LlmError> {
        if self.is_openai() {
            return Ok(None);
        }
        let models = self.list().await?;
        let listed = models
            .iter()
            .find(|listed| listed.id == model)
            // llama.cpp serves one model, and answers to any name for it.
            .or_else(|| models.first().filter(|first| first.owner() == "llamacpp"));
        let Some(listed) = listed else {
            return Ok(None);
        };
        if let Some(context) = listed.context() {
            return Ok(Some(context));
        }
        match listed.owner() {
            "llamacpp" => self.context_of_llama_cpp().await,
            "organization_owner" => self.context_of_lm_studio(model).await,
            _ => Ok(None),
        }
    }

    /// llama.cpp tells the context of one slot, which is what one question has.
    async fn context_of_llama_cpp(&self) -> Result<Option<u32>, LlmError> {
        let props = self.fact("props").await?;
        let context = &props["default_generation_settings"]["n_ctx"];
        Ok(context.as_u64().map(bounded))
    }

    /// LM Studio tells with what context a model is loaded, in an interface of its own.
    async fn context_of_lm_studio(&self, model: &str) -> Result<Option<u32>, LlmError> {
        let models = self.fact("api/v0/models").await?;
        let found = models["data"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|listed| listed["id"] == model);
        let context = found.and_then(|listed| {
            let loaded = listed["loaded_context_length"].as_u64();
            loaded.or_else(|| listed["max_context_length"].as_u64())
        });
        Ok(context.map(bounded))
    }

    async fn fact(&self, path: &str) -> Result<Value, LlmError> {
        self.caller
            .ask(Method::GET, path, Asked::about(""), None, "a JSON object")
            .await
    }
}
