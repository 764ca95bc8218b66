//! The checks: each reads the facts of one look and says what it thinks of each of its subjects. One file each, all
//! pure. A check that has nothing to look at says so as `Unknown`; an empty subject stands for the host as a whole.
//!
//! A check tells all subjects that are in trouble. So a subject that is not told of is well, unless the check says
//! `Unknown` for the host as a whole: then it could not see all. [`outcomes`] applies this to what was firing before.

mod certificates;
mod clock;
mod cpu;
mod disk;
mod inodes;
mod journal;
mod load;
mod memory;
mod mounts;
mod nixos_switch;
mod oom;
mod reachable;
mod reboot;
mod swap;
mod units;
mod zombies;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod threshold_tests;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    CheckName, CheckOutcome, CheckResult, Evidence, Finding, HostName, LookFailure, Severity,
    Timestamp, bounded, visible,
};

use crate::{Facts, Machine, Rule, Thresholds};

/// Most subjects of one check that are told singly; the rest is told as a number.
pub const MAX_SUBJECTS: usize = 50;
/// Longest summary and cause.
const MAX_SUMMARY_CHARS: usize = 300;
/// Longest subject.
const MAX_SUBJECT_CHARS: usize = 255;

/// One look at one host: what it returned, or why nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Where.
    pub host: HostName,
    /// When its answer had come, by our clock.
    pub at: Timestamp,
    /// What it returned.
    pub result: Result<Facts, LookFailure>,
}

/// One check: its name, what it asks, and how many looks it wants.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What it asks, as a sentence.
    pub about: &'static str,
    /// How many looks make and clear its findings.
    pub rule: Rule,
    run: fn(&mut Report<'_>, &Facts),
}

const fn check(
    name: &'static str,
    about: &'static str,
    rule: Rule,
    run: fn(&mut Report<'_>, &Facts),
) -> Check {
    Check {
        name,
        about,
        rule,
        run,
    }
}

/// All checks, in the order in which they are shown.
pub const CHECKS: [Check; 16] = [
    check(
        "reachable",
        "The host answers, is the one it was, and lets us in.",
        Rule::new(2, 1),
        reachable::run,
    ),
    check(
        "load",
        "The load is no more than the processors bear.",
        Rule::new(2, 2),
        load::run,
    ),
    check(
        "cpu",
        "The processors are not busy all the time.",
        Rule::new(3, 2),
        cpu::run,
    ),
    check("memory", "Memory is left.", Rule::new(2, 2), memory::run),
    check(
        "swap",
        "Swap is left, or not needed.",
        Rule::new(3, 2),
        swap::run,
    ),
    check(
        "disk",
        "File systems have room.",
        Rule::new(1, 2),
        disk::run,
    ),
    check(
        "inodes",
        "File systems have inodes.",
        Rule::new(1, 2),
        inodes::run,
    ),
    check(
        "mounts",
        "No file system has become read-only.",
        Rule::new(1, 1),
        mounts::run,
    ),
    check(
        "units",
        "No unit or service has failed.",
        Rule::new(1, 2),
        units::run,
    ),
    check(
        "oom",
        "The kernel killed nothing for lack of memory.",
        Rule::new(1, 1),
        oom::run,
    ),
    check(
        "journal",
        "No program floods the journal with errors.",
        Rule::new(1, 1),
        journal::run,
    ),
    check(
        "reboot",
        "No update waits for a reboot.",
        Rule::new(1, 1),
        reboot::run,
    ),
    check(
        "zombies",
        "Ended processes are reaped.",
        Rule::new(2, 1),
        zombies::run,
    ),
    check(
        "clock",
        "The clock is right, and something keeps it so.",
        Rule::new(2, 1),
        clock::run,
    ),
    check(
        "certificates",
        "The listed certificates have time left.",
        Rule::new(1, 1),
        certificates::run,
    ),
    check(
        "nixos-switch",
        "The running NixOS system is the one that was set.",
        Rule::new(1, 1),
        nixos_switch::run,
    ),
];

/// The name of one of [`CHECKS`].
///
/// # Panics
/// Where the text is not a check's name.
#[must_use]
pub fn check_name(name: &str) -> CheckName {
    CheckName::new(name).expect("names of checks are valid")
}

/// What one check says, as it is being gathered.
struct Report<'a> {
    look: &'a Look,
    previous: Option<&'a Facts>,
    thresholds: &'a Thresholds,
    check: CheckName,
    results: Vec<CheckResult>,
    found: usize,
}

/// A trouble of one subject.
struct Trouble {
    severity: Severity,
    cause: String,
    summary: String,
    evidence: Vec<Evidence>,
}

