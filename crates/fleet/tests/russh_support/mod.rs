//! What the tests of the russh engine share: targets that fit simulated hosts.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses its own part of this"
)]

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_fleet::{
    Connection, Output, RemoteCommand, RusshConnection, RusshEngine, SshTarget,
};
use watchkeeper_model::LookFailure;
use watchkeeper_testkit::clock::MockClock;
use watchkeeper_testkit::ssh_host::SshHost;
use watchkeeper_testkit::sshd::Sshd;

/// No test waits longer for one thing.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits, but not for ever.
pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what)
        .await
        .expect("it takes no minute")
}

/// Waits until something is so, with a deadline.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    in_time(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The way to a simulated host, as it began.
pub(crate) fn target(host: &SshHost) -> SshTarget {
    SshTarget {
        address: "127.0.0.1".to_owned(),
        port: host.port(),
        login: host.login().to_owned(),
        identity_files: vec![host.client_key()],
        passphrase_file: None,
        agent_socket: None,
        host_key_alias: None,
        known_hosts: vec![host.known_hosts()],
        jump: Vec::new(),
        connect_timeout: Duration::from_secs(20),
    }
}

/// The way to a real server.
pub(crate) fn way(sshd: &Sshd) -> SshTarget {
    SshTarget {
        address: "127.0.0.1".to_owned(),
        port: sshd.port(),
        login: sshd.login().to_owned(),
        identity_files: vec![sshd.client_key()],
        passphrase_file: None,
        agent_socket: None,
        host_key_alias: None,
        known_hosts: vec![sshd.known_hosts()],
        jump: Vec::new(),
        connect_timeout: Duration::from_secs(20),
    }
}

pub(crate) fn engine() -> Arc<RusshEngine> {
    RusshEngine::new(Arc::new(MockClock::default()))
}

pub(crate) fn connect(target: SshTarget) -> RusshConnection {
    engine().connection(target)
}

pub(crate) fn echo(text: &str) -> RemoteCommand {
    RemoteCommand::new("echo").arg(text)
}

pub(crate) async fn run(
    connection: &RusshConnection,
    command: RemoteCommand,
) -> Result<Output, LookFailure> {
    in_time(connection.run(command)).await
}

/// What goes wrong with a command on this target.
pub(crate) async fn failure(target: SshTarget) -> LookFailure {
    run(&connect(target), echo("x"))
        .await
        .expect_err("it fails")
}

/// Makes a key file with the system's ssh-keygen; the file and its public line.
#[expect(
    clippy::disallowed_methods,
    reason = "keys as people have them come from ssh-keygen"
)]
pub(crate) fn keygen(dir: &std::path::Path, name: &str, args: &[&str]) -> (PathBuf, String) {
    let path = dir.join(name);
    let done = std::process::Command::new("ssh-keygen")
        .args(["-q", "-C", "", "-f"])
        .arg(&path)
        .args(args)
        .status()
        .expect("ssh-keygen is there: run tests/install");
    assert!(done.success());
    let public = std::fs::read_to_string(path.with_extension("pub")).expect("a public key");
    (path, public.trim().to_owned())
}
