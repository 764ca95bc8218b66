//! Stand-ins with state for tests: simulated hosts, a scripted model server, private databases, a clock moved by hand.

pub mod build;
pub mod clock;
pub mod model_server;
pub mod postgres;
pub mod push;
#[cfg(feature = "qdrant")]
pub mod qdrant;
pub mod ssh_host;
pub mod sshd;
mod tls;
