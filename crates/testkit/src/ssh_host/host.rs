//! The simulated host as an operator speaks of it: how it is reached, and what goes wrong with that.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PrivateKey, PublicKey};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{listen, world};

/// How often what still runs on a host that goes is killed, and the pause between.
const KILL_ROUNDS: usize = 200;
const KILL_PAUSE: Duration = Duration::from_millis(5);

/// Which algorithm a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyKind {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    Ecdsa,
    /// `ssh-rsa`, 2048 bits, made by `ssh-keygen`.
    Rsa,
}

/// What the server does with new connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    Prompt,
    After(Duration),
    Silent,
    Closes,
    Says(Vec<u8>),
}

/// What the server does with logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginRule {
    Keys,
    PasswordsOnly,
    RefusesKeys,
    NeverAnswers,
}

/// What the server does with commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecRule {
    /// Runs them.
    Runs,
    /// Accepts them and does nothing, for ever.
    Hangs,
    /// Refuses them.
    Refuses,
    /// Prints this many bytes instead, then status 0.
    Floods(u64),
    /// Prints these bytes first, as a talkative shell profile does, then runs them.
    PrintsFirst(Vec<u8>),
    /// Runs them and passes their output on one byte at a time, with a pause after each.
    Dribbles(Duration),
    /// Runs them and closes the channel without saying how they ended.
    TellsNoStatus,
}

/// What new connections meet.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) greeting: Greeting,
    pub(super) login: LoginRule,
    pub(super) exec: ExecRule,
    pub(super) host_keys: Vec<PrivateKey>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) accepted: Vec<PublicKey>,
    pub(super) max_sessions: usize,
    pub(super) names: HashMap<String, SocketAddr>,
    pub(super) lacking: Vec<String>,
}

/// What all connections do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Raised by one with each cut.
    pub(super) cuts: u64,
    /// Nothing moves any more, in either direction.
    pub(super) frozen: bool,
    /// The listener is there.
    pub(super) up: bool,
}

/// How far commands are kept from the machine they run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// A mount namespace each, as the superuser.
    Root,
    /// A mount namespace each, in a user namespace.
    User,
    /// Not at all.
    None,
}

impl Privacy {
    /// What this machine lets us do; asked once.
    fn possible() -> Self {
        static POSSIBLE: OnceLock<Privacy> = OnceLock::new();
        *POSSIBLE.get_or_init(|| {
            let works = |privacy: &Self| {
                let mut arguments = privacy.unshare().to_vec();
                arguments.extend(["mount", "--bind", "/tmp", "/tmp"]);
                succeeds(&arguments)
            };
            [Self::Root, Self::User]
                .into_iter()
                .find(works)
                .unwrap_or(Self::None)
        })
    }

    /// The words that make a namespace and run what follows in it.
    pub(super) const fn unshare(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["unshare", "--mount", "--propagation", "private", "--"],
            Self::User => &[
                "unshare",
                "--user",
                "--map-root-user",
                "--mount",
                "--propagation",
                "private",
                "--",
            ],
            Self::None => &[],
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "testkit starts processes for tests"
)]
fn succeeds(arguments: &[&str]) -> bool {
    let run = std::process::Command::new(arguments[0])
        .args(&arguments[1..])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

/// What the tasks of a host share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dir: TempDir,
    pub(super) login: String,
    pub(super) rules: Mutex<Rules>,
    pub(super) line: watch::Sender<Line>,
    pub(super) listening: watch::Sender<bool>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    pub(super) connections: AtomicUsize,
    pub(super) logins: AtomicUsize,
    pub(super) commands: AtomicUsize,
    pub(super) private: Privacy,
}

