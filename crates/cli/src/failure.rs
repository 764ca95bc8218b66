//! How a command ends when it does not end well: an exit status, what happened, and what to do next.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use crate::called::Called;
use crate::config::ConfigErrors;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// What kind; decides the exit status.
    pub(crate) kind: Kind,
    /// What happened, with its causes.
    pub(crate) error: anyhow::Error,
    /// What to do next.
    pub(crate) hints: Vec<String>,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It was tried and failed.
    Failed,
    /// What was typed or configured cannot be used.
    Usage,
    /// It is not allowed.
    Refused,
    /// `check` cannot tell: Nagios' "unknown".
    Unknown,
    /// It was stopped before it had come to rest.
    Interrupted,
    /// Nobody reads the answer any more; nothing is said about it.
    ReaderGone,
}

impl Kind {
    /// The exit status: 1 failed, 64 usage, 77 refused (as in sysexits.h), 3 unknown, and what a shell says of a
    /// process that SIGINT (130) or SIGPIPE (141) has ended.
    pub(crate) const fn exit_status(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::Refused => 77,
            Self::Interrupted => 130,
            Self::ReaderGone => 141,
        }
    }
}

impl CommandError {
    /// What was typed or configured cannot be used.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind: Kind::Usage,
            error: error.into(),
            hints: Vec::new(),
        }
    }

    /// It was tried and failed.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind: Kind::Failed,
            error: error.into(),
            hints: Vec::new(),
        }
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same, as another kind.
    pub(crate) fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Nobody reads the answer any more.
    pub(crate) fn reader_gone() -> Self {
        Self::failed(anyhow::anyhow!("nobody reads the answer any more")).kind(Kind::ReaderGone)
    }

    /// Says it, once.
    pub(crate) fn print(&self, called: &Called) -> ExitCode {
        if self.kind != Kind::ReaderGone {
            let text = self.render(&called.first_word());
            let _ = std::io::stderr().write_all(called.respell(&text).as_bytes());
        }
        ExitCode::from(self.kind.exit_status())
    }

    /// The error with its causes in one line. What a library's error has already said of its cause is not said again.
    pub(crate) fn line(&self) -> String {
        let mut said = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if !said.ends_with(&cause) {
                let between = if said.is_empty() { "" } else { ": " };
                said.push_str(between);
                said.push_str(&cause);
            }
        }
        watchkeeper_model::visible(&said).into_owned()
    }

    /// What is printed to standard error.
    pub(crate) fn render(&self, program: &str) -> String {
        let mut text = format!("{program}: {}\n", self.line());
        for hint in &self.hints {
            let _ = writeln!(text, "Try: {}", watchkeeper_model::visible(hint));
        }
        text
    }
}

impl<E: Into<anyhow::Error>> From<E> for CommandError {
    fn from(error: E) -> Self {
        let error = match error.into().downcast::<watchkeeper_server::Problem>() {
            Ok(problem) => return Self::of_problem(&problem),
            Err(error) => error,
        };
        match error.downcast::<ConfigErrors>() {
            Ok(errors) => Self::of_config(errors),
            Err(error) => Self::failed(error),
        }
    }
}

impl CommandError {
    fn of_problem(problem: &watchkeeper_server::Problem) -> Self {
        let kind = if problem.kind == "forbidden" {
            Kind::Refused
        } else {
            Kind::Failed
        };
        let hints = Some(problem.detail.clone())
            .filter(|detail| !detail.is_empty())
            .into_iter()
            .collect();
        Self {
            kind,
            error: anyhow::anyhow!(problem.title.clone()),
            hints,
        }
    }

    fn of_config(errors: ConfigErrors) -> Self {
        let remedy = errors
            .0
            .first()
            .and_then(crate::config::ConfigError::remedy);
        let many = errors.0.len() > 1;
        let mut error = Self::usage(errors);
        error.hints.extend(remedy);
        if many {
            error
                .hints
                .push("watchkeeper config check, which tells all of them".to_owned());
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_and_its_hints_are_as_the_person_types() {
        let cause = anyhow::anyhow!("no\nroom\u{1b}[2J").context("could not write");
        let error = CommandError::failed(cause).hint("watchkeeper doctor");
        assert_eq!(
            error.render("hal-check"),
            "hal-check: could not write: no\\nroom\\u{1b}[2J\nTry: watchkeeper doctor\n"
        );
        let called = Called::by(Some(&"hal-check".into()));
        assert!(
            called
                .respell(&error.render("hal-check"))
                .ends_with("Try: hal-doctor\n")
        );
    }

    #[test]
    fn what_an_error_has_said_of_its_cause_is_not_said_again() {
        let cause = anyhow::anyhow!("disk full").context("the database failed: disk full");
        let error = CommandError::failed(cause.context("could not open the store"));
        assert_eq!(
            error.line(),
            "could not open the store: the database failed: disk full"
        );
    }

    #[test]
    fn every_kind_has_an_exit_status_of_its_own() {
        let kinds = [
            Kind::Failed,
            Kind::Usage,
            Kind::Refused,
            Kind::Unknown,
            Kind::Interrupted,
            Kind::ReaderGone,
        ];
        let statuses: std::collections::BTreeSet<u8> =
            kinds.into_iter().map(Kind::exit_status).collect();
        assert_eq!(statuses.len(), kinds.len());
        assert!(!statuses.contains(&0));
    }
}
