//! From a lane's configuration to the provider that speaks its protocol.

use std::sync::Arc;

use crate::anthropic::Anthropic;
use crate::openai::Openai;
use crate::{ApiKey, Lane, LaneError, Ollama, Provider, ProviderKind};

/// The provider of a lane. Nothing is sent yet.
///
/// # Errors
/// Says what is wrong with the lane, or that its key would go over the wire for everybody to read.
pub fn connect(lane: Lane, key: Option<ApiKey>) -> Result<Arc<dyn Provider>, LaneError> {
    Ok(match lane.provider {
        ProviderKind::Ollama => Arc::new(Ollama::with_key(lane, key)?),
        ProviderKind::OpenaiCompatible | ProviderKind::Openai => Arc::new(Openai::new(lane, key)?),
        ProviderKind::Anthropic => Arc::new(Anthropic::new(lane, key)?),
    })
}
