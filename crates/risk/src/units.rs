//! What the typed steps do, and what each of those effects asks for.

use watchkeeper_model::{Certainty, Effect, EffectKind, RiskLevel, Step, TargetClass, UnitName};

use crate::classify::Host;
use crate::critical::{CriticalPart, critical_part, takes_host_down};

/// Below this a vacuum leaves so little that the night before can no longer be read.
const FEW_LOGS_MIB: u32 = 64;

/// The one effect of a typed step.
struct Typed {
    kind: EffectKind,
    class: TargetClass,
    level: RiskLevel,
    target: String,
    sentence: String,
}

/// The effect of a step other than a shell script; none for a script.
pub(crate) fn effect(step: &Step, host: &Host) -> Option<Effect> {
    let typed = match step {
        Step::UnitRestart { unit } => restart(unit, host),
        Step::UnitStart { unit } => start(unit, host),
        Step::UnitStop { unit } => stop(unit, host),
        Step::UnitReload { unit } => reload(unit, host),
        Step::UnitResetFailed { unit } => Typed {
            kind: EffectKind::Writes,
            class: TargetClass::Scratch,
            level: RiskLevel::Low,
            target: unit.to_string(),
            sentence: format!("forgets that {unit} failed; nothing is started or stopped"),
        },
        Step::JournalVacuum { keep_mib } => vacuum(*keep_mib),
        Step::PackageCacheClean {} => Typed {
            kind: EffectKind::Deletes,
            class: TargetClass::Scratch,
            level: RiskLevel::Low,
            target: "package cache".to_owned(),
            sentence: "deletes downloaded packages that are not in use; they can be fetched again"
                .to_owned(),
        },
        Step::Shell { .. } => return None,
    };
    Some(Effect {
        kind: typed.kind,
        class: typed.class,
        place: None,
        elsewhere: String::new(),
        target: typed.target,
        certainty: Certainty::Certain,
        level: typed.level,
        rule: format!("step.{}", step.kind()),
        words: step.summary(),
        sentence: typed.sentence,
    })
}

/// What a unit is to the host, to follow the words "which is"; nothing where it is not critical.
fn critical(unit: &UnitName, host: &Host) -> Option<(Option<CriticalPart>, &'static str)> {
    match critical_part(unit) {
        Some(part) => Some((Some(part), part.as_str())),
        None if host.names_critical(unit.as_str()) => Some((None, "critical, as the owner says")),
        None => None,
    }
}

/// The class of a unit as a target.
fn class(unit: &UnitName, host: &Host) -> TargetClass {
    match (critical(unit, host), weight(unit)) {
        (Some(_), _) => TargetClass::Critical,
        (None, Weight::Trigger) => TargetClass::Scratch,
        (None, Weight::Worker) => TargetClass::Data,
        (None, Weight::Ground) => TargetClass::System,
    }
}

/// What happens to a kind of unit, by its suffix.
#[derive(Clone, Copy)]
enum Weight {
    /// It only triggers others: timers and paths.
    Trigger,
    /// It does the work.
    Worker,
    /// Others stand on it: mounts, swap, targets, slices.
    Ground,
}

fn weight(unit: &UnitName) -> Weight {
    match unit.as_str().rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("timer" | "path") => Weight::Trigger,
        Some("service" | "socket") => Weight::Worker,
        _ => Weight::Ground,
    }
}

fn restart(unit: &UnitName, host: &Host) -> Typed {
    if takes_host_down(unit) {
        return takes_down(unit);
    }
    let (level, sentence) = match (critical(unit, host), weight(unit)) {
        (Some((_, part)), _) => (RiskLevel::High, format!("restarts {unit}, which is {part}")),
        (None, Weight::Trigger) => (
            RiskLevel::Low,
            format!("restarts {unit}; nothing that runs is interrupted"),
        ),
        (None, Weight::Worker) => (
            RiskLevel::Medium,
            format!("restarts {unit}; what it serves is interrupted meanwhile"),
        ),
        (None, Weight::Ground) => (
            RiskLevel::High,
            format!("restarts {unit}; everything that stands on it is interrupted"),
        ),
    };
    Typed {
        kind: EffectKind::Restarts,
        class: class(unit, host),
        level,
        target: unit.to_string(),
        sentence,
    }
}

fn start(unit: &UnitName, host: &Host) -> Typed {
    if takes_host_down(unit) {
        return takes_down(unit);
    }
    let (level, sentence) = match (critical(unit, host), weight(unit)) {
        (Some((Some(CriticalPart::Network | CriticalPart::Firewall), part)), _) => (
            RiskLevel::High,
            format!("starts {unit}, which is {part}: it can cut the host off"),
        ),
        (Some((_, part)), _) => (RiskLevel::Medium, format!("starts {unit}, which is {part}")),
        (None, Weight::Trigger | Weight::Worker) => (RiskLevel::Low, format!("starts {unit}")),
        (None, Weight::Ground) => (
            RiskLevel::Medium,
            format!("starts {unit} and what belongs to it"),
        ),
    };
    Typed {
        kind: EffectKind::Starts,
        class: class(unit, host),
        level,
        target: unit.to_string(),
        sentence,
    }
}

fn stop(unit: &UnitName, host: &Host) -> Typed {
    let (level, sentence) = match (critical(unit, host), weight(unit)) {
        (Some((_, part)), _) => (
            RiskLevel::Forbidden,
            format!("stops {unit}, which is {part}: that is never done"),
        ),
        (None, Weight::Trigger | Weight::Worker) => (
            RiskLevel::Medium,
            format!("stops {unit}; it stays down until it is started again"),
        ),
        (None, Weight::Ground) => (
            RiskLevel::High,
            format!("stops {unit} and everything that stands on it"),
        ),
    };
    Typed {
        kind: EffectKind::Stops,
        class: class(unit, host),
        level,
        target: unit.to_string(),
        sentence,
    }
}

fn reload(unit: &UnitName, host: &Host) -> Typed {
    let (level, sentence) = match critical(unit, host) {
        Some((_, part)) => (
            RiskLevel::High,
            format!("has {unit}, which is {part}, read its configuration again"),
        ),
        None => (
            RiskLevel::Low,
            format!("has {unit} read its configuration again, without interruption"),
        ),
    };
    Typed {
        kind: EffectKind::Reloads,
        class: class(unit, host),
        level,
        target: unit.to_string(),
        sentence,
    }
}

fn takes_down(unit: &UnitName) -> Typed {
    Typed {
        kind: EffectKind::Power,
        class: TargetClass::Critical,
        level: RiskLevel::Forbidden,
        target: unit.to_string(),
        sentence: format!(
            "starts {unit}, which takes the host down or throws everybody out: that is no way to start a unit"
        ),
    }
}

fn vacuum(keep_mib: u32) -> Typed {
    let (level, sentence) = if keep_mib < FEW_LOGS_MIB {
        (
            RiskLevel::High,
            format!("deletes nearly all of the journal: only {keep_mib} MiB of it stay"),
        )
    } else {
        (
            RiskLevel::Medium,
            format!(
                "deletes the oldest of the journal until {keep_mib} MiB stay; it cannot be brought back"
            ),
        )
    };
    Typed {
        kind: EffectKind::Deletes,
        class: TargetClass::Precious,
        level,
        target: "journal".to_owned(),
        sentence,
    }
}
