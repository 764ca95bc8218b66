//! `disk`: whether file systems have room. Both percent and bytes must be short: 5 % of 8 TiB is no trouble.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, figures};

const GIB: f64 = 1_073_741_824.0;

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let disks = match facts.disks.get() {
        Ok(disks) => disks,
        Err(why) => return report.unknown("", why),
    };
    let limits = report.thresholds.disk;
    for system in &disks.file_systems {
        let used = system.used_percent();
        let left = system.available_bytes as f64 / GIB;
        let passes = |share: f64, gib: f64| used >= share && left < gib;
        let size = figures::bytes(system.used_bytes.saturating_add(system.available_bytes));
        let severity = if passes(limits.critical_percent, limits.critical_left_gib) {
            Severity::Critical
        } else if passes(limits.warning_percent, limits.warning_left_gib) {
            Severity::Warning
        } else {
            report.passed(
                &system.target,
                format!("{} of {size}", figures::percent(used)),
            );
            continue;
        };
        let left = figures::bytes(system.available_bytes);
        let summary = format!(
            "{} is {} full ({left} left)",
            system.target,
            figures::percent(used)
        );
        let row = format!(
            "{} {} on {}: {left} of {size} left",
            system.source, system.kind, system.target
        );
        report.found(
            &system.target,
            Trouble::new(severity, "full", summary).seen("df", row),
        );
    }
    for target in &disks.unread {
        report.unknown(target, format!("the room in {target} could not be read"));
    }
}
