//! The tools a model may call: what each is for, what it may cost, and how a call is read. A call is the model's own
//! words, so reading it either gives a [`Tool`] whose every part is typed and bounded, or one sentence that says what
//! would be right. Using a tool is the driver's work, and what it proposes is judged like anybody's proposal.

mod arguments;
mod closing;
mod names;
mod parse;
mod spec;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{HostName, Span, UnitName};

pub use closing::{Conclude, Propose, RiskView};
pub use names::ToolName;
pub use parse::{ToolRefused, host_of};
pub(crate) use spec::steps as steps_schema;

/// A call that has been read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "snake_case")]
pub enum Tool {
    /// Run a command that only reads. Whether it does is `risk`'s to say, not the model's.
    Command {
        /// The line.
        command: String,
    },
    /// Read a file.
    ReadFile {
        /// Its path, absolute.
        path: String,
        /// The first line wanted, from 1.
        from_line: u32,
        /// How many.
        lines: u32,
    },
    /// How a unit stands.
    UnitStatus {
        /// The unit.
        unit: UnitName,
    },
    /// Lines of the journal.
    Logs {
        /// Of one unit; none: of all.
        unit: Option<UnitName>,
        /// Of this priority or worse.
        priority: Option<LogPriority>,
        /// So far back.
        since: Span,
        /// At most so many, the latest.
        lines: u32,
        /// With this text in them.
        grep: Option<String>,
    },
    /// Measurements and their history.
    Metrics {
        /// Their names; empty: those there are.
        metrics: Vec<String>,
        /// So far back.
        window: Span,
    },
    /// The largest processes.
    Processes {
        /// By what.
        sort_by: ProcessOrder,
        /// At most so many.
        limit: u32,
    },
    /// One look at the network, from the host.
    Network {
        /// What.
        check: NetworkCheck,
        /// A name or address; with `:port` for a port; a URL for http.
        target: String,
    },
    /// The host's indexed configuration files.
    HostConfig {
        /// By words.
        query: Option<String>,
        /// Or one file.
        path: Option<String>,
    },
    /// Past issues like this.
    SimilarIssues {
        /// Words.
        query: String,
    },
    /// What people and experience taught.
    Knowledge {
        /// Words.
        query: String,
    },
    /// What the last look at the host showed.
    Facts {
        /// Parts of it; empty: an overview.
        sections: Vec<String>,
    },
    /// The same thing on other hosts.
    Compare {
        /// What.
        what: Compared,
        /// Which one of those: a unit, a path, a metric, a section.
        name: String,
        /// Where; empty: all other hosts that may be looked at, up to [`Tool::MAX_COMPARED`].
        hosts: Vec<HostName>,
    },
    /// More of what was looked at before.
    Output {
        /// Under which label.
        label: String,
        /// The first line wanted, from 1.
        from_line: u32,
        /// How many.
        lines: u32,
        /// Only lines with this text in them.
        grep: Option<String>,
    },
    /// Propose a change.
    Propose(Propose),
    /// Conclude.
    Conclude(Conclude),
}

/// How bad a line of the journal must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogPriority {
    /// Critical and worse.
    Crit,
    /// Errors and worse.
    Err,
    /// Warnings and worse.
    Warning,
    /// All but debugging.
    Info,
}

impl LogPriority {
    /// The word journalctl has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crit => "crit",
            Self::Err => "err",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// By what processes are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessOrder {
    /// Processor.
    Cpu,
    /// Memory.
    Memory,
}

impl ProcessOrder {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

/// One look at the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkCheck {
    /// Whether it answers a ping.
    Ping,
    /// Whether a TCP port opens.
    Port,
    /// What a name resolves to.
    Dns,
    /// The status of a URL.
    Http,
}

impl NetworkCheck {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Port => "port",
            Self::Dns => "dns",
            Self::Http => "http",
        }
    }
}

/// What is compared over hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// How a unit stands.
    Unit,
    /// A file.
    File,
    /// A measurement.
    Metric,
    /// A part of the last look.
    Facts,
}

impl Compared {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::File => "file",
            Self::Metric => "metric",
            Self::Facts => "facts",
        }
    }
}

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolEffect {
    /// Reads what is stored here.
    ReadsStore,
    /// Reads on a host.
    ReadsHost,
    /// Ends the investigation.
    Concludes,
    /// Puts a change before risk, policy and people. It changes nothing itself.
    Proposes,
}

/// How long a tool may take, and how much it may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolLimits {
    /// Time on the host or in the store.
    pub time: Duration,
    /// Bytes that are read; what is beyond is counted.
    pub output_bytes: usize,
}

