//! Which handler serves which kind of job. A handler ends with [`Desk::complete`] in its own last transaction.

use watchkeeper_model::JobRequest;

use crate::queue::{Desk, JobError};
use crate::watch::Watch;

impl Watch {
    /// Serves a job at its desk.
    pub(crate) async fn handle(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        match &desk.job.request {
            JobRequest::DiagnoseFinding { host, .. } => {
                // Those alike on other hosts share the set of lanes, as far as this process knew when they were queued.
                self.may_leave([host], &desk.parts.lane)?;
                self.serve_diagnosis(desk).await
            }
            JobRequest::AnswerPerson { .. } => self.serve_answer(desk).await,
            JobRequest::LearnFromAction { .. } => self.serve_learning(desk).await,
            JobRequest::EmbedEntries { .. } => self.serve_embedding(desk).await,
        }
    }

    /// Answers what a person said in a conversation.
    pub(crate) async fn serve_answer(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        Err(not_yet(desk))
    }

    /// Writes down what an action has taught.
    pub(crate) async fn serve_learning(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        Err(not_yet(desk))
    }

    /// Gives entries of what is known their vectors.
    pub(crate) async fn serve_embedding(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        Err(not_yet(desk))
    }
}

fn not_yet(desk: &Desk<'_>) -> JobError {
    JobError::NotYet {
        kind: desk.job.request.kind(),
    }
}
