//! Before anything runs: is the trouble still there, is the world as it was, do the orders still allow it; then the
//! claim, which only one controller wins.

use watchkeeper_fleet::HostEntry;
use watchkeeper_health::{outcomes, run_checks};
use watchkeeper_model::{
    Action, ActionNumber, ActionState, Approver, BootId, CheckName, CheckOutcome, ClaimRefused,
    Decision, Run,
};
use watchkeeper_remedy::{BootError, PreCheckAnswer, boot_id, pre_check};

use watchkeeper_policy::Recent;
use watchkeeper_store::RunMarks;

use super::through::Through;
use crate::WatchError;
use crate::actions::about;
use crate::cycle::chain;
use crate::orders::PlannedSteps;
use crate::traits::of_facts;
use crate::view::RunEvent;
use crate::watch::Watch;

/// What became of a claim.
pub(super) enum Claimed {
    /// It is ours to run.
    Yes(Box<Action>, Box<Run>),
    /// It will not run any more; its state's word.
    Over(&'static str),
    /// It cannot be told now whether it may run.
    Later { why: String },
    /// Somebody else has it, or it is not approved.
    NotOurs,
}

/// What the re-check says.
enum Recheck {
    /// As it was; the boot that was seen.
    AsItWas(BootId),
    /// The world has changed.
    Changed(String),
    /// It cannot be told.
    CannotTell(String),
}

impl Watch {
    pub(super) async fn claim_action(&self, number: ActionNumber) -> Result<Claimed, WatchError> {
        let action = self.store().read().await?.actions().get(number).await?;
        let action = action.ok_or(WatchError::NoSuchAction { number })?;
        if !matches!(action.state, ActionState::Approved { .. }) {
            return Ok(Claimed::NotOurs);
        }
        let entry = self.entry(&action.plan.host)?;
        if let Some(why) = self.frozen(&entry, &action) {
            return Ok(Claimed::Later { why });
        }
        if let Some(over) = self.judge_again(&action).await? {
            return Ok(over);
        }
        match self.recheck(&entry, &action).await? {
            Recheck::AsItWas(boot) => self.claim(number, boot).await,
            Recheck::CannotTell(why) => Ok(Claimed::Later { why }),
            Recheck::Changed(why) => {
                self.give_up(
                    &action,
                    ActionState::Stale {
                        at: self.now(),
                        why: why.clone(),
                    },
                    &why,
                )
                .await
            }
        }
    }

    /// Why nothing may be executed on this host now, if that is so: not even what a person approved.
    fn frozen(&self, entry: &HostEntry, action: &Action) -> Option<String> {
        let steps = PlannedSteps::from(&action.plan);
        let current = self.current();
        let now = (Recent::default(), self.now());
        let facts = current.facts(entry, &action.plan, &steps, &action.proposer, now);
        let freeze = current.settings.orders.orders.freeze(&facts)?;
        Some(format!(
            "{} is frozen by the standing orders (`{}`): nothing is executed",
            entry.name, freeze.name
        ))
    }

    /// The orders may have changed since the approval: what is forbidden now does not run, and what ran by itself
    /// only under other orders waits for a person.
    async fn judge_again(&self, action: &Action) -> Result<Option<Claimed>, WatchError> {
        let ActionState::Approved { approval, .. } = &action.state else {
            return Ok(None);
        };
        let by_orders = matches!(approval.by, Approver::StandingOrders { .. });
        let entry = self.entry(&action.plan.host)?;
        let steps = PlannedSteps::from(&action.plan);
        let mut read = self.store().read().await?;
        let recent = Recent {
            wall_was_breached: self
                .wall_was_breached(&mut read.issues(), &entry.name)
                .await?,
            ..self.recent(&mut read.runs(), &entry, &steps).await?
        };
        drop(read);
        let (_, verdict) =
            self.assess_and_judge(&action.plan, (&action.proposer, false), None, recent)?;
        let because = verdict.because;
        let to = match verdict.decision {
            Decision::Refuse => ActionState::Refused {
                because: because.clone(),
            },
            Decision::Hold | Decision::Shadow if by_orders => {
                let now = self.now();
                let approve_by = now.after(self.current().settings.policy.approve_within.0);
                ActionState::Held {
                    approvals: Vec::new(),
                    since: now,
                    because: because.clone(),
                    approve_by,
                }
            }
            _ => return Ok(None),
        };
        self.give_up(action, to, &because.join("; "))
            .await
            .map(Some)
    }

    async fn give_up(
        &self,
        action: &Action,
        to: ActionState,
        text: &str,
    ) -> Result<Claimed, WatchError> {
        match self.move_on(action, to, text).await {
            Ok(moved) => Ok(Claimed::Over(moved.state.as_str())),
            Err(WatchError::Store(error)) if error.is_conflict() => Ok(Claimed::NotOurs),
            Err(error) => Err(error),
        }
    }

