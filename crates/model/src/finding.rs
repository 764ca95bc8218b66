//! Findings: what a check says is wrong with one subject on one host.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{CheckName, Digest, DigestWriter, HostName};

/// How bad it is. Greater is worse.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing needs doing.
    Info,
    /// Needs a look this week.
    Warning,
    /// Needs a look now.
    Critical,
}

impl Severity {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Severity {
    type Err = crate::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "info" => Ok(Self::Info),
            "warning" => Ok(Self::Warning),
            "critical" => Ok(Self::Critical),
            _ => Err(crate::UnknownWord::new("severity", text)),
        }
    }
}

/// What identifies a finding over cycles and restarts: host, check and subject, nothing that varies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub Digest);

impl Fingerprint {
    /// The fingerprint of a subject of a check on a host.
    #[must_use]
    pub fn of(host: &HostName, check: &CheckName, subject: &str) -> Self {
        Self(
            DigestWriter::new("watchkeeper finding 1")
                .field(host)
                .field(check)
                .field(subject)
                .finish(),
        )
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = crate::InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// One piece of what was seen. The text is the host's: hostile, already bounded and redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was seen, e.g. `journal`, `unit`, `df`.
    pub source: String,
    /// What was seen there.
    pub text: String,
}

impl Evidence {
    /// Most characters kept of one piece.
    pub const MAX_CHARS: usize = 2_000;
    /// Most pieces kept of one finding.
    pub const MAX_PIECES: usize = 20;

    /// A piece of evidence, cut to [`Self::MAX_CHARS`].
    #[must_use]
    pub fn new(source: impl Into<String>, text: &str) -> Self {
        Self {
            source: source.into(),
            text: crate::bounded(text, Self::MAX_CHARS).into_owned(),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where.
    pub host: HostName,
    /// Which check says so.
    pub check: CheckName,
    /// Of what: a unit, a mount point, or empty for the host as a whole.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// One plain sentence about the thing: "nginx.service failed 3 min ago: exit code 1".
    pub summary: String,
    /// What would be another word if the trouble had another cause: stable from look to look while nothing new
    /// happens (no times, no counts, no percentages), e.g. `exit-code 1` for a unit, `full` for a disk, the
    /// unreachable host's kind of failure. A repair that was rejected is proposed again only when this changes.
    pub cause: String,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// What identifies it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.host, &self.check, &self.subject)
    }

    /// What tells one cause of the same finding from another: severity and [`Self::cause`].
    #[must_use]
    pub fn evidence_digest(&self) -> Digest {
        DigestWriter::new("watchkeeper cause 1")
            .field(self.severity.as_str())
            .field(&self.cause)
            .finish()
    }
}

/// What a check says about one subject in one look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It was looked at and is well: the only evidence that resolves anything.
    Passed {
        /// A figure or a word worth showing, e.g. "42 % of 20 GiB".
        detail: String,
    },
    /// It is not well.
    Found {
        /// The finding.
        finding: Finding,
    },
    /// It could not be told: a tool is missing, a section is broken, the host was not reached.
    Unknown {
        /// Why.
        why: String,
    },
}

/// The result of one check for one subject of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Which check.
    pub check: CheckName,
    /// Of what; empty for the host as a whole.
    pub subject: String,
    /// What it says.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
}
