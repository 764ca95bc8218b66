//! Vectors of entries, made by background jobs. One job embeds what the model has not embedded, batch by batch; what is
//! done is kept, so that a job that is put back loses one batch at most. A change of the embedding model embeds
//! everything anew while the old vectors serve; they go when the new ones are complete.

use std::time::Duration;

use serde_json::json;
use watchkeeper_llm::{EmbedPurpose, LlmError};
use watchkeeper_model::{EntryNumber, HostName, JobRequest, Priority};
use watchkeeper_store::{NewJob, QueueLimits, Tx, Unembedded};

use super::shelf::SERVING_MODEL;
use crate::WatchError;
use crate::queue::{Desk, JobError};
use crate::watch::{LaneParts, Watch};

/// Entries that are embedded by one request.
const BATCH: u32 = 32;
/// Longest text that is embedded, in characters: what an entry is about stands at its beginning, and embedding models
/// read a few hundred words. The whole text is found by its words.
const EMBEDDED_CHARS: usize = 1_000;
/// What is left of a text that a model calls too long; a second refusal passes the entry over.
const SHORT_CHARS: usize = 300;
/// What any model that makes vectors takes: where this is refused, it is not the text.
const PLAIN: &str = "a disk is full";
/// After this a job that makes vectors is given up; the next change asks for another.
const DEADLINE: Duration = Duration::from_secs(24 * 3_600);

impl Watch {
    /// The model that is to embed: that of the first lane that has one.
    pub(super) fn embedding_model(&self) -> Option<String> {
        let current = self.current();
        current
            .lanes
            .iter()
            .find_map(|parts| parts.lane.embedding_model.clone())
    }

