//! The steps of a run, one after the other, each started or attached to and followed to its outcome.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use watchkeeper_model::{
    Action, ActionState, LogRecord, Phase, PlannedStep, Run, RunStep, StepOutcome, Timestamp,
    bounded,
};
use watchkeeper_remedy::{
    Captured, Entry, JournalLost, NotYet, Patience, StepEnd, StepEvent, StepId, StepJournal,
    StepTicket, Stream, drive_step,
};
use watchkeeper_store::{StepEnd as StoredEnd, StepPlace};

use super::output::{self, Telling};
use super::through::Through;
use crate::WatchError;
use crate::actions::about;
use crate::cycle::chain;
use crate::view::RunEvent;
use crate::watch::{Watch, with};

/// A step that was not surely started is still started this long after the claim; later the world may have changed.
const START_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Most characters of a step's output that are kept, each of stdout and stderr.
const KEPT_OUTPUT_CHARS: usize = 64 * 1024;
/// Most characters of a step's output in the log.
const LOGGED_OUTPUT_CHARS: usize = 4_000;

/// How far it went.
pub(super) enum Followed {
    /// To another state.
    To(Box<Action>),
    /// Not to an end yet; the run is taken up again later.
    Later {
        /// Why.
        why: String,
    },
}

/// How the steps of one phase went.
pub(super) enum PhaseEnd {
    /// All went well.
    Well,
    /// One did not.
    Badly { index: u32, outcome: StepOutcome },
    /// It cannot be told yet.
    Later { why: String },
}

impl Watch {
    pub(super) async fn follow_steps(
        &self,
        action: &Action,
        run: &mut Run,
        stop: &CancellationToken,
    ) -> Result<Followed, WatchError> {
        let ended = self.follow_phase(action, run, Phase::Apply, stop).await?;
        let now = self.now();
        let (to, text) = match ended {
            PhaseEnd::Later { why } => return self.later(action, run, why).await,
            PhaseEnd::Well => {
                let settle = Duration::from_secs(u64::from(action.plan.verify.settle_s()));
                let state = ActionState::Verifying {
                    run: run.id.clone(),
                    since: now,
                    look_at: now.after(settle),
                };
                (
                    state,
                    format!(
                        "all steps ended well; next: {}",
                        action.plan.verify.summary()
                    ),
                )
            }
            PhaseEnd::Badly { index, outcome } => {
                let why = format!(
                    "step {} ({}): {}",
                    index + 1,
                    step_words(action, index),
                    outcome.summary()
                );
                (state_after(index, &outcome, run, now, why.clone()), why)
            }
        };
        Ok(Followed::To(Box::new(
            self.move_on(action, to, &text).await?,
        )))
    }

    /// Runs the steps of a phase that have no outcome yet.
    pub(super) async fn follow_phase(
        &self,
        action: &Action,
        run: &mut Run,
        phase: Phase,
        stop: &CancellationToken,
    ) -> Result<PhaseEnd, WatchError> {
        let steps = match phase {
            Phase::Apply => &action.plan.steps,
            Phase::Undo => &action.plan.undo,
        };
        for (index, planned) in (0..).zip(steps) {
            let known = run
                .steps
                .iter()
                .find(|step| (step.phase, step.index) == (phase, index));
            let outcome = match known.and_then(|step| step.outcome.clone()) {
                Some(outcome) => outcome,
                None => {
                    let asked = known.is_some();
                    match self
                        .follow_step(
                            action,
                            run,
                            Step {
                                phase,
                                index,
                                planned,
                                asked,
                            },
                            stop,
                        )
                        .await?
                    {
                        Ok(outcome) => outcome,
                        Err(why) => return Ok(PhaseEnd::Later { why }),
                    }
                }
            };
            if !outcome.succeeded() {
                return Ok(PhaseEnd::Badly { index, outcome });
            }
        }
        Ok(PhaseEnd::Well)
    }

