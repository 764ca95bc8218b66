//! A command made ready for one run on one host: the line for its login shell, and the judgement of what came back.
//! Every engine sends the line, collects into a [`Capture`] and lets [`Rendered::finish`] say what it means.

use std::time::Duration;

use watchkeeper_model::{LookFailure, bounded, visible};

use crate::quote::push_word;
use crate::wrapper::{
    BECOME_ROOT, INNER, KILL_AFTER_SECONDS, LastWords, MAX_LAST_WORDS, OUTER, exit_of_status,
    has_last_words, take_last_words,
};
use crate::{Exit, Limits, Output, RemoteCommand};

/// Longest line: below what Linux lets one argument of a program be, since sshd hands it to the login shell as one.
const MAX_LINE_BYTES: usize = 120 * 1024;
/// Longest excerpt of a host's words in a failure.
const MAX_DETAIL_CHARS: usize = 200;
/// How long after the host should have killed the command its word is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// How long after the end of a command an engine waits for output that something it left running holds open.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

/// One command for one run. Not to be used twice: the mark is for one.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    /// The line for the login shell.
    pub(crate) line: Vec<u8>,
    /// What goes to its standard input, followed by end of file.
    pub(crate) stdin: Vec<u8>,
    limits: Limits,
    mark: String,
    login: String,
    by_sudo: bool,
}

impl RemoteCommand {
    /// Makes it ready for a run as `login`.
    ///
    /// # Errors
    /// Refuses what no shell can be given: NUL bytes, a program without a name or named like an option, a line that is
    /// too long.
    pub(crate) fn render(self, login: &str) -> Result<Rendered, LookFailure> {
        self.check()?;
        let by_sudo = self.as_root && login != "root";
        let mark = format!("{:032x}", rand::random::<u128>());
        let seconds = whole_seconds(self.limits.time).to_string();
        let mut line = b"exec sh -c".to_vec();
        if by_sudo {
            push_word(&mut line, BECOME_ROOT.as_bytes());
            push_word(&mut line, b"watchkeeper");
        }
        for word in [OUTER, "watchkeeper", INNER, "watchkeeper", &mark, &seconds] {
            push_word(&mut line, word.as_bytes());
        }
        push_word(&mut line, &self.program);
        for arg in &self.args {
            push_word(&mut line, arg);
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(refused(&format!(
                "it is {} bytes long, and {MAX_LINE_BYTES} are allowed",
                line.len()
            )));
        }
        Ok(Rendered {
            line,
            stdin: self.stdin,
            limits: self.limits,
            mark,
            login: login.to_owned(),
            by_sudo,
        })
    }

    fn check(&self) -> Result<(), LookFailure> {
        if self.program.is_empty() || self.program.starts_with(b"-") {
            let program = String::from_utf8_lossy(&self.program);
            return Err(refused(&format!("{program:?} cannot name a program")));
        }
        let nul = |word: &Vec<u8>| word.contains(&0);
        if nul(&self.program) || self.args.iter().any(nul) {
            return Err(refused("a NUL byte cannot be part of an argument"));
        }
        Ok(())
    }
}

fn refused(detail: &str) -> LookFailure {
    LookFailure::CommandRefused {
        detail: excerpt(detail.as_bytes()),
    }
}

/// A limit as `sleep` takes it: rounded up, at least one second.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

/// What a host said, as one short and harmless line.
pub(crate) fn excerpt(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    bounded(&visible(text.trim()), MAX_DETAIL_CHARS).into_owned()
}

