//! Inventory and connections: how Watchkeeper reaches a host, and the only place that builds command lines.
//!
//! What is run there, and what its output means, is for others to say: the probe is `health`'s, the steps
//! are `remedy`'s.

mod command;
mod connection;
mod exchange;
mod inventory;
mod local;
mod process;
mod quote;
mod rendered;
mod system_ssh;
mod wrapper;

pub use command::*;
pub use connection::*;
pub use inventory::*;
pub use local::*;
pub use system_ssh::{SystemSshConnection, SystemSshSettings};
