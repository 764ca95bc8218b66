//! Risk as data: levels, effects and assessments. They are computed in the crate `risk`, by code alone.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How dangerous something is. Greater is worse; the strictest effect wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Looks and changes nothing.
    ReadOnly,
    /// A change that is narrow and comes undone by itself or easily.
    Low,
    /// A change that interrupts something or takes work to undo.
    Medium,
    /// A change that can do lasting harm, or whose effects cannot be told.
    High,
    /// Never run, at any level, for anybody.
    Forbidden,
}

impl RiskLevel {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Forbidden => "forbidden",
        }
    }

    /// One level worse, but never forbidden: that is not a matter of degree.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::ReadOnly => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
            Self::Forbidden => Self::Forbidden,
        }
    }
}

impl fmt::Display for RiskLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of thing an effect does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Looks at something.
    Reads,
    /// Asks something of another machine: a name, a ping, a page that is only shown.
    Probes,
    /// Changes or makes a file or a setting.
    Writes,
    /// Replaces or empties what a file or a device held.
    Overwrites,
    /// Deletes a file, or an empty directory.
    Deletes,
    /// Deletes a directory with all that is in it.
    DeletesTree,
    /// Changes owner, mode, attributes or access lists.
    Permissions,
    /// The same for a directory with all that is in it.
    PermissionsTree,
    /// Has a unit read its configuration again.
    Reloads,
    /// Starts a unit.
    Starts,
    /// Restarts a unit: what it serves is interrupted.
    Restarts,
    /// Stops a unit.
    Stops,
    /// Has a unit start at boot.
    Enables,
    /// Keeps a unit from starting.
    Disables,
    /// Sends a signal to processes.
    Signals,
    /// Takes the host down or to sleep.
    Power,
    /// Refreshes the lists of packages, or empties a download cache.
    PackageIndex,
    /// Installs or upgrades packages.
    PackageInstalls,
    /// Removes packages.
    PackageRemoves,
    /// Changes the running kernel: parameters, modules, triggers.
    Kernel,
    /// Mounts or unmounts.
    Mounts,
    /// Changes a disk below its file system: partitions, formats, volumes, arrays.
    Storage,
    /// Makes a snapshot.
    Snapshots,
    /// Changes addresses, links, routes, name servers.
    NetworkConfig,
    /// Changes packet filters.
    Firewall,
    /// Changes accounts, groups or passwords.
    Accounts,
    /// Changes who may come in or become root: ssh, sudo, pam, access control.
    Access,
    /// Changes what the next boot does.
    Boot,
    /// Has something run later.
    Schedules,
    /// Changes rows of a database.
    DatabaseWrites,
    /// Changes the shape, the users or the settings of a database, or ends its sessions.
    DatabaseAdmin,
    /// Changes containers, images or what an orchestrator runs.
    Containers,
    /// Changes what remembers who did what.
    Audit,
    /// Sends data off the host.
    #[serde(alias = "network_out")]
    Sends,
    /// Uses rights beyond the login's.
    Privilege,
    /// Touches a secret.
    Secrets,
    /// Changes how other programs run: search paths, preloads, pagers.
    Environment,
    /// Waits for a person at a terminal.
    Interactive,
    /// Never ends by itself, or takes all there is of something.
    Unbounded,
    /// Runs code that came from elsewhere, or is made while it runs.
    RunsCode,
    /// Cannot be told.
    Unknown,
}

