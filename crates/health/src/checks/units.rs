//! `units`: whether units of systemd or services of OpenRC have failed. Runs of our own (`watchkeeper-*`) are told of
//! by `remedy`, never here.

use watchkeeper_model::Severity;

use super::nixos_switch::SWITCH_UNIT;
use super::{Report, Trouble};
use crate::{Facts, FailedUnit, Manager, figures};

/// How the units of our own runs begin.
const OURS: &str = "watchkeeper-";
/// How the main process of a unit ended: by a signal, by a signal with a dump.
const BY_SIGNAL: [u32; 2] = [2, 3];
/// Signals by number, those that end a service.
const SIGNALS: [(i32, &str); 9] = [
    (1, "HUP"),
    (2, "INT"),
    (4, "ILL"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (11, "SEGV"),
    (15, "TERM"),
];

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let units = match facts.units.get() {
        Ok(units) => units,
        Err(why) => return report.unknown("", why),
    };
    // The check `nixos-switch` tells of a failed switch, with what it means.
    let nixos = facts.nixos.present().is_some_and(Option::is_some);
    let told_elsewhere =
        |unit: &&FailedUnit| unit.name.starts_with(OURS) || nixos && unit.name == SWITCH_UNIT;
    for unit in units.failed.iter().filter(|unit| !told_elsewhere(unit)) {
        let trouble = trouble(unit);
        report.found(&unit.name, trouble);
    }
    if !units.complete {
        report.unknown("", "more have failed than are listed");
    } else if report.found == 0 {
        let state = units
            .state
            .as_deref()
            .map(|state| format!(", the system is {state}"))
            .unwrap_or_default();
        let what = match units.manager {
            Manager::Systemd => "no unit has failed",
            Manager::Openrc => "no service has failed",
        };
        report.passed("", format!("{what}{state}"));
    }
}

fn trouble(unit: &FailedUnit) -> Trouble {
    let how = how(unit);
    let ago = unit
        .failed_for_s
        .map(|seconds| format!(" {} ago", figures::span(seconds)))
        .unwrap_or_default();
    let cause = how.clone().unwrap_or_else(|| "failed".to_owned());
    let tail = how.map(|how| format!(": {how}")).unwrap_or_default();
    let mut facts = Vec::new();
    if let Some(result) = &unit.result {
        facts.push(format!("result {result}"));
    }
    if let Some(restarts) = unit.restarts.filter(|restarts| *restarts > 0) {
        facts.push(format!(
            "restarted {}",
            figures::count(restarts, "time", "times")
        ));
    }
    if let Some(path) = &unit.path {
        facts.push(path.clone());
    }
    let mut trouble = Trouble::new(
        severity(unit),
        cause,
        format!("{} failed{ago}{tail}", unit.name),
    )
    .seen("unit", &unit.description)
    .seen("unit", facts.join(", "));
    for line in &unit.journal {
        trouble = trouble.seen("journal", line);
    }
    trouble
}

/// A service that should be running is critical; a job that runs now and then, or something transient, is a warning.
fn severity(unit: &FailedUnit) -> Severity {
    let lasting = [".service", ".socket", ".mount", ".swap"]
        .iter()
        .any(|suffix| unit.name.ends_with(suffix));
    let openrc = !unit.name.contains('.');
    let job = unit.kind.as_deref() == Some("oneshot")
        || unit.name.starts_with("user@")
        || unit.name.starts_with("run-");
    if (lasting || openrc) && !job {
        Severity::Critical
    } else {
        Severity::Warning
    }
}

fn how(unit: &FailedUnit) -> Option<String> {
    let status = unit.main_status;
    let by_signal = unit.main_code.is_some_and(|code| BY_SIGNAL.contains(&code));
    let signal = |number: i32| {
        let name = SIGNALS
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, name)| format!(" {name}"));
        name.unwrap_or_else(|| format!(" {number}"))
    };
    Some(match unit.result.as_deref()? {
        "exit-code" => match status {
            // The main process never ran, or ended well: it was a command before or after it, e.g. a test of the
            // configuration.
            Some(0) => "a command around its start failed".to_owned(),
            Some(status) if !by_signal => format!("exit code {status}"),
            _ => "exit code".to_owned(),
        },
        "signal" => format!(
            "killed by signal{}",
            status.filter(|_| by_signal).map(signal).unwrap_or_default()
        ),
        "core-dump" => format!(
            "crashed by signal{}, core dumped",
            status.filter(|_| by_signal).map(signal).unwrap_or_default()
        ),
        "timeout" => "it took too long".to_owned(),
        "watchdog" => "its watchdog was not fed".to_owned(),
        "start-limit-hit" => "restarted too often".to_owned(),
        "oom-kill" => "killed for lack of memory".to_owned(),
        "resources" => "the system could not give it what it needs".to_owned(),
        "protocol" => "it did not report as it should".to_owned(),
        "failed" => return None,
        other => other.to_owned(),
    })
}