    /// Asks for a job that makes the vectors that are missing, where a lane has a model for it. The same job is asked
    /// for once.
    pub(super) async fn want_vectors(&self) -> Result<(), WatchError> {
        let Some(model) = self.embedding_model() else {
            return Ok(());
        };
        let mut tx = self.store().begin().await?;
        let (_, missing) = tx.vectors().counts(&model).await?;
        let serving = tx.meta().get(SERVING_MODEL).await?;
        if missing > 0 || serving.is_some_and(|serving| serving != model) {
            self.ask_for_vectors(&mut tx, model).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The same in a transaction in which something was taught.
    pub(super) async fn ask_for_vectors(
        &self,
        tx: &mut Tx,
        model: String,
    ) -> Result<(), WatchError> {
        let now = self.now();
        let request = JobRequest::EmbedEntries { model };
        let job = NewJob::new(request, Priority::Background, now, now.after(DEADLINE));
        match tx.jobs().enqueue(job, &QueueLimits::default()).await {
            Ok(_) => Ok(()),
            Err(watchkeeper_store::EnqueueError::Store(error)) => Err(error.into()),
            // A full queue is no reason to lose what was taught: the next change asks again.
            Err(watchkeeper_store::EnqueueError::Refused(refused)) => {
                tracing::warn!(%refused, "vectors are made later");
                Ok(())
            }
        }
    }

    /// Gives entries of what is known their vectors.
    pub(crate) async fn serve_embedding(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        let JobRequest::EmbedEntries { model } = &desk.job.request else {
            return Err(JobError::NotNeeded);
        };
        let (mut after, mut done, mut passed_over) = (EntryNumber(0), 0_usize, 0_usize);
        loop {
            if desk.cancel.is_cancelled() {
                return Err(LlmError::Cancelled.into());
            }
            let missing = self
                .store()
                .read()
                .await?
                .vectors()
                .missing(model, after, BATCH)
                .await?;
            self.remember_corrupt(&missing.corrupt);
            let Some(last) = missing.rows.last() else {
                break;
            };
            after = last.entry;
            let (may, may_not): (Vec<_>, Vec<_>) = missing
                .rows
                .into_iter()
                .partition(|entry| self.may_send_to(entry.host.as_ref(), desk.parts));
            let vectors = self.embedded(desk, model, &may).await?;
            passed_over += may_not.len() + (may.len() - vectors.len());
            done += vectors.len();
            let mut tx = self.store().begin().await?;
            tx.vectors().put(model, vectors).await?;
            if tx.meta().get(SERVING_MODEL).await?.is_none() {
                tx.meta().set(SERVING_MODEL, model).await?;
            }
            tx.commit().await?;
        }
        let mut tx = self.store().begin().await?;
        self.serve_by(&mut tx, model).await?;
        let result = json!({ "model": model, "embedded": done, "passed_over": passed_over });
        desk.complete(&mut tx, &result).await?;
        tx.commit().await?;
        Ok(())
    }

    /// From now on searches go by the vectors of this model; those of others are not needed any more.
    async fn serve_by(&self, tx: &mut Tx, model: &str) -> Result<(), WatchError> {
        // Whoever has another model configured by now asks for a job of its own.
        if self.embedding_model().is_some_and(|wanted| wanted != model) {
            return Ok(());
        }
        let before = tx.meta().get(SERVING_MODEL).await?;
        if before.as_deref() != Some(model) {
            tx.meta().set(SERVING_MODEL, model).await?;
        }
        for (other, _) in tx.vectors().models().await? {
            if other != model {
                let count = tx.vectors().forget(&other).await?;
                tracing::info!(%other, count, %model, "another model embeds what is known");
            }
        }
        Ok(())
    }

    /// The vectors of these entries. An entry that the model refuses is left out, so that it holds up no other.
    async fn embedded(
        &self,
        desk: &Desk<'_>,
        model: &str,
        entries: &[Unembedded],
    ) -> Result<Vec<(EntryNumber, watchkeeper_model::Digest, Vec<f32>)>, JobError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<String> = entries
            .iter()
            .map(|entry| passage(entry, EMBEDDED_CHARS))
            .collect();
        match desk.embed(model, EmbedPurpose::Passage, &texts).await {
            Ok(vectors) if vectors.len() == entries.len() => {
                let of =
                    |(entry, vector): (&Unembedded, Vec<f32>)| (entry.entry, entry.digest, vector);
                return Ok(entries.iter().zip(vectors).map(of).collect());
            }
            Ok(vectors) => {
                let why = format!("{} vectors came for {} texts", vectors.len(), entries.len());
                return Err(JobError::Useless { why });
            }
            Err(error) if is_about_a_text(&error) => {
                tracing::debug!(%error, "a batch was refused; its texts are tried one by one");
            }
            Err(error) => return Err(error.into()),
        }
        let mut vectors = Vec::with_capacity(entries.len());
        let mut may_be_the_model = true;
        for entry in entries {
            let short = [passage(entry, SHORT_CHARS)];
            match desk.embed(model, EmbedPurpose::Passage, &short).await {
                Ok(mut one) => {
                    may_be_the_model = false;
                    vectors.extend(one.pop().map(|vector| (entry.entry, entry.digest, vector)));
                }
                Err(error) if is_about_a_text(&error) => {
                    if std::mem::take(&mut may_be_the_model) {
                        embeds_anything(desk, model).await?;
                    }
                    tracing::warn!(entry = %entry.entry, %error, "an entry has no vector");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(vectors)
    }

    /// Whether text about a host may go to a lane.
    pub(super) fn may_send_to(&self, host: Option<&HostName>, parts: &LaneParts) -> bool {
        let groups = host
            .and_then(|host| self.fleet().entry(host))
            .map(|entry| entry.groups.clone())
            .unwrap_or_default();
        self.egress().may_send(&groups, &parts.lane).is_ok()
    }
}

/// Whether a refusal may be that of one text, so that others are taken. What is missing, forbidden or broken is so for
/// every text: one request is enough to know it.
const fn is_about_a_text(error: &LlmError) -> bool {
    match error {
        LlmError::PromptTooLong { .. } | LlmError::PromptCut { .. } | LlmError::Declined { .. } => {
            true
        }
        LlmError::Status { code, .. } => matches!(*code, 400 | 413 | 422),
        _ => false,
    }
}

/// Fails where a model makes no vectors at all.
async fn embeds_anything(desk: &Desk<'_>, model: &str) -> Result<(), JobError> {
    let plain = [PLAIN.to_owned()];
    match desk.embed(model, EmbedPurpose::Passage, &plain).await {
        Err(error) if is_about_a_text(&error) => {
            let lane = &desk.parts.lane.name;
            let why = format!("{model} makes no vectors on lane {lane}: {error}");
            Err(JobError::Impossible { why })
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// What of an entry is embedded.
fn passage(entry: &Unembedded, most: usize) -> String {
    format!("{}\n{}", entry.title, entry.text)
        .chars()
        .take(most)
        .collect()
}
