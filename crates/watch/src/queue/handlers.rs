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
            JobRequest::LearnFromAction { action } => self.learn_in_words(desk, *action).await,
            JobRequest::EmbedEntries { .. } => self.serve_embedding(desk).await,
        }
    }
}
