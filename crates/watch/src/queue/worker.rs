//! A worker: claims a job, sits down with it, keeps the lease while the handler works, and settles how it ended.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_model::{About, Job, JobNumber, Need};
use watchkeeper_store::{Claimer, CorruptRow, Retry, StoreError};

use crate::WatchError;
use crate::cycle::chain;
use crate::queue::desk::about;
use crate::queue::{Desk, JobError, Output};
use crate::watch::{LaneParts, Watch, with};

/// The longest pause between two tries of a job.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

impl Watch {
    /// Serves one job, if one waits. True when there was one.
    ///
    /// # Errors
    /// When the store does not answer; the job's lease ends, and it is served again.
    pub async fn work_once(
        &self,
        lane: usize,
        stop: &CancellationToken,
    ) -> Result<bool, WatchError> {
        let current = self.current();
        let Some(parts) = current.lanes.get(lane) else {
            return Ok(false);
        };
        let mut tx = self.store().begin().await?;
        let lease = current.settings.asking.lease;
        let claimer = Claimer {
            worker: self.controller(),
            lane: &parts.lane.name,
            slot: None,
            needs: &[Need::Answer],
            takes: &[],
        };
        let job = match tx.jobs().claim(&claimer, self.now(), lease).await {
            Err(StoreError::CorruptRow(row)) => {
                drop(tx);
                return self.give_up_unread(row).await.map(|()| true);
            }
            claimed => claimed?,
        };
        tx.commit().await?;
        let Some(job) = job else { return Ok(false) };
        self.serve(parts, &job, stop).await?;
        Ok(true)
    }

    /// A job that cannot be read would be served first for ever, so it is given up.
    async fn give_up_unread(&self, row: CorruptRow) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        if let (Ok(number), "jobs") = (row.id.parse::<JobNumber>(), row.table) {
            match tx
                .jobs()
                .give_up(number, self.now(), &row.to_string())
                .await
            {
                Err(error) if error.is_conflict() => {}
                given_up => given_up?,
            }
            let text = format!("job {number}: {row}");
            tx.log()
                .append(self.record("job.failed", About::default(), text))?;
        }
        tx.commit().await?;
        self.remember_corrupt(&[row]);
        Ok(())
    }

    async fn serve(
        &self,
        parts: &LaneParts,
        job: &Job,
        stop: &CancellationToken,
    ) -> Result<(), WatchError> {
        let cancel = stop.child_token();
        let out = Output::default();
        let desk = Desk::new(self, job, parts, &out, &cancel);
        let ended = tokio::select! {
            biased;
            ended = self.handle(&desk) => ended,
            () = self.until_lease_is_lost(job) => {
                cancel.cancel();
                return Ok(());
            }
        };
        match ended {
            Ok(()) => {
                self.lane_health().answered(&parts.lane.name, self.now());
                Ok(())
            }
            Err(JobError::NotNeeded) => self.drop_job(job).await,
            Err(JobError::Lost) => Ok(()),
            Err(error) => {
                if !error.is_cancelled() {
                    self.lane_health()
                        .failed(&parts.lane.name, self.now(), chain(&error));
                }
                self.fail_job(job, &error).await
            }
        }
    }

    /// Keeps the lease for as long as it is ours; returns when it is lost or the job was cancelled.
    async fn until_lease_is_lost(&self, job: &Job) {
        let lease = self.current().settings.asking.lease;
        loop {
            tokio::time::sleep(lease / 3).await;
            let kept = async {
                let mut tx = self.store().begin().await?;
                tx.jobs()
                    .heartbeat(job.number, self.controller(), self.now().after(lease))
                    .await?;
                tx.commit().await?;
                Ok::<_, WatchError>(())
            };
            match kept.await {
                Err(WatchError::Store(error)) if error.is_conflict() => return,
                Err(error) => {
                    tracing::warn!(job.id = %job.number, error = chain(&error), "the lease of a job could not be renewed");
                }
                Ok(()) => {}
            }
        }
    }

    async fn fail_job(&self, job: &Job, error: &JobError) -> Result<(), WatchError> {
        let asking = &self.current().settings.asking;
        let now = self.now();
        let retry = if error.is_cancelled() {
            Some(Duration::ZERO)
        } else {
            error
                .retry()
                .map(|least| pause(asking.pause, job.attempts).max(least))
        };
        let retry = retry.map(|wait| Retry {
            not_before: now.after(wait),
            max_attempts: asking.attempts,
        });
        let why = chain(error);
        let mut tx = self.store().begin().await?;
        let failed = match tx
            .jobs()
            .fail(job.number, self.controller(), now, &why, retry)
            .await
        {
            Err(error) if error.is_conflict() => return Ok(()),
            failed => failed?,
        };
        let event = if failed.state.as_str() == "failed" {
            "job.failed"
        } else {
            "job.retried"
        };
        tx.log()
            .append(self.record(event, about(job), format!("job {}: {why}", job.number)))?;
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
            let event = if job.state.as_str() == "failed" {
                "job.failed"
            } else {
                "job.retried"
            };
            let text = format!(
                "job {}: its worker was lost or its time was over",
                job.number
            );
            let record = self.record(event, about(job), text);
            tx.log()
                .append(with(record, "attempts", json!(job.attempts)))?;
        }
        tx.commit().await?;
        Ok(())
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
        let waits = [1, 2, 3, 8, 100].map(|attempts| pause(first, attempts));
        assert_eq!(waits.map(|wait| wait.as_secs()), [30, 60, 120, 3600, 3600]);
        assert_eq!(pause(first, 0), first, "a job that was never begun");
    }
}
