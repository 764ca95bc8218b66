//! The rendered line in real shells: each of dash, bash and busybox as login shell and as `sh`, with and without `setsid`,
//! and with a `sudo` that agrees or refuses.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use watchkeeper_model::LookFailure;
use watchkeeper_testkit::sshd::{Fifo, program};

use crate::exchange::{Pipes, exchange, exit_of_process};
use crate::process::command;
use crate::{Exit, Limits, Output, RemoteCommand};

/// A machine of one shell, with no more programs than are put there.
struct Shell {
    dir: tempfile::TempDir,
    name: &'static str,
}

/// What the texts and the cases call.
const TOOLS: [&str; 4] = ["sleep", "cat", "id", "env"];
const SHELLS: [&str; 3] = ["dash", "bash", "busybox"];

impl Shell {
    fn new(name: &'static str) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("wk")
            .tempdir()
            .expect("a temporary directory");
        let shell = Self { dir, name };
        symlink(program(name), shell.path("sh")).expect("a link");
        for tool in TOOLS {
            shell.install(tool);
        }
        shell
    }

    fn all() -> [Self; 3] {
        SHELLS.map(Self::new)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn install(&self, tool: &str) {
        symlink(program(tool), self.path(tool)).expect("a link");
    }

    fn write_sudo(&self, text: &str) {
        // Its text is run by name, so that no other test's fork holds it open for writing.
        let sudo = self.path("sudo");
        std::fs::write(&sudo, format!("#!/bin/sh\n{text}\n")).expect("a file");
        std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    async fn run(&self, command_to_run: RemoteCommand, login: &str) -> Result<Output, LookFailure> {
        let rendered = command_to_run.render(login)?;
        let mut child = command(self.path("sh"))
            .arg("-c")
            .arg(OsStr::from_bytes(&rendered.line))
            .env_clear()
            .env("PATH", self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the shell starts");
        let pipes = Pipes {
            stdin: child.stdin.take().expect("stdin is piped"),
            stdout: child.stdout.take().expect("stdout is piped"),
            stderr: child.stderr.take().expect("stderr is piped"),
        };
        exchange(&rendered, pipes, async {
            child.wait().await.ok().map(exit_of_process)
        })
        .await
    }

    async fn check_ends(&self) {
        for (script, expect) in [
            ("exit 0", Exit::Code(0)),
            ("exit 124", Exit::Code(124)),
            ("kill -KILL $$", Exit::Signal("KILL".to_owned())),
            ("kill -TERM $$", Exit::Signal("TERM".to_owned())),
        ] {
            let output = self
                .run(RemoteCommand::script(script), "root")
                .await
                .expect("a result");
            assert_eq!(
                (&output.exit, output.stderr.as_slice()),
                (&expect, &b""[..]),
                "{}: {script}",
                self.name
            );
        }
        let output = self
            .run(RemoteCommand::new("cat").stdin("in"), "root")
            .await
            .expect("a result");
        assert_eq!(output.stdout, b"in", "{}", self.name);
        let output = self
            .run(RemoteCommand::new("nothing"), "root")
            .await
            .expect("a result");
        assert_eq!(output.exit, Exit::Code(127), "{}", self.name);
    }

    async fn check_limit(&self) {
        let fifo = Fifo::new(self.path("stay"));
        let command = RemoteCommand::script("exec 9>\"$1\"; echo here >&9; sleep 60 & sleep 60")
            .arg(fifo.path().as_os_str().as_bytes())
            .limits(Limits {
                time: Duration::from_secs(1),
                ..Limits::default()
            });
        let gone = async {
            let mut lines = fifo.open().await;
            assert_eq!(lines.next().await.as_deref(), Some("here"));
            assert_eq!(lines.next().await, None);
        };
        let (result, ()) = tokio::join!(self.run(command, "root"), gone);
        assert_eq!(
            result,
            Err(LookFailure::TimedOut { limit_ms: 1000 }),
            "{}",
            self.name
        );
    }
}

#[tokio::test]
async fn ends_and_limits_are_told_in_every_shell() {
    for shell in Shell::all() {
        shell.install("setsid");
        shell.check_ends().await;
        shell.check_limit().await;
    }
}

#[tokio::test]
async fn without_setsid_job_control_takes_its_place() {
    let shell = Shell::new("bash");
    shell.check_ends().await;
    shell.check_limit().await;
}

#[tokio::test]
async fn a_command_whose_limit_cannot_be_kept_is_not_started() {
    for shell in ["dash", "busybox"].map(Shell::new) {
        let failure = shell
            .run(RemoteCommand::new("id"), "root")
            .await
            .expect_err("refused");
        assert_eq!(failure.kind(), "command_refused", "{failure}");
    }
}

#[tokio::test]
async fn sudo_gets_no_options_of_ours_but_its_own_and_the_limit_is_inside() {
    for shell in Shell::all() {
        shell.install("setsid");
        shell.write_sudo("[ \"$1 $2 $3\" = '-n -- sh' ] || exit 9; shift 2; AS=root exec \"$@\"");
        let command = RemoteCommand::script("echo \"$AS $1 $LC_ALL\"")
            .arg("-u")
            .as_root();
        let output = shell.run(command, "ops").await.expect("a result");
        assert_eq!(output.stdout, b"root -u C\n", "{}: {output:?}", shell.name);
    }
}

#[tokio::test]
async fn a_sudo_that_refuses_or_is_missing_is_told() {
    for shell in Shell::all() {
        shell.install("setsid");
        let missing = shell
            .run(RemoteCommand::new("id").as_root(), "ops")
            .await
            .expect_err("refused");
        assert_eq!(missing.kind(), "root_refused", "{}: {missing}", shell.name);
        shell.write_sudo("echo 'sudo: a password is required' >&2; exit 1");
        let refused = shell
            .run(RemoteCommand::new("id").as_root(), "ops")
            .await
            .expect_err("refused");
        let detail = "sudo: a password is required".to_owned();
        assert_eq!(
            refused,
            LookFailure::RootRefused {
                login: "ops".to_owned(),
                detail
            }
        );
    }
}

#[tokio::test]
async fn nothing_of_the_wrapper_reaches_the_program() {
    for shell in Shell::all() {
        shell.install("setsid");
        // No descriptor of the wrapper's is open in it: writing there fails.
        let script = "for fd in 3 4 5 6 7 8 9; do (echo x >&$fd) 2>/dev/null && echo \"$fd is open\"; done; exit 0";
        let output = shell
            .run(RemoteCommand::script(script), "root")
            .await
            .expect("a result");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "",
            "{}",
            shell.name
        );
    }
}
