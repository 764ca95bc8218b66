//! `oom`: whether the kernel killed something for lack of memory. Its log names what; where the log cannot be read,
//! its count since boot still tells that it happened since the last look.

use std::collections::BTreeMap;

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::parse::MAX_KILLS;
use crate::{Facts, Oom, OomKill, figures};

/// Most lines of the kernel shown for one program.
const SHOWN: usize = 5;

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let oom = match facts.oom.get() {
        Ok(oom) => oom,
        Err(why) => return report.unknown("", why),
    };
    let kills = match &oom.kills {
        Ok(kills) => kills,
        Err(why) => return by_count(report, facts, oom, why),
    };
    let mut by_process = BTreeMap::<&str, Vec<&OomKill>>::new();
    for kill in kills {
        by_process.entry(&kill.process).or_default().push(kill);
    }
    let window = figures::span(oom.window_s);
    if by_process.is_empty() {
        report.passed("", format!("none in {window}"));
    }
    if kills.len() >= MAX_KILLS {
        report.unknown("", format!("only {MAX_KILLS} kills were read"));
    }
    for (process, kills) in by_process {
        let times = kills.len() as u64;
        let severity = severity(report, times);
        let often = if times > 1 {
            format!(", {times} times in {window}")
        } else {
            String::new()
        };
        let summary = format!("the kernel killed {process} for lack of memory{often}");
        let trouble = Trouble::new(severity, "killed", summary);
        let trouble = kills
            .iter()
            .take(SHOWN)
            .fold(trouble, |trouble, kill| trouble.seen("kernel", &kill.line));
        report.found(process, trouble);
    }
}

fn severity(report: &Report<'_>, times: u64) -> Severity {
    if times >= u64::from(report.thresholds.oom.critical_count) {
        Severity::Critical
    } else {
        Severity::Warning
    }
}

fn by_count(report: &mut Report<'_>, facts: &Facts, oom: &Oom, why: &str) {
    let Some(count) = oom.since_boot else {
        return report.unknown("", why);
    };
    if count == 0 {
        return report.passed("", "none since boot");
    }
    let same_boot = |previous: &&Facts| {
        super::boot(previous).is_some() && super::boot(previous) == super::boot(facts)
    };
    let before = report
        .previous
        .filter(same_boot)
        .and_then(|facts| facts.oom.present()?.since_boot);
    match before.and_then(|before| count.checked_sub(before)) {
        Some(0) => report.passed("", "none since the last look"),
        Some(new) => {
            let processes = figures::count(new, "process", "processes");
            let summary =
                format!("the kernel killed {processes} for lack of memory since the last look");
            let severity = severity(report, new);
            report.found(
                "",
                Trouble::new(severity, "killed", summary)
                    .seen("vmstat", format!("oom_kill {count}; {why}")),
            );
        }
        None => report.unknown(
            "",
            format!("{count} since boot, it is not known when: {why}"),
        ),
    }
}
