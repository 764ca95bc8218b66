//! The command tables: what each program does, as data, and how its words are matched with it.

mod entry;
mod fault;
mod matched;
mod schema;
mod shipped;
mod tables;
#[cfg(test)]
mod tables_tests;
mod validate;

pub use fault::{EntryFault, TableFault, TablesError};
pub(crate) use matched::{Matched, MatchedOption};
pub use tables::Tables;
