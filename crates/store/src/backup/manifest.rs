//! What a backup says of itself: at its beginning what must be known to read it, at its end what must come out.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Digest, Timestamp};

/// The beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// The format.
    pub format: u32,
    /// The version that wrote it.
    pub program: String,
    /// The last migration of its tables.
    pub schema: i64,
    /// The digest of the migrations up to it.
    pub tables_digest: Digest,
    /// The database it was taken from: `sqlite` or `postgres`.
    pub database: String,
    /// The moment it shows, by the clock of who took it.
    pub taken_at: Timestamp,
    /// The tables, in the order in which they follow.
    pub tables: Vec<String>,
}

/// The end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The beginning, again.
    #[serde(flatten)]
    pub heading: Heading,
    /// The store's id.
    pub store_id: String,
    /// The end of the log.
    pub log: LogHead,
    /// What is in each table.
    pub rows: Vec<TableLine>,
    /// What is in each file.
    pub files: Vec<FileLine>,
    /// Files that were left out on purpose.
    pub left_out: Vec<LeftOut>,
}

/// The end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// The last entry.
    pub seq: i64,
    /// Its hash.
    pub hash: Digest,
}

/// What is in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLine {
    /// Its name.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// The SHA-256 of their lines.
    pub sha256: Digest,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// Its name in the backup.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// A file that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A file that is kept with a backup, or that came out of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// Its name in the backup: relative, with `/` between.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}
