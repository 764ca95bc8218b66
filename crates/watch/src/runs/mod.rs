//! Running what was approved: claimed once, re-checked before, followed to its outcome, verified, undone where it
//! did not help. At most once is kept in two places: the claim is one conditional update of the store, and on the
//! host a step starts by making its own directory (`remedy`). A controller that is lost leaves a run whose lease
//! ends; whoever takes it over attaches to what is there, and never starts anew what may have run.

mod breach;
mod busy;
mod claim;
mod follow;
mod output;
mod story;
mod through;
mod undo;
mod verify;

use tokio_util::sync::CancellationToken;
use watchkeeper_model::{Action, ActionNumber, ActionState, Phase, Run, Timestamp};
use watchkeeper_remedy::{StepId, wipe};
use watchkeeper_store::StoredRun;

use crate::WatchError;
use crate::actions::about;
use crate::view::RunEvent;
use crate::watch::Watch;

pub(crate) use busy::Busy;
use claim::Claimed;
use follow::Followed;
use through::Through;

/// Runs taken over at a time.
const ORPHANS_AT_ONCE: u32 = 50;

/// How far an action was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It is over, with this state's word.
    Over(&'static str),
    /// It cannot go on now: it is tried again later.
    Later {
        /// Why.
        why: String,
    },
    /// Somebody else has it, or it is not approved.
    NotOurs,
}

impl Watch {
    /// Brings one approved action as far as it goes: to its end, or to where it must wait.
    ///
    /// # Errors
    /// When the store does not answer; the run is taken up again later.
    pub async fn run_action(&self, number: ActionNumber) -> Result<Ran, WatchError> {
        self.run_action_until(number, &CancellationToken::new())
            .await
    }

    /// The same, but stops following when told to. What was started on the host goes on there.
    ///
    /// # Errors
    /// When the store does not answer; the run is taken up again later.
    pub async fn run_action_until(
        &self,
        number: ActionNumber,
        stop: &CancellationToken,
    ) -> Result<Ran, WatchError> {
        let ran = match self.claim_action(number).await? {
            Claimed::Yes(action, run) => self.carry_on(*action, *run, stop).await?,
            Claimed::Over(state) => Ran::Over(state),
            Claimed::Later { why } => Ran::Later { why },
            Claimed::NotOurs => Ran::NotOurs,
        };
        if let Ran::Later { why } = &ran {
            let state = self.action_state(number).await?;
            if let RunEvent::State { state, .. } = state {
                self.tell(RunEvent::State {
                    number,
                    state,
                    text: why.clone(),
                    last: true,
                });
            }
        }
        Ok(ran)
    }

