//! `clock`: whether the host's clock agrees with ours, and whether something keeps it so. The comparison is no finer
//! than the time an answer takes; fine drift is what synchronisation is for.

use watchkeeper_model::{Severity, Timestamp};

use super::{Report, Trouble};
use crate::{Facts, Sync, figures};

/// The subject of whether something keeps the clock right.
const SYNC: &str = "synchronisation";

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let clock = match facts.clock.get() {
        Ok(clock) => clock,
        Err(why) => return report.unknown("", why),
    };
    let limits = report.thresholds.clock;
    let ours = report.look.at.as_millis().div_euclid(1_000);
    let apart = clock.epoch_s.abs_diff(ours);
    let severity = if apart >= limits.critical_seconds {
        Some(Severity::Critical)
    } else if apart >= limits.warning_seconds {
        Some(Severity::Warning)
    } else {
        None
    };
    match severity {
        Some(severity) => {
            let direction = if clock.epoch_s < ours {
                "behind"
            } else {
                "ahead of"
            };
            let summary = format!("the clock is {} {direction} ours", figures::span(apart));
            let theirs = Timestamp::from_millis(clock.epoch_s.saturating_mul(1_000));
            let evidence = format!("the host says {theirs}, ours said {}", report.look.at);
            report.found(
                "",
                Trouble::new(severity, direction, summary).seen("date", evidence),
            );
        }
        None => report.passed(
            "",
            format!("within {} of ours", figures::span(apart.max(1))),
        ),
    }
    match &clock.sync {
        Sync::Synchronised { by } => report.passed(SYNC, format!("kept by {by}")),
        Sync::NotSynchronised { by } => {
            let summary = "the clock is not synchronised".to_owned();
            let trouble = Trouble::new(Severity::Warning, "not synchronised", summary);
            report.found(
                SYNC,
                trouble.seen("clock", format!("{by} has no source of time")),
            );
        }
        Sync::NotOurs => report.passed(SYNC, "the clock is that of the machine around"),
        Sync::Unknown { why } => report.unknown(SYNC, why),
    }
}
