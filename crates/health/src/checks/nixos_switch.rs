//! `nixos-switch`: whether the running NixOS system is the one that was set. After `nixos-rebuild boot` it is not, on
//! purpose; after a failed switch it is not either, and then the unit of the switch has failed.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, Nixos};

/// The unit in which `nixos-rebuild` switches.
pub(super) const SWITCH_UNIT: &str = "nixos-rebuild-switch-to-configuration.service";

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let nixos = match facts.nixos.get() {
        Ok(Some(nixos)) => nixos,
        Ok(None) => return report.passed("", "not NixOS"),
        Err(why) => return report.unknown("", why),
    };
    let failed = facts
        .units
        .present()
        .and_then(|units| units.failed.iter().find(|unit| unit.name == SWITCH_UNIT));
    match trouble(nixos, failed.is_some()) {
        Some(trouble) => {
            let lines = failed
                .map(|unit| unit.journal.as_slice())
                .unwrap_or_default();
            let trouble = lines
                .iter()
                .fold(trouble, |trouble, line| trouble.seen("journal", line));
            let links = format!(
                "profile {}, current {}, booted {}",
                shown(&nixos.profile),
                shown(&nixos.current),
                shown(&nixos.booted),
            );
            report.found("", trouble.seen("nixos", links));
        }
        None if facts.units.present().is_none() => {
            report.unknown(
                "",
                "whether the last switch failed is not known: units could not be read",
            );
        }
        None => report.passed("", format!("{} runs", generation(nixos))),
    }
}

fn trouble(nixos: &Nixos, switch_failed: bool) -> Option<Trouble> {
    if nixos.current.is_none() {
        let summary = "/run/current-system is not there: the activation has failed";
        return Some(Trouble::new(
            Severity::Critical,
            "no current system",
            summary,
        ));
    }
    if nixos.profile.is_none() {
        return Some(Trouble::new(
            Severity::Critical,
            "no profile",
            "the system profile is not there: nothing could be booted",
        ));
    }
    let generation = generation(nixos);
    if switch_failed {
        return Some(Trouble::new(
            Severity::Critical,
            "switch failed",
            format!("the switch to {generation} failed"),
        ));
    }
    if nixos.profile == nixos.current {
        return None;
    }
    if nixos.booted == nixos.current {
        let summary = format!(
            "{generation} is set and does not run: it starts with the next boot, or its switch failed"
        );
        return Some(Trouble::new(Severity::Warning, "set, not running", summary));
    }
    let summary =
        format!("the running system is neither the one booted nor {generation}, which is set");
    Some(Trouble::new(Severity::Warning, "other system", summary))
}

fn generation(nixos: &Nixos) -> String {
    nixos.generation.map_or_else(
        || "the system of the profile".to_owned(),
        |number| format!("generation {number}"),
    )
}

fn shown(link: &Option<String>) -> &str {
    link.as_deref().unwrap_or("nothing")
}
