//! The machine that Watchkeeper itself runs on, without SSH: the same line, given to `/bin/sh`. The environment of
//! the controller stays with the controller; a login over SSH would not have it either.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use async_trait::async_trait;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User, geteuid};
use tokio::process::Child;
use watchkeeper_model::LookFailure;

use crate::exchange::{Pipes, exchange, exit_of_process};
use crate::process::command;
use crate::{Connection, Output, RemoteCommand};

/// Where programs are looked for, as in a login; the wrapper adds to it.
const PATH: &str = "/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Commands on this machine, as the user that the controller runs as.
#[derive(Debug)]
pub struct LocalConnection {
    login: String,
    home: std::path::PathBuf,
}

impl Default for LocalConnection {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalConnection {
    /// Commands as the user of this process, with that user's home.
    #[must_use]
    pub fn new() -> Self {
        let uid = geteuid();
        match User::from_uid(uid) {
            // Another name for the superuser is still the superuser, and needs no sudo.
            _ if uid.is_root() => Self {
                login: "root".to_owned(),
                home: "/root".into(),
            },
            Ok(Some(user)) => Self {
                login: user.name,
                home: user.dir,
            },
            Ok(None) | Err(_) => Self {
                login: uid.to_string(),
                home: "/".into(),
            },
        }
    }

    fn spawn(&self, line: &[u8]) -> Result<Group, LookFailure> {
        let child = command("/bin/sh")
            .arg("-c")
            .arg(OsStr::from_bytes(line))
            .env_clear()
            .envs([
                ("PATH", PATH),
                ("SHELL", "/bin/sh"),
                ("USER", &self.login),
                ("LOGNAME", &self.login),
            ])
            .env("HOME", &self.home)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        child.map(Group).map_err(|error| LookFailure::Unreachable {
            address: "local".to_owned(),
            detail: format!("/bin/sh cannot be started: {error}"),
        })
    }
}

#[async_trait]
impl Connection for LocalConnection {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        let rendered = command.render(&self.login)?;
        let mut group = self.spawn(&rendered.line)?;
        let pipes = Pipes {
            stdin: group.0.stdin.take().expect("stdin is piped"),
            stdout: group.0.stdout.take().expect("stdout is piped"),
            stderr: group.0.stderr.take().expect("stderr is piped"),
        };
        let ended = async { group.0.wait().await.ok().map(exit_of_process) };
        exchange(&rendered, pipes, ended).await
    }

    async fn close(&self) {}
}

/// A running command. Letting go of it before its end kills it with all that it started: the wrapper takes TERM
/// for that.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // There is a number only until the process was waited for, so this never hits another one.
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGTERM);
        }
    }
}
