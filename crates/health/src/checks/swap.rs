//! `swap`: whether swap runs out while memory is short too. Full swap beside free memory is old pages that nobody
//! asks for, and no trouble.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::facts::percent;
use crate::{Facts, figures};

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let (swap, memory) = match (facts.swap.get(), facts.memory.get()) {
        (Ok(swap), Ok(memory)) => (swap, memory),
        (Err(why), _) | (_, Err(why)) => return report.unknown("", why),
    };
    if swap.total_bytes == 0 {
        return report.passed("", "no swap");
    }
    let limits = report.thresholds.swap;
    let used_bytes = swap.total_bytes - swap.free_bytes;
    let used = percent(used_bytes, swap.total_bytes);
    let available = percent(memory.available_bytes, memory.total_bytes);
    let short = available < limits.memory_available_percent;
    let total = figures::bytes(swap.total_bytes);
    let severity = if short && used >= limits.critical_percent {
        Severity::Critical
    } else if short && used >= limits.warning_percent {
        Severity::Warning
    } else {
        return report.passed("", format!("{} of {total}", figures::percent(used)));
    };
    let summary = format!(
        "swap is {} used ({} left), and {} of memory is available",
        figures::percent(used),
        figures::bytes(swap.free_bytes),
        figures::percent(available),
    );
    let evidence = format!("{} of {total} used", figures::bytes(used_bytes));
    report.found(
        "",
        Trouble::new(severity, "full", summary).seen("swap", evidence),
    );
}
