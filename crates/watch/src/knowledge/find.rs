//! Finding what is known: by words always, by meaning where a lane answers in time, fused by rank.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use watchkeeper_knowledge::{Audience, Filter, FoundBy, fuse};
use watchkeeper_llm::{EmbedPurpose, Lane};
use watchkeeper_model::{Collection, Entry, EntryNumber, HostName, Timestamp};

use super::shelf::Serving;
use crate::WatchError;
use crate::watch::{LaneParts, Watch};

/// Most entries that one search finds.
const MAX_FOUND: usize = 100;
/// How many entries each search brings to the fusion, at least.
const CANDIDATES: usize = 50;
/// Longest question, in characters; what is longer is a text, and its beginning is asked for.
const MAX_QUESTION_CHARS: usize = 4_000;
/// How long no meaning is asked for after a lane has failed: a search must not wait for it every time.
pub(super) const DEAF_FOR: Duration = Duration::from_secs(30);

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub struct KnownQuery {
    /// The question, in any words.
    pub text: String,
    /// In one of these collections; none: in all.
    pub collections: Vec<Collection>,
    /// Of one of these kinds; none: of any.
    pub kinds: Vec<String>,
    /// With all of these labels.
    pub labels: Vec<String>,
    /// About this host.
    pub host: Option<HostName>,
    /// Whose question it is. For a model it is the hosts that are looked into, and only what may speak for one of them is
    /// found; for a person everything is, with where it comes from.
    pub audience: Audience,
    /// At most so many; 0: ten.
    pub limit: usize,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// The entry as it stands in the store.
    pub entry: Entry,
    /// How well it fits; only the order means anything.
    pub score: f64,
    /// How it was found.
    pub by: FoundBy,
}

impl Watch {
    /// What is known about something, the best first. What a model is shown is to be counted by [`Self::was_shown`].
    ///
    /// # Errors
    /// When the store does not answer. A model that does not answer is no error.
    pub async fn known(&self, query: &KnownQuery) -> Result<Vec<Found>, WatchError> {
        let limit = if query.limit == 0 {
            10
        } else {
            query.limit.min(MAX_FOUND)
        };
        let serving = self.catch_up().await?;
        let is_behind = self.embedding_model().is_some_and(|wanted| {
            serving
                .as_ref()
                .is_none_or(|serving| serving.model != wanted)
        });
        if is_behind {
            // A model was configured after the entries were taught, or another one.
            self.something_was_taught().await;
        }
        let filter = Filter {
            collections: query.collections.clone(),
            kinds: query.kinds.clone(),
            labels: query.labels.clone(),
            host: query.host.clone(),
            audience: query.audience.clone(),
            at: self.now(),
        };
        let question: String = query.text.chars().take(MAX_QUESTION_CHARS).collect();
        let depth = CANDIDATES.max(2 * limit);
        let lexical: Vec<EntryNumber> = {
            let index = self.shelf().index();
            let ranked = index.search(&question, &filter, depth);
            ranked.iter().map(|ranked| ranked.number).collect()
        };
        let dense = match serving {
            Some(serving) => self.near(&serving, &question, &filter, depth).await,
            None => Vec::new(),
        };
        let fused = fuse(&lexical, &dense, depth);
        let numbers: Vec<EntryNumber> = fused.iter().map(|fused| fused.number).collect();
        let mut stored = self.as_stored(&numbers, &filter).await?;
        let found = fused.iter().filter_map(|fused| {
            Some(Found {
                entry: stored.remove(&fused.number)?,
                score: fused.score,
                by: fused.by,
            })
        });
        Ok(found.take(limit).collect())
    }

    /// Counts that entries were shown to a model.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn was_shown(&self, numbers: &[EntryNumber]) -> Result<(), WatchError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        tx.entries().used(numbers).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Entries as the store has them now. The filter is asked once more, of the store's own words: an index, here or on a
    /// server, may be behind, and an entry that lost a person's word must not speak.
    async fn as_stored(
        &self,
        numbers: &[EntryNumber],
        filter: &Filter,
    ) -> Result<HashMap<EntryNumber, Entry>, WatchError> {
        let mut read = self.store().read().await?;
        let listed = read.entries().many(numbers).await?;
        self.remember_corrupt(&listed.corrupt);
        let entries = listed.rows.into_iter().map(|stored| stored.entry);
        Ok(entries
            .filter(|entry| filter.admits(&entry.into()))
            .map(|entry| (entry.number, entry))
            .collect())
    }

    /// The nearest by meaning; none where that cannot be said in time.
    async fn near(
        &self,
        serving: &Serving,
        question: &str,
        filter: &Filter,
        depth: usize,
    ) -> Vec<EntryNumber> {
        let now = self.now();
        if self.deaf_until().is_some_and(|until| until > now) {
            return Vec::new();
        }
        let patience = self.current().settings.knowledge.patience;
        let asked = async {
            let meaning = self.meaning(&serving.model, question, filter).await?;
            let near = serving
                .vectors
                .search(&serving.model, &meaning, filter, depth)
                .await;
            near.map_err(|error| tracing::warn!(%error, "searched by words alone"))
                .ok()
        };
        let Ok(Some(near)) = tokio::time::timeout(patience, asked).await else {
            self.is_deaf_until(now.after(DEAF_FOR));
            return Vec::new();
        };
        near.iter().map(|near| near.number).collect()
    }

    /// The vector of a question.
    /// A question may hold what hosts said, so it goes only to a lane that may have their text.
    async fn meaning(&self, model: &str, question: &str, filter: &Filter) -> Option<Vec<f32>> {
        let current = self.current();
        // While entries get vectors of another model, the old one is served still, by the same servers.
        let embeds = |parts: &&LaneParts| parts.lane.embedding_model.is_some();
        let mut may = current.lanes.iter().filter(embeds);
        let parts = may.find(|parts| self.may_have(&parts.lane, filter))?;
        let texts = [question.to_owned()];
        let cancel = CancellationToken::new();
        let embedded = parts
            .provider
            .embed(model, EmbedPurpose::Query, &texts, &cancel)
            .await;
        match embedded {
            Ok(mut vectors) => vectors.pop(),
            Err(error) => {
                tracing::debug!(lane = %parts.lane.name, %error, "a question was not embedded");
                None
            }
        }
    }

    /// Whether a question may go to a lane: of a person about no host in particular, to any that may have every host's.
    fn may_have(&self, lane: &Lane, filter: &Filter) -> bool {
        let hosts: Vec<HostName> = match &filter.audience {
            Audience::Hosts(hosts) => hosts.clone(),
            Audience::Person => self.fleet().hosts(),
        };
        self.may_leave(&hosts, lane).is_ok()
    }

    pub(super) fn deaf_until(&self) -> Option<Timestamp> {
        *self
            .shelf()
            .deaf_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn is_deaf_until(&self, until: Timestamp) {
        *self
            .shelf()
            .deaf_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(until);
    }
}
