//! Plans: what exactly would run, how it is verified and undone, and the digest that binds an approval and a
//! run to exactly that. A plan holds rendered text, so that what was approved runs even after an upgrade of
//! Watchkeeper renders the same step in another way.

use serde::{Deserialize, Serialize};

use crate::{CheckName, Digest, DigestWriter, HostName, Step, UnitName};

/// As whom the steps run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// As the account that logs in.
    Login,
    /// As root, by `sudo -n` where the login is not root already.
    Root,
}

impl Privilege {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Root => "root",
        }
    }
}

/// A step with the exact text that runs for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// What it means.
    pub step: Step,
    /// The bytes that run, as a `/bin/sh` script.
    pub script: String,
    /// How long it may take, in seconds.
    pub limit_s: u32,
    /// How much of its output is kept, in bytes; each of stdout and stderr.
    pub max_output_bytes: u32,
}

/// How it is told whether the trouble is gone. Only a probe decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verification {
    /// The check that found it passes for the subject.
    CheckPasses {
        /// The check.
        check: CheckName,
        /// Its subject.
        subject: String,
        /// How long things may settle before the look, in seconds.
        settle_s: u32,
    },
    /// The unit is active, and was not restarted meanwhile.
    UnitActive {
        /// The unit.
        unit: UnitName,
        /// How long things may settle before the look, in seconds.
        settle_s: u32,
    },
    /// The host answers and its probe can be read; for an action that no check asked for.
    HostAnswers {
        /// How long things may settle before the look, in seconds.
        settle_s: u32,
    },
}

impl Verification {
    /// Seconds to wait before the look.
    #[must_use]
    pub const fn settle_s(&self) -> u32 {
        match self {
            Self::CheckPasses { settle_s, .. }
            | Self::UnitActive { settle_s, .. }
            | Self::HostAnswers { settle_s } => *settle_s,
        }
    }

    /// What must be seen, as a person reads it.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::CheckPasses {
                check,
                subject,
                settle_s,
            } if subject.is_empty() => {
                format!("the check {check} passes {settle_s} s later")
            }
            Self::CheckPasses {
                check,
                subject,
                settle_s,
            } => {
                format!(
                    "the check {check} passes for {} {settle_s} s later",
                    crate::visible(subject)
                )
            }
            Self::UnitActive { unit, settle_s } => format!("{unit} is active {settle_s} s later"),
            Self::HostAnswers { settle_s } => format!("the host answers {settle_s} s later"),
        }
    }
}

/// What would run on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Where.
    pub host: HostName,
    /// The account that logs in there.
    pub login: String,
    /// As whom the steps run.
    pub privilege: Privilege,
    /// What runs, in this order; the first that fails ends it.
    pub steps: Vec<PlannedStep>,
    /// How it is told whether it worked.
    pub verify: Verification,
    /// What puts things back, in this order; empty where nothing can.
    pub undo: Vec<PlannedStep>,
}

impl Plan {
    /// Most steps in one plan.
    pub const MAX_STEPS: usize = 20;

    /// The digest that approval and run carry: over host, login, privilege, steps, verify and undo.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let writer = DigestWriter::new("watchkeeper plan 1")
            .field(&self.host)
            .field(&self.login)
            .field(self.privilege.as_str());
        let writer = write_steps(writer, &self.steps);
        write_steps(write_verification(writer, &self.verify), &self.undo).finish()
    }
}

fn write_steps(writer: DigestWriter, steps: &[PlannedStep]) -> DigestWriter {
    let count = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    steps.iter().fold(writer.number(count), |writer, planned| {
        let writer = match &planned.step {
            Step::JournalVacuum { keep_mib } => {
                writer.field("journal_vacuum").number(i64::from(*keep_mib))
            }
            Step::Shell { script } => writer.field("shell").field(script),
            step => writer.field(step.kind()).maybe(step.unit()),
        };
        writer
            .field(&planned.script)
            .number(i64::from(planned.limit_s))
            .number(i64::from(planned.max_output_bytes))
    })
}

fn write_verification(writer: DigestWriter, verify: &Verification) -> DigestWriter {
    match verify {
        Verification::CheckPasses {
            check,
            subject,
            settle_s,
        } => writer
            .field("check_passes")
            .field(check)
            .field(subject)
            .number(i64::from(*settle_s)),
        Verification::UnitActive { unit, settle_s } => writer
            .field("unit_active")
            .field(unit)
            .number(i64::from(*settle_s)),
        Verification::HostAnswers { settle_s } => {
            writer.field("host_answers").number(i64::from(*settle_s))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let unit = UnitName::new("nginx.service").expect("a unit");
        let step = PlannedStep {
            step: Step::UnitRestart { unit },
            script: "systemctl restart nginx.service\n".to_owned(),
            limit_s: 90,
            max_output_bytes: 65_536,
        };
        Plan {
            host: HostName::new("web1").expect("a host"),
            login: "ops".to_owned(),
            privilege: Privilege::Root,
            steps: vec![step.clone()],
            verify: Verification::HostAnswers { settle_s: 5 },
            undo: vec![step],
        }
    }

    #[test]
    fn every_part_of_a_plan_changes_its_digest() {
        let changes: [fn(&mut Plan); 10] = [
            |p| p.host = HostName::new("web2").expect("a host"),
            |p| p.login = "root".to_owned(),
            |p| p.privilege = Privilege::Login,
            |p| p.steps[0].script.push(' '),
            |p| p.steps[0].limit_s += 1,
            |p| p.steps[0].max_output_bytes += 1,
            |p| {
                p.steps[0].step = Step::Shell {
                    script: "systemctl restart nginx.service\n".to_owned(),
                }
            },
            |p| p.verify = Verification::HostAnswers { settle_s: 6 },
            |p| p.undo.clear(),
            |p| {
                let step = p.undo.remove(0);
                p.steps.push(step);
            },
        ];
        let mut digests = std::collections::HashSet::from([plan().digest()]);
        for change in changes {
            let mut changed = plan();
            change(&mut changed);
            assert!(digests.insert(changed.digest()), "{changed:?}");
        }
    }

    #[test]
    fn a_digest_survives_the_store() {
        let json = serde_json::to_string(&plan()).expect("a plan is data");
        let back: Plan = serde_json::from_str(&json).expect("read back");
        assert_eq!(back.digest(), plan().digest());
    }
}
