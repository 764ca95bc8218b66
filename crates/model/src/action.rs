//! Actions: a proposed change on one host and where it stands. Each state holds only what is true in it;
//! transitions consume the state and refuse what the diagram in ARCHITECTURE.md does not show. That two
//! controllers do not both make one is the store's work: its update names the state it expects.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ActionNumber, Assessment, Digest, Evidence, Fingerprint, InvalidTransition, IssueNumber, Plan,
    Proposer, Revision, RunId, Timestamp, Verdict,
};

/// A person as the operating system knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The account's name.
    pub name: String,
    /// The account's number on the machine of the controller.
    pub uid: u32,
}

/// Who let an action run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Approver {
    /// A person.
    Person {
        /// Who.
        person: Person,
        /// What they said about it.
        reason: Option<String>,
    },
    /// The autonomy level and the standing orders.
    StandingOrders {
        /// The rules that let it run.
        because: Vec<String>,
    },
}

/// What an approval leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovalTerms {
    /// How long the decision is good.
    pub execute_within: Duration,
    /// How many different people must approve; that they are different is the caller's to see to.
    pub approvers: u32,
}

impl ApprovalTerms {
    /// One person is enough.
    #[must_use]
    pub const fn one(execute_within: Duration) -> Self {
        Self {
            execute_within,
            approvers: 1,
        }
    }
}

/// The decision to run one revision of one action, bound to its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who decided.
    pub by: Approver,
    /// When.
    pub at: Timestamp,
    /// For which revision.
    pub revision: Revision,
    /// For exactly these bytes.
    pub digest: Digest,
}

/// What the verification saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The run that was verified.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// What was seen, one line.
    pub seen: String,
}

/// Where an action stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ActionState {
    /// Recorded, not judged yet. It lasts no longer than one transaction.
    Proposed,
    /// Recorded for comparison at autonomy observe; never run.
    Shadow,
    /// Forbidden.
    Refused {
        /// The rules that forbid it.
        because: Vec<String>,
    },
    /// Waits for a person.
    Held {
        /// Since when.
        since: Timestamp,
        /// The rules that hold it.
        because: Vec<String>,
        /// When it is withdrawn from the queue.
        approve_by: Timestamp,
        /// Those who have approved it, where more must.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approvals: Vec<Approval>,
    },
    /// May run.
    Approved {
        /// Whose decision.
        approval: Approval,
        /// Those who approved it before, where several had to.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<Approval>,
        /// When the decision is no longer good.
        execute_by: Timestamp,
    },
    /// A controller has claimed it.
    Running {
        /// The run.
        run: RunId,
        /// Whose decision.
        approval: Approval,
        /// When it was claimed.
        since: Timestamp,
    },
    /// Its steps ended well; the trouble is looked at again.
    Verifying {
        /// The run.
        run: RunId,
        /// When the steps had ended.
        since: Timestamp,
        /// When to look.
        look_at: Timestamp,
    },
    /// The trouble is gone.
    Fixed(Verified),
    /// The trouble is still there.
    NotFixed(Verified),
    /// It could not be told whether the trouble is gone.
    Inconclusive(Verified),
    /// A step failed, or it did not help and is to be undone.
    Failed {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
        /// Which step, and how.
        why: String,
    },
    /// It failed and was undone.
    Undone {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
        /// Why it was undone.
        why: String,
    },
    /// It failed, and so did its undoing: a person must look.
    UndoFailed {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
        /// Which step of the undoing, and how.
        why: String,
    },
    /// What became of the run cannot be told; it is never run again by itself.
    Unknown {
        /// The run.
        run: RunId,
        /// When that was found out.
        at: Timestamp,
        /// What is known.
        why: String,
    },
    /// The world had changed before it ran, or the approval grew too old.
    Stale {
        /// When.
        at: Timestamp,
        /// What had changed.
        why: String,
    },
    /// A person said no.
    Rejected {
        /// Who.
        by: Person,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Nobody decided in time.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Another action took its place.
    Superseded {
        /// When.
        at: Timestamp,
        /// Which one.
        by: ActionNumber,
    },
    /// Its issue was resolved without it.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

/// Every state's word, in the order of the diagram.
pub const ACTION_STATES: [&str; 19] = [
    "proposed",
    "shadow",
    "refused",
    "held",
    "approved",
    "running",
    "verifying",
    "fixed",
    "not_fixed",
    "inconclusive",
    "failed",
    "undone",
    "undo_failed",
    "unknown",
    "stale",
    "rejected",
    "expired",
    "superseded",
    "withdrawn",
];

impl ActionState {
    /// The stable word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Shadow => "shadow",
            Self::Refused { .. } => "refused",
            Self::Held { .. } => "held",
            Self::Approved { .. } => "approved",
            Self::Running { .. } => "running",
            Self::Verifying { .. } => "verifying",
            Self::Fixed(_) => "fixed",
            Self::NotFixed(_) => "not_fixed",
            Self::Inconclusive(_) => "inconclusive",
            Self::Failed { .. } => "failed",
            Self::Undone { .. } => "undone",
            Self::UndoFailed { .. } => "undo_failed",
            Self::Unknown { .. } => "unknown",
            Self::Stale { .. } => "stale",
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
            Self::Superseded { .. } => "superseded",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether the action may still change something by itself or by a decision.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(
            self,
            Self::Proposed
                | Self::Held { .. }
                | Self::Approved { .. }
                | Self::Running { .. }
                | Self::Verifying { .. }
        )
    }

    /// The run this state belongs to.
    #[must_use]
    pub const fn run(&self) -> Option<&RunId> {
        match self {
            Self::Running { run, .. }
            | Self::Verifying { run, .. }
            | Self::Failed { run, .. }
            | Self::Undone { run, .. }
            | Self::UndoFailed { run, .. }
            | Self::Unknown { run, .. } => Some(run),
            Self::Fixed(seen) | Self::NotFixed(seen) | Self::Inconclusive(seen) => Some(&seen.run),
            _ => None,
        }
    }
}

