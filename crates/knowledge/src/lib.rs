//! What is known and how it is found. Entries are kept by `store`; here they are indexed and searched: by their words
//! ([`Lexical`]), by the vectors of an embedding model ([`VectorStore`]: [`Exact`] in this process, or a Qdrant server),
//! and fused by rank ([`fuse`]). Which entry may speak for whom is the model's to say ([`watchkeeper_model::Reach`]) and
//! is part of every search's [`Filter`].

mod card;
mod exact;
mod fuse;
mod index;
mod lexical;
mod rerank;
mod shipped;
mod synonyms;
mod vectors;
mod words;

pub use card::{Audience, Card, Filter};
pub use exact::Exact;
pub use fuse::{FoundBy, Fused, fuse};
pub use index::Index;
pub use lexical::{Lexical, Ranked};
pub use rerank::{Candidate, Reranker, reorder};
pub use shipped::{Shipped, shipped};
pub use vectors::{MAX_DIMENSIONS, Near, Point, VectorError, VectorStore, direction};
