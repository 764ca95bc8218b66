//! The engine under test, with the server it talks to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_fleet::{
    Connection, Exit, Limits, LocalConnection, Output, RemoteCommand, RusshEngine, SshTarget,
    SystemSshConnection, SystemSshSettings,
};
use watchkeeper_model::LookFailure;
use watchkeeper_testkit::clock::{MockClock, NOON};
use watchkeeper_testkit::ssh_host::SshHost;
use watchkeeper_testkit::sshd::{Fifo, Sshd, SshdOptions};

/// One engine and its server.
pub(crate) struct Subject {
    connection: Arc<dyn Connection>,
    sshd: Option<Sshd>,
    _simulated: Option<SshHost>,
    dir: tempfile::TempDir,
}

impl Subject {
    pub(crate) fn local() -> Self {
        Self {
            connection: Arc::new(LocalConnection::new()),
            sshd: None,
            _simulated: None,
            dir: directory(),
        }
    }

    /// A simulated host, behind the SSH server of the testkit.
    pub(crate) fn simulated() -> Self {
        let start = || tokio::runtime::Handle::current().block_on(SshHost::start());
        let host = tokio::task::block_in_place(start);
        let target = SshTarget {
            address: "127.0.0.1".to_owned(),
            port: host.port(),
            login: host.login().to_owned(),
            identity_files: vec![host.client_key()],
            passphrase_file: None,
            agent_socket: None,
            host_key_alias: None,
            known_hosts: vec![host.known_hosts()],
            jump: Vec::new(),
            connect_timeout: Duration::from_secs(10),
        };
        Self {
            connection: russh(target, host.dir()),
            sshd: None,
            _simulated: Some(host),
            dir: directory(),
        }
    }

    pub(crate) fn system_ssh() -> Self {
        Self::over(Sshd::start(&SshdOptions::default()), system_ssh)
    }

    pub(crate) fn russh() -> Self {
        Self::over(Sshd::start(&SshdOptions::default()), russh)
    }

    /// An engine to a server.
    pub(crate) fn over(sshd: Sshd, engine: MakeEngine) -> Self {
        Self {
            connection: engine(target(&sshd), sshd.dir()),
            sshd: Some(sshd),
            _simulated: None,
            dir: directory(),
        }
    }

    pub(crate) fn sshd(&self) -> &Sshd {
        self.sshd.as_ref().expect("this case needs a server")
    }

    pub(crate) async fn run(&self, command: RemoteCommand) -> Output {
        self.connection.run(command).await.expect("a result")
    }

    pub(crate) async fn fail(&self, command: RemoteCommand) -> LookFailure {
        self.connection.run(command).await.expect_err("no result")
    }

    pub(crate) async fn try_run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        self.connection.run(command).await
    }

    /// Runs one of our texts and gives what it printed; it must succeed.
    pub(crate) async fn print(&self, script: &'static str) -> String {
        let output = self.run(RemoteCommand::script(script)).await;
        assert_eq!(output.exit, Exit::Code(0), "{output:?}");
        String::from_utf8(output.stdout).expect("plain text")
    }

    pub(crate) async fn close(&self) {
        self.connection.close().await;
    }

    pub(crate) fn fifo(&self, name: &str) -> Fifo {
        Fifo::new(self.path(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Closes what is open, so that nothing is left of the test.
    pub(crate) async fn end(self) {
        self.connection.close().await;
    }
}

/// Makes an engine's connection to a target, with a directory for its own use.
pub(crate) type MakeEngine = fn(SshTarget, &Path) -> Arc<dyn Connection>;

pub(crate) fn system_ssh(target: SshTarget, runtime_dir: &Path) -> Arc<dyn Connection> {
    let destination = target.address.clone();
    let settings = SystemSshSettings {
        destination,
        user_config: None,
        runtime_dir: runtime_dir.to_owned(),
    };
    Arc::new(SystemSshConnection::new(target, settings))
}

pub(crate) fn russh(target: SshTarget, _: &Path) -> Arc<dyn Connection> {
    let clock = MockClock::at(NOON);
    Arc::new(RusshEngine::new(Arc::new(clock)).connection(target))
}

fn directory() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("wk")
        .tempdir()
        .expect("a temporary directory")
}

/// The way to a server of the test.
pub(crate) fn target(sshd: &Sshd) -> SshTarget {
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
        connect_timeout: Duration::from_secs(10),
    }
}

/// Limits with this time.
pub(crate) fn time_limit(seconds: u64) -> Limits {
    Limits {
        time: Duration::from_secs(seconds),
        ..Limits::default()
    }
}
