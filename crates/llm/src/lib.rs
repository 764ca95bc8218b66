//! Model providers: the wire to a local model, streaming, and the model doctor.
//!
//! A [`Lane`] is the configuration of one endpoint, a [`Provider`] speaks to it in the words of this crate, and
//! [`examine`] tries a lane for real. Which request goes when is the queue's work in `watch`; what is asked and what
//! an answer means is `agent`'s. Nothing here reads the environment, follows a redirect or repeats a request.

mod answer;
mod anthropic;
mod breaker;
mod caller;
mod chat;
mod connect;
mod contexts;
mod doctor;
pub mod egress;
mod endpoint;
mod error;
mod fit;
mod frames;
mod key;
mod lane;
pub mod ollama;
mod openai;
mod provider;
mod tokens;
mod vectors;

pub use breaker::{Breaker, BreakerSettings, May};
pub use chat::{
    ChatEvent, ChatRequest, Done, Message, Reply, StopReason, Think, Times, Tool, ToolCall,
};
pub use connect::connect;
pub use doctor::{DoctorLine, examine, examine_all, remedy};
pub use egress::{Egress, EgressRefused};
pub use endpoint::{Endpoint, EndpointError};
pub use error::{Cause, LlmError, OutputLimit, TimeLimit};
pub use fit::{fit, parts};
pub use key::{ApiKey, InvalidKey};
pub use lane::{KeepAlive, Lane, LaneError, ProviderKind, Timeouts, ToolsSwitch};
pub use ollama::Ollama;
pub use provider::{EmbedPurpose, ModelLine, Provider, PullProgress};
pub use tokens::{PromptSize, estimate};
pub use watchkeeper_model::{Span, SpanError};
