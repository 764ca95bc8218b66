//! One plain line for each effect, to be understood at three in the morning.

use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

/// What a sentence is made of.
pub(super) struct Parts<'a> {
    /// What is done, as the command has it.
    pub(super) kind: EffectKind,
    /// In other words, where the tables have some.
    pub(super) say: Option<&'a str>,
    /// To what; empty for nothing that has a name.
    pub(super) target: &'a str,
    /// What that is.
    pub(super) what: &'a str,
    pub(super) class: TargetClass,
    pub(super) level: RiskLevel,
    /// Whether it is only one of several things that may happen.
    pub(super) possible: bool,
    /// Whether what is read is a secret.
    pub(super) secret: bool,
    /// Whether the target is a unit.
    pub(super) unit: bool,
    /// The machine or container; empty for the host.
    pub(super) elsewhere: &'a str,
}

/// The sentence.
pub(super) fn sentence(parts: &Parts<'_>) -> String {
    let mut line = match parts.say {
        Some(say) if parts.target.is_empty() || say.contains(parts.target) => say.to_owned(),
        Some(say) => format!("{say}: {}", parts.target),
        None => phrase(parts.kind, parts.target),
    };
    line.push_str(&described(parts));
    if let Some(container) = parts.elsewhere.strip_prefix("container ") {
        line.push_str(&format!(", in the container {container}"));
    } else if !parts.elsewhere.is_empty() {
        line.push_str(&format!(", on {}", parts.elsewhere));
    }
    line.push_str(ending(parts));
    line
}

/// How descriptions begin that are clauses of their own.
const CLAUSES: [&str; 6] = [
    "without which",
    "on which",
    "which takes",
    "which the host",
    "whose data",
    "perhaps one",
];

/// What the target is, after its name.
fn described(parts: &Parts<'_>) -> String {
    let what = parts.what;
    match (what.is_empty(), parts.secret, parts.possible) {
        (true, true, _) => ", which is a secret".to_owned(),
        (true, false, _) => String::new(),
        (false, true, false) => format!(", which is a secret: {what}"),
        (false, true, true) => format!(", which may be a secret: {what}"),
        _ if what.starts_with("only the host") || what.starts_with("there may be") => {
            format!("; {what}")
        }
        _ if CLAUSES.iter().any(|clause| what.starts_with(clause)) => format!(", {what}"),
        (_, _, true) => format!(" (perhaps {what})"),
        _ if parts.unit => format!(", which is {what}"),
        _ => format!(" ({what})"),
    }
}

