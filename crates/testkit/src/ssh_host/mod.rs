//! A simulated host: a real SSH server in this process, with a world behind it that a test sets and reads.
//!
//! Commands run with a real `sh` in a private directory. Its `PATH` begins with stand-ins for `systemctl`,
//! `journalctl`, `df`, `timedatectl`, `apt-get` and `sudo`, whose state are files there, so a restart heals a
//! unit only where the test says so, and how often it was asked for can be counted. What comes from `/proc` is
//! this machine's own. As with a real sshd, a process outlives the connection that started it; what is left when
//! the host is dropped is killed.

mod exec;
mod host;
mod listen;
mod session;
mod world;

pub use host::{ExecRule, HostKeyKind, SshHost, SshHostBuilder};
pub use world::Unit;
