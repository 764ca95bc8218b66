//! The queue of questions to a model: a worker leases a job, asks, and takes the answer. What the model says is a
//! diagnosis and a proposal, which takes the one way through `actions`; what cannot be used is a failed job with its
//! reason, and never an action.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_agent::{
    Attempt, Boundary, DiagnoseFinding, HostTraits, ModelReply, Prompt, PromptError, Prompts,
    ReplyRefused, SystemContext, parse_reply, reply_schema,
};
use watchkeeper_health::Facts;
use watchkeeper_llm::{LlmError, Message, Reply};
use watchkeeper_model::{
    About, Finding, Fingerprint, HostName, IssueNumber, Job, JobNumber, JobRequest, Step,
};
use watchkeeper_store::{ActionFilter, CorruptRow, Retry, StoreError};

use crate::WatchError;
use crate::cycle::chain;
use crate::diagnose::runbook_traits;
use crate::tracking::Memory;
use crate::watch::{LaneParts, Watch, with};

/// Earlier attempts that a model is told of.
const ATTEMPTS_TOLD: u32 = 5;
/// The longest pause between two tries of a job.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Why a try at a job did not succeed.
#[derive(Debug, thiserror::Error)]
enum TryError {
    #[error("the model was not asked")]
    Prompt(#[from] PromptError),
    #[error("the model did not answer")]
    Llm(#[from] LlmError),
    #[error("the model's answer cannot be used")]
    Reply(#[from] ReplyRefused),
}

impl TryError {
    /// When another try may help, and how long to wait at least; none when none helps.
    fn retry(&self) -> Option<Duration> {
        match self {
            Self::Prompt(_) => None,
            Self::Llm(error) if error.retryable() => Some(error.retry_after().unwrap_or_default()),
            Self::Llm(_) => None,
            // A model is asked anew: it does not say the same thing twice.
            Self::Reply(_) => Some(Duration::ZERO),
        }
    }
}

/// A question that still makes sense.
struct Question {
    finding: Finding,
    issue: IssueNumber,
    traits: HostTraits,
    attempts: Vec<Attempt>,
}

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
        let job = match tx.jobs().claim(self.controller(), self.now(), lease).await {
            Err(StoreError::CorruptRow(row)) => {
                drop(tx);
                return self.give_up_unread(row).await.map(|()| true);
            }
            claimed => claimed?,
        };
        tx.commit().await?;
        let Some(job) = job else { return Ok(false) };
        let JobRequest::DiagnoseFinding {
            host,
            issue,
            fingerprint,
        } = &job.request
        else {
            self.drop_job(&job).await?;
            return Ok(true);
        };
        match self.question(host, *issue, *fingerprint).await? {
            Some(question) => self.serve(parts, &job, &question, stop).await?,
            None => self.drop_job(&job).await?,
        }
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

    async fn question(
        &self,
        host: &HostName,
        issue: IssueNumber,
        fingerprint: Fingerprint,
    ) -> Result<Option<Question>, WatchError> {
        let mut read = self.store().read().await?;
        let active = read
            .issues()
            .get(issue)
            .await?
            .is_some_and(|issue| issue.state.is_active());
        let finding = read
            .findings()
            .get(fingerprint)
            .await?
            .filter(|row| row.firing)
            .and_then(|row| row.finding);
        let (Some(finding), true) = (finding, active) else {
            return Ok(None);
        };
        let facts = read.observations().latest(host).await?;
        let facts = facts.and_then(|seen| serde_json::from_value::<Facts>(seen.body).ok());
        let filter = ActionFilter {
            fingerprint: Some(fingerprint),
            ..ActionFilter::default()
        };
        let actions = read.actions().list(&filter, ATTEMPTS_TOLD).await?;
        let attempt = |action: &watchkeeper_model::Action| {
            let steps: Vec<Step> = action
                .plan
                .steps
                .iter()
                .map(|planned| planned.step.clone())
                .collect();
            let outcome = match &action.state {
                watchkeeper_model::ActionState::Rejected { reason, .. } => {
                    format!("rejected: {reason}")
                }
                state => state.as_str().to_owned(),
            };
            Attempt::new(action.number, &steps, &outcome)
        };
        let attempts = actions.rows.iter().rev().map(attempt).collect();
        let traits = facts.as_ref().map(runbook_traits).unwrap_or_default();
        Ok(Some(Question {
            finding,
            issue,
            traits,
            attempts,
        }))
    }

    async fn serve(
        &self,
        parts: &LaneParts,
        job: &Job,
        question: &Question,
        stop: &CancellationToken,
    ) -> Result<(), WatchError> {
        let cancel = stop.child_token();
        let asked = tokio::select! {
            biased;
            asked = self.ask_lane(parts, question, &cancel) => asked,
            () = self.until_lease_is_lost(job) => {
                cancel.cancel();
                return Ok(());
            }
        };
        let now = self.now();
        match asked {
            Ok(reply) => {
                self.lane_health().answered(&parts.lane.name, now);
                self.take_reply(parts, job, question, reply).await
            }
            Err(error) => {
                let stopped = matches!(error, TryError::Llm(LlmError::Cancelled));
                if !stopped {
                    self.lane_health()
                        .failed(&parts.lane.name, now, chain(&error));
                }
                self.fail_job(job, question, &error, stopped).await
            }
        }
    }

    async fn ask_lane(
        &self,
        parts: &LaneParts,
        question: &Question,
        cancel: &CancellationToken,
    ) -> Result<ModelReply, TryError> {
        let prompt = self.prompt(question)?;
        let mut request = parts.lane.request(vec![
            Message::system(prompt.system),
            Message::user(prompt.user),
        ]);
        request.schema = Some(reply_schema());
        let reply: Reply = parts.provider.chat(&request, &mut |_| (), cancel).await?;
        Ok(parse_reply(
            &reply.text,
            &question.finding,
            &parts.lane.model,
        )?)
    }

    fn prompt(&self, question: &Question) -> Result<Prompt, PromptError> {
        let system = SystemContext {
            name: self.current().settings.name.clone(),
        };
        let boundary = Boundary::from_random(self.chance().bytes());
        let asked = DiagnoseFinding::new(
            &question.finding,
            &question.traits,
            &question.attempts,
            boundary,
        );
        Prompts::shipped().diagnose_finding(&system, &asked)
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

    async fn take_reply(
        &self,
        parts: &LaneParts,
        job: &Job,
        question: &Question,
        reply: ModelReply,
    ) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        let result = json!({ "model": parts.lane.model, "diagnosis": reply.diagnosis, "evidence": reply.evidence });
        match tx
            .jobs()
            .complete(job.number, self.controller(), self.now(), &result)
            .await
        {
            Err(error) if error.is_conflict() => return Ok(()),
            completed => completed?,
        }
        let about = self.about_job(question);
        tx.log().append(self.record(
            "job.done",
            about,
            format!("job {}: {} answered", job.number, parts.lane.model),
        ))?;
        let (finding, issue) = (&question.finding, question.issue);
        let row = tx.findings().get(finding.fingerprint()).await?;
        if let Some(mut row) = row.filter(|row| row.firing) {
            let mut memory: Memory = serde_json::from_value(row.memory).unwrap_or_default();
            self.take_diagnosis(
                &mut tx,
                &mut memory,
                finding,
                issue,
                reply.diagnosis,
                reply.opinion,
            )
            .await?;
            row.memory = serde_json::to_value(&memory).unwrap_or_default();
            tx.findings().upsert(&[row]).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn fail_job(
        &self,
        job: &Job,
        question: &Question,
        error: &TryError,
        stopped: bool,
    ) -> Result<(), WatchError> {
        let asking = &self.current().settings.asking;
        let now = self.now();
        let retry = if stopped {
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
        tx.log().append(self.record(
            event,
            self.about_job(question),
            format!("job {}: {why}", job.number),
        ))?;
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
            let about = About {
                host: job.request.host().cloned(),
                issue: job.request.issue(),
                ..About::default()
            };
            let event = if job.state.as_str() == "failed" {
                "job.failed"
            } else {
                "job.retried"
            };
            let record = self.record(
                event,
                about,
                format!(
                    "job {}: its worker was lost or its time was over",
                    job.number
                ),
            );
            tx.log()
                .append(with(record, "attempts", json!(job.attempts)))?;
        }
        tx.commit().await?;
        Ok(())
    }

    fn about_job(&self, question: &Question) -> About {
        About {
            host: Some(question.finding.host.clone()),
            issue: Some(question.issue),
            ..About::default()
        }
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
    }
}
