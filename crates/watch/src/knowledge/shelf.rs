//! The index of all entries in this process, and how it catches up with the store.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use watchkeeper_knowledge::{Exact, Index, Point, VectorStore};
use watchkeeper_model::{EntryNumber, Timestamp};
use watchkeeper_store::{EntryChanges, Read, StoredVector};

use super::find::DEAF_FOR;
use crate::WatchError;
use crate::learn::HostsKnown;
use crate::watch::Watch;

/// The key in the store's own values under which stands whose vectors serve.
pub(super) const SERVING_MODEL: &str = "knowledge.model";
/// The key under which stands where they are searched: `embedded` or `qdrant`.
pub(super) const SERVING_PLACE: &str = "knowledge.place";

/// How long one search waits for the vector server to be brought up to date.
const FILLED_WITHIN: Duration = Duration::from_secs(5);

/// The index of all entries in this process.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    index: Arc<RwLock<Index>>,
    exact: Arc<Exact>,
    server: RwLock<Option<Arc<dyn VectorStore>>>,
    /// Held while the index is brought up to date, so that one does it and the others wait for it.
    catching_up: tokio::sync::Mutex<CaughtUp>,
    /// Until then no meaning of a question is asked for: a lane failed.
    pub(super) deaf_until: Mutex<Option<Timestamp>>,
    hosts_known: HostsKnown,
}

/// Up to where the index tells.
#[derive(Debug, Default)]
struct CaughtUp {
    version: i64,
    /// The model whose vectors are in memory, and the last of them.
    vectors: Option<(String, (i64, EntryNumber))>,
}

/// Which vectors a search goes by.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    /// The model that made them.
    pub(super) model: String,
    /// What finds the nearest.
    pub(super) vectors: Arc<dyn VectorStore>,
}

impl Shelf {
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which hosts' entries were made sure of.
    pub(crate) const fn hosts_known(&self) -> &HostsKnown {
        &self.hosts_known
    }

    /// The Qdrant server, where one is configured.
    pub(super) fn server(&self) -> Option<Arc<dyn VectorStore>> {
        self.server
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn use_server(&self, server: Option<Arc<dyn VectorStore>>) {
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = server;
    }
}

impl Watch {
    /// Brings the index up to what the store holds now, and says which vectors serve; none where nothing is embedded.
    pub(super) async fn catch_up(&self) -> Result<Option<Serving>, WatchError> {
        let shelf = self.shelf();
        let mut caught_up = shelf.catching_up.lock().await;
        let mut read = self.store().read().await?;
        let model = read.meta().get(SERVING_MODEL).await?;
        let is_on_server = read.meta().get(SERVING_PLACE).await?.as_deref() == Some("qdrant");
        let newest = read.entries().version().await?;
        let changed = newest != caught_up.version;
        if changed {
            self.catch_up_entries(&mut read, &mut caught_up).await?;
            // Entries and vectors share their versions, and both are read at this one moment.
            caught_up.version = newest;
        }
        let Some(model) = model else {
            return Ok(None);
        };
        if is_on_server && let Some(vectors) = shelf.server() {
            drop(read);
            if let Some((of, _)) = caught_up.vectors.take() {
                let _ = shelf.exact.forget(&of).await;
            }
            if changed && !self.bring_server_up(vectors.as_ref(), &model).await {
                // It may be back soon; until then it finds what it has.
                caught_up.version = newest - 1;
            }
            return Ok(Some(Serving { model, vectors }));
        }
        let is_other = caught_up
            .vectors
            .as_ref()
            .is_none_or(|(of, _)| *of != model);
        if changed || is_other {
            self.catch_up_vectors(&mut read, &mut caught_up, &model)
                .await?;
        }
        let vectors = Arc::clone(&shelf.exact) as Arc<dyn VectorStore>;
        Ok(Some(Serving { model, vectors }))
    }

    /// Sends the vector server what it has not; says whether it has all now. A search does not wait long for it, and not
    /// again at once where it did not answer.
    async fn bring_server_up(&self, server: &dyn VectorStore, model: &str) -> bool {
        let now = self.now();
        if self.deaf_until().is_some_and(|until| until > now) {
            return false;
        }
        let brought = self.keep_in_step(server, model);
        match tokio::time::timeout(FILLED_WITHIN, brought).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::warn!(%error, "the vector server is behind"),
            // What was sent so far is kept: a later search goes on from there.
            Err(_) => tracing::warn!("the vector server takes its time; it is behind"),
        }
        self.is_deaf_until(now.after(DEAF_FOR));
        false
    }

    async fn catch_up_entries(
        &self,
        read: &mut Read,
        caught_up: &mut CaughtUp,
    ) -> Result<(), WatchError> {
        loop {
            let changes = read.entries().changed_since(caught_up.version).await?;
            self.remember_corrupt(&changes.corrupt);
            if changes.version == caught_up.version {
                return Ok(());
            }
            caught_up.version = changes.version;
            let shelf = self.shelf();
            // What is not there is no error, and in memory there is no other.
            let _ = shelf.exact.remove(&changes.removed).await;
            let (index, exact) = (Arc::clone(&shelf.index), Arc::clone(&shelf.exact));
            let applied =
                tokio::task::spawn_blocking(move || apply(&index, &exact, &changes)).await;
            applied.expect("indexing text does not panic");
        }
    }

    async fn catch_up_vectors(
        &self,
        read: &mut Read,
        caught_up: &mut CaughtUp,
        model: &str,
    ) -> Result<(), WatchError> {
        let shelf = self.shelf();
        let mut place = match caught_up.vectors.take() {
            Some((of, place)) if of == model => place,
            Some((of, _)) => {
                let _ = shelf.exact.forget(&of).await;
                (0, EntryNumber(0))
            }
            None => (0, EntryNumber(0)),
        };
        loop {
            let vectors = read.vectors().since(model, place).await?;
            self.remember_corrupt(&vectors.corrupt);
            let Some(last) = vectors.rows.last() else {
                break;
            };
            place = (last.version, last.entry);
            for point in self.points(vectors.rows) {
                let number = point.card.number;
                if let Err(error) = shelf.exact.upsert(model, vec![point]).await {
                    tracing::warn!(entry = %number, %error, "a vector was passed over");
                }
            }
        }
        caught_up.vectors = Some((model.to_owned(), place));
        Ok(())
    }

    /// Vectors with the cards of their entries; one whose entry is gone is left out.
    pub(super) fn points(&self, vectors: Vec<StoredVector>) -> Vec<Point> {
        let index = self.shelf().index();
        let point = |stored: StoredVector| {
            Some(Point {
                card: index.card(stored.entry)?,
                vector: stored.vector,
            })
        };
        vectors.into_iter().filter_map(point).collect()
    }
}

fn apply(index: &RwLock<Index>, exact: &Exact, changes: &EntryChanges) {
    let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
    for stored in &changes.changed {
        index.put(&stored.entry);
        if let Some(card) = index.card(stored.entry.number) {
            exact.relabel(&card);
        }
    }
    for number in &changes.removed {
        index.remove(*number);
    }
}
