//! The real contexts of models, asked once and remembered: a lane may promise more than its model was made for, and
//! a server then runs it with less and says nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Ollama;
use crate::{ChatRequest, LlmError};

/// So many models are remembered.
const MAX_MODELS: usize = 64;

/// The longest context of each model that was asked about; none where the server does not say.
#[derive(Debug, Default)]
pub(super) struct Contexts(Mutex<HashMap<String, Option<u32>>>);

impl Contexts {
    /// What is known: nothing yet, that the server does not say, or the longest context.
    pub(super) fn known(&self, model: &str) -> Option<Option<u32>> {
        let contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contexts.get(model).copied()
    }

    fn remember(&self, model: &str, context: Option<u32>) {
        let mut contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if contexts.len() >= MAX_MODELS {
            contexts.clear();
        }
        contexts.insert(model.to_owned(), context);
    }

    /// After a failure the model may have been replaced by another of its name.
    pub(super) fn forget(&self, model: &str) {
        let mut contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contexts.remove(model);
    }
}

impl Ollama {
    /// The request with no more context than its model has.
    pub(super) async fn within_real_context<'a>(
        &self,
        request: &'a ChatRequest,
    ) -> Result<Cow<'a, ChatRequest>, LlmError> {
        if self.contexts.known(&request.model).is_none() {
            let context = self.real_context(&request.model).await?;
            self.contexts.remember(&request.model, context);
        }
        Ok(self.held_to_known_context(request))
    }

    /// The request with no more context than its model is known to have.
    pub(super) fn held_to_known_context<'a>(
        &self,
        request: &'a ChatRequest,
    ) -> Cow<'a, ChatRequest> {
        match self.contexts.known(&request.model).flatten() {
            Some(context_tokens) if context_tokens < request.context_tokens => {
                Cow::Owned(ChatRequest {
                    context_tokens,
                    ..request.clone()
                })
            }
            _ => Cow::Borrowed(request),
        }
    }

    pub(super) async fn real_context(&self, model: &str) -> Result<Option<u32>, LlmError> {
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
