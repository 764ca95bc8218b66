//! Inventory and connections: how Watchkeeper reaches a host, and the only place that builds command lines.
//!
//! What is run there, and what its output means, is for others to say: the probe is `health`'s, the steps
//! are `remedy`'s.

mod command;
mod connection;
mod engine;
mod engines;
mod enrol;
mod exchange;
mod fleet;
mod inventory;
pub mod known_hosts;
mod local;
mod process;
mod quote;
mod rendered;
mod ssh_config;
mod system_ssh;
mod wrapper;

#[cfg(test)]
mod shell_tests;

pub use command::*;
pub use connection::*;
pub use engine::*;
pub use engines::*;
pub use enrol::*;
pub use fleet::*;
pub use inventory::*;
pub use local::*;
pub use ssh_config::{HostSettings, ImportedHosts, RefusedHost, SshConfig};
pub use system_ssh::{SystemSshConnection, SystemSshSettings};
