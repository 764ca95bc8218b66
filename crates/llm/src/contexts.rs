//! The real contexts of models, asked once and remembered: a lane may promise more than its model was made for, and
//! a server then runs it with less and says nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// So many models are remembered.
const MAX_MODELS: usize = 64;

/// The longest context of each model that was asked about; none where the server does not say.
#[derive(Debug, Default)]
pub(crate) struct Contexts(Mutex<HashMap<String, Option<u32>>>);

impl Contexts {
    /// What is known: nothing yet, that the server does not say, or the longest context.
    pub(crate) fn known(&self, model: &str) -> Option<Option<u32>> {
        let contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contexts.get(model).copied()
    }

    pub(crate) fn remember(&self, model: &str, context: Option<u32>) {
        let mut contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if contexts.len() >= MAX_MODELS {
            contexts.clear();
        }
        contexts.insert(model.to_owned(), context);
    }

    /// After a failure the model may have been replaced by another of its name.
    pub(crate) fn forget(&self, model: &str) {
        let mut contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contexts.remove(model);
    }
}
