//! What the stories share: the built binary with a home of its own, the lab of real hosts, and a repair that waits.

pub mod binary;
pub mod lab;
pub mod repair;
