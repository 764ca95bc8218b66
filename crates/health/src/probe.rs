//! What to run on a host to look at it: the script and its arguments. Who carries it there is `fleet`.

use std::sync::LazyLock;
use std::time::Duration;

/// The script as it stands in the source.
const SOURCE: &str = include_str!("probe.sh");
/// Most certificates that one look reads.
const MAX_CERTIFICATES: usize = 64;
/// Longest path of a certificate, in bytes.
const MAX_PATH_BYTES: usize = 1_024;

/// The script as it travels: without comments and indentation, since it is sent with every look.
#[must_use]
pub fn script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| {
        let lines = SOURCE
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.fold(String::with_capacity(SOURCE.len()), |text, line| {
            text + line + "\n"
        })
    });
    &SCRIPT
}

/// What makes the marks of one look unguessable: 32 hexadecimal digits, new for every look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// Made of random bytes, which the caller brings: this crate has no chance.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a probe cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeRefused {
    /// A certificate's path is not absolute, too long, or has a control character.
    #[error(
        "{path:?} is not a path of a certificate: it must be absolute, without control characters, at most {MAX_PATH_BYTES} bytes"
    )]
    Path {
        /// The path.
        path: String,
    },
    /// Too many certificates.
    #[error("{count} certificates are listed, and one look reads at most {MAX_CERTIFICATES}")]
    TooMany {
        /// How many.
        count: usize,
    },
}

/// One look to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    nonce: Nonce,
    window: Duration,
    certificates: Vec<String>,
}

impl Probe {
    /// How far back the journal is read where nothing else is asked.
    pub const DEFAULT_WINDOW: Duration = Duration::from_secs(15 * 60);
    /// How far back the journal is read at most.
    pub const MAX_WINDOW: Duration = Duration::from_secs(24 * 3600);

    /// A look that reads no certificates and 15 minutes of the journal.
    #[must_use]
    pub const fn new(nonce: Nonce) -> Self {
        Self {
            nonce,
            window: Self::DEFAULT_WINDOW,
            certificates: Vec::new(),
        }
    }

    /// Reads the journal this far back; at least a minute, at most [`Self::MAX_WINDOW`].
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window.clamp(Duration::from_secs(60), Self::MAX_WINDOW);
        self
    }

    /// Reads the end of these certificates, PEM files on the host.
    ///
    /// # Errors
    /// Refuses paths that are not absolute or hold control characters, and too many of them.
    pub fn certificates(
        mut self,
        paths: impl IntoIterator<Item = String>,
    ) -> Result<Self, ProbeRefused> {
        self.certificates = paths.into_iter().collect();
        if self.certificates.len() > MAX_CERTIFICATES {
            return Err(ProbeRefused::TooMany {
                count: self.certificates.len(),
            });
        }
        let bad = |path: &&String| {
            !path.starts_with('/') || path.len() > MAX_PATH_BYTES || path.contains(char::is_control)
        };
        match self.certificates.iter().find(bad) {
            Some(path) => Err(ProbeRefused::Path { path: path.clone() }),
            None => Ok(self),
        }
    }

    /// The nonce, for [`crate::parse`].
    #[must_use]
    pub const fn nonce(&self) -> &Nonce {
        &self.nonce
    }

    /// The script's arguments, in order: `sh -c SCRIPT watchkeeper ARGS…`.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        let fixed = [self.nonce.0.clone(), self.window.as_secs().to_string()];
        fixed
            .into_iter()
            .chain(self.certificates.iter().cloned())
            .collect()
    }
}
