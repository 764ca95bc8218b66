//! What is known of an action so far, told again from the store: for those who come late, or fell behind while it ran.

use watchkeeper_model::{Action, ActionNumber, ActionState, Phase, Run, RunStep};

use super::{is_last, state_event};
use crate::WatchError;
use crate::view::RunEvent;
use crate::watch::Watch;

impl Watch {
    /// What has happened to an action, in the events and the order in which it was told. A step that has ended has all
    /// of its kept output in one piece for each of stdout and stderr.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn action_story(&self, number: ActionNumber) -> Result<Vec<RunEvent>, WatchError> {
        let mut read = self.store().read().await?;
        let action = read
            .actions()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchAction { number })?;
        let run = read.runs().of_action(number).await?;
        let run = run.map(|stored| stored.run);
        Ok(story(&action, run.as_ref()))
    }
}

/// The steps that led to the state, the state, and the steps that it is taking.
fn story(action: &Action, run: Option<&Run>) -> Vec<RunEvent> {
    let mut steps: Vec<&RunStep> = run.iter().flat_map(|run| &run.steps).collect();
    steps.sort_by_key(|step| (step.phase == Phase::Undo, step.index));
    let under_way = |step: &RunStep| match &action.state {
        _ if is_last(action) => false,
        ActionState::Running { .. } => true,
        ActionState::Failed { .. } => step.phase == Phase::Undo,
        _ => false,
    };
    let (now, before): (Vec<&RunStep>, Vec<&RunStep>) =
        steps.into_iter().partition(|step| under_way(step));
    let mut events = Vec::new();
    for step in before {
        tell_step(action, step, &mut events);
    }
    events.push(state_event(action));
    for step in now {
        tell_step(action, step, &mut events);
    }
    events
}

fn tell_step(action: &Action, step: &RunStep, events: &mut Vec<RunEvent>) {
    let (number, phase, index) = (action.number, step.phase, step.index);
    let planned = match phase {
        Phase::Apply => &action.plan.steps,
        Phase::Undo => &action.plan.undo,
    };
    let planned = usize::try_from(index)
        .ok()
        .and_then(|place| planned.get(place));
    events.push(RunEvent::StepStarted {
        number,
        phase,
        index,
        what: planned.map_or_else(String::new, |planned| planned.step.summary()),
    });
    let Some(outcome) = &step.outcome else { return };
    for (stderr, text) in [(false, &step.stdout), (true, &step.stderr)] {
        if !text.is_empty() {
            events.push(RunEvent::Output {
                number,
                phase,
                index,
                stderr,
                text: text.clone(),
            });
        }
    }
    events.push(RunEvent::StepEnded {
        number,
        phase,
        index,
        outcome: outcome.clone(),
    });
}
