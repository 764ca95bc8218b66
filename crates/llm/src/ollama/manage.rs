//! What a server says about itself and its models: version, list, one model's facts, what is loaded.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Ollama;
use crate::LlmError;
use crate::caller::Asked;

/// A model that is on the server's disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LocalModel {
    /// Its name with its tag: `qwen3:8b`.
    pub name: String,
    /// Its size on disk, in bytes.
    #[serde(default)]
    pub size: u64,
}

/// A model that is in the server's memory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LoadedModel {
    /// Its name with its tag.
    pub name: String,
    /// The context it was loaded with; older servers do not say.
    pub context_length: Option<u64>,
    /// How much of it lies in the memory of a graphics card, in bytes.
    #[serde(default)]
    pub size_vram: u64,
}

/// What a server knows about one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// The longest context it was made for.
    pub context_length: Option<u64>,
    /// What it can do: `completion`, `tools`, `thinking`, `embedding`. Older servers do not say.
    pub capabilities: Vec<String>,
}

impl LocalModel {
    /// Whether this is the model a person means by `name`: without a tag, `latest` is meant.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        is_model(&self.name, name)
    }
}

impl LoadedModel {
    /// Whether this is the model a person means by `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        is_model(&self.name, name)
    }
}

fn is_model(listed: &str, meant: &str) -> bool {
    listed == meant || listed.strip_suffix(":latest") == Some(meant)
}

impl Ollama {
    /// The server's version.
    ///
    /// # Errors
    /// Says why it could not be learned.
    pub async fn version(&self) -> Result<String, LlmError> {
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let answer: Version = self
            .ask("api/version", None, "a JSON object with `version`")
            .await?;
        Ok(crate::error::one_line(&answer.version, 40))
    }

    /// The models on the server's disk.
    ///
    /// # Errors
    /// Says why they could not be learned.
    pub async fn local_models(&self) -> Result<Vec<LocalModel>, LlmError> {
        #[derive(Deserialize)]
        struct Tags {
            models: Vec<LocalModel>,
        }
        let answer: Tags = self
            .ask("api/tags", None, "a JSON object with `models`")
            .await?;
        Ok(answer.models)
    }

    /// The models in the server's memory.
    ///
    /// # Errors
    /// Says why they could not be learned.
    pub async fn loaded(&self) -> Result<Vec<LoadedModel>, LlmError> {
        #[derive(Deserialize)]
        struct Ps {
            models: Vec<LoadedModel>,
        }
        let answer: Ps = self
            .ask("api/ps", None, "a JSON object with `models`")
            .await?;
        Ok(answer.models)
    }

    /// What the server knows about a model.
    ///
    /// # Errors
    /// Says why it could not be learned.
    pub async fn facts(&self, model: &str) -> Result<ModelFacts, LlmError> {
        #[derive(Deserialize)]
        struct Show {
            #[serde(default)]
            model_info: serde_json::Map<String, serde_json::Value>,
            #[serde(default)]
            capabilities: Vec<String>,
        }
        let answer: Show = self
            .ask("api/show", Some(model), "a JSON object with `model_info`")
            .await?;
        // Its key begins with the architecture: `llama.context_length`.
        let context_length = answer
            .model_info
            .iter()
            .find(|(key, _)| key.ends_with(".context_length"))
            .and_then(|(_, value)| value.as_u64());
        Ok(ModelFacts {
            context_length,
            capabilities: answer.capabilities,
        })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        model: Option<&str>,
        expected: &'static str,
    ) -> Result<T, LlmError> {
        let (method, body) = match model {
            Some(model) => (Method::POST, Some(json!({ "model": model }))),
            None => (Method::GET, None),
        };
        let asked = Asked::about(model.unwrap_or_default());
        self.caller
            .ask(method, path, asked, body.as_ref(), expected)
            .await
    }
}