    async fn follow_step(
        &self,
        action: &Action,
        run: &mut Run,
        step: Step<'_>,
        stop: &CancellationToken,
    ) -> Result<Result<StepOutcome, String>, WatchError> {
        let Step {
            phase,
            index,
            planned,
            asked,
        } = step;
        let late =
            phase == Phase::Apply && self.now().since(run.claimed_at) > START_WITHIN && index == 0;
        let entry = match (asked, late) {
            (false, true) => {
                return Ok(Ok(StepOutcome::NotStarted {
                    why: "its controller was lost before it began".to_owned(),
                }));
            }
            (false, false) => Entry::First,
            (true, true) => Entry::GiveUp,
            (true, false) => Entry::Resume,
        };
        let ticket = StepTicket::new(
            StepId::new(&run.id, phase, index),
            planned,
            &run.boot,
            action.plan.privilege,
        )
        .map_err(|error| WatchError::invalid(error.to_string()))?;
        let conn = Through::new(self.fleet(), &action.plan.host);
        let mut journal = Journal {
            watch: self,
            action,
            run,
            place: StepPlace { phase, index },
            planned,
            stdout: Telling::default(),
            stderr: Telling::default(),
        };
        let ended = {
            let driven = drive_step(
                &conn,
                &ticket,
                entry,
                Patience::default(),
                &mut journal,
                stop,
            );
            self.keeping_lease(run, driven).await
        };
        if ended.is_ok() {
            journal.tell_rest();
        }
        match ended {
            Ok(end) => self
                .record_end(action, run, StepPlace { phase, index }, end)
                .await
                .map(Ok),
            Err(NotYet::JournalLost(lost)) => Ok(Err(chain(&lost))),
            Err(not_yet) => Ok(Err(chain(&not_yet))),
        }
    }

    /// Renews the run's lease for as long as the work goes on.
    pub(super) async fn keeping_lease<T>(&self, run: &Run, work: impl Future<Output = T>) -> T {
        let lease = self.current().settings.running.lease;
        let renewing = async {
            loop {
                tokio::time::sleep(lease / 3).await;
                if let Err(error) = self.renew(run, lease).await {
                    tracing::warn!(run.id = %run.id, error = chain(&error), "the lease of a run could not be renewed");
                }
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = renewing => unreachable!("renewing never ends"),
        }
    }

    async fn renew(&self, run: &Run, lease: Duration) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        tx.runs()
            .renew(&run.id, self.controller(), self.now().after(lease))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn record_end(
        &self,
        action: &Action,
        run: &mut Run,
        place: StepPlace,
        end: StepEnd,
    ) -> Result<StepOutcome, WatchError> {
        let (stdout, stderr) = (kept(&end.stdout), kept(&end.stderr));
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let stored = StoredEnd {
            outcome: &end.outcome,
            at: now,
            stdout: &stdout,
            stderr: &stderr,
        };
        tx.runs()
            .step_asked(&run.id, self.controller(), place, now)
            .await?;
        tx.runs()
            .step_ended(&run.id, self.controller(), place, stored)
            .await?;
        tx.log()
            .append(self.step_record(action, place, &end.outcome, &stdout, &stderr))?;
        self.tell_of_breach(&mut tx, action, place, &stderr).await?;
        tx.commit().await?;
        let step = RunStep {
            phase: place.phase,
            index: place.index,
            asked_at: now,
            outcome: Some(end.outcome.clone()),
            ended_at: Some(now),
            stdout,
            stderr,
        };
        run.steps
            .retain(|known| (known.phase, known.index) != (place.phase, place.index));
        run.steps.push(step);
        let (phase, index, outcome) = (place.phase, place.index, end.outcome.clone());
        self.tell(RunEvent::StepEnded {
            number: action.number,
            phase,
            index,
            outcome,
        });
        Ok(end.outcome)
    }

    fn step_record(
        &self,
        action: &Action,
        place: StepPlace,
        outcome: &StepOutcome,
        stdout: &str,
        stderr: &str,
    ) -> LogRecord {
        let undo = if place.phase == Phase::Undo {
            "undo "
        } else {
            ""
        };
        let text = format!("{undo}step {}: {}", place.index + 1, outcome.summary());
        let record = with(
            self.record("run.step_ended", about(action), text),
            "outcome",
            json!(outcome),
        );
        let record = with(
            record,
            "stdout",
            json!(bounded(stdout, LOGGED_OUTPUT_CHARS)),
        );
        with(
            record,
            "stderr",
            json!(bounded(stderr, LOGGED_OUTPUT_CHARS)),
        )
    }

    /// The host does not tell now. The run is kept and asked about again, until patience ends: then its outcome is unknown.
    pub(super) async fn later(
        &self,
        action: &Action,
        run: &Run,
        why: String,
    ) -> Result<Followed, WatchError> {
        let now = self.now();
        if now.since(run.claimed_at) < self.current().settings.running.patience {
            return Ok(Followed::Later { why });
        }
        let why = format!("the host did not tell for too long: {why}");
        let to = ActionState::Unknown {
            run: run.id.clone(),
            at: now,
            why: why.clone(),
        };
        Ok(Followed::To(Box::new(
            self.move_on(action, to, &why).await?,
        )))
    }
}

/// One step, as far as it is known.
struct Step<'a> {
    phase: Phase,
    index: u32,
    planned: &'a PlannedStep,
    asked: bool,
}

