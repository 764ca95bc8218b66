//! Commands on the simulated host: a real `sh`, its streams carried over the channel as sshd carries them.

use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};

use super::host::{ExecRule, Shared};
use super::session::Slot;

/// How much is read from a process at a time.
const CHUNK_BYTES: usize = 32 * 1024;

/// What stands between the machine and a command of the host.
const ENTER: &str = include_str!("tools/enter.sh");

/// One command that runs.
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) wire: Handle,
    pub(super) slot: Option<Arc<Slot>>,
    /// The process, for signals; 0 while there is none.
    pub(super) pid: Arc<AtomicI32>,
}

impl Running {
    /// Runs one command to its end, or until the connection goes. The process is never killed for that.
    pub(super) async fn run(self, channel: Channel<Msg>, command: Vec<u8>, rule: ExecRule) {
        let id = channel.id();
        let (mut input, output) = channel.split();
        match &rule {
            ExecRule::Hangs => {
                while input.wait().await.is_some() {}
                return;
            }
            ExecRule::Floods(bytes) => {
                flood(&output, *bytes).await;
                self.tell(id, &output, Some(ExitStatus::from_raw(0))).await;
                self.end(output).await;
                return;
            }
            ExecRule::PrintsFirst(bytes) => {
                let _ = output.data_bytes(bytes.clone()).await;
            }
            _ => {}
        }
        let mut child = self.spawn(command);
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let pause = match rule {
            ExecRule::Dribbles(pause) => Some(pause),
            _ => None,
        };
        if let Some(pid) = child.id() {
            self.pid
                .store(i32::try_from(pid).unwrap_or(0), Ordering::SeqCst);
        }
        let carried = async {
            let ended = async {
                let ended = child.wait().await.ok();
                self.pid.store(0, Ordering::SeqCst);
                // As sshd: how it ended is told at once, though its children may still hold the output.
                if rule != ExecRule::TellsNoStatus {
                    self.tell(id, &output, ended).await;
                }
            };
            let out = pass_on(stdout, &output, None, pause);
            let err = pass_on(stderr, &output, Some(1), pause);
            tokio::join!(ended, out, err);
        };
        tokio::select! {
            () = carried => {}
            () = feed(&mut input, stdin) => return,
        }
        self.end(output).await;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "testkit starts processes for tests"
    )]
    fn spawn(&self, command: Vec<u8>) -> Child {
        let dir = self.shared.dir.path();
        let home = dir.join("home");
        let command = std::ffi::OsString::from_vec(command);
        let mut starting = match self.shared.private.unshare() {
            [] => {
                let mut starting = tokio::process::Command::new("setsid");
                starting.args(["sh", "-c"]).arg(command);
                starting
            }
            [first, rest @ ..] => {
                let mut starting = tokio::process::Command::new(first);
                starting.args(rest).args(["sh", "-c", ENTER, "enter"]);
                starting.arg(dir).arg(command);
                starting
            }
        };
        starting
            .env_clear()
            .env("HOME", &home)
            .env("PATH", self.shared.path())
            .env("USER", &self.shared.login)
            .env("LOGNAME", &self.shared.login)
            .env("SHELL", "/bin/sh")
            .env("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22")
            .current_dir(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setsid and sh are there")
    }

    /// Tells the client how the command ended.
    async fn tell(&self, id: ChannelId, output: &ChannelWriteHalf<Msg>, ended: Option<ExitStatus>) {
        let Some(ended) = ended else { return };
        if let Some(signal) = ended.signal() {
            let name = signal_name(signal);
            let nothing = String::new;
            let told = self
                .wire
                .exit_signal_request(id, name, false, nothing(), nothing());
            let _ = told.await;
        } else {
            let code = u32::try_from(ended.code().unwrap_or(255)).unwrap_or(255);
            let _ = output.exit_status(code).await;
        }
    }

    async fn end(self, output: ChannelWriteHalf<Msg>) {
        let _ = output.eof().await;
        drop(self.slot);
        let _ = output.close().await;
    }
}

fn signal_name(number: i32) -> Sig {
    match number {
        1 => Sig::HUP,
        2 => Sig::INT,
        6 => Sig::ABRT,
        9 => Sig::KILL,
        11 => Sig::SEGV,
        13 => Sig::PIPE,
        15 => Sig::TERM,
        other => Sig::Custom(format!("SIG{other}@test")),
    }
}

async fn flood(output: &ChannelWriteHalf<Msg>, bytes: u64) {
    let chunk = Bytes::from(vec![b'x'; CHUNK_BYTES]);
    let mut left = bytes;
    while left > 0 {
        let size = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        if output.data_bytes(chunk.slice(..size)).await.is_err() {
            return;
        }
        left -= size as u64;
    }
}

/// Feeds the process what the client sends, until it sends no more; then waits until the channel is gone.
async fn feed(input: &mut ChannelReadHalf, stdin: ChildStdin) {
    let mut stdin = Some(stdin);
    while let Some(message) = input.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                if let Some(open) = &mut stdin
                    && open.write_all(&data).await.is_err()
                {
                    stdin = None;
                }
            }
            ChannelMsg::Eof => stdin = None,
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// Passes one stream of a process on to the client, as fast as the client takes it.
async fn pass_on(
    mut stream: impl AsyncRead + Unpin,
    output: &ChannelWriteHalf<Msg>,
    extended: Option<u32>,
    pause: Option<Duration>,
) {
    let mut buffer = vec![0; if pause.is_some() { 1 } else { CHUNK_BYTES }];
    while let Ok(read) = stream.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        let bytes = Bytes::copy_from_slice(&buffer[..read]);
        let sent = match extended {
            None => output.data_bytes(bytes).await,
            Some(kind) => output.extended_data_bytes(kind, bytes).await,
        };
        if sent.is_err() {
            return;
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
}
