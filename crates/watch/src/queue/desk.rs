//! The desk that a worker sits down at with one job: what the handler of the job is given, and all that it may use of
//! the queue.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{ChatEvent, ChatRequest, LlmError, Reply};
use watchkeeper_model::{About, Job};
use watchkeeper_store::{Tx, Used};

use crate::queue::{JobError, Output};
use crate::watch::{LaneParts, Watch};

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

/// What an answer took.
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
    progress: Mutex<Option<Value>>,
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
            progress: Mutex::default(),
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
        let reply = self
            .parts
            .provider
            .chat(request, on_event, self.cancel)
            .await?;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.model.clone_from(&request.model);
        spent.prompt_tokens += reply
            .done
            .prompt_tokens
            .unwrap_or(reply.estimated_prompt_tokens);
        spent.output_tokens += reply.done.output_tokens.unwrap_or_default();
        spent.output_ms += u64::try_from(reply.done.times.output.as_millis()).unwrap_or(u64::MAX);
        Ok(reply)
    }

    /// The lane's model for this.
    pub(crate) fn model(&self, role: ModelRole) -> &str {
        match role {
            ModelRole::Main | ModelRole::Triage | ModelRole::Critic => &self.parts.lane.model,
        }
    }

    /// What has been spent so far.
    pub(crate) fn spent(&self) -> Spent {
        self.spent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps what whoever takes the job up again need not do again.
    pub(crate) async fn checkpoint(&self, progress: &Value) -> Result<(), JobError> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress.clone());
        Ok(())
    }

    /// What was kept by whoever had the job before.
    pub(crate) async fn progress(&self) -> Result<Option<Value>, JobError> {
        Ok(self
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    /// Ends the job with its result, in the handler's own last transaction, and says so in the log.
    pub(crate) async fn complete(&self, tx: &mut Tx, result: &Value) -> Result<(), JobError> {
        let (watch, number) = (self.watch, self.job.number);
        let completed = tx
            .jobs()
            .complete(
                number,
                watch.controller(),
                watch.now(),
                result,
                &Used::default(),
            )
            .await;
        match completed {
            Err(error) if error.is_conflict() => return Err(JobError::Lost),
            completed => completed?,
        }
        let text = format!("job {number}: {} answered", self.parts.lane.model);
        tx.log()
            .append(watch.record("job.done", about(self.job), text))?;
        Ok(())
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
