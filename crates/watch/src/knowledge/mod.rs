//! What is known: finding it, teaching it, and keeping its index.
//!
//! The store is the truth. Each watch keeps an index of all entries in memory ([`shelf`]) and brings it up to date
//! before it answers, by the versions that the store gives to changes; so several controllers agree without talking to
//! each other. Vectors are made by background jobs ([`embed`]) and kept in the store as well; a search by meaning that
//! takes too long, or that no lane serves, is a search by words alone. Whether an entry may speak when a host is looked
//! into is decided by the model's `Reach` and asked in every search, and once more of what the store says at that moment.

mod configs;
mod embed;
mod find;
mod keep;
mod seed;
mod server;
mod settings;
mod shelf;
mod texts;
mod transfer;

pub use configs::{ConfigFile, ConfigsIndexed, RefusedFile, RepositoryFile};
pub use find::{Found, KnownQuery};
pub use keep::{EntryEdit, EntryQuery, Taught};
pub use seed::{Seeded, Seeding};
pub use server::{Moved, VectorPlace};
pub use settings::Knowing;
pub(crate) use shelf::Shelf;
pub use transfer::{EntryLine, Exported, Imported, MAX_IMPORT_LINES, RefusedLine};