/// What follows from it.
fn ending(parts: &Parts<'_>) -> &'static str {
    let kept = !matches!(parts.class, TargetClass::Scratch | TargetClass::Sink);
    match parts.kind {
        _ if parts.level == RiskLevel::Forbidden => ": that is never done",
        EffectKind::Overwrites | EffectKind::Deletes | EffectKind::DeletesTree
            if kept && parts.level >= RiskLevel::Medium =>
        {
            ": that cannot be undone"
        }
        EffectKind::Restarts if parts.unit && parts.level == RiskLevel::Medium => {
            "; what it serves is interrupted meanwhile"
        }
        EffectKind::Stops if parts.unit => "; it stays down until it is started again",
        _ => "",
    }
}

/// What is done to the target, or at all.
fn phrase(kind: EffectKind, target: &str) -> String {
    let (with, without) = words(kind);
    if target.is_empty() {
        without.to_owned()
    } else {
        with.replacen("{}", target, 1)
    }
}

/// The words for a kind: with a target in place of `{}`, and without one.
const fn words(kind: EffectKind) -> (&'static str, &'static str) {
    match kind {
        EffectKind::Reads => ("reads {}", "only looks"),
        EffectKind::Probes => (
            "asks {} something over the network",
            "asks another machine something",
        ),
        EffectKind::Writes => ("writes to {}", "changes a file or a setting"),
        EffectKind::Overwrites => ("replaces what {} holds", "replaces what a file holds"),
        EffectKind::Deletes => ("deletes {}", "deletes something"),
        EffectKind::DeletesTree => (
            "deletes {} and all that is in it",
            "deletes a directory and all that is in it",
        ),
        EffectKind::Permissions => (
            "changes owner or mode of {}",
            "changes owner or mode of something",
        ),
        EffectKind::PermissionsTree => (
            "changes owner or mode of {} and all that is in it",
            "changes owner or mode of a directory and all that is in it",
        ),
        EffectKind::Reloads => (
            "has {} read its configuration again",
            "has something read its configuration again",
        ),
        EffectKind::Starts => ("starts {}", "starts something"),
        EffectKind::Restarts => ("restarts {}", "restarts something"),
        EffectKind::Stops => ("stops {}", "stops something"),
        EffectKind::Enables => ("has {} start at boot", "has something start at boot"),
        EffectKind::Disables => ("keeps {} from starting", "keeps something from starting"),
        EffectKind::Signals => ("sends a signal to {}", "sends signals to processes"),
        EffectKind::Power => (
            "takes the host down or to sleep: {}",
            "takes the host down or to sleep",
        ),
        EffectKind::PackageIndex => (
            "refreshes lists of packages, or empties their cache: {}",
            "refreshes lists of packages, or empties their cache",
        ),
        EffectKind::PackageInstalls => (
            "installs or upgrades the package {}",
            "installs or upgrades packages",
        ),
        EffectKind::PackageRemoves => ("removes the package {}", "removes packages"),
        EffectKind::Kernel => (
            "changes the running kernel: {}",
            "changes the running kernel",
        ),
        EffectKind::Mounts => ("mounts or unmounts {}", "mounts or unmounts something"),
        EffectKind::Storage => (
            "changes {} below its file system",
            "changes a disk below its file system",
        ),
        EffectKind::Snapshots => ("makes a snapshot: {}", "makes a snapshot"),
        EffectKind::NetworkConfig => (
            "changes the host's network: {}",
            "changes the host's network",
        ),
        EffectKind::Firewall => (
            "changes what the packet filter lets through: {}",
            "changes what the packet filter lets through",
        ),
        EffectKind::Accounts => (
            "changes accounts of the host: {}",
            "changes accounts of the host",
        ),
        EffectKind::Access => (
            "changes who may come in or become root: {}",
            "changes who may come in or become root",
        ),
        EffectKind::Boot => (
            "changes what the next boot does: {}",
            "changes what the next boot does",
        ),
        EffectKind::Schedules => ("has something run later: {}", "has something run later"),
        EffectKind::DatabaseWrites => (
            "changes rows of a database: {}",
            "changes rows of a database",
        ),
        EffectKind::DatabaseAdmin => (
            "changes the shape, users or settings of a database: {}",
            "changes the shape, users or settings of a database",
        ),
        EffectKind::Containers => (
            "changes containers, images or what runs in a cluster: {}",
            "changes containers, images or what runs in a cluster",
        ),
        EffectKind::Audit => (
            "changes what remembers who did what: {}",
            "changes what remembers who did what",
        ),
        EffectKind::Sends => ("sends data off the host: {}", "sends data off the host"),
        EffectKind::Privilege => (
            "uses rights beyond the login's: {}",
            "uses rights beyond the login's",
        ),
        EffectKind::Secrets => ("touches a secret: {}", "touches a secret"),
        EffectKind::Environment => (
            "changes how other programs run: {}",
            "changes how other programs run",
        ),
        EffectKind::Interactive => (
            "waits for a person at a terminal: {}",
            "waits for a person at a terminal",
        ),
        EffectKind::Unbounded => ("never ends by itself: {}", "never ends by itself"),
        EffectKind::RunsCode => (
            "runs code that is not seen here: {}",
            "runs code that is not seen here",
        ),
        EffectKind::Unknown => ("does what cannot be told: {}", "does what cannot be told"),
    }
}