/// What follows from a step that did not do what it should.
fn state_after(
    index: u32,
    outcome: &StepOutcome,
    run: &Run,
    at: Timestamp,
    why: String,
) -> ActionState {
    let run = run.id.clone();
    match outcome {
        StepOutcome::Unknown { .. } => ActionState::Unknown { run, at, why },
        StepOutcome::NotStarted { .. } | StepOutcome::Cancelled if index == 0 => {
            ActionState::Stale { at, why }
        }
        _ => ActionState::Failed { run, at, why },
    }
}

fn step_words(action: &Action, index: u32) -> String {
    action
        .plan
        .steps
        .get(index as usize)
        .map_or_else(String::new, |planned| planned.step.summary())
}

fn kept(captured: &Captured) -> String {
    output::kept(&captured.text(), KEPT_OUTPUT_CHARS)
}

/// Records progress: the asking before it is done, the rest for those who follow.
struct Journal<'a> {
    watch: &'a Watch,
    action: &'a Action,
    run: &'a Run,
    place: StepPlace,
    planned: &'a PlannedStep,
    stdout: Telling,
    stderr: Telling,
}

#[async_trait]
impl StepJournal for Journal<'_> {
    async fn record(&mut self, event: StepEvent<'_>) -> Result<(), JournalLost> {
        let number = self.action.number;
        match event {
            StepEvent::Asking => {
                self.asking()
                    .await
                    .map_err(|error| JournalLost(Box::new(error)))?;
                let (phase, index) = (self.place.phase, self.place.index);
                let what = self.planned.step.summary();
                self.watch.tell(RunEvent::StepStarted {
                    number,
                    phase,
                    index,
                    what,
                });
            }
            StepEvent::Output { stream, bytes, .. } => {
                let telling = match stream {
                    Stream::Stdout => &mut self.stdout,
                    Stream::Stderr => &mut self.stderr,
                };
                if let Some(text) = telling.add(bytes) {
                    self.tell_output(stream, text);
                }
            }
            StepEvent::Waiting { why, pause } => {
                let text = format!(
                    "no answer, asked again in {} s: {}",
                    pause.as_secs(),
                    chain(why)
                );
                self.watch.tell(RunEvent::State {
                    number,
                    state: "running".to_owned(),
                    text,
                    last: false,
                });
            }
            StepEvent::Stands(_) => {}
        }
        Ok(())
    }
}

impl Journal<'_> {
    fn tell_output(&self, stream: Stream, text: String) {
        self.watch.tell(RunEvent::Output {
            number: self.action.number,
            phase: self.place.phase,
            index: self.place.index,
            stderr: stream == Stream::Stderr,
            text,
        });
    }

    /// Tells what stands there without the end of a line.
    fn tell_rest(&mut self) {
        for (stream, rest) in [
            (Stream::Stdout, self.stdout.rest()),
            (Stream::Stderr, self.stderr.rest()),
        ] {
            if let Some(text) = rest {
                self.tell_output(stream, text);
            }
        }
    }

    async fn asking(&self) -> Result<(), WatchError> {
        let watch = self.watch;
        let mut tx = watch.store().begin().await?;
        let first = tx
            .runs()
            .step_asked(&self.run.id, watch.controller(), self.place, watch.now())
            .await?;
        if first {
            let undo = if self.place.phase == Phase::Undo {
                "undo "
            } else {
                ""
            };
            let text = format!(
                "{undo}step {}: {}",
                self.place.index + 1,
                self.planned.step.summary()
            );
            tx.log()
                .append(watch.record("run.step_asked", about(self.action), text))?;
        }
        tx.commit().await?;
        Ok(())
    }
}
