//! What keeps vectors and finds the nearest, behind one trait: [`crate::Exact`] in this process, or a Qdrant server.
//! One suite of cases runs on both. What is found is ranked; no likeness is ever compared with a fixed bound, because
//! what a likeness means differs from model to model.

use std::sync::Arc;

use async_trait::async_trait;
use watchkeeper_model::EntryNumber;

use crate::{Card, Filter};

/// Longest vector that is taken.
pub const MAX_DIMENSIONS: usize = 8_192;

/// A vector and the card of the entry it belongs to.
#[derive(Clone, Debug)]
pub struct Point {
    /// Of which entry, and what may find it.
    pub card: Arc<Card>,
    /// The numbers; their length does not matter, only their direction.
    pub vector: Vec<f32>,
}

/// An entry that is near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Which.
    pub number: EntryNumber,
    /// The cosine of the angle.
    pub likeness: f32,
}

/// Why vectors were not kept or not found.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The vector has another length than those of its model.
    #[error("a vector of {model} has {got} numbers, and the others have {expected}")]
    Dimensions {
        /// The model.
        model: String,
        /// The length of those that are here.
        expected: usize,
        /// The length of this one.
        got: usize,
    },
    /// The vector is empty or too long, or something in it is no number.
    #[error("that is no vector of {model}: {why}")]
    NotAVector {
        /// The model.
        model: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The server does not answer, or refuses.
    #[error("the vector server did not {operation}: {why}")]
    Server {
        /// What it was to do.
        operation: &'static str,
        /// What it said, in a line.
        why: String,
        /// Whether the same may work later.
        later: bool,
    },
}

/// Keeps vectors by model, and finds the nearest.
#[async_trait]
pub trait VectorStore: Send + Sync + std::fmt::Debug {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Where it is, so that another of the same name is told from it.
    fn whereabouts(&self) -> String {
        self.name().to_owned()
    }

    /// Keeps vectors of a model, in place of those that their entries had. The first ones make the model known.
    async fn upsert(&self, model: &str, points: Vec<Point>) -> Result<(), VectorError>;

    /// Forgets the vectors of entries, of every model or of one; what is not there is no error.
    async fn remove(&self, numbers: &[EntryNumber]) -> Result<(), VectorError>;

    /// The nearest entries that the filter admits, the nearest first. A model that is not known has none.
    async fn search(
        &self,
        model: &str,
        query: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Near>, VectorError>;

    /// How many vectors a model has.
    async fn count(&self, model: &str) -> Result<u64, VectorError>;

    /// The vectors of these entries, as far as they are there, each of length one.
    async fn get(
        &self,
        model: &str,
        numbers: &[EntryNumber],
    ) -> Result<Vec<(EntryNumber, Vec<f32>)>, VectorError>;

    /// The models that are known, in their order.
    async fn models(&self) -> Result<Vec<String>, VectorError>;

    /// Forgets a model with all its vectors.
    async fn forget(&self, model: &str) -> Result<(), VectorError>;
}

/// A vector of length one in the same direction. One of length zero stays: it is near to nothing.
///
/// # Errors
/// Says what is wrong with it.
pub fn direction(model: &str, vector: &[f32]) -> Result<Vec<f32>, VectorError> {
    let refused = |why| VectorError::NotAVector {
        model: model.to_owned(),
        why,
    };
    if vector.is_empty() {
        return Err(refused("it is empty"));
    }
    if vector.len() > MAX_DIMENSIONS {
        return Err(refused("it is too long"));
    }
    if vector.iter().any(|number| !number.is_finite()) {
        return Err(refused("something in it is no number"));
    }
    let length = vector
        .iter()
        .map(|n| f64::from(*n) * f64::from(*n))
        .sum::<f64>()
        .sqrt();
    if length < f64::from(f32::MIN_POSITIVE) {
        return Ok(vec![0.0; vector.len()]);
    }
    Ok(vector
        .iter()
        .map(|n| (f64::from(*n) / length) as f32)
        .collect())
}