    /// Runs the detector and the pre-checks again, and reads the boot that a start will be good for.
    async fn recheck(&self, entry: &HostEntry, action: &Action) -> Result<Recheck, WatchError> {
        let seen = self.look(entry).await;
        let facts = match &seen.look.result {
            Ok(facts) => facts,
            Err(failure) => {
                return Ok(Recheck::CannotTell(format!(
                    "{} was not seen: {failure}",
                    entry.name
                )));
            }
        };
        if let Some((check, subject)) = self.subject_of(action).await? {
            let thresholds = self.current().settings.thresholds.of(entry);
            let results = outcomes(
                run_checks(&seen.look, None, &thresholds),
                &[(check.clone(), subject.clone())],
            );
            let result = results
                .into_iter()
                .find(|result| result.check == check && result.subject == subject);
            match result.map(|result| result.outcome) {
                Some(CheckOutcome::Found { .. }) => {}
                Some(CheckOutcome::Passed { detail }) => {
                    return Ok(Recheck::Changed(format!(
                        "the trouble is gone without it: {detail}"
                    )));
                }
                Some(CheckOutcome::Unknown { why }) => {
                    return Ok(Recheck::CannotTell(format!(
                        "whether the trouble is still there: {why}"
                    )));
                }
                None => {
                    return Ok(Recheck::CannotTell(
                        "the check no longer speaks of it".to_owned(),
                    ));
                }
            }
        }
        let conn = Through::new(self.fleet(), &entry.name);
        let traits = of_facts(facts);
        for check in action
            .plan
            .steps
            .iter()
            .take(1)
            .filter_map(|planned| pre_check(&planned.step, &traits))
        {
            match check.ask(&conn).await {
                Ok(PreCheckAnswer::Holds) => {}
                Ok(PreCheckAnswer::Changed { why }) => return Ok(Recheck::Changed(why)),
                Ok(PreCheckAnswer::CannotTell { why }) => return Ok(Recheck::CannotTell(why)),
                Err(failure) => return Ok(Recheck::CannotTell(failure.to_string())),
            }
        }
        Ok(match boot_id(&conn, action.plan.privilege).await {
            Ok(boot) => Recheck::AsItWas(boot),
            Err(error) => Recheck::CannotTell(boot_words(&error)),
        })
    }

    /// Which check found what the action is for.
    async fn subject_of(&self, action: &Action) -> Result<Option<(CheckName, String)>, WatchError> {
        let Some(fingerprint) = action.fingerprint else {
            return Ok(None);
        };
        let mut read = self.store().read().await?;
        let row = self.or_absent(read.findings().get(fingerprint).await)?;
        Ok(row
            .map(|row| (row.check, row.subject))
            .or_else(|| match &action.plan.verify {
                watchkeeper_model::Verification::CheckPasses { check, subject, .. } => {
                    Some((check.clone(), subject.clone()))
                }
                _ => None,
            }))
    }

    async fn claim(&self, number: ActionNumber, boot: BootId) -> Result<Claimed, WatchError> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let Some(approved) = tx.actions().lock_approved(number).await? else {
            return Ok(Claimed::NotOurs);
        };
        let ActionState::Approved { approval, .. } = &approved.state else {
            return Ok(Claimed::NotOurs);
        };
        let steps = PlannedSteps::from(&approved.plan);
        let marks = RunMarks {
            host: approved.plan.host.clone(),
            steps: steps.digest(),
            by_orders: matches!(approval.by, Approver::StandingOrders { .. }),
        };
        if marks.by_orders {
            // Counted again where nobody else can count at the same moment: a budget is never overdrawn.
            tx.runs().lock_budgets().await?;
            let entry = self.entry(&marks.host)?;
            let recent = Recent {
                wall_was_breached: self
                    .wall_was_breached(&mut tx.issues(), &entry.name)
                    .await?,
                ..self.recent(&mut tx.runs(), &entry, &steps).await?
            };
            let (_, verdict) =
                self.assess_and_judge(&approved.plan, (&approved.proposer, false), None, recent)?;
            if verdict.decision > Decision::Run {
                drop(tx);
                return Ok(self
                    .judge_again(&approved)
                    .await?
                    .unwrap_or(Claimed::NotOurs));
            }
        }
        let run_id = self.chance().run_id(now);
        let running = match approved.clone().claim(run_id.clone(), now) {
            Ok(running) => running,
            Err(ClaimRefused::TooLate { .. } | ClaimRefused::NotApproved(_)) => {
                return Ok(Claimed::NotOurs);
            }
            Err(refused @ ClaimRefused::DigestMismatch { .. }) => {
                drop(tx);
                tracing::error!(action.number = %number, error = %refused, "a plan was changed after its approval");
                let why = refused.to_string();
                return self
                    .give_up(
                        &approved,
                        ActionState::Stale {
                            at: now,
                            why: why.clone(),
                        },
                        &why,
                    )
                    .await;
            }
        };
        let run = Run {
            id: run_id,
            action: number,
            revision: running.revision,
            digest: running.digest,
            controller: self.controller().clone(),
            claimed_at: now,
            boot,
            steps: Vec::new(),
        };
        match tx.actions().change(&approved, &running).await {
            Err(error) if error.is_conflict() => return Ok(Claimed::NotOurs),
            changed => changed?,
        }
        tx.runs()
            .insert(
                &run,
                &marks,
                now.after(self.current().settings.running.lease),
            )
            .await?;
        let record = self.record(
            "action.running",
            about(&running),
            format!("claimed by {}", self.controller()),
        );
        tx.log().append(crate::watch::with(
            record,
            "digest",
            serde_json::json!(run.digest),
        ))?;
        match tx.commit().await {
            Err(error) if error.is_conflict() => return Ok(Claimed::NotOurs),
            committed => drop(committed?),
        }
        self.tell(RunEvent::State {
            number,
            state: "running".to_owned(),
            text: String::new(),
            last: false,
        });
        Ok(Claimed::Yes(Box::new(running), Box::new(run)))
    }
}

fn boot_words(error: &BootError) -> String {
    format!("the host's boot could not be read: {}", chain(error))
}
