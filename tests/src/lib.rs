//! What the stories share: the built binary with a home of its own, and the lab of real hosts.

pub mod binary;
pub mod lab;
