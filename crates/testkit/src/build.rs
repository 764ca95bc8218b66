//! Small builders of nouns that a test needs but is not about. Each gives something ordinary; change its fields.

use std::time::Duration;

use watchkeeper_model::{
    Action, ActionNumber, ActionState, Assessment, CheckName, Decision, Effect, EffectKind,
    Evidence, Finding, HostName, Plan, PlannedStep, Privilege, Proposer, Revision, RiskLevel,
    Severity, Step, TargetClass, UnitName, Verdict, Verification,
};

use crate::clock::NOON;

/// A host's name.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn host(name: &str) -> HostName {
    HostName::new(name).expect("a host name")
}

/// A unit's name.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn unit(name: &str) -> UnitName {
    UnitName::new(name).expect("a unit name")
}

/// A check's name.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn check(name: &str) -> CheckName {
    CheckName::new(name).expect("a check name")
}

/// A critical finding of one check about one subject.
#[must_use]
pub fn finding(on: &str, by: &str, subject: &str) -> Finding {
    Finding {
        host: host(on),
        check: check(by),
        subject: subject.to_owned(),
        severity: Severity::Critical,
        summary: format!("{subject} is not well"),
        cause: "exit-code 1".to_owned(),
        evidence: vec![Evidence::new("unit", "ActiveState=failed")],
    }
}

/// The step that restarts a unit, as it would run.
#[must_use]
pub fn restart(name: &str) -> PlannedStep {
    PlannedStep {
        step: Step::UnitRestart { unit: unit(name) },
        script: format!("systemctl restart {name}\n"),
        limit_s: 90,
        max_output_bytes: 65_536,
    }
}

/// A plan that restarts `nginx.service` as root and looks whether it is active, with nothing to undo.
#[must_use]
pub fn plan(on: &str) -> Plan {
    Plan {
        host: host(on),
        login: "ops".to_owned(),
        privilege: Privilege::Root,
        steps: vec![restart("nginx.service")],
        verify: Verification::UnitActive {
            unit: unit("nginx.service"),
            settle_s: 5,
        },
        undo: Vec::new(),
    }
}

/// An action with [`plan`], of medium risk, held for a person since [`NOON`] and for a day.
#[must_use]
pub fn action(number: i64, on: &str) -> Action {
    let plan = plan(on);
    let effect = Effect {
        class: TargetClass::Plain,
        place: None,
        elsewhere: String::new(),
        kind: EffectKind::Restarts,
        target: "nginx.service".to_owned(),
        certainty: watchkeeper_model::Certainty::Certain,
        level: RiskLevel::Medium,
        rule: "step.unit_restart".to_owned(),
        words: "restart nginx.service".to_owned(),
        sentence: "restarts nginx.service".to_owned(),
    };
    Action {
        number: ActionNumber(number),
        revision: Revision(1),
        issue: None,
        fingerprint: None,
        proposer: Proposer::Person {
            name: "ann".to_owned(),
        },
        proposed_at: NOON,
        reason: "it has failed".to_owned(),
        seen: Vec::new(),
        digest: plan.digest(),
        plan,
        assessment: Assessment {
            score: 0,
            decoded: Vec::new(),
            tables: String::new(),
            level: RiskLevel::Medium,
            effects: vec![effect],
            undoable: false,
        },
        verdict: Verdict {
            orders: Vec::new(),
            otherwise: Vec::new(),
            decision: Decision::Hold,
            because: vec!["autonomy suggest holds medium risk".to_owned()],
        },
        state: ActionState::Held {
            approvals: Vec::new(),
            since: NOON,
            because: vec!["autonomy suggest holds medium risk".to_owned()],
            approve_by: NOON.after(Duration::from_secs(86_400)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_action_carries_the_digest_of_its_plan() {
        let action = action(7, "web1");
        assert_eq!(action.digest, action.plan.digest());
        assert_eq!(action.number, ActionNumber(7));
    }
}