impl Trouble {
    fn new(severity: Severity, cause: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            severity,
            cause: cause.into(),
            summary: summary.into(),
            evidence: Vec::new(),
        }
    }

    /// Adds a piece of evidence, unless there are enough or it is empty.
    fn seen(mut self, source: &str, text: impl AsRef<str>) -> Self {
        if self.evidence.len() < Evidence::MAX_PIECES && !text.as_ref().is_empty() {
            self.evidence.push(Evidence::new(
                source,
                &watchkeeper_model::visible_block(text.as_ref()),
            ));
        }
        self
    }
}

/// Which boot the facts are of.
fn boot(facts: &Facts) -> Option<&str> {
    facts.identity.present()?.boot.as_deref()
}

/// Whether another machine around this one may take its processors.
fn is_virtual(facts: &Facts) -> bool {
    let machine = facts.identity.present().map(|identity| &identity.machine);
    matches!(machine, Some(Machine::Virtual { .. }))
}

fn fit(text: &str, max: usize) -> String {
    bounded(&visible(text), max).into_owned()
}

impl Report<'_> {
    fn push(&mut self, subject: &str, outcome: CheckOutcome) {
        let subject = fit(subject, MAX_SUBJECT_CHARS);
        self.results.push(CheckResult {
            check: self.check.clone(),
            subject,
            outcome,
        });
    }

    fn passed(&mut self, subject: &str, detail: impl AsRef<str>) {
        self.push(
            subject,
            CheckOutcome::Passed {
                detail: fit(detail.as_ref(), MAX_SUMMARY_CHARS),
            },
        );
    }

    fn unknown(&mut self, subject: &str, why: impl AsRef<str>) {
        self.push(
            subject,
            CheckOutcome::Unknown {
                why: fit(why.as_ref(), MAX_SUMMARY_CHARS),
            },
        );
    }

    fn found(&mut self, subject: &str, trouble: Trouble) {
        self.found += 1;
        if self.found > MAX_SUBJECTS {
            return;
        }
        let finding = Finding {
            host: self.look.host.clone(),
            check: self.check.clone(),
            subject: fit(subject, MAX_SUBJECT_CHARS),
            severity: trouble.severity,
            summary: fit(&trouble.summary, MAX_SUMMARY_CHARS),
            cause: fit(&trouble.cause, MAX_SUMMARY_CHARS),
            evidence: trouble.evidence,
        };
        self.push(subject, CheckOutcome::Found { finding });
    }

    fn finish(mut self) -> Vec<CheckResult> {
        if self.found > MAX_SUBJECTS {
            let more = self.found - MAX_SUBJECTS;
            self.unknown(
                "",
                format!("{more} more are in trouble and not told singly"),
            );
        }
        if self.results.is_empty() {
            self.unknown("", "the check says nothing");
        }
        self.results
    }
}

/// Runs all checks over one look. Every check has at least one result; where the host could not be looked at, all but
/// `reachable` are `Unknown`. `previous` are the facts of the last look that returned any.
#[must_use]
pub fn run_checks(
    look: &Look,
    previous: Option<&Facts>,
    thresholds: &Thresholds,
) -> Vec<CheckResult> {
    let mut results = Vec::new();
    for check in &CHECKS {
        let mut report = Report {
            look,
            previous,
            thresholds,
            check: check_name(check.name),
            results: Vec::new(),
            found: 0,
        };
        match &look.result {
            Ok(facts) => (check.run)(&mut report, facts),
            Err(failure) if check.name == reachable::NAME => {
                reachable::failed(&mut report, failure);
            }
            Err(_) => report.unknown("", "the host could not be looked at"),
        }
        results.extend(report.finish());
    }
    results
}

/// The results of a look, completed by what they mean for the (check, subject) pairs that were firing before and are
/// not among them: `Passed` where the check saw all there is, `Unknown` where it could not.
#[must_use]
pub fn outcomes(results: Vec<CheckResult>, firing: &[(CheckName, String)]) -> Vec<CheckResult> {
    let mut all = results;
    for (check, subject) in firing {
        let mut of_check = all
            .iter()
            .filter(|result| result.check == *check)
            .peekable();
        let outcome = if of_check.peek().is_none() {
            CheckOutcome::Unknown {
                why: "the check was not made".to_owned(),
            }
        } else {
            let mut blind = None;
            let mut told = false;
            for result in of_check {
                told |= result.subject == *subject;
                if let CheckOutcome::Unknown { why } = &result.outcome
                    && result.subject.is_empty()
                {
                    blind = Some(why.clone());
                }
            }
            match blind {
                _ if told => continue,
                Some(why) => CheckOutcome::Unknown { why },
                None => CheckOutcome::Passed {
                    detail: "it is not in trouble any more".to_owned(),
                },
            }
        };
        all.push(CheckResult {
            check: check.clone(),
            subject: subject.clone(),
            outcome,
        });
    }
    all
}
