//! How a job ends that was at a desk. One that was put aside for somebody more urgent is not counted as tried; neither
//! is one that met a lane which could not have answered anything: a server that is busy or not there, a model that is
//! missing, a store that does not answer. What else fails is tried again after a pause that grows, and given up after its last try.

use std::time::Duration;

use serde_json::json;
use watchkeeper_llm::LlmError;
use watchkeeper_model::{Job, JobState, Priority};
use watchkeeper_store::{PutBack, Retry};

use crate::WatchError;
use crate::cycle::chain;
use crate::queue::desk::about;
use crate::queue::lanes::is_unfit;
use crate::queue::output::PUT_BACK;
use crate::queue::worker::Ended;
use crate::queue::{Desk, JobError};
use crate::watch::{Watch, with};

/// The pause before a person's question is tried again that met a lane which cannot answer.
const SOON: Duration = Duration::from_secs(1);
/// The longest pause between two tries of a job.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// How long a job waits for its next try.
#[derive(Clone, Copy, Debug)]
enum Pause {
    /// As long as its tries say, and so long at least.
    AtLeast(Duration),
    /// So long.
    Exactly(Duration),
}

impl Watch {
    /// Writes down how a job ended, with what it said last.
    pub(crate) async fn settle_job(
        &self,
        desk: &Desk<'_>,
        ended: &Ended,
    ) -> Result<(), WatchError> {
        let (book, lane, now) = (self.lane_book(), &desk.parts.lane, self.now());
        match ended {
            Ended::Lost | Ended::Handled(Err(JobError::Lost)) => Ok(()),
            Ended::Preempted => {
                self.put_back(desk, PutBack::Preempted, "a person is waiting")
                    .await
            }
            Ended::Stopped => {
                self.put_back(desk, PutBack::Stopped, "its worker stops")
                    .await
            }
            Ended::Handled(Ok(())) if desk.is_complete() => {
                book.served(lane, now);
                Ok(())
            }
            Ended::Handled(Ok(())) => {
                self.fail_job(desk, "its handler left it undone", None)
                    .await
            }
            Ended::Handled(Err(JobError::NotNeeded)) => self.drop_job(desk.job).await,
            Ended::Handled(Err(JobError::Egress(why))) => {
                self.leave_to_others(desk, &why.to_string()).await
            }
            Ended::Handled(Err(error)) if is_told_at_once(desk.job, error) => {
                book.failed(lane, chain(error), now);
                self.fail_job(desk, &chain(error), Some(Pause::Exactly(SOON)))
                    .await
            }
            Ended::Handled(Err(error)) if was_not_tried(error) => {
                self.put_back(desk, PutBack::Stopped, &chain(error)).await
            }
            Ended::Handled(Err(error)) => {
                book.failed(lane, chain(error), now);
                let again = error.retry().map(Pause::AtLeast);
                self.fail_job(desk, &chain(error), again).await
            }
            Ended::BrokeDown => {
                let why = "its handler broke down";
                let again = Some(Pause::AtLeast(Duration::ZERO));
                self.fail_job(desk, why, again).await
            }
        }
    }

    /// Puts a job back that was not really tried.
    async fn put_back(&self, desk: &Desk<'_>, how: PutBack, why: &str) -> Result<(), WatchError> {
        let number = desk.job.number;
        let mut tx = self.store().begin().await?;
        let put_back = tx
            .jobs()
            .put_back(number, self.controller(), self.now(), how)
            .await;
        match put_back {
            Err(error) if error.is_conflict() => return Ok(()),
            put_back => drop(put_back?),
        }
        let last_words = desk.out.with_last(PUT_BACK, why);
        tx.jobs().say(number, &last_words).await?;
        if how == PutBack::Preempted {
            let text = format!("job {number} waits again: {why}");
            tx.log()
                .append(self.record("job.preempted", about(desk.job), text))?;
        }
        tx.commit().await?;
        tracing::info!(job.id = %number, lane = desk.parts.lane.name, why, "a job was put back");
        Ok(())
    }

