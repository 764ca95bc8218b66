//! Keeping a Qdrant server in step with the store, and moving between it and the memory of this process. The rows of
//! the store stay the truth: the server gets copies, so that moving back needs nothing from it. Up to where it has
//! them stands in the store, so that of several controllers each goes on where the last one stopped; what two send
//! twice is the same.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchkeeper_knowledge::{Exact, Point, VectorError, VectorStore};
use watchkeeper_model::{About, DigestWriter, EntryNumber, Person};
use watchkeeper_store::{EntryChanges, StoredVector};

use super::shelf::{SERVING_MODEL, SERVING_PLACE};
use crate::WatchError;
use crate::watch::Watch;

/// The key under which stands what the server has.
const CURSOR: &str = "knowledge.server";
/// Entries that are compared after a move, of each copy.
const SAMPLE: usize = 200;
/// How far two copies of a vector may lie apart: rounding, nothing more.
const SAME: f32 = 0.999_9;

/// Where vectors are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorPlace {
    /// In the memory of each controller.
    Embedded,
    /// On the Qdrant server.
    Qdrant,
}

impl VectorPlace {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Qdrant => "qdrant",
        }
    }
}

/// What a move did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Where vectors are searched now.
    pub to: VectorPlace,
    /// Whose vectors; none: nothing is embedded yet.
    pub model: Option<String>,
    /// How many there are, counted on both sides.
    pub vectors: u64,
    /// How many were compared number by number.
    pub compared: usize,
}

/// Whether it is kept in the store up to where a place was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steps {
    /// It is, page by page.
    Kept,
    /// The place lasts no longer than this.
    Forgotten,
}

/// Up to where the server has what the store has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// Which server, as a digest of where it is: another one has nothing of it.
    #[serde(default)]
    server: String,
    model: String,
    entries: i64,
    /// Version and number.
    vectors: (i64, i64),
}

impl Watch {
    /// Says which Qdrant server there is; none takes it away.
    pub fn use_vector_server(&self, server: Option<Arc<dyn VectorStore>>) {
        self.shelf().use_server(server);
    }

