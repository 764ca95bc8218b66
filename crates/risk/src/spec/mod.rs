//! The command tables: what each program does, as data, and how its words are matched with it.

mod schema;
