//! `zombies`: whether a process leaves its ended children unreaped. The subject is the unit it runs in, or its name.

use std::collections::BTreeMap;

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, ZombieParent, figures};

/// The subject where no single parent has many.
const ALL: &str = "all processes";

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let processes = match facts.processes.get() {
        Ok(processes) => processes,
        Err(why) => return report.unknown("", why),
    };
    let limits = report.thresholds.zombies;
    let mut by_subject = BTreeMap::<&str, Vec<&ZombieParent>>::new();
    for parent in &processes.parents {
        by_subject
            .entry(parent.unit.as_deref().unwrap_or(&parent.name))
            .or_default()
            .push(parent);
    }
    let severity = |count: u32| match count {
        count if count >= limits.critical_count => Some(Severity::Critical),
        count if count >= limits.warning_count => Some(Severity::Warning),
        _ => None,
    };
    for (subject, parents) in by_subject {
        let count = parents
            .iter()
            .map(|parent| parent.zombies)
            .fold(0, u32::saturating_add);
        let Some(severity) = severity(count) else {
            continue;
        };
        let who = if subject.is_empty() {
            "an unnamed process"
        } else {
            subject
        };
        let summary = format!(
            "{who} has left {} unreaped",
            figures::count(count, "ended child", "ended children")
        );
        let trouble = parents.iter().fold(
            Trouble::new(severity, "not reaped", summary),
            |trouble, parent| {
                trouble.seen(
                    "processes",
                    format!(
                        "{} (process {}): {} zombies",
                        parent.name, parent.pid, parent.zombies
                    ),
                )
            },
        );
        report.found(if subject.is_empty() { who } else { subject }, trouble);
    }
    if !processes.complete {
        report.unknown("", "not all zombies and their parents were listed");
    }
    if report.found > 0 || !processes.complete {
        return;
    }
    match severity(processes.zombies) {
        Some(severity) => {
            let summary = format!("{} zombies, of many parents", processes.zombies);
            report.found(ALL, Trouble::new(severity, "not reaped", summary));
        }
        None => report.passed("", figures::count(processes.zombies, "zombie", "zombies")),
    }
}
