//! How the watch itself is doing.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Autonomy, GroupName, HostName, LogEntry, Tier, Timestamp};

use super::{ChannelLine, HostIdentity, Unseen};

/// The answer to `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The watch's name.
    pub name: String,
    /// Whether a daemon answers, or the command itself.
    pub daemon: bool,
    /// The autonomy level where a host has none of its own.
    pub autonomy: Autonomy,
    /// Hosts by state.
    pub hosts: HostCounts,
    /// Open or acknowledged issues by severity.
    pub issues: SeverityCounts,
    /// Actions that wait for a person.
    pub waiting_actions: i64,
    /// Actions that are approved, running or verifying.
    pub running_actions: i64,
    /// Actions whose outcome is unknown and whose issue is still open.
    pub unknown_actions: i64,
    /// The queue for the model.
    pub jobs: JobCounts,
    /// The model, in words, and whether it helps.
    pub model: ModelStatus,
    /// The ways to tell people, and how each fares.
    #[serde(default)]
    pub channels: Vec<ChannelLine>,
    /// Which store, without its password.
    pub store: String,
    /// When a look at any host last ended.
    pub last_look: Option<Timestamp>,
    /// The log.
    pub log: LogStatus,
    /// Rows that cannot be read: table, column and id.
    pub corrupt: Vec<String>,
    /// Files of the configuration, orders and runbooks that say something else than what is in force.
    #[serde(default)]
    pub changed_files: Vec<String>,
}

/// Hosts by what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCounts {
    /// Seen, and nothing open.
    pub healthy: i64,
    /// Seen, with an open issue.
    pub troubled: i64,
    /// The last look saw nothing.
    pub unreachable: i64,
    /// Never looked at.
    pub not_looked_at: i64,
}

/// Issues by severity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityCounts {
    /// Critical ones.
    pub critical: i64,
    /// Warnings.
    pub warning: i64,
    /// The rest.
    pub info: i64,
}

/// The queue for the model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Waiting.
    pub queued: i64,
    /// Being answered.
    pub leased: i64,
    /// Given up.
    pub failed: i64,
}

/// Whether a model helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// Whether a lane is configured.
    pub configured: bool,
    /// Whether the last thing heard of it was good; none when nothing was asked yet.
    pub healthy: Option<bool>,
    /// In words.
    pub text: String,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStatus {
    /// How many entries.
    pub entries: i64,
    /// The newest.
    pub newest: Option<Timestamp>,
}

/// One line of `systems`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemLine {
    /// Which.
    pub host: HostName,
    /// How it is reached, in words: `ops@10.0.0.5:22 by russh`.
    pub reached: String,
    /// How much depends on it.
    pub tier: Tier,
    /// Its autonomy level.
    pub autonomy: Autonomy,
    /// Its groups.
    pub groups: Vec<GroupName>,
    /// `healthy`, `troubled`, `unreachable`, `not_looked_at`.
    pub state: String,
    /// What it is, as last seen.
    pub identity: Option<HostIdentity>,
    /// When it was last looked at.
    pub last_look: Option<Timestamp>,
    /// Why the last look saw nothing.
    pub failure: Option<Unseen>,
}

/// What verifying the log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "log", rename_all = "snake_case")]
pub enum LogVerdict {
    /// Every entry follows from the one before it.
    Intact {
        /// How many entries.
        entries: i64,
        /// The hash of the last, to be kept elsewhere.
        head: String,
    },
    /// It does not.
    Broken {
        /// The first entry that is wrong.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
}

/// The key a host offers, or the one that was kept for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedKeyView {
    /// The host.
    pub host: HostName,
    /// Address and port.
    pub address: String,
    /// The key's algorithm, e.g. `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// Another key that is known for this host, as `SHA256:…`.
    pub known: Option<String>,
}

/// One thing that was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorLine {
    /// What, e.g. `store`, `host web1`, `model qwen3:8b`.
    pub name: String,
    /// `ok`, `warning` or `failed`.
    pub state: DoctorState,
    /// What was seen.
    pub detail: String,
    /// What to type; empty when all is well.
    pub remedy: String,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoctorState {
    /// Well.
    Ok,
    /// It works, but not as it should.
    Warning,
    /// It does not work.
    Failed,
}