impl Rendered {
    /// How long the controller waits for the host to say how it ended. The host keeps the limit itself, earlier.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(whole_seconds(self.limits.time).saturating_add(KILL_AFTER_SECONDS))
            .saturating_add(GRACE)
    }

    /// The failure when that wait was in vain.
    pub(crate) fn timed_out(&self) -> LookFailure {
        LookFailure::TimedOut {
            limit_ms: u64::try_from(self.limits.time.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Where its output goes.
    pub(crate) fn capture(&self) -> Capture {
        Capture {
            stdout: Vec::new(),
            stderr: Vec::new(),
            limit: self.limits.output_bytes,
            mark: self.mark.clone(),
            last_words: false,
        }
    }

    /// Says what came of it. `exit` is how the session ended, if that was said; `elapsed` the time since the line
    /// was sent.
    ///
    /// # Errors
    /// When the command did not end by itself, or never started.
    pub(crate) fn finish(
        &self,
        captured: Capture,
        exit: Option<Exit>,
        elapsed: Duration,
    ) -> Result<Output, LookFailure> {
        let Capture {
            stdout,
            mut stderr,
            limit,
            ..
        } = captured;
        let exit = match take_last_words(&mut stderr, &self.mark) {
            Some(LastWords::Ended(status)) => exit_of_status(status),
            Some(LastWords::Killed(_)) if elapsed >= self.limits.time => {
                return Err(self.timed_out());
            }
            Some(LastWords::Killed(status)) => exit_of_status(status),
            Some(LastWords::Refused) => {
                return Err(refused(
                    "the host has no setsid and its sh no job control, so no time limit could be kept",
                ));
            }
            None => self.without_last_words(exit, &stdout, &stderr)?,
        };
        if stdout.len() as u64 + stderr.len() as u64 > limit {
            return Err(LookFailure::TooLarge { limit_bytes: limit });
        }
        Ok(Output {
            stdout,
            stderr,
            exit,
        })
    }

    /// The wrapper said nothing: it was killed, or never started.
    fn without_last_words(
        &self,
        exit: Option<Exit>,
        stdout: &[u8],
        stderr: &[u8],
    ) -> Result<Exit, LookFailure> {
        // A shell that lets nobody in (nologin) says so on its standard output.
        let said = match excerpt(stderr) {
            nothing if nothing.is_empty() => excerpt(stdout),
            said => said,
        };
        match exit {
            None => Err(LookFailure::ConnectionLost {
                detail: "the session ended without saying how the command did".to_owned(),
            }),
            Some(Exit::Signal(signal)) => Ok(Exit::Signal(signal)),
            Some(Exit::Code(_)) if self.by_sudo && said.contains("sudo") => {
                Err(LookFailure::RootRefused {
                    login: self.login.clone(),
                    detail: said,
                })
            }
            Some(Exit::Code(status)) => Err(LookFailure::Unreadable {
                detail: format!(
                    "the login shell ended with status {status} and did not run the command: {said}"
                ),
            }),
        }
    }
}

/// What a command has printed so far, within its limit.
#[derive(Debug)]
pub(crate) struct Capture {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    limit: u64,
    mark: String,
    last_words: bool,
}

impl Capture {
    /// Adds to its standard output.
    ///
    /// # Errors
    /// When that is more than the limit: stop reading and close the session.
    pub(crate) fn stdout(&mut self, bytes: &[u8]) -> Result<(), LookFailure> {
        self.stdout.extend_from_slice(bytes);
        self.check()
    }

    /// Adds to its standard error.
    ///
    /// # Errors
    /// As for the standard output; the two count together.
    pub(crate) fn stderr(&mut self, bytes: &[u8]) -> Result<(), LookFailure> {
        let from = self.stderr.len().saturating_sub(MAX_LAST_WORDS as usize);
        self.stderr.extend_from_slice(bytes);
        self.last_words |= has_last_words(&self.stderr[from..], &self.mark);
        self.check()
    }

    /// Whether the wrapper has said how the command ended. Its output may still be on the way.
    pub(crate) const fn heard_last_words(&self) -> bool {
        self.last_words
    }

    fn check(&self) -> Result<(), LookFailure> {
        let total = self.stdout.len() as u64 + self.stderr.len() as u64;
        if total > self.limit.saturating_add(MAX_LAST_WORDS) {
            return Err(LookFailure::TooLarge {
                limit_bytes: self.limit,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(
        command: RemoteCommand,
        stderr: &str,
        exit: Option<Exit>,
        elapsed: u64,
    ) -> Result<Output, LookFailure> {
        let rendered = command.render("ops").expect("render");
        let mut captured = rendered.capture();
        captured.stderr(stderr.replace("MARK", &rendered.mark).as_bytes())?;
        rendered.finish(captured, exit, Duration::from_secs(elapsed))
    }

    fn failure(
        command: RemoteCommand,
        stderr: &str,
        exit: Option<Exit>,
        elapsed: u64,
    ) -> &'static str {
        finish(command, stderr, exit, elapsed)
            .expect_err("a failure")
            .kind()
    }

    #[test]
    fn a_command_that_no_shell_can_be_given_is_refused() {
        let long = RemoteCommand::new("echo").arg(vec![b'x'; MAX_LINE_BYTES]);
        let nul = RemoteCommand::new("echo").arg(b"a\0b");
        for command in [
            RemoteCommand::new(""),
            RemoteCommand::new("-x"),
            RemoteCommand::new("a\0"),
            nul,
            long,
        ] {
            let failure = command.render("root").expect_err("refused");
            assert_eq!(failure.kind(), "command_refused");
        }
    }

    #[test]
    fn root_needs_no_sudo_and_others_do() {
        let line = |login: &str| {
            let rendered = RemoteCommand::new("id")
                .as_root()
                .render(login)
                .expect("render");
            String::from_utf8(rendered.line).expect("plain text")
        };
        assert!(line("ops").contains("exec sudo -n -- sh -c"));
        assert!(!line("root").contains("sudo"));
    }

    #[test]
    fn a_timeout_on_the_host_is_not_a_program_that_ends_with_124() {
        let command = || RemoteCommand::new("x");
        let own = finish(command(), "@MARK exit 124\n", Some(Exit::Code(0)), 1).expect("an end");
        assert_eq!(own.exit, Exit::Code(124));
        assert_eq!(
            failure(command(), "@MARK killed 137\n", Some(Exit::Code(0)), 31),
            "timed_out"
        );
        let killed =
            finish(command(), "@MARK killed 137\n", Some(Exit::Code(0)), 1).expect("an end");
        assert_eq!(killed.exit, Exit::Signal("KILL".to_owned()));
    }

    #[test]
    fn a_refusing_sudo_is_told_apart_from_a_failing_command() {
        let command = || RemoteCommand::new("id").as_root();
        let asks = "sudo: a password is required\n";
        assert_eq!(
            failure(command(), asks, Some(Exit::Code(1)), 1),
            "root_refused"
        );
        assert_eq!(
            failure(
                command(),
                "sh: 1: exec: sudo: not found\n",
                Some(Exit::Code(127)),
                1
            ),
            "root_refused"
        );
        let ran = finish(
            command(),
            &format!("{asks}@MARK exit 1\n"),
            Some(Exit::Code(0)),
            1,
        )
        .expect("an end");
        assert_eq!(ran.exit, Exit::Code(1));
    }

    #[test]
    fn a_session_without_last_words_is_no_result() {
        let command = || RemoteCommand::new("id");
        assert_eq!(failure(command(), "", None, 1), "connection_lost");
        assert_eq!(
            failure(
                command(),
                "no logins here\u{1b}[2J\n",
                Some(Exit::Code(1)),
                1
            ),
            "unreadable"
        );
        let killed =
            finish(command(), "", Some(Exit::Signal("KILL".to_owned())), 1).expect("an end");
        assert_eq!(killed.exit, Exit::Signal("KILL".to_owned()));
    }

    #[test]
    fn a_shell_that_lets_nobody_in_is_quoted() {
        let rendered = RemoteCommand::new("id").render("ops").expect("render");
        let mut captured = rendered.capture();
        let said = b"This account is currently not available.\n";
        captured.stdout(said).expect("it is short");
        let failure = rendered
            .finish(captured, Some(Exit::Code(1)), Duration::ZERO)
            .expect_err("it did not run");
        assert_eq!(
            failure.to_string(),
            "the answer cannot be read: the login shell ended with status 1 and did not run the command: \
             This account is currently not available."
        );
    }

    #[test]
    fn the_last_words_do_not_count_as_output() {
        let limits = Limits {
            output_bytes: 4,
            ..Limits::default()
        };
        let command = || RemoteCommand::new("id").limits(limits);
        assert!(finish(command(), "1234@MARK exit 0\n", Some(Exit::Code(0)), 1).is_ok());
        assert_eq!(
            failure(command(), "12345@MARK exit 0\n", Some(Exit::Code(0)), 1),
            "too_large"
        );
    }
}
