//! The words of Watchkeeper as types: ids, nouns, their states and their digests.
//!
//! Everything here is a value. Nothing here waits, reads a clock, a file or the environment; doing is
//! the work of the crates at the rim. The words are those of ARCHITECTURE.md, one meaning each.

mod action;
mod conversation;
mod delivery;
mod diagnosis;
mod digest;
mod finding;
pub mod guards;
mod ids;
mod issue;
mod job;
mod knowledge;
mod log;
mod look;
mod plan;
mod risk;
mod run;
mod span;
mod step;
mod terminal;
mod text;
mod time;
mod tokens;
mod verdict;

pub use action::*;
pub use conversation::*;
pub use delivery::*;
pub use diagnosis::*;
pub use digest::*;
pub use finding::*;
pub use ids::*;
pub use issue::*;
pub use job::*;
pub use knowledge::*;
pub use log::*;
pub use look::*;
pub use plan::*;
pub use risk::*;
pub use run::*;
pub use span::*;
pub use step::*;
pub use terminal::*;
pub use text::*;
pub use time::*;
pub use tokens::*;
pub use verdict::*;
