//! Units by their names: what stopping or restarting one means.

use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

use crate::critical::CriticalPart;
use crate::word::{Arg, Part};

use super::files::Rated;
use super::glob::Glob;
use super::host::{Host, stem};

/// What a unit is to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Critical(Option<CriticalPart>),
    Power,
    /// Others stand on it: mounts, swap, targets, slices.
    Ground,
    Heavy,
    Ordinary,
    /// Nobody misses it, or it only triggers others.
    Unimportant,
}

/// Rates what is done to a unit.
pub(crate) fn rate(kind: EffectKind, unit: &Arg, host: &Host) -> Rated {
    let weight = weigh(unit, host);
    let known = !unit.has_unknown();
    let level = level(kind, weight);
    let rated = Rated {
        level,
        class: class(weight),
        what: what(weight),
        kind: (weight == Weight::Power && starts(kind)).then_some(EffectKind::Power),
        possible: !known
            || unit
                .parts
                .iter()
                .any(|part| matches!(part, Part::Pattern(_))),
    };
    if known {
        return rated;
    }
    Rated {
        level: rated.level.max(unknown(kind)).min(RiskLevel::High),
        what: "only the host knows which unit that is".to_owned(),
        ..rated
    }
}

fn weigh(unit: &Arg, host: &Host) -> Weight {
    let mut whole = Glob::empty();
    for part in &unit.parts {
        match part {
            // `systemctl` reads patterns of its own, and a shell leaves those that no file matches as they are.
            Part::Text(text) | Part::Pattern(text) => {
                whole.push_pattern(&text.to_ascii_lowercase());
            }
            Part::Unknown(_) => whole.push_unknown(),
        }
    }
    let text = whole.as_text();
    let suffix = text.and_then(|text| text.rsplit_once('.'));
    let (family, bare) = match text {
        Some(text) => {
            let bare = stem(text.rsplit('/').next().unwrap_or(text));
            let family = bare.split('@').next().unwrap_or("").to_owned();
            (Glob::text(&family), Glob::text(&bare))
        }
        None => {
            let shown = shown_stem(unit);
            (shown.clone(), shown)
        }
    };
    let units = &host.lists.units;
    let in_list = |list: &[Glob]| {
        list.iter()
            .any(|listed| family.meets(listed) || bare.meets(listed))
    };
    let critical = units
        .critical
        .iter()
        .filter(|(listed, _)| family.meets(listed) || bare.meets(listed))
        .map(|(_, part)| *part);
    // Of all that a pattern may be, that whose start can cut the host off.
    let cuts = |part: &CriticalPart| matches!(part, CriticalPart::Network | CriticalPart::Firewall);
    if let Some(part) = critical
        .clone()
        .find(cuts)
        .or_else(|| critical.clone().next())
    {
        return Weight::Critical(Some(part));
    }
    if in_list(&host.critical_units) {
        return Weight::Critical(None);
    }
    if in_list(&units.power) {
        return Weight::Power;
    }
    match suffix {
        Some((_, "mount" | "automount" | "swap" | "target" | "slice" | "scope" | "device")) => {
            Weight::Ground
        }
        _ if in_list(&units.heavy) || in_list(&host.heavy_units) => Weight::Heavy,
        Some((_, "timer" | "path")) => Weight::Unimportant,
        _ if text.is_some()
            && (in_list(&units.unimportant) || in_list(&host.unimportant_units)) =>
        {
            Weight::Unimportant
        }
        _ => Weight::Ordinary,
    }
}

/// A pattern without a suffix that units have, so that `ssh*.service` is looked up as `ssh*`.
fn shown_stem(unit: &Arg) -> Glob {
    let mut glob = Glob::empty();
    let last = unit.parts.len().saturating_sub(1);
    for (at, part) in unit.parts.iter().enumerate() {
        match part {
            Part::Text(text) | Part::Pattern(text) => {
                let text = text.to_ascii_lowercase();
                glob.push_pattern(&if at == last { stem(&text) } else { text });
            }
            Part::Unknown(_) => glob.push_unknown(),
        }
    }
    glob
}

const fn starts(kind: EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::Starts | EffectKind::Restarts | EffectKind::Enables
    )
}

const fn level(kind: EffectKind, weight: Weight) -> RiskLevel {
    use RiskLevel::{Forbidden, High, Low, Medium, ReadOnly};
    match (kind, weight) {
        (EffectKind::Reads, _) => ReadOnly,
        (_, Weight::Power) => High,
        (EffectKind::Stops | EffectKind::Disables | EffectKind::Signals, Weight::Critical(_)) => {
            Forbidden
        }
        (
            EffectKind::Starts,
            Weight::Critical(Some(CriticalPart::Network | CriticalPart::Firewall)),
        ) => High,
        (EffectKind::Starts | EffectKind::Enables, Weight::Critical(_)) => Medium,
        (_, Weight::Critical(_)) => High,
        (EffectKind::Reloads, Weight::Ground) => Medium,
        (EffectKind::Starts | EffectKind::Enables, Weight::Ground) => Medium,
        (_, Weight::Ground) => High,
        (EffectKind::Reloads, _) => Low,
        (EffectKind::Stops | EffectKind::Disables | EffectKind::Signals, Weight::Unimportant) => {
            Medium
        }
        (EffectKind::Stops | EffectKind::Disables, _) => High,
        (_, Weight::Unimportant) => Low,
        (_, Weight::Heavy | Weight::Ordinary) => Medium,
    }
}

/// The least for a unit that only the host knows.
const fn unknown(kind: EffectKind) -> RiskLevel {
    match kind {
        EffectKind::Reads => RiskLevel::ReadOnly,
        EffectKind::Reloads | EffectKind::Starts | EffectKind::Enables => RiskLevel::Medium,
        _ => RiskLevel::High,
    }
}

const fn class(weight: Weight) -> TargetClass {
    match weight {
        Weight::Critical(_) | Weight::Power => TargetClass::Critical,
        Weight::Ground => TargetClass::System,
        Weight::Heavy => TargetClass::ServiceConfig,
        Weight::Ordinary => TargetClass::Data,
        Weight::Unimportant => TargetClass::Scratch,
    }
}

fn what(weight: Weight) -> String {
    match weight {
        Weight::Critical(Some(part)) => part.as_str(),
        Weight::Critical(None) => "without which the host is lost",
        Weight::Power => "which takes the host down or throws everybody out",
        Weight::Ground => "on which other units stand",
        Weight::Heavy => "on which others depend",
        Weight::Ordinary | Weight::Unimportant => "",
    }
    .to_owned()
}
