//! Commands for a host, and the only place that quotes.

use std::time::Duration;

/// One command for one host: a program and its arguments as bytes, what goes to its standard input, as whom it
/// runs, and its limits. Arguments reach the program byte for byte, whatever stands in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCommand {
    pub(crate) program: Vec<u8>,
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) stdin: Vec<u8>,
    pub(crate) as_root: bool,
    pub(crate) limits: Limits,
}

/// What a command may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may run, kept on the host itself: ending a session does not end what it started.
    pub time: Duration,
    /// How much it may print, stdout and stderr together.
    pub output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            output_bytes: 4 * 1024 * 1024,
        }
    }
}

impl RemoteCommand {
    /// A command without arguments, with the default limits, as the login, with empty standard input.
    #[must_use]
    pub fn new(program: impl AsRef<[u8]>) -> Self {
        Self {
            program: program.as_ref().to_vec(),
            args: Vec::new(),
            stdin: Vec::new(),
            as_root: false,
            limits: Limits::default(),
        }
    }

    /// `sh -c SCRIPT`: for constant texts of ours only; what varies goes in as arguments (`"$1"`) or stdin.
    #[must_use]
    pub fn script(script: &'static str) -> Self {
        Self::new("sh").arg("-c").arg(script).arg("watchkeeper")
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Its arguments, for a connection that answers them by itself.
    #[must_use]
    pub fn args(&self) -> &[Vec<u8>] {
        &self.args
    }

    /// Sets what its standard input reads.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it as root: by `sudo -n`, unless the login is root.
    #[must_use]
    pub fn as_root(mut self) -> Self {
        self.as_root = true;
        self
    }

    /// Sets its limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}
