//! `memory`: whether memory is left, by what the kernel says could be had without swapping.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::facts::percent;
use crate::{Facts, figures};

const MIB: u64 = 1 << 20;

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let memory = match facts.memory.get() {
        Ok(memory) => memory,
        Err(why) => return report.unknown("", why),
    };
    let limits = report.thresholds.memory;
    let available = percent(memory.available_bytes, memory.total_bytes);
    let below = |share: f64, mib: u64| {
        available < share && memory.available_bytes < mib.saturating_mul(MIB)
    };
    let total = figures::bytes(memory.total_bytes);
    let used = figures::percent(100.0 - available);
    let severity = if below(
        limits.critical_available_percent,
        limits.critical_available_mib,
    ) {
        Severity::Critical
    } else if below(
        limits.warning_available_percent,
        limits.warning_available_mib,
    ) {
        Severity::Warning
    } else {
        return report.passed("", format!("{used} of {total}"));
    };
    let left = figures::bytes(memory.available_bytes);
    let mut trouble = Trouble::new(
        severity,
        "short",
        format!("memory is {used} used ({left} of {total} available)"),
    );
    if let Some(stall) = facts
        .pressure
        .present()
        .and_then(|pressure| pressure.memory)
    {
        let some = figures::percent(stall.some_300);
        trouble = trouble.seen(
            "pressure",
            format!("something waited for memory {some} of five minutes"),
        );
    }
    if let Some(swap) = facts.swap.present() {
        let used = figures::bytes(swap.total_bytes - swap.free_bytes);
        trouble = trouble.seen(
            "swap",
            format!("{used} of {} used", figures::bytes(swap.total_bytes)),
        );
    }
    report.found("", trouble);
}
