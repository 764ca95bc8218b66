//! The system's `ssh`, for what russh cannot do: GSSAPI, hardware keys, ProxyCommand. One master connection per host
//! is kept; commands go through its control socket.
//!
//! The crate `openssh` speaks to that socket, so a command costs no process. It does not start the master: it
//! cannot be given the options that must hold (its mux clients even read the user's own configuration and would
//! forward the agent where that says so), it bounds no login that hangs, and ending its native sessions leaves the master
//! running for ever. So the master is started, and ended, here.

mod config;
mod failure;

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openssh::Session;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::sync::{Mutex, Semaphore};
use watchkeeper_model::LookFailure;

use crate::exchange::{Pipes, exchange};
use crate::process::{blocking_command, command};
use crate::rendered::{DRAIN, excerpt};
use crate::{Connection, Exit, Output, RemoteCommand, SshTarget};

use config::misconfigured;

/// How long a master lives on without a command: one that was forgotten ends by itself.
const IDLE: &str = "ControlPersist=900";
/// What a login may take beyond the time for the connection, for each hop: ssh has no limit of its own there.
const LOGIN_TIME: Duration = Duration::from_secs(20);
/// How many commands run at once over one connection; the others wait. sshd allows ten by default.
const SESSIONS: usize = 8;
/// Most that is read of what ssh says while it connects.
const MAX_SAID_BYTES: u64 = 256 * 1024;

/// What the system's `ssh` needs beside the target.
#[derive(Clone, Debug)]
pub struct SystemSshSettings {
    /// What is given to `ssh` as destination: the name that the user's configuration knows the host by.
    pub destination: String,
    /// The user's own configuration, which is included.
    pub user_config: Option<PathBuf>,
    /// A directory of ours for control sockets. Its path should be short: a socket's may have some 100 bytes.
    pub runtime_dir: PathBuf,
}

/// Commands on one host by the system's `ssh`.
#[derive(Debug)]
pub struct SystemSshConnection {
    target: SshTarget,
    settings: SystemSshSettings,
    master: Mutex<Option<Arc<Master>>>,
    sessions: Semaphore,
}

impl SystemSshConnection {
    /// A way to the target. It connects with the first command.
    #[must_use]
    pub fn new(target: SshTarget, settings: SystemSshSettings) -> Self {
        Self {
            target,
            settings,
            master: Mutex::new(None),
            sessions: Semaphore::new(SESSIONS),
        }
    }

    /// The kept master, or a new one. Whoever comes while it connects waits for it.
    async fn master(&self) -> Result<Arc<Master>, LookFailure> {
        let mut kept = self.master.lock().await;
        if let Some(master) = kept.as_ref()
            && master.session.check().await.is_ok()
        {
            return Ok(Arc::clone(master));
        }
        *kept = None;
        let master = match Master::start(&self.target, &self.settings).await {
            Ok(master) => Arc::new(master),
            Err(failure) => return Err(self.failure_of_a_hop(failure).await),
        };
        *kept = Some(Arc::clone(&master));
        Ok(master)
    }
}

impl SystemSshConnection {
    /// ssh keeps to itself what a jump host said, so the hops are asked one by one, the nearest first.
    async fn failure_of_a_hop(&self, failure: LookFailure) -> LookFailure {
        if !matches!(
            failure,
            LookFailure::ClosedEarly { .. } | LookFailure::Silent { .. }
        ) {
            return failure;
        }
        for (n, hop) in self.target.jump.iter().enumerate() {
            let target = SshTarget {
                jump: self.target.jump[..n].to_vec(),
                ..hop.clone()
            };
            let settings = SystemSshSettings {
                destination: "watchkeeper-jump".to_owned(),
                ..self.settings.clone()
            };
            if let Err(failure) = Master::start(&target, &settings).await {
                return failure;
            }
        }
        failure
    }
}

#[async_trait]
impl Connection for SystemSshConnection {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        let rendered = command.render(&self.target.login)?;
        let _session = self.sessions.acquire().await.expect("it is never closed");
        let master = self.master().await?;
        let mut session = master
            .session
            .raw_command(OsStr::from_bytes(&rendered.line));
        session
            .stdin(openssh::Stdio::piped())
            .stdout(openssh::Stdio::piped())
            .stderr(openssh::Stdio::piped());
        // From here on it may have started: there is no second try.
        let mut child = session.spawn().await.map_err(|error| lost(&error))?;
        let pipes = Pipes {
            stdin: child.stdin().take().expect("stdin is piped"),
            stdout: child.stdout().take().expect("stdout is piped"),
            stderr: child.stderr().take().expect("stderr is piped"),
        };
        exchange(&rendered, pipes, async { how_it_ended(child.wait().await) }).await
    }

    async fn close(&self) {
        let master = self.master.lock().await.take();
        if let Some(master) = master {
            master.stop().await;
        }
    }
}

