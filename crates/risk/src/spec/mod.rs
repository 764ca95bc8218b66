//! The command tables: what each program does, as data, and how its words are matched with it.

mod commands;
mod entry;
mod evaluate;
#[cfg(test)]
mod examples_tests;
mod fault;
mod grammar;
#[cfg(test)]
mod grammar_tests;
mod judge;
mod machines;
mod matched;
mod program;
mod reading;
mod run;
mod schema;
mod shipped;
mod tables;
#[cfg(test)]
mod tables_tests;
mod validate;

pub use fault::{EntryFault, TableFault, TablesError};
pub(crate) use matched::{Matched, MatchedOption};
pub(crate) use program::{ProgramPlace, program_place};
pub use tables::{TableExample, Tables};