    /// Takes over runs that nobody keeps any more, on hosts of this watch or of none. With `alone`, when no other
    /// controller can have the store, leases do not count.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn adopt_runs(&self, alone: bool) -> Result<Vec<StoredRun>, WatchError> {
        let lease = self.current().settings.running.lease;
        let now = self.now();
        let leases_over = if alone {
            Timestamp::from_millis(i64::MAX)
        } else {
            now
        };
        let mut tx = self.store().begin().await?;
        let orphans = tx
            .runs()
            .claim_orphaned(
                self.controller(),
                &self.name(),
                leases_over,
                lease,
                ORPHANS_AT_ONCE,
            )
            .await?;
        self.remember_corrupt(&orphans.corrupt);
        for stored in &orphans.rows {
            tx.runs()
                .renew(&stored.run.id, self.controller(), now.after(lease))
                .await?;
            let about = watchkeeper_model::About {
                action: Some(stored.run.action),
                run: Some(stored.run.id.clone()),
                ..watchkeeper_model::About::default()
            };
            tx.log().append(self.record(
                "run.adopted",
                about,
                "its controller was lost; the run is taken up again",
            ))?;
        }
        tx.commit().await?;
        Ok(orphans.rows)
    }

    /// Goes on with what an earlier process left: takes over its runs and brings each as far as it goes until told to
    /// stop. For commands that work without a daemon.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take_up(&self, alone: bool, stop: &CancellationToken) -> Result<(), WatchError> {
        self.expire_overdue().await?;
        let orphans = self.adopt_runs(alone).await?;
        let resumed = orphans
            .iter()
            .map(|stored| self.resume_run(&stored.run, stop));
        let mut first_error = Ok(());
        // Side by side: one whose host does not answer, or whose row cannot be read, holds up none of the others.
        for ran in futures::future::join_all(resumed).await {
            if let Err(error) = ran {
                self.remember_if_corrupt(&error);
                first_error = first_error.and(Err(error));
            }
        }
        first_error
    }

    /// Goes on with a run that was adopted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn resume_run(&self, run: &Run, stop: &CancellationToken) -> Result<Ran, WatchError> {
        let mut read = self.store().read().await?;
        let action = read
            .actions()
            .get(run.action)
            .await?
            .ok_or(WatchError::NoSuchAction { number: run.action })?;
        let stored = read.runs().get(&run.id).await?;
        drop(read);
        match stored {
            Some(stored) if stored.ended_at.is_none() => {
                self.carry_on(action, stored.run, stop).await
            }
            _ => Ok(Ran::NotOurs),
        }
    }

    async fn carry_on(
        &self,
        mut action: Action,
        mut run: Run,
        stop: &CancellationToken,
    ) -> Result<Ran, WatchError> {
        loop {
            let followed = match &action.state {
                ActionState::Running { .. } => self.follow_steps(&action, &mut run, stop).await?,
                ActionState::Verifying { .. } => self.verify(&action, &run, stop).await?,
                ActionState::Failed { .. } if !action.plan.undo.is_empty() => {
                    self.undo(&action, &mut run, stop).await?
                }
                _ => {
                    self.end_run(&action, &run).await?;
                    return Ok(Ran::Over(action.state.as_str()));
                }
            };
            match followed {
                Followed::To(next) => action = *next,
                Followed::Later { why } => return Ok(Ran::Later { why }),
            }
        }
    }

    /// Moves an action on, with its entry in the log, in one transaction.
    pub(crate) async fn move_on(
        &self,
        from: &Action,
        to: ActionState,
        text: &str,
    ) -> Result<Action, WatchError> {
        let to = from.clone().become_state(to)?;
        let mut tx = self.store().begin().await?;
        tx.actions().change(from, &to).await?;
        tx.log()
            .append(self.record(&format!("action.{}", to.state.as_str()), about(&to), text))?;
        self.learn_from(&mut tx, &to).await?;
        if let (ActionState::Fixed(_), Some(issue)) = (&to.state, to.issue) {
            let evidence = format!("action {} fixed it: {text}", to.number);
            self.resolve_issue(&mut tx, issue, &evidence, self.now())
                .await?;
        }
        tx.commit().await?;
        self.tell_state(&to, text);
        Ok(to)
    }

    fn tell_state(&self, action: &Action, text: &str) {
        self.tell(RunEvent::State {
            number: action.number,
            state: action.state.as_str().to_owned(),
            text: text.to_owned(),
            last: is_last(action),
        });
    }

    /// The run is over: says so in the store, then has the host forget it. A host that cannot be reached keeps a
    /// few kilobytes until its next boot.
    async fn end_run(&self, action: &Action, run: &Run) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        match tx.runs().end(&run.id, self.controller(), self.now()).await {
            Err(error) if error.is_conflict() => return Ok(()),
            ended => ended?,
        }
        tx.commit().await?;
        self.tell_state(action, &state_text(&action.state));
        if matches!(action.state, ActionState::Unknown { .. }) {
            return Ok(());
        }
        let conn = Through::new(self.fleet(), &action.plan.host);
        for step in &run.steps {
            let id = StepId::new(&run.id, step.phase, step.index);
            if let Err(error) = wipe(&conn, &id, action.plan.privilege).await {
                tracing::info!(run.id = %run.id, error = %error, "what the run left on the host could not be removed");
                break;
            }
        }
        Ok(())
    }

    /// Where an action stands, as an event.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn action_state(&self, number: ActionNumber) -> Result<RunEvent, WatchError> {
        let action = self.store().read().await?.actions().get(number).await?;
        let action = action.ok_or(WatchError::NoSuchAction { number })?;
        Ok(state_event(&action))
    }
}

fn state_event(action: &Action) -> RunEvent {
    RunEvent::State {
        number: action.number,
        state: action.state.as_str().to_owned(),
        text: state_text(&action.state),
        last: is_last(action),
    }
}

/// Whether nothing more happens to an action by itself.
fn is_last(action: &Action) -> bool {
    match &action.state {
        ActionState::Failed { .. } => action.plan.undo.is_empty(),
        ActionState::Held { .. } => true,
        state => !state.is_live(),
    }
}

fn state_text(state: &ActionState) -> String {
    match state {
        ActionState::Fixed(seen)
        | ActionState::NotFixed(seen)
        | ActionState::Inconclusive(seen) => seen.seen.clone(),
        ActionState::Failed { why, .. }
        | ActionState::Undone { why, .. }
        | ActionState::UndoFailed { why, .. }
        | ActionState::Unknown { why, .. }
        | ActionState::Stale { why, .. } => why.clone(),
        ActionState::Rejected { reason, .. } => reason.clone(),
        ActionState::Refused { because } | ActionState::Held { because, .. } => because.join("; "),
        _ => String::new(),
    }
}

/// Whether a phase of a run was begun.
fn begun(run: &Run, phase: Phase) -> bool {
    run.steps.iter().any(|step| step.phase == phase)
}