/// A proposed change on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its number, from 0.
    pub number: ActionNumber,
    /// Which version of the plan this is.
    pub revision: Revision,
    /// The trouble it is for.
    pub issue: Option<IssueNumber>,
    /// The finding it is for.
    pub fingerprint: Option<Fingerprint>,
    /// Who proposes it.
    pub proposer: Proposer,
    /// When this revision was proposed.
    pub proposed_at: Timestamp,
    /// Why, as text for a person.
    pub reason: String,
    /// What was seen when it was proposed.
    pub seen: Vec<Evidence>,
    /// What would run.
    pub plan: Plan,
    /// The plan's digest when it was assessed.
    pub digest: Digest,
    /// Its risk.
    pub assessment: Assessment,
    /// What the standing orders say.
    pub verdict: Verdict,
    /// Where it stands.
    pub state: ActionState,
}

/// Why an approval was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalRefused {
    /// It is not waiting for a decision.
    #[error(transparent)]
    NotHeld(#[from] InvalidTransition),
    /// What was seen is not what is there now.
    #[error("action {number} is at revision {current}, and the approval is for revision {asked}")]
    OtherRevision {
        /// Which action.
        number: ActionNumber,
        /// The revision that was approved.
        asked: Revision,
        /// The revision that stands.
        current: Revision,
    },
    /// What was seen is not what stands now, though the revision is the same.
    #[error("action {number} has the digest {current}, and the approval is for {asked}")]
    OtherDigest {
        /// Which action.
        number: ActionNumber,
        /// The digest that was approved.
        asked: Digest,
        /// The digest that stands.
        current: Digest,
    },
    /// The plan does not have the digest it was assessed with.
    #[error("action {number} is {found} but was assessed as {assessed}: it will not run")]
    DigestMismatch {
        /// Which action.
        number: ActionNumber,
        /// The digest it was assessed with.
        assessed: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// The time to decide has passed.
    #[error("action {number} had to be approved by {approve_by}")]
    TooLate {
        /// Which action.
        number: ActionNumber,
        /// Until when it could be approved.
        approve_by: Timestamp,
    },
}

/// Why a run was not claimed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// It is not approved, or somebody else has it.
    #[error(transparent)]
    NotApproved(#[from] InvalidTransition),
    /// The plan is not the one that was approved.
    #[error("action {number} is {found} but {approved} was approved: it will not run")]
    DigestMismatch {
        /// Which action.
        number: ActionNumber,
        /// The digest that was approved.
        approved: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// The approval has grown too old.
    #[error("action {number} had to start by {execute_by}")]
    TooLate {
        /// Which action.
        number: ActionNumber,
        /// Until when it could be started.
        execute_by: Timestamp,
    },
}

impl Action {
    fn refuse(&self, to: &'static str) -> InvalidTransition {
        InvalidTransition {
            what: format!("action {}", self.number),
            from: self.state.as_str(),
            to,
        }
    }

    /// Approves this revision, for exactly its digest, good for `execute_within`.
    ///
    /// # Errors
    /// Refuses what is not held, another revision, a plan that is not the one assessed, and a late decision.
    pub fn approve(
        self,
        by: Approver,
        revision: Revision,
        at: Timestamp,
        terms: ApprovalTerms,
    ) -> Result<Self, ApprovalRefused> {
        let also = match &self.state {
            ActionState::Held { approve_by, .. } if at > *approve_by => {
                return Err(ApprovalRefused::TooLate {
                    number: self.number,
                    approve_by: *approve_by,
                });
            }
            ActionState::Held { approvals, .. } => approvals.clone(),
            ActionState::Proposed => Vec::new(),
            _ => return Err(self.refuse("approved").into()),
        };
        if revision != self.revision {
            return Err(ApprovalRefused::OtherRevision {
                number: self.number,
                asked: revision,
                current: self.revision,
            });
        }
        let found = self.plan.digest();
        if found != self.digest {
            return Err(ApprovalRefused::DigestMismatch {
                number: self.number,
                assessed: self.digest,
                found,
            });
        }
        let approval = Approval {
            by,
            at,
            revision,
            digest: found,
        };
        let state = match &self.state {
            ActionState::Held {
                since,
                because,
                approve_by,
                ..
            } if also.len() + 1 < terms.approvers as usize => ActionState::Held {
                since: *since,
                because: because.clone(),
                approve_by: *approve_by,
                approvals: also.into_iter().chain([approval]).collect(),
            },
            _ => ActionState::Approved {
                approval,
                also,
                execute_by: at.after(terms.execute_within),
            },
        };
        Ok(Self { state, ..self })
    }

    /// Claims an approved action for a run.
    ///
    /// # Errors
    /// Refuses what is not approved, a plan that is not the approved one, and an approval grown old.
    pub fn claim(self, run: RunId, at: Timestamp) -> Result<Self, ClaimRefused> {
        let ActionState::Approved {
            approval,
            execute_by,
            ..
        } = &self.state
        else {
            return Err(self.refuse("running").into());
        };
        if at > *execute_by {
            return Err(ClaimRefused::TooLate {
                number: self.number,
                execute_by: *execute_by,
            });
        }
        let found = self.plan.digest();
        if found != approval.digest || approval.revision != self.revision {
            return Err(ClaimRefused::DigestMismatch {
                number: self.number,
                approved: approval.digest,
                found,
            });
        }
        let state = ActionState::Running {
            run,
            approval: approval.clone(),
            since: at,
        };
        Ok(Self { state, ..self })
    }

    /// A person says no.
    ///
    /// # Errors
    /// Refuses what is neither held nor approved: what runs cannot be rejected any more.
    pub fn reject(
        self,
        by: Person,
        reason: String,
        at: Timestamp,
    ) -> Result<Self, InvalidTransition> {
        match self.state {
            ActionState::Held { .. } | ActionState::Approved { .. } => Ok(Self {
                state: ActionState::Rejected { by, at, reason },
                ..self
            }),
            _ => Err(self.refuse("rejected")),
        }
    }

    /// Moves on to a state that asks for no decision.
    ///
    /// # Errors
    /// Refuses every move that is not in the diagram, and the two that need [`Self::approve`] and [`Self::claim`].
    pub fn become_state(self, to: ActionState) -> Result<Self, InvalidTransition> {
        if may_follow(&self.state, &to) {
            Ok(Self { state: to, ..self })
        } else {
            Err(self.refuse(to.as_str()))
        }
    }
}

fn may_follow(from: &ActionState, to: &ActionState) -> bool {
    use ActionState as S;
    match from {
        S::Proposed => matches!(to, S::Shadow | S::Refused { .. } | S::Held { .. }),
        S::Held { .. } => matches!(
            to,
            S::Held { .. }
                | S::Refused { .. }
                | S::Stale { .. }
                | S::Expired { .. }
                | S::Superseded { .. }
                | S::Withdrawn { .. }
        ),
        S::Approved { .. } => matches!(
            to,
            S::Held { .. }
                | S::Refused { .. }
                | S::Stale { .. }
                | S::Superseded { .. }
                | S::Withdrawn { .. }
        ),
        S::Running { .. } => matches!(
            to,
            S::Verifying { .. } | S::Failed { .. } | S::Unknown { .. } | S::Stale { .. }
        ),
        S::Verifying { .. } => {
            matches!(
                to,
                S::Fixed(_) | S::NotFixed(_) | S::Inconclusive(_) | S::Failed { .. }
            )
        }
        S::Failed { .. } => matches!(to, S::Undone { .. } | S::UndoFailed { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Decision, HostName, PlannedStep, Privilege, RiskLevel, Step, UnitName, Verification,
    };

    const DAY: Duration = Duration::from_secs(86_400);
    const TERMS: ApprovalTerms = ApprovalTerms {
        execute_within: DAY,
        approvers: 1,
    };
    const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn held() -> Action {
        let step = PlannedStep {
            step: Step::UnitRestart {
                unit: UnitName::new("nginx.service").expect("a unit"),
            },
            script: "systemctl restart nginx.service\n".to_owned(),
            limit_s: 90,
            max_output_bytes: 65_536,
        };
        let plan = Plan {
            host: HostName::local(),
            login: "root".to_owned(),
            privilege: Privilege::Root,
            steps: vec![step],
            verify: Verification::HostAnswers { settle_s: 1 },
            undo: vec![],
        };
        Action {
            number: ActionNumber(0),
            revision: Revision(1),
            issue: None,
            fingerprint: None,
            proposer: Proposer::Person {
                name: "ann".to_owned(),
            },
            proposed_at: NOON,
            reason: "it hangs".to_owned(),
            seen: vec![],
            digest: plan.digest(),
            plan,
            assessment: Assessment {
                level: RiskLevel::Medium,
                effects: vec![],
                undoable: false,
                score: 0,
                decoded: Vec::new(),
                tables: String::new(),
            },
            verdict: Verdict {
                orders: Vec::new(),
                otherwise: Vec::new(),
                decision: Decision::Hold,
                because: vec!["suggest".to_owned()],
            },
            state: ActionState::Held {
                approvals: Vec::new(),
                since: NOON,
                because: vec![],
                approve_by: NOON.after(DAY),
            },
        }
    }

    fn ann() -> Approver {
        Approver::Person {
            person: Person {
                name: "ann".to_owned(),
                uid: 1000,
            },
            reason: None,
        }
    }

    fn run() -> RunId {
        RunId::from_parts(NOON, [7; 10])
    }

    #[test]
    fn approval_is_void_after_the_plan_changes() {
        let mut approved = held()
            .approve(ann(), Revision(1), NOON, TERMS)
            .expect("it is held");
        approved.plan.steps[0].script.push('#');
        assert!(matches!(
            approved.claim(run(), NOON),
            Err(ClaimRefused::DigestMismatch { .. })
        ));
    }

    #[test]
    fn a_plan_changed_after_its_assessment_cannot_be_approved() {
        let mut action = held();
        action.plan.login = "mallory".to_owned();
        let refused = action.approve(ann(), Revision(1), NOON, TERMS);
        assert!(matches!(
            refused,
            Err(ApprovalRefused::DigestMismatch { .. })
        ));
    }

    #[test]
    fn both_clocks_are_kept() {
        let late = held().approve(ann(), Revision(1), NOON.after(2 * DAY), TERMS);
        assert!(matches!(late, Err(ApprovalRefused::TooLate { .. })));
        let approved = held()
            .approve(ann(), Revision(1), NOON, TERMS)
            .expect("it is held");
        assert!(matches!(
            approved.claim(run(), NOON.after(2 * DAY)),
            Err(ClaimRefused::TooLate { .. })
        ));
    }

    #[test]
    fn an_approval_of_another_revision_is_refused() {
        let refused = held().approve(ann(), Revision(2), NOON, TERMS);
        assert!(matches!(
            refused,
            Err(ApprovalRefused::OtherRevision { .. })
        ));
    }

    #[test]
    fn nothing_is_claimed_twice() {
        let running = held()
            .approve(ann(), Revision(1), NOON, TERMS)
            .expect("it is held")
            .claim(run(), NOON)
            .expect("it is approved");
        assert!(matches!(
            running.clone().claim(run(), NOON),
            Err(ClaimRefused::NotApproved(_))
        ));
        assert!(
            running
                .reject(
                    Person {
                        name: "ann".to_owned(),
                        uid: 0
                    },
                    String::new(),
                    NOON
                )
                .is_err()
        );
    }

    #[test]
    fn what_is_over_stays_over() {
        let ended = Action {
            state: ActionState::Unknown {
                run: run(),
                at: NOON,
                why: String::new(),
            },
            ..held()
        };
        assert!(
            ended
                .clone()
                .approve(ann(), Revision(1), NOON, TERMS)
                .is_err()
        );
        assert!(ended.clone().claim(run(), NOON).is_err());
        assert!(
            ended
                .become_state(ActionState::Held {
                    approvals: Vec::new(),
                    since: NOON,
                    because: vec![],
                    approve_by: NOON
                })
                .is_err()
        );
    }

    #[test]
    fn an_action_survives_the_store() {
        let json = serde_json::to_string(&held()).expect("an action is data");
        assert_eq!(
            serde_json::from_str::<Action>(&json).expect("read back"),
            held()
        );
    }

    #[test]
    fn where_two_must_approve_one_is_not_enough() {
        let two = ApprovalTerms {
            approvers: 2,
            ..TERMS
        };
        let waiting = held()
            .approve(ann(), Revision(1), NOON, two)
            .expect("the first");
        let ActionState::Held { approvals, .. } = &waiting.state else {
            panic!("it must wait for the second: {:?}", waiting.state);
        };
        assert_eq!(approvals.len(), 1);
        let approved = waiting
            .approve(ann(), Revision(1), NOON, two)
            .expect("the second");
        assert!(
            matches!(&approved.state, ActionState::Approved { also, .. } if also.len() == 1),
            "{:?}",
            approved.state
        );
    }
}
