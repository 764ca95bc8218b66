//! `cpu`: whether the processors had nothing left between two looks, and whether the machine around this one takes
//! too much. The first look has no other to compare with; then only the kernel's pressure can say that all is well.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::facts::percent;
use crate::{Cpu, Facts, figures};

/// The subject of what the machine around takes.
const STEAL: &str = "steal";
/// Fewer ticks than these between two looks say nothing: five seconds of one processor.
const MIN_TICKS: u64 = 500;
/// Below this pressure nothing waits for a processor.
const CALM_PERCENT: f64 = 20.0;

/// Why nothing can be told.
const FIRST_LOOK: &str = "it is measured between two looks, and this is the first";

/// Percent busy and stolen between two looks.
fn between(before: &Cpu, now: &Cpu) -> Option<(f64, f64)> {
    let busy = now.busy.checked_sub(before.busy)?;
    // The kernel's count of waiting for disks may run backwards.
    let idle = (now.idle.saturating_add(now.iowait))
        .checked_sub(before.idle.saturating_add(before.iowait))?;
    let steal = now.steal.checked_sub(before.steal)?;
    let all = busy.checked_add(idle)?;
    (all >= MIN_TICKS).then(|| (percent(busy, all), percent(steal, all)))
}

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let now = match facts.cpu.get() {
        Ok(cpu) => cpu,
        Err(why) => return report.unknown("", why),
    };
    let stall = facts.pressure.present().and_then(|pressure| pressure.cpu);
    let same_boot = |previous: &&Facts| {
        super::boot(previous).is_some() && super::boot(previous) == super::boot(facts)
    };
    let before = report
        .previous
        .filter(same_boot)
        .and_then(|previous| previous.cpu.present());
    let Some((busy, steal)) = before.and_then(|before| between(before, now)) else {
        return match stall {
            Some(stall) if stall.some_300 < CALM_PERCENT => {
                let waited = figures::percent(stall.some_300);
                report.passed(
                    "",
                    format!("something waited for a processor {waited} of the time"),
                );
                if super::is_virtual(facts) {
                    report.unknown(STEAL, FIRST_LOOK);
                }
            }
            _ => report.unknown("", FIRST_LOOK),
        };
    };
    let limits = report.thresholds.cpu;
    if busy >= limits.warning_percent {
        let pressed = stall.is_some_and(|stall| stall.some_300 >= limits.critical_pressure_percent);
        let severity = if pressed {
            Severity::Critical
        } else {
            Severity::Warning
        };
        let mut trouble = Trouble::new(
            severity,
            "busy",
            format!(
                "the processors were {} busy since the last look",
                figures::percent(busy)
            ),
        );
        if let Some(stall) = stall {
            trouble = trouble.seen(
                "pressure",
                format!(
                    "something waited {} of five minutes",
                    figures::percent(stall.some_300)
                ),
            );
        }
        report.found("", trouble);
    } else {
        report.passed("", format!("{} busy", figures::percent(busy)));
    }
    if steal >= limits.steal_warning_percent {
        let summary = format!(
            "the machine around this one takes {} of the processors",
            figures::percent(steal)
        );
        report.found(STEAL, Trouble::new(Severity::Warning, STEAL, summary));
    }
}
