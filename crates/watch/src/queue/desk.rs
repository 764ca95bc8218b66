//! The desk that a worker sits down at with one job: what the handler of the job is given, and all that it may use of
//! the queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{ChatEvent, ChatRequest, EmbedPurpose, LlmError, Reply};
use watchkeeper_model::{About, Job};
use watchkeeper_store::{Tx, Used};

use crate::WatchError;
use crate::cycle::chain;
use crate::queue::{JobError, Output};
use crate::watch::{LaneParts, Watch};

/// The pause between two tries of what the store did not take.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Which of a lane's models is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelRole {
    /// The one that answers.
    Main,
    /// The small one that decides whether the main one is needed.
    Triage,
    /// The one that gives a second opinion.
    Critic,
}

/// What the answers of one job took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// The model that was asked last.
    pub(crate) model: String,
    /// Tokens of all prompts.
    pub(crate) prompt_tokens: u64,
    /// Tokens of all answers.
    pub(crate) output_tokens: u64,
    /// The time it took to write them, in milliseconds.
    pub(crate) output_ms: u64,
}

impl Spent {
    fn add(&mut self, model: &str, reply: &Reply) {
        let done = &reply.done;
        model.clone_into(&mut self.model);
        self.prompt_tokens += done.prompt_tokens.unwrap_or(reply.estimated_prompt_tokens);
        self.output_tokens += done.output_tokens.unwrap_or_default();
        self.output_ms += u64::try_from(done.times.output.as_millis()).unwrap_or(u64::MAX);
    }
}

