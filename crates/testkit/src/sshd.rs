//! A real OpenSSH server for one test: on a port of its own, as the user who runs the test, with its own keys in a
//! temporary directory. It ends with everything that runs in it when it is dropped.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid, mkfifo};
use tempfile::TempDir;

/// How often another port is tried when somebody took the first.
const ATTEMPTS: usize = 5;
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the server is to be.
#[derive(Clone, Debug, Default)]
pub struct SshdOptions {
    /// The login shell, as a command that `-c` is added to: `/bin/dash`, `/bin/busybox sh`. The account's own if none.
    pub shell: Option<String>,
    /// Only passwords are offered.
    pub passwords_only: bool,
    /// Lines for the end of `sshd_config`.
    pub more: String,
}

/// A running server.
#[derive(Debug)]
pub struct Sshd {
    dir: TempDir,
    port: u16,
    login: String,
    child: Child,
}

/// The path of a program that a test cannot do without.
///
/// # Panics
/// When it is not there: a test that needs it fails, and says what to do.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let places = [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/local/bin",
        "/run/current-system/sw/bin",
    ];
    let found = places
        .iter()
        .map(|place| Path::new(place).join(name))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("there is no {name} on this machine: run `tests/install`"))
}

impl Sshd {
    /// A server that takes the key of [`Self::client_key`].
    ///
    /// # Panics
    /// When there is no OpenSSH, or it does not start.
    #[must_use]
    pub fn start(options: &SshdOptions) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("wk-sshd")
            .tempdir()
            .expect("a temporary directory");
        if geteuid().is_root() {
            // Debian's unit makes it too; sshd refuses to start as root without it.
            std::fs::create_dir_all("/run/sshd").expect("the directory for privilege separation");
        }
        for name in ["host_key", "client_key"] {
            make_key(&dir.path().join(name));
        }
        std::fs::copy(
            dir.path().join("client_key.pub"),
            dir.path().join("authorized_keys"),
        )
        .expect("authorized keys");
        let user = User::from_uid(geteuid())
            .expect("the list of users")
            .expect("this user has a name");
        for _ in 0..ATTEMPTS {
            let port = free_port();
            std::fs::write(
                dir.path().join("sshd_config"),
                config(dir.path(), port, options),
            )
            .expect("sshd_config");
            if let Some(child) = listen(dir.path()) {
                let sshd = Self {
                    dir,
                    port,
                    login: user.name,
                    child,
                };
                sshd.write_known_hosts("host_key");
                return sshd;
            }
        }
        panic!("sshd found no port in {ATTEMPTS} attempts");
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The account to log in as: that of the test.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }

    /// A private key that is let in.
    #[must_use]
    pub fn client_key(&self) -> PathBuf {
        self.dir.path().join("client_key")
    }

    /// A known_hosts file with its host key.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    /// A directory for whatever the test needs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Makes the known_hosts file name another key than the server's.
    pub fn forge_known_hosts(&self) {
        make_key(&self.dir.path().join("other_key"));
        self.write_known_hosts("other_key");
    }

    fn write_known_hosts(&self, key: &str) {
        let public = std::fs::read_to_string(self.dir.path().join(format!("{key}.pub")))
            .expect("a public key");
        let line = format!("[127.0.0.1]:{} {public}", self.port);
        std::fs::write(self.known_hosts(), line).expect("known_hosts");
    }

    /// Kills the server's side of every connection, as a broken network would look to the client. The listener and
    /// the commands themselves live on.
    pub fn cut(&self) {
        for (pid, name) in descendants(self.id()) {
            if name.starts_with("sshd") {
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
    }

    /// Stops the listener: connections are taken by the kernel, and nothing is said.
    pub fn freeze(&self) {
        kill(self.id(), Signal::SIGSTOP).expect("the listener is there");
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process number"))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let left = descendants(self.id());
        let _ = self.child.kill();
        for (pid, _) in left {
            let _ = kill(pid, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// A pipe with a name, by which a test waits for something without a sleep: a process that writes, or the last one
/// that held it open being gone.
#[derive(Debug)]
pub struct Fifo(PathBuf);

impl Fifo {
    /// A new one at this path.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a named pipe");
        Self(path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Opens it, which waits until somebody writes, and gives the lines; their end is when no writer is left.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn open(&self) -> FifoLines {
        use tokio::io::AsyncBufReadExt as _;
        let file = tokio::time::timeout(PATIENCE, tokio::fs::File::open(&self.0));
        let file = file.await.expect("somebody writes").expect("a named pipe");
        FifoLines(tokio::io::BufReader::new(file).lines())
    }
}

/// The reading end.
#[derive(Debug)]
pub struct FifoLines(tokio::io::Lines<tokio::io::BufReader<tokio::fs::File>>);

impl FifoLines {
    /// The next line, or none when no writer is left.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn next(&mut self) -> Option<String> {
        let line = tokio::time::timeout(PATIENCE, self.0.next_line());
        line.await
            .expect("a line, or all writers are gone")
            .expect("a named pipe")
    }
}

/// The home is the test's directory, so that no start-up file of the account takes part.
fn config(dir: &Path, port: u16, options: &SshdOptions) -> String {
    let dir = dir.display();
    let mut text = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {dir}/host_key\nAuthorizedKeysFile {dir}/authorized_keys\n\
         PidFile none\nUsePAM no\nStrictModes no\nPrintMotd no\nMaxStartups 200\nMaxSessions 50\nPermitRootLogin yes\n\
         KbdInteractiveAuthentication no\nSetEnv HOME={dir}\n"
    );
    if options.passwords_only {
        text.push_str("PubkeyAuthentication no\nPasswordAuthentication yes\n");
    } else {
        text.push_str("PasswordAuthentication no\n");
    }
    if let Some(shell) = &options.shell {
        // Whatever shell the account has, all that it sees is this line.
        let _ = writeln!(
            text,
            "ForceCommand exec {shell} -c \"$SSH_ORIGINAL_COMMAND\""
        );
    }
    text + &options.more
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own server is not a host's command"
)]
fn listen(dir: &Path) -> Option<Child> {
    let mut child = Command::new(program("sshd"))
        .args(["-D", "-e", "-f"])
        .arg(dir.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sshd starts");
    let mut log = BufReader::new(child.stderr.take().expect("its log is a pipe"));
    let mut said = String::new();
    let patience = Instant::now() + PATIENCE;
    while !said.contains("Server listening") {
        assert!(Instant::now() < patience, "sshd does not listen: {said}");
        if log.read_line(&mut said).expect("its log is text") == 0 {
            let _ = child.wait();
            assert!(
                said.contains("Address already in use"),
                "sshd does not start: {said}"
            );
            return None;
        }
    }
    // The log must be read on, or the server would block; the thread ends with it.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Some(child)
}

#[expect(clippy::disallowed_methods, reason = "the test's own keys")]
fn make_key(path: &Path) {
    let status = Command::new(program("ssh-keygen"))
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .status()
        .expect("ssh-keygen starts");
    assert!(status.success(), "ssh-keygen failed");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a port").port()
}

/// All processes below this one, with their names.
fn descendants(root: Pid) -> Vec<(Pid, String)> {
    let all: Vec<_> = std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| process(&entry.ok()?.path()))
        .collect();
    let mut found: Vec<(Pid, String)> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (pid, _, name) in all.iter().filter(|(_, above, _)| *above == parent) {
            parents.push(*pid);
            found.push((*pid, name.clone()));
        }
    }
    found
}

/// Number, parent and name, from `/proc/N/stat`: `N (name) state parent …`.
fn process(dir: &Path) -> Option<(Pid, Pid, String)> {
    let pid = dir.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(dir.join("stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let parent = tail.split_whitespace().nth(1)?.parse().ok()?;
    Some((
        Pid::from_raw(pid),
        Pid::from_raw(parent),
        head.split_once('(')?.1.to_owned(),
    ))
}
