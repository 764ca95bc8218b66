//! Whether the same fix for the same finding may be proposed once more: not while it waits or runs, not after a
//! rejection until the cause looks different, and not for ever when it does not help.

use watchkeeper_model::{
    ActionNumber, ActionState, Autonomy, Digest, DigestWriter, HostName, Step, Timestamp,
};

use crate::PolicySettings;

/// An earlier action with the same fix for the same finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastFix {
    /// Its number.
    pub number: ActionNumber,
    /// Where it stands.
    pub state: ActionState,
    /// `Finding::evidence_digest` when it was proposed.
    pub evidence: Digest,
    /// When it was proposed.
    pub at: Timestamp,
}

/// The proposal that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `Finding::evidence_digest` now.
    pub evidence: Digest,
    /// The autonomy that holds for the host.
    pub autonomy: Autonomy,
    /// Now.
    pub at: Timestamp,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayPropose {
    /// Go on.
    Propose,
    /// It waits for a decision, or runs.
    AlreadyHeld {
        /// Which action.
        number: ActionNumber,
    },
    /// It was forbidden, or recorded at observe, for the same cause: once is enough.
    AlreadyRecorded {
        /// Which action.
        number: ActionNumber,
    },
    /// A person said no, for the same cause.
    RejectedBefore {
        /// Which action.
        number: ActionNumber,
    },
    /// It may have run, and nobody knows how that ended: a person must look.
    OutcomeUnknown {
        /// Which action.
        number: ActionNumber,
    },
    /// It did not help so often, or helps so shortly, that a person must look.
    TriedTooOften {
        /// How often it ran in the window.
        times: u32,
    },
}

impl MayPropose {
    /// Whether a person must look, because the watch will not go on by itself.
    #[must_use]
    pub const fn escalates(self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown { .. } | Self::TriedTooOften { .. }
        )
    }
}

