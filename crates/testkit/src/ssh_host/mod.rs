//! A simulated host: a real SSH server in this process, with a world behind it that a test sets and reads.
//!
//! Commands run with a real `sh`, in a mount namespace each: the host's own `/run`, `/var/lib` and `/var/log`, its
//! boot id, and stand-ins for `systemctl`, `journalctl`, `df`, `timedatectl`, `apt-get`, `systemd-run` and `sudo`
//! lie over the machine's, and keep their state in files of a private directory. So a restart heals a unit only
//! where the test says so, how often it was asked for can be counted, and a boot can be played. What else comes
//! from `/proc` is this machine's own. As with a real sshd, a process outlives the connection that started it; what is left when
//! the host is dropped is killed.

mod exec;
mod host;
mod listen;
mod session;
mod world;

pub use host::{ExecRule, HostKeyKind, SshHost, SshHostBuilder};
pub use world::Unit;