    /// Moves the search of vectors to another place: fills it, compares counts and a sample, and only then goes by it.
    ///
    /// # Errors
    /// Says what differs or why the server cannot be used; then everything stays where it was.
    pub async fn move_vectors(&self, person: Person, to: VectorPlace) -> Result<Moved, WatchError> {
        self.catch_up().await?;
        let model = self.store().read().await?.meta().get(SERVING_MODEL).await?;
        let mut moved = Moved {
            to,
            model: model.clone(),
            vectors: 0,
            compared: 0,
        };
        if to == VectorPlace::Qdrant {
            let server = self.shelf().server().ok_or_else(|| {
                WatchError::invalid(
                    "no Qdrant server is configured: set knowledge.qdrant to its address",
                )
            })?;
            if let Some(model) = &model {
                // What an earlier stay there left behind must not be counted.
                server.forget(model).await.map_err(refused)?;
                let version = self.store().read().await?.entries().version().await?;
                let cursor = Cursor {
                    server: whereabouts(server.as_ref()),
                    model: model.clone(),
                    entries: version,
                    vectors: (0, 0),
                };
                self.bring_up(server.as_ref(), cursor, Steps::Kept).await?;
                self.compare(server.as_ref(), model, &mut moved).await?;
            } else {
                server.models().await.map_err(refused)?;
            }
        } else if let Some(model) = &model {
            let memory = Exact::default();
            let cursor = Cursor {
                server: String::new(),
                model: model.clone(),
                entries: i64::MAX,
                vectors: (0, 0),
            };
            self.bring_up(&memory, cursor, Steps::Forgotten).await?;
            self.compare(&memory, model, &mut moved).await?;
        }
        let mut tx = self.store().begin().await?;
        tx.meta().set(SERVING_PLACE, to.as_str()).await?;
        let text = format!("{} vectors are searched {}", moved.vectors, to.as_str());
        let record = self.record_by(person, "knowledge.moved", About::default(), text);
        tx.log().append(record)?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Sends the server what it has not. It may be dropped at any moment: what was sent stands in the store page by page.
    pub(super) async fn keep_in_step(
        &self,
        server: &dyn VectorStore,
        model: &str,
    ) -> Result<(), WatchError> {
        let mut read = self.store().read().await?;
        let kept = read.meta().get(CURSOR).await?;
        let newest = read.entries().version().await?;
        drop(read);
        let kept: Cursor = kept
            .and_then(|kept| serde_json::from_str(&kept).ok())
            .unwrap_or_default();
        let here = whereabouts(server);
        let is_of_it = kept.model == model && kept.server == here;
        if is_of_it && kept.entries == newest {
            return Ok(());
        }
        let from = if is_of_it {
            kept
        } else {
            Cursor {
                server: here,
                model: model.to_owned(),
                entries: newest,
                vectors: (0, 0),
            }
        };
        self.bring_up(server, from, Steps::Kept).await
    }

    async fn set_cursor(&self, cursor: &Cursor) -> Result<(), WatchError> {
        let text = serde_json::to_string(cursor).expect("our own values are data");
        let mut tx = self.store().begin().await?;
        tx.meta().set(CURSOR, &text).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Brings a place from a cursor to what the store has now. Nothing of the store is held while the place is waited for.
    async fn bring_up(
        &self,
        place: &dyn VectorStore,
        mut cursor: Cursor,
        steps: Steps,
    ) -> Result<(), WatchError> {
        // The vectors first: where that is broken off, the version of the entries still says that something is missing.
        let newest = self.store().read().await?.entries().version().await?;
        self.bring_vectors(place, &mut cursor, (newest, steps))
            .await?;
        while cursor.entries < newest {
            let (changes, vectors) = self.changed_vectors(&cursor).await?;
            if changes.version == cursor.entries {
                break;
            }
            place.remove(&changes.removed).await.map_err(refused)?;
            let points = self.points(vectors);
            place.upsert(&cursor.model, points).await.map_err(refused)?;
            cursor.entries = changes.version;
            if steps == Steps::Kept {
                self.set_cursor(&cursor).await?;
            }
        }
        cursor.entries = newest;
        if steps == Steps::Kept {
            self.set_cursor(&cursor).await?;
        }
        Ok(())
    }

    /// What has changed after a cursor, with the vectors of it.
    async fn changed_vectors(
        &self,
        cursor: &Cursor,
    ) -> Result<(EntryChanges, Vec<StoredVector>), WatchError> {
        let mut read = self.store().read().await?;
        let changes = read.entries().changed_since(cursor.entries).await?;
        let mut vectors = Vec::new();
        for stored in &changes.changed {
            let number = stored.entry.number;
            vectors.extend(read.vectors().get(&cursor.model, number).await?);
        }
        Ok((changes, vectors))
    }

    async fn bring_vectors(
        &self,
        place: &dyn VectorStore,
        cursor: &mut Cursor,
        (newest, steps): (i64, Steps),
    ) -> Result<(), WatchError> {
        loop {
            let after = (cursor.vectors.0, EntryNumber(cursor.vectors.1));
            let mut read = self.store().read().await?;
            let vectors = read.vectors().since(&cursor.model, after).await?;
            drop(read);
            self.remember_corrupt(&vectors.corrupt);
            let Some(last) = vectors.rows.last() else {
                return Ok(());
            };
            let reached = (last.version, last.entry.0);
            let points: Vec<Point> = self.points(vectors.rows);
            place.upsert(&cursor.model, points).await.map_err(refused)?;
            cursor.vectors = reached;
            if steps == Steps::Kept {
                // Not all of it is there yet, so it must not say that nothing is missing.
                let some = Cursor {
                    entries: cursor.entries.min(newest - 1),
                    ..cursor.clone()
                };
                self.set_cursor(&some).await?;
            }
        }
    }

    /// Compares a place with the store: how many, and whether a sample is the same.
    async fn compare(
        &self,
        place: &dyn VectorStore,
        model: &str,
        moved: &mut Moved,
    ) -> Result<(), WatchError> {
        let mut read = self.store().read().await?;
        let mut after = (0, EntryNumber(0));
        let mut all: Vec<(EntryNumber, Vec<f32>)> = Vec::new();
        let mut count = 0_u64;
        loop {
            let vectors = read.vectors().since(model, after).await?.rows;
            let Some(last) = vectors.last() else { break };
            after = (last.version, last.entry);
            let points = self.points(vectors);
            count += points.len() as u64;
            // Some of every page.
            let step = points.len().div_ceil(SAMPLE).max(1);
            let some = points.into_iter().step_by(step);
            all.extend(some.map(|point| (point.card.number, point.vector)));
        }
        // Thinned evenly, so that it is of all pages; where there are few, it is all of them.
        let step = all.len().div_ceil(SAMPLE).max(1);
        let all: Vec<_> = all.into_iter().step_by(step).collect();
        let found = place.count(model).await.map_err(refused)?;
        let name = place.name();
        if found != count {
            let why = format!(
                "{name} has {found} vectors of {model}, and the store has {count}: nothing was moved"
            );
            return Err(WatchError::invalid(why));
        }
        for (number, vector) in &all {
            let copies = place.get(model, &[*number]).await.map_err(refused)?;
            if !copies
                .first()
                .is_some_and(|(_, copy)| is_same(vector, copy))
            {
                let why = format!("{name} has another vector of entry {number}: nothing was moved");
                return Err(WatchError::invalid(why));
            }
        }
        moved.vectors = count;
        moved.compared = all.len();
        Ok(())
    }
}

/// Where a server is, as a digest: an address may hold an account.
fn whereabouts(server: &dyn VectorStore) -> String {
    let digest = DigestWriter::new("watchkeeper vectors 1");
    digest.field(server.whereabouts()).finish().to_string()
}

fn is_same(one: &[f32], other: &[f32]) -> bool {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let lengths = (product(one, one) * product(other, other)).sqrt();
    one.len() == other.len() && (lengths == 0.0 || product(one, other) / lengths >= SAME)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn refused(error: VectorError) -> WatchError {
    WatchError::invalid(error.to_string())
}