/// What makes two fixes the same: the host and the steps, however they are rendered.
#[must_use]
pub fn fix_digest(host: &HostName, steps: &[Step]) -> Digest {
    let writer = DigestWriter::new("watchkeeper fix 1").field(host);
    steps
        .iter()
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

/// Whether the same fix may be proposed once more, given all earlier actions with it for the same finding.
#[must_use]
pub fn may_propose(
    settings: &PolicySettings,
    history: &[PastFix],
    candidate: &Candidate,
) -> MayPropose {
    let latest = |wanted: &dyn Fn(&PastFix) -> bool| {
        history
            .iter()
            .filter(|past| wanted(past))
            .max_by_key(|past| past.number)
            .map(|past| past.number)
    };
    let same = |past: &PastFix| past.evidence == candidate.evidence;
    if let Some(number) = latest(&|past| past.state.is_live()) {
        return MayPropose::AlreadyHeld { number };
    }
    if let Some(number) =
        latest(&|past| same(past) && matches!(past.state, ActionState::Unknown { .. }))
    {
        return MayPropose::OutcomeUnknown { number };
    }
    if let Some(number) =
        latest(&|past| same(past) && matches!(past.state, ActionState::Rejected { .. }))
    {
        return MayPropose::RejectedBefore { number };
    }
    if let Some(times) = tried_too_often(settings, history, candidate.at) {
        return MayPropose::TriedTooOften { times };
    }
    let recorded = |past: &PastFix| match past.state {
        ActionState::Refused { .. } => true,
        ActionState::Shadow => candidate.autonomy == Autonomy::Observe,
        _ => false,
    };
    match latest(&|past| same(past) && recorded(past)) {
        Some(number) => MayPropose::AlreadyRecorded { number },
        None => MayPropose::Propose,
    }
}

/// How often it ran in the window, if that is too often: too many failures since it last helped, or too many runs.
fn tried_too_often(settings: &PolicySettings, history: &[PastFix], now: Timestamp) -> Option<u32> {
    let since = now.before(settings.attempt_window.0);
    let mut runs: Vec<&PastFix> = history
        .iter()
        .filter(|past| past.at >= since && past.state.run().is_some())
        .collect();
    runs.sort_unstable_by_key(|past| past.number);
    let helped = |past: &&&PastFix| matches!(past.state, ActionState::Fixed(_));
    let failures = count(runs.iter().rev().take_while(|past| !helped(past)).count());
    let times = count(runs.len());
    (failures >= settings.max_attempts_per_finding || times >= settings.max_runs_per_finding)
        .then_some(times)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use watchkeeper_model::{Person, RunId, UnitName, Verified};

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn cause(text: &str) -> Digest {
        Digest::of_bytes(text.as_bytes())
    }

    fn past(number: i64, state: ActionState) -> PastFix {
        PastFix {
            number: ActionNumber(number),
            state,
            evidence: cause("exit-code 1"),
            at: NOON,
        }
    }

    fn ask(history: &[PastFix], evidence: &str, after: Duration, autonomy: Autonomy) -> MayPropose {
        let candidate = Candidate {
            evidence: cause(evidence),
            autonomy,
            at: NOON.after(after),
        };
        may_propose(&PolicySettings::default(), history, &candidate)
    }

    fn check(history: &[PastFix], expect: MayPropose) {
        assert_eq!(ask(history, "exit-code 1", HOUR, Autonomy::Suggest), expect);
    }

    fn run() -> RunId {
        RunId::from_parts(NOON, [1; 10])
    }

    fn seen() -> Verified {
        Verified {
            run: run(),
            at: NOON,
            seen: String::new(),
        }
    }

    fn held() -> ActionState {
        ActionState::Held {
            approvals: Vec::new(),
            since: NOON,
            because: vec![],
            approve_by: NOON,
        }
    }

    fn rejected() -> ActionState {
        let by = Person {
            name: "ann".to_owned(),
            uid: 1,
        };
        ActionState::Rejected {
            by,
            at: NOON,
            reason: String::new(),
        }
    }

    fn failed() -> ActionState {
        ActionState::Failed {
            run: run(),
            at: NOON,
            why: String::new(),
        }
    }

    #[test]
    fn what_was_never_tried_is_proposed() {
        check(&[], MayPropose::Propose);
        check(
            &[past(0, ActionState::Expired { at: NOON })],
            MayPropose::Propose,
        );
    }

    #[test]
    fn nothing_is_proposed_while_it_waits_or_runs() {
        check(
            &[past(3, held())],
            MayPropose::AlreadyHeld {
                number: ActionNumber(3),
            },
        );
        let verifying = ActionState::Verifying {
            run: run(),
            since: NOON,
            look_at: NOON,
        };
        check(
            &[past(4, verifying)],
            MayPropose::AlreadyHeld {
                number: ActionNumber(4),
            },
        );
    }

    #[test]
    fn a_rejected_fix_comes_back_only_when_the_cause_changes() {
        let history = [past(2, rejected())];
        check(
            &history,
            MayPropose::RejectedBefore {
                number: ActionNumber(2),
            },
        );
        let year = HOUR * 24 * 365;
        assert_eq!(
            ask(&history, "exit-code 1", year, Autonomy::AutoFull),
            MayPropose::RejectedBefore {
                number: ActionNumber(2)
            }
        );
        assert_eq!(
            ask(&history, "oom-kill", HOUR, Autonomy::Suggest),
            MayPropose::Propose
        );
    }

    #[test]
    fn after_three_failures_a_person_must_look() {
        let two = [past(0, failed()), past(1, ActionState::NotFixed(seen()))];
        check(&two, MayPropose::Propose);
        let three = [
            past(0, failed()),
            past(1, ActionState::NotFixed(seen())),
            past(2, failed()),
        ];
        check(&three, MayPropose::TriedTooOften { times: 3 });
        assert!(MayPropose::TriedTooOften { times: 3 }.escalates());
        assert_eq!(
            ask(&three, "exit-code 1", HOUR * 48, Autonomy::Suggest),
            MayPropose::Propose
        );
    }

    #[test]
    fn a_fix_that_helped_ends_the_row_of_failures_but_not_the_count_of_runs() {
        let helped = ActionState::Fixed(seen());
        check(
            &[
                past(0, failed()),
                past(1, failed()),
                past(2, helped.clone()),
                past(3, failed()),
            ],
            MayPropose::Propose,
        );
        let flapping: Vec<PastFix> = (0..6).map(|number| past(number, helped.clone())).collect();
        check(&flapping, MayPropose::TriedTooOften { times: 6 });
    }

    #[test]
    fn what_may_have_run_is_not_run_again_by_itself() {
        let unknown = ActionState::Unknown {
            run: run(),
            at: NOON,
            why: String::new(),
        };
        check(
            &[past(5, unknown)],
            MayPropose::OutcomeUnknown {
                number: ActionNumber(5),
            },
        );
    }

    #[test]
    fn a_shadow_is_recorded_once_and_gives_way_to_a_higher_autonomy() {
        let history = [past(0, ActionState::Shadow)];
        assert_eq!(
            ask(&history, "exit-code 1", HOUR, Autonomy::Observe),
            MayPropose::AlreadyRecorded {
                number: ActionNumber(0)
            }
        );
        check(&history, MayPropose::Propose);
        let refused = ActionState::Refused { because: vec![] };
        check(
            &[past(1, refused)],
            MayPropose::AlreadyRecorded {
                number: ActionNumber(1),
            },
        );
    }

    #[test]
    fn the_same_steps_on_the_same_host_are_the_same_fix() {
        let step = |unit: &str| Step::UnitRestart {
            unit: UnitName::new(unit).expect("a unit"),
        };
        let host = HostName::local();
        let one = fix_digest(&host, &[step("a.service")]);
        assert_eq!(one, fix_digest(&host, &[step("a.service")]));
        assert_ne!(one, fix_digest(&host, &[step("b.service")]));
        assert_ne!(
            one,
            fix_digest(
                &HostName::new("web1").expect("a host"),
                &[step("a.service")]
            )
        );
        assert_ne!(
            fix_digest(&host, &[Step::JournalVacuum { keep_mib: 1 }]),
            fix_digest(&host, &[Step::JournalVacuum { keep_mib: 2 }])
        );
    }
}
