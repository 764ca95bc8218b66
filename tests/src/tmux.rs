//! A real terminal that a test types into: tmux, with a server and a socket of its own.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use crate::binary::{Home, until_within};

/// How long something on the screen is waited for.
const WITHIN: Duration = Duration::from_secs(40);
/// Columns and lines at first.
const SIZE: (u16, u16) = (100, 40);

/// A terminal in which one program runs. It ends when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs the program of this home in a new terminal, with these variables too.
    ///
    /// # Panics
    /// When there is no tmux.
    #[must_use]
    pub fn open(home: &Home, words: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::running(home, &home.command(words), variables)
    }

    /// Runs this command in a new terminal, with these variables too.
    ///
    /// # Panics
    /// When there is no tmux.
    #[must_use]
    pub fn running(home: &Home, command: &Command, variables: &[(&str, &str)]) -> Self {
        let quote =
            |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
        let mut line: Vec<String> = vec!["env".to_owned(), "-i".to_owned()];
        for (name, value) in command.get_envs() {
            let value = value.unwrap_or_default().to_string_lossy();
            line.push(format!("{}='{value}'", name.to_string_lossy()));
        }
        line.push("TERM=tmux-256color".to_owned());
        line.extend(
            variables
                .iter()
                .map(|(name, value)| format!("{name}='{value}'")),
        );
        line.push(quote(command.get_program()));
        line.extend(command.get_args().map(quote));
        // What the program says at its end stays on the screen, with its status.
        let line = format!("{}; echo \"ended with $?\"; exec cat", line.join(" "));
        let terminal = Self {
            socket: home.path().join("tmux"),
        };
        let (columns, lines) = (SIZE.0.to_string(), SIZE.1.to_string());
        let begun = terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &lines,
            &line,
        ]);
        assert!(begun.status.success(), "tmux: {begun:?}");
        terminal
    }

    /// Types this text.
    pub fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Presses keys by tmux's names: `Enter`, `C-c`, `Up`.
    pub fn presses(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a line and ends it.
    pub fn enters(&self, line: &str) {
        self.types(line);
        self.presses(&["Enter"]);
    }

    /// Pastes this text, as a terminal does that brackets what is pasted.
    ///
    /// # Panics
    /// When the text cannot be handed over.
    pub fn pastes(&self, text: &str) {
        let file = self.socket.with_extension("paste");
        std::fs::write(&file, text).expect("a file can be written");
        self.tmux(&["load-buffer", &file.to_string_lossy()]);
        self.tmux(&["paste-buffer", "-p"]);
    }

    /// Makes it this large.
    pub fn resizes(&self, columns: u16, lines: u16) {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &lines]);
    }

    /// What the screen shows, and above it what has gone off its top.
    #[must_use]
    pub fn shows(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The same with the escapes that set colours.
    #[must_use]
    pub fn shows_colours(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-e", "-S", "-"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the screen shows this.
    ///
    /// # Panics
    /// When it does not.
    pub fn until(&self, text: &str) {
        self.until_it_holds(text, |screen| screen.contains(text));
    }

    /// Waits until something holds of what it shows.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn until_it_holds(&self, what: &str, mut holds: impl FnMut(&str) -> bool) {
        let mut last = String::new();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until_within(WITHIN, what, &mut || {
                last = self.shows();
                holds(&last)
            });
        }));
        assert!(result.is_ok(), "waited for {what:?}, and it shows:\n{last}");
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a terminal is made by another program than ours"
    )]
    fn tmux(&self, words: &[&str]) -> Output {
        Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(words)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("tmux: run tests/install")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}
