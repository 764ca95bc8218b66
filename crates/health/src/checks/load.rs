//! `load`: whether more wants to run than the processors bear, and not only for a moment. Both the averages over one
//! and over five minutes must be high: the first alone is a moment, the second alone is over already.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, figures};

/// So many waiting processes are worth a word in the summary.
const NOTABLE_BLOCKED: u32 = 3;

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let load = match facts.load.get() {
        Ok(load) => load,
        Err(why) => return report.unknown("", why),
    };
    let Some(cores) = load.cores else {
        return report.unknown("", "the number of processors is not known");
    };
    let limits = report.thresholds.load;
    let lasting = load.one.min(load.five) / f64::from(cores);
    let processors = figures::count(cores, "processor", "processors");
    let severity = if lasting >= limits.critical_per_core {
        Severity::Critical
    } else if lasting >= limits.warning_per_core {
        Severity::Warning
    } else {
        return report.passed(
            "",
            format!(
                "{:.2} {:.2} {:.2} on {processors}",
                load.one, load.five, load.fifteen
            ),
        );
    };
    let blocked = load.blocked.unwrap_or(0);
    let waiting = blocked >= NOTABLE_BLOCKED.max(cores);
    let (cause, tail) = if waiting {
        (
            "waiting",
            format!(", {blocked} processes wait for a disk or a lock"),
        )
    } else {
        ("running", String::new())
    };
    let mut trouble = Trouble::new(
        severity,
        cause,
        format!(
            "load is {:.1} over five minutes on {processors}{tail}",
            load.five
        ),
    )
    .seen(
        "loadavg",
        format!("{:.2} {:.2} {:.2}", load.one, load.five, load.fifteen),
    );
    if let Some(processes) = facts
        .processes
        .present()
        .filter(|processes| processes.blocked > 0)
    {
        trouble = trouble.seen(
            "processes",
            format!(
                "{} wait uninterruptibly: {}",
                processes.blocked,
                processes.blocked_names.join(", ")
            ),
        );
    }
    if let Some(pressure) = facts.pressure.present() {
        for (kind, stall) in [
            ("cpu", pressure.cpu),
            ("io", pressure.io),
            ("memory", pressure.memory),
        ] {
            if let Some(stall) = stall {
                let some = figures::percent(stall.some_300);
                trouble = trouble.seen(
                    "pressure",
                    format!("{kind}: something waited {some} of five minutes"),
                );
            }
        }
    }
    report.found("", trouble);
}
