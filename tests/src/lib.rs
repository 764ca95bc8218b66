//! What the stories share: the built binary with a home of its own, troubles of this machine, and the lab of real hosts.

pub mod binary;
pub mod browser;
pub mod lab;
pub mod missing;
pub mod nix;
pub mod nix_host;
pub mod package;
pub mod proxy;
pub mod repair;
pub mod tmux;
