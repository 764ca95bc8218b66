//! The command tables: what each program does, as data, and how its words are matched with it.

mod matched;
mod schema;

pub(crate) use matched::{Matched, MatchedOption};
