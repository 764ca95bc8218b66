//! Proposals into plans: every step rendered, the undo found, the rights settled. What a plan costs is `risk`'s to
//! say.

use watchkeeper_model::{Digest, DigestWriter, Plan, PlannedStep, Privilege, Proposal, Step};

use super::{HostTraits, Rights, StepRefused, inverse, render, rights};

/// What the inventory says about a host, as far as a plan depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRights {
    /// The account that logs in.
    pub login: String,
    /// Whether it is root or may become root without a password.
    pub may_become_root: bool,
}

/// Which list of a proposal is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepList {
    /// The steps.
    Steps,
    /// The undo.
    Undo,
}

impl std::fmt::Display for StepList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Steps => "step",
            Self::Undo => "undo step",
        })
    }
}

/// Why a proposal cannot become a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to do.
    #[error("the proposal has no steps")]
    NoSteps,
    /// There is too much to do.
    #[error("the proposal has {count} {list}s; {limit} are allowed")]
    TooManySteps {
        /// Of which list.
        list: StepList,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A step cannot be done on this host.
    #[error("{list} {number} cannot be done")]
    Refused {
        /// Of which list.
        list: StepList,
        /// Its place, from 1.
        number: usize,
        /// Why.
        #[source]
        source: StepRefused,
    },
    /// A step needs root, and the login cannot become root.
    #[error("{list} {number} ({kind}) needs root, and {login} may not become root")]
    NeedsRoot {
        /// Of which list.
        list: StepList,
        /// Its place, from 1.
        number: usize,
        /// Its kind.
        kind: &'static str,
        /// The account.
        login: String,
    },
}

/// Makes a plan of a proposal. Without an undo of its own it gets the inverses of its steps, last step first.
///
/// # Errors
/// Says which step cannot be planned, and why.
pub fn plan(
    proposal: &Proposal,
    account: &LoginRights,
    traits: &HostTraits,
) -> Result<Plan, PlanError> {
    if proposal.steps.is_empty() {
        return Err(PlanError::NoSteps);
    }
    let inverses: Vec<Step>;
    let undo = if proposal.undo.is_empty() {
        inverses = proposal.steps.iter().rev().filter_map(inverse).collect();
        &inverses
    } else {
        &proposal.undo
    };
    let root = account.login == "root" || account.may_become_root;
    Ok(Plan {
        host: proposal.host.clone(),
        login: account.login.clone(),
        privilege: if root {
            Privilege::Root
        } else {
            Privilege::Login
        },
        steps: planned(&proposal.steps, StepList::Steps, account, root, traits)?,
        verify: proposal.verify.clone(),
        undo: planned(undo, StepList::Undo, account, root, traits)?,
    })
}

fn planned(
    steps: &[Step],
    list: StepList,
    account: &LoginRights,
    root: bool,
    traits: &HostTraits,
) -> Result<Vec<PlannedStep>, PlanError> {
    if steps.len() > Plan::MAX_STEPS {
        return Err(PlanError::TooManySteps {
            list,
            count: steps.len(),
            limit: Plan::MAX_STEPS,
        });
    }
    let one = |(index, step): (usize, &Step)| {
        let number = index + 1;
        let planned = render(step, traits).map_err(|source| PlanError::Refused {
            list,
            number,
            source,
        })?;
        if rights(step) == Rights::Root && !root {
            let (kind, login) = (step.kind(), account.login.clone());
            return Err(PlanError::NeedsRoot {
                list,
                number,
                kind,
                login,
            });
        }
        Ok(planned)
    };
    steps.iter().enumerate().map(one).collect()
}

