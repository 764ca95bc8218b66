//! Exact search in this process: every vector is looked at, so what is nearest is always found.
//!
//! Reading 100,000 vectors of 384 numbers takes longer than multiplying them, so the search reads a quarter of the
//! bytes first: each row is kept a second time as whole numbers of one byte, together with how far that copy is from
//! the row. By the inequality of Cauchy and Schwarz the true likeness lies within a known distance of the rough one.
//! A row whose likeness could reach the best so far is a candidate; candidates are then measured with the whole numbers.
//! So the rough pass leaves nothing out, whatever the vectors are: it only saves time, or, where all are alike, does not.
//! See [`rows`] for the arithmetic.

mod rows;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use watchkeeper_model::EntryNumber;

use crate::vectors::{Near, Point, VectorError, VectorStore, direction};
use crate::{Card, Filter};
use rows::Rows;

/// Vectors in memory, by model.
#[derive(Debug, Default)]
pub struct Exact {
    models: RwLock<BTreeMap<String, Rows>>,
}

impl Exact {
    /// Gives an entry another card, where it has vectors: what may find it has changed, and not what it says.
    pub fn relabel(&self, card: &std::sync::Arc<Card>) {
        for rows in self.write().values_mut() {
            rows.relabel(card);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Rows>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Rows>> {
        self.models.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl VectorStore for Exact {
    fn name(&self) -> &'static str {
        "embedded"
    }

    async fn upsert(&self, model: &str, points: Vec<Point>) -> Result<(), VectorError> {
        let mut ready = Vec::with_capacity(points.len());
        let known = self.read().get(model).map(Rows::dimensions);
        let mut expected = known;
        for point in points {
            let vector = direction(model, &point.vector)?;
            let expected = *expected.get_or_insert(vector.len());
            if vector.len() != expected {
                return Err(VectorError::Dimensions {
                    model: model.to_owned(),
                    expected,
                    got: vector.len(),
                });
            }
            ready.push((point.card, vector));
        }
        let Some(dimensions) = expected else {
            return Ok(());
        };
        let mut models = self.write();
        let rows = models
            .entry(model.to_owned())
            .or_insert_with(|| Rows::new(dimensions));
        for (card, vector) in ready {
            rows.put(card, &vector);
        }
        Ok(())
    }

    async fn remove(&self, numbers: &[EntryNumber]) -> Result<(), VectorError> {
        for rows in self.write().values_mut() {
            for number in numbers {
                rows.remove(*number);
            }
        }
        Ok(())
    }

    async fn search(
        &self,
        model: &str,
        query: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Near>, VectorError> {
        let query = direction(model, query)?;
        let models = self.read();
        let Some(rows) = models.get(model) else {
            return Ok(Vec::new());
        };
        if rows.dimensions() != query.len() {
            return Err(VectorError::Dimensions {
                model: model.to_owned(),
                expected: rows.dimensions(),
                got: query.len(),
            });
        }
        Ok(rows.nearest(&query, limit, |card| filter.admits(card)))
    }

    async fn count(&self, model: &str) -> Result<u64, VectorError> {
        Ok(self.read().get(model).map_or(0, |rows| rows.len() as u64))
    }

    async fn get(
        &self,
        model: &str,
        numbers: &[EntryNumber],
    ) -> Result<Vec<(EntryNumber, Vec<f32>)>, VectorError> {
        let models = self.read();
        let found = models.get(model).map(|rows| {
            let one = |number: &EntryNumber| Some((*number, rows.get(*number)?.to_vec()));
            numbers.iter().filter_map(one).collect()
        });
        Ok(found.unwrap_or_default())
    }

    async fn models(&self) -> Result<Vec<String>, VectorError> {
        Ok(self.read().keys().cloned().collect())
    }

    async fn forget(&self, model: &str) -> Result<(), VectorError> {
        self.write().remove(model);
        Ok(())
    }
}