/// What the handler of a job is given.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    /// The job.
    pub(crate) job: &'a Job,
    /// The lane that it is served on.
    pub(crate) parts: &'a LaneParts,
    /// Where what is said goes.
    pub(crate) out: &'a Output,
    /// Cancelled when the job is to be left: somebody more urgent waits, it was cancelled, its lease was lost, the
    /// watch stops. A handler then returns soon; what it returns does not count.
    pub(crate) cancel: &'a CancellationToken,
    watch: &'a Watch,
    spent: Mutex<Spent>,
    complete: AtomicBool,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        watch: &'a Watch,
        job: &'a Job,
        parts: &'a LaneParts,
        out: &'a Output,
        cancel: &'a CancellationToken,
    ) -> Self {
        Self {
            job,
            parts,
            out,
            cancel,
            watch,
            spent: Mutex::default(),
            complete: AtomicBool::new(false),
        }
    }

    /// Asks the model; what it says is heard by whoever follows the job.
    pub(crate) async fn ask(&self, request: &ChatRequest) -> Result<Reply, LlmError> {
        self.ask_and(request, &mut |event| match event {
            ChatEvent::Token(text) => self.out.token(&text),
            ChatEvent::Thinking(text) => self.out.thinking(&text),
            ChatEvent::ToolCall(_) | ChatEvent::Done(_) => {}
        })
        .await
    }

    /// Asks the model; nobody hears it.
    pub(crate) async fn ask_quietly(&self, request: &ChatRequest) -> Result<Reply, LlmError> {
        self.ask_and(request, &mut |_| ()).await
    }

    async fn ask_and(
        &self,
        request: &ChatRequest,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
    ) -> Result<Reply, LlmError> {
        let provider = &self.parts.provider;
        let answer = provider.chat(request, on_event, self.cancel).await;
        let reply = self.heard(&request.model, answer)?;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.add(&request.model, &reply);
        Ok(reply)
    }

    /// The vectors of texts, by the lane's embedding model.
    pub(crate) async fn embed(
        &self,
        model: &str,
        purpose: EmbedPurpose,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, LlmError> {
        let provider = &self.parts.provider;
        let answer = provider.embed(model, purpose, texts, self.cancel).await;
        self.heard(model, answer)
    }

    /// What a lane's model answered tells how it fares.
    fn heard<T>(&self, model: &str, answer: Result<T, LlmError>) -> Result<T, LlmError> {
        let (book, lane, now) = (self.watch.lane_book(), &self.parts.lane, self.watch.now());
        match &answer {
            Ok(_) => book.answered(lane, model, now),
            Err(error) => book.refused(lane, model, error, now),
        }
        answer
    }

    /// The lane's model for this; where it has none of its own, the one that answers.
    pub(crate) fn model(&self, role: ModelRole) -> &str {
        let lane = &self.parts.lane;
        let own = match role {
            ModelRole::Main => None,
            ModelRole::Triage => lane.triage_model.as_deref(),
            ModelRole::Critic => lane.critic_model.as_deref(),
        };
        own.unwrap_or(&lane.model)
    }

    /// What has been spent so far.
    pub(crate) fn spent(&self) -> Spent {
        self.spent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps what whoever takes the job up again need not do again; waits for a store that does not answer.
    pub(crate) async fn checkpoint(&self, progress: &Value) -> Result<(), JobError> {
        self.keep_trying(|| self.keep_progress(progress)).await
    }

    async fn keep_progress(&self, progress: &Value) -> Result<(), JobError> {
        let (watch, number) = (self.watch, self.job.number);
        let mut tx = watch.store().begin().await?;
        let kept = tx
            .jobs()
            .set_progress(number, watch.controller(), progress)
            .await;
        match kept {
            Err(error) if error.is_conflict() => return Err(JobError::Lost),
            kept => kept?,
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was kept by whoever had the job before.
    pub(crate) async fn progress(&self) -> Result<Option<Value>, JobError> {
        let mut read = self.watch.store().read().await?;
        Ok(read.jobs().progress(self.job.number).await?)
    }

    /// Ends the job with its result, in the handler's own last transaction, and says so in the log. What was said up
    /// to here is written with it, so that nobody who follows sees the end before it.
    pub(crate) async fn complete(&self, tx: &mut Tx, result: &Value) -> Result<(), JobError> {
        let (watch, number, spent) = (self.watch, self.job.number, self.spent());
        let count = |count: u64| i64::try_from(count).ok();
        let used = Used {
            model: Some(spent.model).filter(|model| !model.is_empty()),
            prompt_tokens: count(spent.prompt_tokens),
            output_tokens: count(spent.output_tokens),
            output_ms: count(spent.output_ms),
        };
        tx.jobs().say(number, &self.out.unwritten()).await?;
        let completed = tx
            .jobs()
            .complete(number, watch.controller(), watch.now(), result, &used)
            .await;
        match completed {
            Err(error) if error.is_conflict() => return Err(JobError::Lost),
            completed => completed?,
        }
        let text = format!("job {number}: {} answered", self.parts.lane.model);
        tx.log()
            .append(watch.record("job.done", about(self.job), text))?;
        self.complete.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether [`Self::complete`] was called.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    /// Does the last thing of a job again for as long as the store does not answer, and the lease may be ours: an
    /// answer that took minutes is not thrown away because a database was restarted.
    pub(crate) async fn keep_trying<T, F>(
        &self,
        mut attempt: impl FnMut() -> F + Send,
    ) -> Result<T, JobError>
    where
        F: Future<Output = Result<T, JobError>> + Send,
    {
        let (begun, lease) = (Instant::now(), self.watch.current().settings.asking.lease);
        loop {
            match attempt().await {
                Err(JobError::Watch(WatchError::Store(error)))
                    if error.retryable() && begun.elapsed() < lease =>
                {
                    let error = chain(&error);
                    tracing::warn!(job.id = %self.job.number, error, "an answer could not be stored; it is tried again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                other => return other,
            }
        }
    }
}

/// What a job is about, for the log.
pub(crate) fn about(job: &Job) -> About {
    About {
        host: job.request.host().cloned(),
        issue: job.request.issue(),
        ..About::default()
    }
}