impl EffectKind {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Probes => "probes",
            Self::Writes => "writes",
            Self::Overwrites => "overwrites",
            Self::Deletes => "deletes",
            Self::DeletesTree => "deletes_tree",
            Self::Permissions => "permissions",
            Self::PermissionsTree => "permissions_tree",
            Self::Reloads => "reloads",
            Self::Starts => "starts",
            Self::Restarts => "restarts",
            Self::Stops => "stops",
            Self::Enables => "enables",
            Self::Disables => "disables",
            Self::Signals => "signals",
            Self::Power => "power",
            Self::PackageIndex => "package_index",
            Self::PackageInstalls => "package_installs",
            Self::PackageRemoves => "package_removes",
            Self::Kernel => "kernel",
            Self::Mounts => "mounts",
            Self::Storage => "storage",
            Self::Snapshots => "snapshots",
            Self::NetworkConfig => "network_config",
            Self::Firewall => "firewall",
            Self::Accounts => "accounts",
            Self::Access => "access",
            Self::Boot => "boot",
            Self::Schedules => "schedules",
            Self::DatabaseWrites => "database_writes",
            Self::DatabaseAdmin => "database_admin",
            Self::Containers => "containers",
            Self::Audit => "audit",
            Self::Sends => "sends",
            Self::Privilege => "privilege",
            Self::Secrets => "secrets",
            Self::Environment => "environment",
            Self::Interactive => "interactive",
            Self::Unbounded => "unbounded",
            Self::RunsCode => "runs_code",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for EffectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a target is to the host. Greater is worse to lose.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TargetClass {
    /// No target, or one without a class of its own.
    #[default]
    Plain,
    /// Nothing is kept there: `/dev/null`, standard output.
    Sink,
    /// Scratch space and caches, or a unit that nobody misses for a minute.
    Scratch,
    /// Files of users and applications; an ordinary unit.
    Data,
    /// Configuration of a service; a unit that others depend on.
    ServiceConfig,
    /// Databases, backups and logs.
    Precious,
    /// The system itself: `/etc`, `/usr`, `/var/lib`.
    System,
    /// What lets people in, boots the host or remembers what was done.
    Critical,
    /// A disk, the root of the file system, all of something.
    Whole,
}

impl TargetClass {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Sink => "sink",
            Self::Scratch => "scratch",
            Self::Data => "data",
            Self::ServiceConfig => "service_config",
            Self::Precious => "precious",
            Self::System => "system",
            Self::Critical => "critical",
            Self::Whole => "whole",
        }
    }
}

/// How sure it is that an effect happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It may.
    Possible,
    /// It does.
    Certain,
}

/// Where in the canonical text of a step something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Which step, from 0.
    pub step: u32,
    /// The first byte.
    pub from: u32,
    /// The byte after the last.
    pub to: u32,
}

/// One thing that a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What kind.
    pub kind: EffectKind,
    /// To what: a unit, a path, a device.
    pub target: String,
    /// What that is to the host.
    #[serde(default)]
    pub class: TargetClass,
    /// How sure.
    pub certainty: Certainty,
    /// The level this effect alone asks for.
    pub level: RiskLevel,
    /// The rule that says so, e.g. `step.unit_restart`.
    pub rule: String,
    /// The words of the step that cause it.
    pub words: String,
    /// Where those words stand; nothing for a typed step, which has no text of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// On which other machine or in which container it happens; empty for the host itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub elsewhere: String,
    /// One plain line for a person.
    pub sentence: String,
}

impl Effect {
    /// What stands before its sentence where it is not sure. What an undo would do says itself when it comes.
    #[must_use]
    pub fn perhaps(&self) -> &'static str {
        match self.certainty {
            Certainty::Possible if !self.rule.starts_with("undo.") => "perhaps ",
            Certainty::Possible | Certainty::Certain => "",
        }
    }
}

/// Text that a command hides and that was read all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoded {
    /// How it was hidden, e.g. `base64`.
    pub how: String,
    /// What it says, bounded and made visible.
    pub text: String,
}

/// What code says about the risk of a list of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The strictest level of its effects.
    pub level: RiskLevel,
    /// The same on a scale of 0 to 100, for sorting; it never crosses the bounds of a level.
    #[serde(default)]
    pub score: u8,
    /// What the steps do, strictest first.
    pub effects: Vec<Effect>,
    /// What was hidden in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoded: Vec<Decoded>,
    /// Whether all of it can be undone.
    pub undoable: bool,
    /// Which tables said so; empty in an assessment from before there were tables.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tables: String,
}