fn lost(error: &openssh::Error) -> LookFailure {
    LookFailure::ConnectionLost {
        detail: excerpt(error.to_string().as_bytes()),
    }
}

/// What the master said of the session's end. A status is only heard where the wrapper did not speak itself.
fn how_it_ended(end: Result<std::process::ExitStatus, openssh::Error>) -> Option<Exit> {
    match end {
        Ok(status) => Some(Exit::Code(status.code().unwrap_or(-1))),
        // The crate takes a 127 for a program that was not found; here it is the login shell's.
        Err(openssh::Error::Remote(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Some(Exit::Code(127))
        }
        Err(_) => None,
    }
}

/// A running master with its directory.
#[derive(Debug)]
struct Master {
    session: Session,
    dir: PathBuf,
}

impl Master {
    async fn start(target: &SshTarget, settings: &SystemSshSettings) -> Result<Self, LookFailure> {
        let text = config::text(target, settings)?;
        let dir = settings
            .runtime_dir
            .join(format!("ssh-{:016x}", rand::random::<u64>()));
        write_config(&dir, &text).map_err(|error| {
            misconfigured(&format!("{} cannot be written: {error}", dir.display()))
        })?;
        let socket = dir.join("master").into_boxed_path();
        let master = Self {
            session: Session::resume_mux(socket, None),
            dir,
        };
        let child = command("ssh")
            .arg("-F")
            .arg(master.dir.join("config"))
            .args(["-T", "-f", "-N", "-M", "-o", IDLE, "-S"])
            .arg(master.dir.join("master"))
            .args(["--", &settings.destination])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                misconfigured(&format!("the program ssh cannot be started: {error}"))
            })?;
        let hops = u32::try_from(target.jump.len() + 1).unwrap_or(u32::MAX);
        let time = (target.connect_timeout + LOGIN_TIME).saturating_mul(hops);
        match tokio::time::timeout(time, logged_in(child)).await {
            Ok(Ok(())) => Ok(master),
            Ok(Err(said)) => Err(failure::read_failure(&said, target)),
            Err(_) => Err(failure::silent(target)),
        }
    }

    /// Ends the connection and all that still runs through it.
    async fn stop(&self) {
        let mut exit = command("ssh");
        exit.args(self.exit_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // A master that is gone already is what was wanted.
        let _ = tokio::time::timeout(DRAIN, exit.kill_on_drop(true).status()).await;
    }

    fn exit_args(&self) -> [std::ffi::OsString; 8] {
        let socket = self.dir.join("master").into_os_string();
        let word = std::ffi::OsString::from;
        [
            word("-F"),
            word("none"),
            word("-S"),
            socket,
            word("-O"),
            word("exit"),
            word("--"),
            word("watchkeeper"),
        ]
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if self.dir.join("master").exists() {
            // Some 3 ms. What is left if it fails ends after its idle time.
            let mut exit = blocking_command("ssh");
            exit.args(self.exit_args())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let _ = exit.status();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Waits until ssh has gone to the background, which it does when it is logged in; or gives what it said.
async fn logged_in(mut child: Child) -> Result<(), String> {
    let stderr = child.stderr.take().expect("stderr is piped");
    let listening = listen(stderr);
    tokio::pin!(listening);
    let (status, said) = tokio::select! {
        said = &mut listening => (child.wait().await, Some(said)),
        status = child.wait() => (status, None),
    };
    if status.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    // What a proxy still holds open is not waited for.
    let said = match said {
        Some(said) => said,
        None => tokio::time::timeout(DRAIN, listening)
            .await
            .unwrap_or_default(),
    };
    Err(String::from_utf8_lossy(&said).into_owned())
}

/// Reads to the end, and keeps the first part.
async fn listen(mut stderr: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    if (&mut stderr)
        .take(MAX_SAID_BYTES)
        .read_to_end(&mut said)
        .await
        .is_ok()
    {
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    }
    said
}

fn write_config(dir: &std::path::Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = dir.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    DirBuilder::new().mode(0o700).create(dir)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(dir.join("config"))?;
    file.write_all(text.as_bytes())
}
