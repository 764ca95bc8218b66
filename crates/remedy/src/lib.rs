//! The catalogue of typed steps and the protocol that runs one on a host at most once.
//!
//! The catalogue says what a step means on a host: the exact text that runs, its limits, its inverse. The
//! protocol runs one such text detached, once, and finds its outcome again after a lost connection, a lost
//! controller or a reboot. Whether a step may run at all is decided elsewhere and beforehand.

mod catalogue;
mod protocol;

pub use catalogue::*;
pub use protocol::*;
