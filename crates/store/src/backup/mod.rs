//! Backups: everything a store holds as one file that either database can be restored from.
//!
//! A backup is a gzipped tar that ordinary tools can read, written and read as a stream:
//! - `backup.json` first: the format, the number of the tables' last migration, which tables there are. Who does not know
//!   the format or the tables stops here.
//! - `tables/NAME/000001.jsonl`, …: the rows, parents before what refers to them, in the order of their keys, one JSON
//!   object each. The same store gives the same lines on both databases: flags are 0 and 1, fractions and bytes are texts.
//! - `files/…`: files that the caller adds, and may put back.
//! - `manifest.json` last: rows and SHA-256 of each table (over its parts in a row, as `cat | sha256sum` would tell), of
//!   each file, and the head of the log. A file without it was cut.
//!
//! What is read is one moment of the store, so a daemon may work meanwhile. Which tables and columns there are is asked
//! of the database itself: a table that a later migration adds is in the backup without anybody thinking of it.
//!
//! A restore goes into an empty store only, in one transaction: it makes the tables of the version that was backed up,
//! fills them, reads them again and compares, verifies the log, and then brings the tables to the newest version. What was
//! approved (also by one of several) and not yet begun becomes stale: it may have been run after the backup was taken, and
//! nothing may run twice. Links that decide once are forgotten: they may have been used since. Numbers go on some thousand
//! later: those that were given out since must not come to mean something else to who still has them in a message. A run
//! needs none of this: its id is random, so that no gate on a host is another run's.

mod archive;
mod chain;
mod manifest;
mod restore;
mod rows;
mod tables;
mod write;

use crate::{Break, StoreError};

pub use manifest::{BackupFile, FileLine, Heading, LeftOut, LogHead, Manifest, TableLine};
pub use restore::Restored;
pub use write::BackupTerms;

/// The format that is written, and the newest that is read.
pub(crate) const FORMAT: u32 = 1;

/// Why a backup was not taken, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store cannot be read or changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backup cannot be written.
    #[error("could not write the backup")]
    Write(#[source] std::io::Error),
    /// The file is no backup at all.
    #[error("this is no backup of Watchkeeper: {why}")]
    NotABackup {
        /// What is wrong with it.
        why: String,
    },
    /// The file was cut or changed.
    #[error("the backup was cut or changed: {what}")]
    Damaged {
        /// Where that shows.
        what: String,
    },
    /// A newer version wrote it.
    #[error(
        "the backup was written by a newer version ({program}): it has {what} {theirs}, and this version knows {ours}"
    )]
    Newer {
        /// The version that wrote it.
        program: String,
        /// What is newer.
        what: &'static str,
        /// What it has.
        theirs: i64,
        /// What is known here.
        ours: i64,
    },
    /// The tables that it was taken from are not those of any release.
    #[error(
        "the backup's tables of migration {schema} are not those that this version knows under that number"
    )]
    OtherTables {
        /// The migration.
        schema: i64,
    },
    /// There is something in the store.
    #[error("the store is not empty: it has rows in {table}")]
    NotEmpty {
        /// Where.
        table: String,
    },
    /// The store has tables that the backup does not know yet.
    #[error(
        "the store has the tables of migration {store} already, and the backup those of {backup}: it needs a store that is not there yet"
    )]
    TablesAhead {
        /// The store's.
        store: i64,
        /// The backup's.
        backup: i64,
    },
    /// The log in the backup does not verify.
    #[error("the log in the backup breaks at entry {seq}")]
    Chain {
        /// Where.
        seq: i64,
        /// How.
        #[source]
        why: Break,
    },
    /// What was restored is not what was backed up.
    #[error("what was restored differs from the backup in {table}; nothing was kept")]
    Differs {
        /// Where.
        table: String,
    },
    /// A column of a kind that no backup can hold.
    #[error("{table}.{column} has the type {kind}, which no backup can hold")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
}

impl BackupError {
    /// Whether the file is at fault, and not the store.
    #[must_use]
    pub const fn lies_in_the_file(&self) -> bool {
        matches!(
            self,
            Self::NotABackup { .. }
                | Self::Damaged { .. }
                | Self::Newer { .. }
                | Self::OtherTables { .. }
                | Self::Chain { .. }
        )
    }

    fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