impl Shared {
    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a simulated host is made.
#[derive(Debug)]
pub struct SshHostBuilder {
    kinds: Vec<HostKeyKind>,
    login: String,
    accepted: Vec<PublicKey>,
    max_sessions: usize,
}

impl SshHostBuilder {
    /// Adds a host key; without any, the host has an Ed25519 key.
    #[must_use]
    pub fn host_key(mut self, kind: HostKeyKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// The account that may log in; without it, `ops`.
    #[must_use]
    pub fn login(mut self, login: &str) -> Self {
        login.clone_into(&mut self.login);
        self
    }

    /// Accepts one more public key, besides the one the host makes itself.
    ///
    /// # Panics
    /// When the line is not a public key.
    #[must_use]
    pub fn accepts(mut self, line: &str) -> Self {
        self.accepted
            .push(PublicKey::from_openssh(line).expect("a public key"));
        self
    }

    /// How many sessions one connection may hold open; without it, 10, as sshd.
    #[must_use]
    pub fn max_sessions(mut self, most: usize) -> Self {
        self.max_sessions = most;
        self
    }

    /// Brings the host up.
    ///
    /// # Panics
    /// When no port can be bound or no temporary directory be made.
    pub async fn start(mut self) -> SshHost {
        if self.kinds.is_empty() {
            self.kinds.push(HostKeyKind::Ed25519);
        }
        let client = new_key(HostKeyKind::Ed25519);
        self.accepted.push(client.public_key().clone());
        let dir = tempfile::tempdir().expect("a temporary directory");
        world::furnish(dir.path(), &self.login);
        let key_path = dir.path().join("client_key");
        client
            .write_openssh_file(&key_path, LineEnding::LF)
            .expect("the key is written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let rules = Rules {
            greeting: Greeting::Prompt,
            login: LoginRule::Keys,
            exec: ExecRule::Runs,
            host_keys: self.kinds.iter().map(|kind| new_key(*kind)).collect(),
            certificates: Vec::new(),
            accepted: self.accepted,
            max_sessions: self.max_sessions,
            names: HashMap::new(),
            lacking: Vec::new(),
        };
        let line = Line {
            cuts: 0,
            frozen: false,
            up: true,
        };
        let shared = Arc::new(Shared {
            dir,
            login: self.login,
            rules: Mutex::new(rules),
            line: watch::Sender::new(line),
            listening: watch::Sender::new(true),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            connections: AtomicUsize::new(0),
            logins: AtomicUsize::new(0),
            commands: AtomicUsize::new(0),
            private: Privacy::possible(),
        });
        shared
            .tasks
            .spawn(listen::accept(Arc::clone(&shared), listener, address));
        let host = SshHost { shared, address };
        host.write_known_hosts();
        host
    }
}

/// A simulated host. It goes down when it is dropped, and with it all that still runs there.
#[derive(Debug)]
pub struct SshHost {
    pub(super) shared: Arc<Shared>,
    address: SocketAddr,
}

impl SshHost {
    /// A host with an Ed25519 key, the account `ops`, and everything well.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Starts the description of a host.
    #[must_use]
    pub fn builder() -> SshHostBuilder {
        SshHostBuilder {
            kinds: Vec::new(),
            login: "ops".to_owned(),
            accepted: Vec::new(),
            max_sessions: 10,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on, on `127.0.0.1`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The account that may log in.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.shared.login
    }

    /// The private key file that is accepted.
    #[must_use]
    pub fn client_key(&self) -> PathBuf {
        self.shared.dir.path().join("client_key")
    }

    /// A known_hosts file with the keys the host began with.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.shared.dir.path().join("known_hosts")
    }

    /// The home directory of the account, where commands start.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.shared.dir.path().join("home")
    }

    /// The directory of everything, also of the state of the stand-ins.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.shared.dir.path()
    }

    /// The host's public keys, as lines `ssh-ed25519 AAAA…`.
    #[must_use]
    pub fn public_keys(&self) -> Vec<String> {
        let line = |key: &PrivateKey| {
            let key = PublicKey::new(key.public_key().key_data().clone(), "");
            key.to_openssh().expect("a public key")
        };
        self.shared.rules().host_keys.iter().map(line).collect()
    }