impl Tool {
    /// Most hosts that one comparison looks at.
    pub const MAX_COMPARED: usize = 5;
    /// Longest command, in bytes.
    pub const MAX_COMMAND_BYTES: usize = 1_000;
    /// Longest words to search for, in characters.
    pub const MAX_QUERY_CHARS: usize = 300;
    /// Most lines of a file, of the journal or of an earlier output.
    pub const MAX_LINES: u32 = 500;

    /// Which one it is.
    #[must_use]
    pub const fn name(&self) -> ToolName {
        match self {
            Self::Command { .. } => ToolName::Command,
            Self::ReadFile { .. } => ToolName::ReadFile,
            Self::UnitStatus { .. } => ToolName::UnitStatus,
            Self::Logs { .. } => ToolName::Logs,
            Self::Metrics { .. } => ToolName::Metrics,
            Self::Processes { .. } => ToolName::Processes,
            Self::Network { .. } => ToolName::Network,
            Self::HostConfig { .. } => ToolName::HostConfig,
            Self::SimilarIssues { .. } => ToolName::SimilarIssues,
            Self::Knowledge { .. } => ToolName::Knowledge,
            Self::Facts { .. } => ToolName::Facts,
            Self::Compare { .. } => ToolName::Compare,
            Self::Output { .. } => ToolName::Output,
            Self::Propose(_) => ToolName::Propose,
            Self::Conclude(_) => ToolName::Conclude,
        }
    }

    /// What it does to the world.
    #[must_use]
    pub const fn effect(&self) -> ToolEffect {
        self.name().effect()
    }

    /// How long it may take, and how much it may return.
    #[must_use]
    pub const fn limits(&self) -> ToolLimits {
        self.name().limits()
    }

    /// What is looked at and where, as it is told beside the label: `journal of nginx.service on web1`.
    #[must_use]
    pub fn provenance(&self, host: Option<&HostName>) -> String {
        let what = self.what();
        match host.filter(|_| self.effect() == ToolEffect::ReadsHost || self.speaks_of_host()) {
            Some(host) => format!("{what} on {host}"),
            None => what,
        }
    }

    /// Whether a host must be meant.
    #[must_use]
    pub const fn needs_host(&self) -> bool {
        match self {
            Self::HostConfig { path, .. } => path.is_some(),
            Self::Metrics { .. } | Self::Facts { .. } => true,
            _ => matches!(self.effect(), ToolEffect::ReadsHost),
        }
    }

    const fn speaks_of_host(&self) -> bool {
        matches!(
            self,
            Self::Metrics { .. } | Self::HostConfig { .. } | Self::Facts { .. }
        )
    }

    fn what(&self) -> String {
        match self {
            Self::Command { command } => format!("command `{command}`"),
            Self::ReadFile {
                path, from_line, ..
            } if *from_line > 1 => format!("file {path} from line {from_line}"),
            Self::ReadFile { path, .. } => format!("file {path}"),
            Self::UnitStatus { unit } => format!("status of {unit}"),
            Self::Logs {
                unit, since, grep, ..
            } => {
                let of = unit.as_ref().map(|unit| format!(" of {unit}"));
                let with = grep.as_ref().map(|grep| format!(" with `{grep}`"));
                format!(
                    "journal{}{}, last {since},",
                    of.unwrap_or_default(),
                    with.unwrap_or_default()
                )
            }
            Self::Metrics { metrics, window } if metrics.is_empty() => {
                format!("measurements of the last {window}")
            }
            Self::Metrics { metrics, window } => {
                format!("{} of the last {window}", metrics.join(", "))
            }
            Self::Processes { sort_by, .. } => format!("processes by {}", sort_by.as_str()),
            Self::Network { check, target } => format!("{} {target}", check.as_str()),
            Self::HostConfig {
                path: Some(path), ..
            } => format!("configuration file {path}"),
            Self::HostConfig { query, .. } => format!(
                "configuration about `{}`",
                query.as_deref().unwrap_or_default()
            ),
            Self::SimilarIssues { query } => format!("past issues like `{query}`"),
            Self::Knowledge { query } => format!("notes about `{query}`"),
            Self::Facts { sections } if sections.is_empty() => "last look".to_owned(),
            Self::Facts { sections } => format!("last look: {}", sections.join(", ")),
            Self::Compare { what, name, hosts } => {
                let hosts: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
                let at = if hosts.is_empty() {
                    "other hosts".to_owned()
                } else {
                    hosts.join(", ")
                };
                format!("{} {name} compared with {at},", what.as_str())
            }
            Self::Output {
                label, from_line, ..
            } => format!("more of {label} from line {from_line}"),
            Self::Propose(_) => "a proposal".to_owned(),
            Self::Conclude(_) => "a conclusion".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