    /// What a job is about may not go to this lane. Lanes of other workers that are heard of may try; where there is
    /// none, it cannot be answered.
    async fn leave_to_others(&self, desk: &Desk<'_>, why: &str) -> Result<(), WatchError> {
        let (number, own) = (desk.job.number, &desk.parts.lane.name);
        let mut tx = self.store().begin().await?;
        let left = tx
            .jobs()
            .leave_to_others(number, self.controller(), own, self.now())
            .await;
        match left {
            Err(error) if error.is_conflict() => return Ok(()),
            Ok(true) => {}
            Ok(false) => {
                drop(tx);
                return self.fail_job(desk, why, None).await;
            }
            Err(error) => return Err(error.into()),
        }
        tx.jobs()
            .say(number, &desk.out.with_last(PUT_BACK, why))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn fail_job(
        &self,
        desk: &Desk<'_>,
        why: &str,
        again: Option<Pause>,
    ) -> Result<(), WatchError> {
        let asking = &self.current().settings.asking;
        let (job, now) = (desk.job, self.now());
        let retry = again.map(|wait| Retry {
            not_before: now.after(match wait {
                Pause::AtLeast(least) => pause(asking.pause, job.attempts).max(least),
                Pause::Exactly(wait) => wait,
            }),
            max_attempts: asking.attempts,
        });
        let mut tx = self.store().begin().await?;
        let failed = match tx
            .jobs()
            .fail(job.number, self.controller(), now, why, retry)
            .await
        {
            Err(error) if error.is_conflict() => return Ok(()),
            failed => failed?,
        };
        let last_words = if is_over(&failed) {
            desk.out.unwritten()
        } else {
            desk.out.with_last(PUT_BACK, why)
        };
        tx.jobs().say(job.number, &last_words).await?;
        let text = format!("job {}: {why}", job.number);
        tx.log()
            .append(self.record(event_of(&failed), about(job), text))?;
        tx.commit().await?;
        Ok(())
    }

    /// The trouble is gone, so nobody needs the answer.
    async fn drop_job(&self, job: &Job) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        match tx.jobs().cancel(job.number, self.now()).await {
            Err(error) if error.is_conflict() => return Ok(()),
            cancelled => cancelled?,
        }
        tx.commit().await?;
        Ok(())
    }

    /// Puts back jobs whose workers were lost, and gives up those that are too old.
    pub(crate) async fn sweep_jobs(&self) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        let swept = tx
            .jobs()
            .sweep(self.now(), self.current().settings.asking.attempts)
            .await?;
        self.remember_corrupt(&swept.corrupt);
        for job in &swept.rows {
            let text = format!(
                "job {}: its worker was lost or its time was over",
                job.number
            );
            let record = self.record(event_of(job), about(job), text);
            tx.log()
                .append(with(record, "attempts", json!(job.attempts)))?;
        }
        tx.commit().await?;
        Ok(())
    }
}

const fn is_over(job: &Job) -> bool {
    matches!(job.state, JobState::Failed { .. })
}

/// The event of a try that failed.
const fn event_of(job: &Job) -> &'static str {
    if is_over(job) {
        "job.failed"
    } else {
        "job.retried"
    }
}

/// Whether a person is to hear soon that there is no answer: they wait, and may ask another lane.
fn is_told_at_once(job: &Job, error: &JobError) -> bool {
    let is_away = match error {
        JobError::Llm(LlmError::Unreachable { .. }) => true,
        JobError::Llm(error) => is_unfit(error),
        _ => false,
    };
    is_away && job.priority == Priority::Interactive
}

/// Whether a job met nothing that could have answered it.
fn was_not_tried(error: &JobError) -> bool {
    match error {
        JobError::Llm(
            LlmError::Unreachable { .. } | LlmError::Busy { .. } | LlmError::Cancelled,
        ) => true,
        JobError::Llm(error) => is_unfit(error),
        JobError::Watch(WatchError::Store(error)) => error.retryable(),
        _ => false,
    }
}

/// The pause before the next try: it doubles with each.
fn pause(first: Duration, attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    first.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        let first = Duration::from_secs(30);
        let pauses: Vec<u64> = (1..=9)
            .map(|attempts| pause(first, attempts).as_secs())
            .collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(pause(first, 0), first, "a job that was never begun");
    }
}