    /// The fingerprint of the host's first key, as `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.shared.rules().host_keys[0]
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }

    /// Lines of a known_hosts file for the keys the host has now.
    #[must_use]
    pub fn known_hosts_lines(&self) -> String {
        let line = |key: String| format!("[127.0.0.1]:{} {key}\n", self.port());
        self.public_keys().into_iter().map(line).collect()
    }

    fn write_known_hosts(&self) {
        std::fs::write(self.known_hosts(), self.known_hosts_lines()).expect("a file of ours");
    }

    /// New connections get a new host key of the same kind; its fingerprint.
    pub fn changes_key(&self) -> String {
        let kind = match self.shared.rules().host_keys[0].algorithm() {
            Algorithm::Ecdsa { .. } => HostKeyKind::Ecdsa,
            _ => HostKeyKind::Ed25519,
        };
        self.changes_key_to(kind)
    }

    /// New connections get a new host key of this kind, and no other; its fingerprint.
    pub fn changes_key_to(&self, kind: HostKeyKind) -> String {
        self.shared.rules().host_keys = vec![new_key(kind)];
        self.fingerprint()
    }

    /// Gives the host a certificate for its first key, signed by this authority, for these names and this time.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn is_certified_by(&self, authority: &PrivateKey, names: &[&str], from: u64, until: u64) {
        use russh::keys::ssh_key::certificate::{Builder, CertType};
        let mut rules = self.shared.rules();
        let key = rules.host_keys[0].public_key().key_data().clone();
        let mut builder =
            Builder::new_with_random_nonce(&mut rand::rng(), key, from, until).expect("a validity");
        builder.cert_type(CertType::Host).expect("a host's");
        for name in names {
            builder.valid_principal(*name).expect("a principal");
        }
        if names.is_empty() {
            builder.all_principals_valid().expect("for every name");
        }
        let certificate = builder.sign(authority).expect("a certificate");
        rules.certificates = vec![certificate];
    }

    /// Accepts one more public key.
    ///
    /// # Panics
    /// When the line is not a public key.
    pub fn accepts(&self, line: &str) {
        let key = PublicKey::from_openssh(line).expect("a public key");
        self.shared.rules().accepted.push(key);
    }

    /// Connections are accepted and nothing is said on them; those that are open fall silent too.
    pub fn goes_silent(&self) {
        self.shared.rules().greeting = Greeting::Silent;
        self.shared.line.send_modify(|line| line.frozen = true);
    }

    /// New connections get the banner only after this time.
    pub fn greets_after(&self, pause: Duration) {
        self.shared.rules().greeting = Greeting::After(pause);
    }

    /// New connections are closed at once, before any banner.
    pub fn closes_at_once(&self) {
        self.shared.rules().greeting = Greeting::Closes;
    }

    /// New connections get these bytes instead of SSH, and are closed.
    pub fn says_instead(&self, bytes: &[u8]) {
        self.shared.rules().greeting = Greeting::Says(bytes.to_vec());
    }

    /// Only passwords are taken.
    pub fn takes_passwords_only(&self) {
        self.shared.rules().login = LoginRule::PasswordsOnly;
    }

    /// Keys are asked for, and none is accepted.
    pub fn refuses_keys(&self) {
        self.shared.rules().login = LoginRule::RefusesKeys;
    }

    /// A login is asked for and never answered.
    pub fn never_answers_logins(&self) {
        self.shared.rules().login = LoginRule::NeverAnswers;
    }

    /// What becomes of commands from now on.
    pub fn does_with_commands(&self, rule: ExecRule) {
        self.shared.rules().exec = rule;
    }

    /// How many sessions one connection may hold open from now on.
    pub fn allows_sessions(&self, most: usize) {
        self.shared.rules().max_sessions = most;
    }

    /// Cuts every open connection now; new ones are welcome. What runs goes on.
    pub fn cuts_connections(&self) {
        self.shared.line.send_modify(|line| line.cuts += 1);
    }

    /// Nobody listens any more, and every open connection is cut. Returns when the port is closed.
    pub async fn goes_down(&self) {
        self.shared.line.send_modify(|line| {
            line.cuts += 1;
            line.up = false;
        });
        self.listening_is(false).await;
    }

    /// Listens again, on the same port. Returns when it does.
    pub async fn comes_back(&self) {
        self.shared.line.send_modify(|line| line.up = true);
        self.listening_is(true).await;
    }

    async fn listening_is(&self, wanted: bool) {
        let mut listening = self.shared.listening.subscribe();
        let reached = listening.wait_for(|now| *now == wanted);
        reached.await.expect("the listener is there");
    }

    /// Everything about connections, logins and commands is well again.
    pub fn answers_again(&self) {
        let mut rules = self.shared.rules();
        rules.greeting = Greeting::Prompt;
        rules.login = LoginRule::Keys;
        rules.exec = ExecRule::Runs;
        self.shared.line.send_modify(|line| line.frozen = false);
    }

    /// As a jump host, it knows this name for that address.
    pub fn resolves(&self, name: &str, address: SocketAddr) {
        self.shared.rules().names.insert(name.to_owned(), address);
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many logins succeeded.
    #[must_use]
    pub fn logins(&self) -> usize {
        self.shared.logins.load(Ordering::SeqCst)
    }

    /// How many commands were asked for.
    #[must_use]
    pub fn commands(&self) -> usize {
        self.shared.commands.load(Ordering::SeqCst)
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.kill_all();
    }
}

impl SshHost {
    /// Kills what still runs.
    pub(super) fn kill_all(&self) {
        // A killed process is gone a moment later, and may have started another before.
        for _ in 0..KILL_ROUNDS {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            for process in left {
                let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
            }
            std::thread::sleep(KILL_PAUSE);
        }
    }
}

/// A key of this kind.
pub(super) fn new_key(kind: HostKeyKind) -> PrivateKey {
    let algorithm = match kind {
        HostKeyKind::Ed25519 => Algorithm::Ed25519,
        HostKeyKind::Ecdsa => Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
        HostKeyKind::Rsa => return rsa_key(),
    };
    PrivateKey::random(&mut rand::rng(), algorithm).expect("a key can be made")
}

/// An RSA key from `ssh-keygen`: without optimisation, our own arithmetic would take many seconds to find one.
#[expect(
    clippy::disallowed_methods,
    reason = "testkit starts processes for tests"
)]
fn rsa_key() -> PrivateKey {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"])
        .arg(&path)
        .status()
        .expect("ssh-keygen is there: run tests/install");
    assert!(made.success(), "ssh-keygen makes a key");
    PrivateKey::read_openssh_file(&path).expect("a key of ssh-keygen")
}
