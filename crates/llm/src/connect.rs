//! From a lane's configuration to the provider that speaks its protocol.

use std::sync::Arc;

use crate::{ApiKey, Lane, LaneError, Ollama, Provider, ProviderKind};

/// The provider of a lane. Nothing is sent yet.
///
/// # Errors
/// Says what is wrong with the lane, or that its key would go over the wire for everybody to read.
pub fn connect(lane: Lane, key: Option<ApiKey>) -> Result<Arc<dyn Provider>, LaneError> {
    match lane.provider {
        ProviderKind::Ollama => Ok(Arc::new(Ollama::with_key(lane, key)?)),
        provider => Err(LaneError::Unusable {
            lane: lane.name,
            why: format!("{provider} is not spoken yet"),
        }),
    }
}
