//! What follows from how a step stands: the table, and nothing else.

use std::time::Duration;

use watchkeeper_model::{Digest, StepOutcome};

use super::reply::{EndStatus, Sighting, StepState};
use super::request::StepTicket;

/// What the controller wants with a step of which nothing is found on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stance {
    /// It shall run.
    Start,
    /// It shall not run any more.
    GiveUp,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Attach again.
    AskAgain,
    /// Send the start, again or for the first time.
    Start,
    /// Send the cancel.
    Cancel,
    /// Take what it printed, then this is its outcome.
    End(StepOutcome),
}

/// How long a gate may stand with nobody in it before that is an outcome.
pub const LIMBO_LIMIT: Duration = Duration::from_secs(10);

/// What follows from a sighting. An outcome that cannot be told is never a reason to start.
#[must_use]
pub fn decide(seen: &Sighting, ticket: &StepTicket, stance: Stance, limbo_for: Duration) -> Next {
    match seen.state {
        StepState::Cancelled => Next::End(StepOutcome::Cancelled),
        StepState::Wiped => unknown("what it left on the host was removed"),
        StepState::Done => match (digest_fits(seen.digest, ticket), seen.end) {
            (Some(true), Some(end)) => Next::End(outcome(end)),
            (Some(true), None) => unknown("it left no status"),
            (Some(false), _) => another_script(),
            (None, _) => unknown("its script is gone from the host"),
        },
        StepState::Running => match digest_fits(seen.digest, ticket) {
            // The script comes through the gate right after the runner.
            Some(true) | None => Next::AskAgain,
            Some(false) => another_script(),
        },
        StepState::Interrupted => unknown("the host stopped while it ran"),
        StepState::Died => unknown("it was killed together with its runner"),
        StepState::Unknown => unknown("the host was rebooted, and nothing is left of it"),
        StepState::Limbo if limbo_for >= LIMBO_LIMIT => {
            unknown("its runner was killed or frozen at the start")
        }
        StepState::Limbo | StepState::Starting => Next::AskAgain,
        // A start is good for one boot, whatever else the host says.
        StepState::Absent if seen.boot != ticket.boot => unknown("the host was rebooted"),
        StepState::Absent => match stance {
            Stance::Start => Next::Start,
            Stance::GiveUp => Next::Cancel,
        },
    }
}

fn digest_fits(found: Option<Digest>, ticket: &StepTicket) -> Option<bool> {
    found.map(|digest| digest == ticket.digest)
}

fn another_script() -> Next {
    unknown("the script on the host is not the one that was approved")
}

fn unknown(why: &str) -> Next {
    Next::End(StepOutcome::Unknown {
        why: why.to_owned(),
    })
}

fn outcome(end: EndStatus) -> StepOutcome {
    let code = i32::from(end.code);
    if end.by_limit {
        StepOutcome::TimedOut { code }
    } else {
        StepOutcome::Exited {
            code,
            children_left: end.children_left,
        }
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::{BootId, Phase, PlannedStep, Privilege, RunId, Step, Timestamp};

    use super::*;
    use crate::StepId;

    fn ticket() -> StepTicket {
        let run = RunId::from_parts(Timestamp::from_millis(1), [7; 10]);
        let step = PlannedStep {
            step: Step::PackageCacheClean {},
            script: "apt-get clean\n".to_owned(),
            limit_s: 9,
            max_output_bytes: 512,
        };
        let boot = BootId("a.1".to_owned());
        StepTicket::new(
            StepId::new(&run, Phase::Apply, 0),
            &step,
            &boot,
            Privilege::Root,
        )
        .expect("a ticket")
    }

    fn sighting(state: StepState) -> Sighting {
        let end = EndStatus {
            by_limit: false,
            code: 3,
            children_left: true,
        };
        Sighting {
            state,
            boot: BootId("a.1".to_owned()),
            digest: Some(ticket().digest()),
            end: (state == StepState::Done).then_some(end),
            stdout: vec![],
            stderr: vec![],
            stdout_cut: None,
            stderr_cut: None,
        }
    }

    fn check(seen: &Sighting, stance: Stance, limbo_s: u64, expect: &str) {
        let next = match decide(seen, &ticket(), stance, Duration::from_secs(limbo_s)) {
            Next::End(StepOutcome::Unknown { .. }) => "unknown".to_owned(),
            Next::End(outcome) => outcome.summary(),
            next => format!("{next:?}"),
        };
        assert_eq!(next, expect, "{:?} {stance:?} {limbo_s}", seen.state);
    }

    #[test]
    fn every_row_of_the_table() {
        use StepState as S;
        for stance in [Stance::Start, Stance::GiveUp] {
            check(
                &sighting(S::Cancelled),
                stance,
                0,
                "cancelled before it started",
            );
            check(&sighting(S::Wiped), stance, 0, "unknown");
            check(&sighting(S::Done), stance, 0, "exit status 3");
            check(&sighting(S::Interrupted), stance, 0, "unknown");
            check(&sighting(S::Running), stance, 0, "AskAgain");
            check(&sighting(S::Died), stance, 0, "unknown");
            check(&sighting(S::Limbo), stance, 9, "AskAgain");
            check(&sighting(S::Limbo), stance, 10, "unknown");
            check(&sighting(S::Unknown), stance, 0, "unknown");
            check(&sighting(S::Starting), stance, 99, "AskAgain");
        }
        check(&sighting(S::Absent), Stance::Start, 0, "Start");
        check(&sighting(S::Absent), Stance::GiveUp, 0, "Cancel");
    }

    #[test]
    fn another_script_on_the_host_is_never_an_outcome() {
        for state in [StepState::Done, StepState::Running] {
            let seen = Sighting {
                digest: Some(Digest::of_bytes(b"else")),
                ..sighting(state)
            };
            check(&seen, Stance::Start, 0, "unknown");
        }
        let gone = Sighting {
            digest: None,
            ..sighting(StepState::Done)
        };
        check(&gone, Stance::Start, 0, "unknown");
        let not_yet = Sighting {
            digest: None,
            ..sighting(StepState::Running)
        };
        check(&not_yet, Stance::Start, 0, "AskAgain");
    }

    #[test]
    fn nothing_is_started_in_another_boot() {
        let seen = Sighting {
            boot: BootId("b.1".to_owned()),
            ..sighting(StepState::Absent)
        };
        check(&seen, Stance::Start, 0, "unknown");
    }

    #[test]
    fn a_step_ended_by_its_limit_says_so() {
        let end = EndStatus {
            by_limit: true,
            code: 0,
            children_left: false,
        };
        let seen = Sighting {
            end: Some(end),
            ..sighting(StepState::Done)
        };
        check(&seen, Stance::Start, 0, "stopped at its time limit");
    }
}
