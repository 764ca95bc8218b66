//! Undoing what failed or did not help, by the same way as the steps themselves.

use tokio_util::sync::CancellationToken;
use watchkeeper_model::{Action, ActionState, Phase, Run, StepOutcome};

use super::begun;
use super::follow::{Followed, PhaseEnd};
use crate::WatchError;
use crate::watch::Watch;

impl Watch {
    pub(super) async fn undo(
        &self,
        action: &Action,
        run: &mut Run,
        stop: &CancellationToken,
    ) -> Result<Followed, WatchError> {
        let ActionState::Failed { why: failed, .. } = &action.state else {
            return Err(WatchError::invalid("only what failed is undone"));
        };
        if !begun(run, Phase::Apply) {
            return Err(WatchError::invalid(
                "nothing was begun, so there is nothing to undo",
            ));
        }
        let ended = self.follow_phase(action, run, Phase::Undo, stop).await?;
        let (at, id) = (self.now(), run.id.clone());
        let to = match ended {
            PhaseEnd::Later { why } => return self.undo_later(action, run, why).await,
            PhaseEnd::Well => ActionState::Undone {
                run: id,
                at,
                why: failed.clone(),
            },
            PhaseEnd::Badly { index, outcome } => {
                let how = match outcome {
                    StepOutcome::Unknown { why } => {
                        format!("what became of it cannot be told: {why}")
                    }
                    other => other.summary(),
                };
                ActionState::UndoFailed {
                    run: id,
                    at,
                    why: format!("{failed}; undo step {}: {how}", index + 1),
                }
            }
        };
        let text = match &to {
            ActionState::UndoFailed { why, .. } => why.clone(),
            _ => format!("undone, because {failed}"),
        };
        Ok(Followed::To(Box::new(
            self.move_on(action, to, &text).await?,
        )))
    }

    /// A failed action cannot become unknown: what is unknown is only whether it was undone, and that needs a person.
    async fn undo_later(
        &self,
        action: &Action,
        run: &Run,
        why: String,
    ) -> Result<Followed, WatchError> {
        let now = self.now();
        if now.since(run.claimed_at) < self.current().settings.running.patience {
            return Ok(Followed::Later { why });
        }
        let why = format!("the host did not tell for too long whether it was undone: {why}");
        let to = ActionState::UndoFailed {
            run: run.id.clone(),
            at: now,
            why: why.clone(),
        };
        Ok(Followed::To(Box::new(
            self.move_on(action, to, &why).await?,
        )))
    }
}
