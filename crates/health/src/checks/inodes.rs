//! `inodes`: whether file systems can hold more files, however small.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, figures};

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let disks = match facts.disks.get() {
        Ok(disks) => disks,
        Err(why) => return report.unknown("", why),
    };
    let limits = report.thresholds.inodes;
    let mut counted = false;
    for system in &disks.file_systems {
        let Some(used) = system.inodes_percent() else {
            continue;
        };
        counted = true;
        let severity = if used >= limits.critical_percent {
            Severity::Critical
        } else if used >= limits.warning_percent {
            Severity::Warning
        } else {
            report.passed(&system.target, figures::percent(used));
            continue;
        };
        let left = system.inodes.saturating_sub(system.inodes_used);
        let summary = format!(
            "{} has used {} of its inodes ({left} left)",
            system.target,
            figures::percent(used)
        );
        let row = format!(
            "{} {} on {}: {} of {} inodes used, {} of room used",
            system.source,
            system.kind,
            system.target,
            system.inodes_used,
            system.inodes,
            figures::percent(system.used_percent()),
        );
        report.found(
            &system.target,
            Trouble::new(severity, "inodes", summary).seen("df", row),
        );
    }
    for target in &disks.unread {
        report.unknown(target, format!("the inodes of {target} could not be read"));
    }
    if !counted && disks.unread.is_empty() {
        report.passed("", "no file system counts inodes");
    }
}