/// What makes two plans the same fix: the host, and the kinds and arguments of the steps. Unlike the plan's own
/// digest it stays the same over other texts, limits, logins and ways to verify.
#[must_use]
pub fn fix_digest(plan: &Plan) -> Digest {
    let writer = DigestWriter::new("watchkeeper fix 1").field(&plan.host);
    let steps = plan.steps.iter().map(|planned| &planned.step);
    steps
        .fold(writer, |writer, step| {
            let writer = writer.field(step.kind()).maybe(step.unit());
            match step {
                Step::JournalVacuum { keep_mib } => writer.number(i64::from(*keep_mib)),
                Step::Shell { script } => writer.field(script),
                _ => writer,
            }
        })
        .finish()
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::{HostName, UnitName, Verification};

    use super::*;
    use crate::Init;

    fn unit(name: &str) -> UnitName {
        UnitName::new(name).expect("a unit")
    }

    fn proposal(steps: Vec<Step>, undo: Vec<Step>) -> Proposal {
        Proposal {
            host: HostName::new("web1").expect("a host"),
            steps,
            reason: "it is down".to_owned(),
            verify: Verification::HostAnswers { settle_s: 5 },
            undo,
        }
    }

    fn account(login: &str, may_become_root: bool) -> LoginRights {
        LoginRights {
            login: login.to_owned(),
            may_become_root,
        }
    }

    fn debian() -> HostTraits {
        HostTraits {
            os: "debian".to_owned(),
            init: Init::Systemd,
            package_manager: None,
        }
    }

    fn start(name: &str) -> Step {
        Step::UnitStart { unit: unit(name) }
    }

    #[test]
    fn undo_is_the_inverses_from_the_last_step_back() {
        let restart = Step::UnitRestart {
            unit: unit("c.service"),
        };
        let asked = proposal(
            vec![start("a.service"), restart, start("b.service")],
            vec![],
        );
        let plan = plan(&asked, &account("ops", true), &debian()).expect("a plan");
        let undo: Vec<_> = plan.undo.iter().map(|step| step.script.as_str()).collect();
        assert_eq!(
            undo,
            ["systemctl stop b.service\n", "systemctl stop a.service\n"]
        );
        assert_eq!(plan.privilege, Privilege::Root);
    }

    #[test]
    fn nothing_stops_a_critical_unit_not_even_as_an_undo() {
        let asked = proposal(vec![start("ssh.service"), start("a.service")], vec![]);
        let plan = plan(&asked, &account("ops", true), &debian()).expect("a plan");
        let undo: Vec<_> = plan.undo.iter().map(|step| step.script.as_str()).collect();
        assert_eq!(undo, ["systemctl stop a.service\n"]);
    }

    #[test]
    fn an_undo_of_its_own_is_kept() {
        let asked = proposal(vec![start("a.service")], vec![start("b.service")]);
        let plan = plan(&asked, &account("root", false), &debian()).expect("a plan");
        assert_eq!(plan.undo[0].script, "systemctl start b.service\n");
    }

    #[test]
    fn root_is_needed_for_typed_steps_and_used_for_scripts_where_it_can_be() {
        let refused = plan(
            &proposal(vec![start("a.service")], vec![]),
            &account("ops", false),
            &debian(),
        );
        let refused = refused.expect_err("ops is not root");
        assert_eq!(
            refused.to_string(),
            "step 1 (unit_start) needs root, and ops may not become root"
        );
        let script = || Step::Shell {
            script: "uptime".to_owned(),
        };
        let as_login = plan(
            &proposal(vec![script()], vec![]),
            &account("ops", false),
            &debian(),
        );
        assert_eq!(as_login.expect("a plan").privilege, Privilege::Login);
        let as_root = plan(
            &proposal(vec![script()], vec![]),
            &account("ops", true),
            &debian(),
        );
        assert_eq!(as_root.expect("a plan").privilege, Privilege::Root);
    }

    #[test]
    fn too_much_and_nothing_are_refused() {
        let ops = account("ops", true);
        assert_eq!(
            plan(&proposal(vec![], vec![]), &ops, &debian()),
            Err(PlanError::NoSteps)
        );
        let many = vec![start("a.service"); Plan::MAX_STEPS + 1];
        let refused = plan(&proposal(many, vec![]), &ops, &debian());
        assert!(matches!(
            refused,
            Err(PlanError::TooManySteps { count: 21, .. })
        ));
        let second = vec![
            start("a.service"),
            Step::Shell {
                script: "a\0".to_owned(),
            },
        ];
        let refused = plan(&proposal(second, vec![]), &ops, &debian());
        assert!(matches!(refused, Err(PlanError::Refused { number: 2, .. })));
    }

    #[test]
    fn the_same_fix_is_recognised_whatever_else_differs() {
        let one = plan(
            &proposal(vec![start("a.service")], vec![]),
            &account("ops", true),
            &debian(),
        )
        .expect("a plan");
        let mut same = one.clone();
        same.login = "root".to_owned();
        same.steps[0].limit_s = 1;
        same.undo.clear();
        assert_eq!(fix_digest(&one), fix_digest(&same));
        let mut other = one.clone();
        other.steps[0].step = start("b.service");
        assert_ne!(fix_digest(&one), fix_digest(&other));
        other = one.clone();
        other.host = HostName::new("web2").expect("a host");
        assert_ne!(fix_digest(&one), fix_digest(&other));
    }
}
