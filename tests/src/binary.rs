//! The built `watchkeeper`, run as a person would, in a home of its own: nothing of this machine's configuration
//! or state is read or written.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home with its own configuration and store.
#[derive(Debug)]
pub struct Home {
    dir: TempDir,
    store: String,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// An empty home: no configuration at all.
    ///
    /// # Panics
    /// When no directory can be made.
    #[must_use]
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("wk-home-").expect("a directory can be made");
        let store = format!("sqlite:{}", dir.path().join("store.db").display());
        Self { dir, store }
    }

    /// The same with another store: one that others use too.
    #[must_use]
    pub fn with_store(mut self, url: &str) -> Self {
        url.clone_into(&mut self.store);
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes the user's configuration.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        let dir = self.path().join(".config/watchkeeper");
        std::fs::create_dir_all(&dir).expect("a directory can be made");
        std::fs::write(dir.join("config.toml"), text).expect("a file can be written");
        self
    }

    /// A command that has yet to be run.
    ///
    /// # Panics
    /// When the binary was not built.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a story runs the built program")]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words);
        command.env_clear();
        command.env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command.env("HOME", self.path());
        command.env("WATCHKEEPER_STORE__URL", &self.store);
        command.env("WATCHKEEPER_SERVER__SOCKET", self.path().join("socket"));
        command.env(
            "WATCHKEEPER_SSH__KNOWN_HOSTS",
            self.path().join("known_hosts"),
        );
        command.stdin(Stdio::null());
        command
    }

    /// A line for the shell, which finds `watchkeeper` and its short names as `hal`, in a group of its own.
    ///
    /// # Panics
    /// When the binary was not built.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "a document's line is for a shell"
    )]
    pub fn shell(&self, line: &str) -> Command {
        let bin = self.path().join("bin");
        if !bin.exists() {
            std::fs::create_dir(&bin).expect("a directory can be made");
            std::os::unix::fs::symlink(binary(), bin.join("watchkeeper"))
                .expect("a link can be made");
            let dir = bin.to_string_lossy().into_owned();
            self.run(&["links", "--name", "hal", "--dir", &dir])
                .ended_with(&[0]);
        }
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).env_clear().stdin(Stdio::null());
        for (name, value) in self.command(&[]).get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        shell.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        shell.current_dir(self.path()).process_group(0);
        shell
    }

    /// Runs to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, words: &[&str]) -> Ran {
        let output = self.command(words).output().expect("the program starts");
        Ran {
            words: words.iter().map(ToString::to_string).collect(),
            output,
        }
    }

    /// Runs to its end with this on standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn piped(&self, words: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut keyboard = child.stdin.take().expect("it is piped");
        // It may end before it has read everything.
        let _ = keyboard.write_all(input.as_bytes());
        drop(keyboard);
        let output = child.wait_with_output().expect("it ends");
        Ran::of(words, output)
    }

    /// Runs to its end and reads its JSON; it must have ended with one of these statuses.
    ///
    /// # Panics
    /// When it ended otherwise or wrote no JSON.
    #[must_use]
    pub fn json(&self, words: &[&str], statuses: &[i32]) -> Value {
        let mut all = words.to_vec();
        all.extend(["--output", "json"]);
        let ran = self.run(&all);
        ran.ended_with(statuses);
        serde_json::from_slice(&ran.output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// Runs on a terminal of its own, with these variables too; what the terminal was sent, without carriage returns.
    ///
    /// # Panics
    /// When there is no `script` to make the terminal, or the program does not end.
    #[must_use]
    pub fn on_a_terminal(&self, variables: &[(&str, &str)], words: &[&str]) -> String {
        self.typed_on_a_terminal(variables, words, "")
    }

    /// The same, with this typed.
    ///
    /// # Panics
    /// As [`Self::on_a_terminal`].
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "a terminal is made by another program than ours"
    )]
    pub fn typed_on_a_terminal(
        &self,
        variables: &[(&str, &str)],
        words: &[&str],
        typed: &str,
    ) -> String {
        let command = self.command(words);
        let quoted =
            |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
        let line: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(quoted)
            .collect();
        let mut terminal = Command::new("script");
        terminal.args(["-qec", &line.join(" "), "/dev/null"]);
        terminal
            .env_clear()
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh");
        for (name, value) in command.get_envs() {
            terminal.env(name, value.unwrap_or_default());
        }
        terminal.envs(variables.iter().copied());
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = terminal.spawn().expect("script: run tests/install");
        let mut keyboard = child.stdin.take().expect("it is piped");
        keyboard
            .write_all(typed.as_bytes())
            .expect("the terminal takes what is typed");
        drop(keyboard);
        let output = child.wait_with_output().expect("the terminal closes");
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    }

    /// Starts a daemon and waits until it answers.
    ///
    /// # Panics
    /// When it does not within ten seconds.
    #[must_use]
    pub fn daemon(&self) -> Daemon {
        let log =
            std::fs::File::create(self.path().join("daemon.log")).expect("a file can be written");
        let child = self
            .command(&["daemon"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let daemon = Daemon {
            child,
            log: self.path().join("daemon.log"),
        };
        let socket = self.path().join("socket");
        until("the daemon answers", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
        daemon
    }
}

/// Where cargo put the binary, next to this test.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let found = test
        .ancestors()
        .map(|dir| dir.join("watchkeeper"))
        .find(|path| path.is_file());
    found.expect("the binary is built first: cargo build -p watchkeeper-cli")
}

/// Asks again and again, at most ten seconds, until it holds.
///
/// # Panics
/// When it does not hold in time.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_within(std::time::Duration::from_secs(10), what, &mut holds);
}

/// Asks again and again until it holds, for so long.
///
/// # Panics
/// When it does not hold in time.
pub fn until_within(limit: std::time::Duration, what: &str, holds: &mut dyn FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < limit,
            "waited {limit:?} in vain until {what}"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    words: Vec<String>,
    /// Status, standard output and standard error.
    pub output: Output,
}

impl Ran {
    /// What came of these words, for who has run them by [`Home::command`].
    #[must_use]
    pub fn of(words: &[&str], output: Output) -> Self {
        Self {
            words: words.iter().map(ToString::to_string).collect(),
            output,
        }
    }

    /// Standard output as text.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard error as text.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Fails unless it ended with one of these.
    ///
    /// # Panics
    /// When it did not.
    pub fn ended_with(&self, statuses: &[i32]) -> &Self {
        let status = self.output.status.code();
        let fits = status.is_some_and(|status| statuses.contains(&status));
        assert!(
            fits,
            "{:?} ended with {:?}\n{}{}",
            self.words,
            self.output.status,
            self.stdout(),
            self.stderr()
        );
        self
    }
}

/// A daemon, killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it by force: `kill -9`.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not within ten seconds.
    pub fn ends(&mut self) -> std::process::ExitStatus {
        let mut status = None;
        until("the daemon ends", || {
            status = self.child.try_wait().expect("it can be waited for");
            status.is_some()
        });
        status.expect("it has ended")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
