//! The names of the tools, and what each may do and cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ToolEffect, ToolLimits};

/// Which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolName {
    /// Run a command that only reads.
    Command,
    /// Read a file.
    ReadFile,
    /// How a unit stands.
    UnitStatus,
    /// Lines of the journal.
    Logs,
    /// Measurements and their history.
    Metrics,
    /// The largest processes.
    Processes,
    /// One look at the network.
    Network,
    /// The host's indexed configuration files.
    HostConfig,
    /// Past issues like this.
    SimilarIssues,
    /// What people and experience taught.
    Knowledge,
    /// What the last look at the host showed.
    Facts,
    /// The same thing on other hosts.
    Compare,
    /// More of what was looked at before.
    Output,
    /// Propose a change.
    Propose,
    /// Conclude.
    Conclude,
}

impl ToolName {
    /// All, in the order in which a model is told of them.
    pub const ALL: [Self; 15] = [
        Self::UnitStatus,
        Self::Logs,
        Self::Command,
        Self::ReadFile,
        Self::Processes,
        Self::Metrics,
        Self::Network,
        Self::Facts,
        Self::HostConfig,
        Self::Compare,
        Self::SimilarIssues,
        Self::Knowledge,
        Self::Output,
        Self::Propose,
        Self::Conclude,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::ReadFile => "read_file",
            Self::UnitStatus => "unit_status",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Processes => "processes",
            Self::Network => "network",
            Self::HostConfig => "host_config",
            Self::SimilarIssues => "similar_issues",
            Self::Knowledge => "knowledge",
            Self::Facts => "facts",
            Self::Compare => "compare",
            Self::Output => "output",
            Self::Propose => "propose",
            Self::Conclude => "conclude",
        }
    }

    /// The tool of this name.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// What it does to the world.
    #[must_use]
    pub const fn effect(self) -> ToolEffect {
        match self {
            Self::Command
            | Self::ReadFile
            | Self::UnitStatus
            | Self::Logs
            | Self::Processes
            | Self::Network
            | Self::Compare => ToolEffect::ReadsHost,
            Self::Metrics
            | Self::HostConfig
            | Self::SimilarIssues
            | Self::Knowledge
            | Self::Facts
            | Self::Output => ToolEffect::ReadsStore,
            Self::Propose => ToolEffect::Proposes,
            Self::Conclude => ToolEffect::Concludes,
        }
    }

    /// How long it may take, and how much it may return.
    #[must_use]
    pub const fn limits(self) -> ToolLimits {
        let (seconds, kib) = match self {
            Self::Command | Self::ReadFile | Self::Logs => (20, 256),
            Self::Compare => (45, 256),
            Self::UnitStatus | Self::Processes => (10, 64),
            Self::Network => (15, 16),
            Self::Output => (5, 256),
            Self::Metrics
            | Self::HostConfig
            | Self::SimilarIssues
            | Self::Knowledge
            | Self::Facts => (5, 64),
            Self::Propose | Self::Conclude => (0, 0),
        };
        ToolLimits {
            time: Duration::from_secs(seconds),
            output_bytes: kib * 1024,
        }
    }
}

impl std::fmt::Display for ToolName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
