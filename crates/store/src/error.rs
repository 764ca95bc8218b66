//! What can go wrong with the store, told apart by what a caller can do about it.

use watchkeeper_model::Digest;

/// A row that cannot be read. It is named so that a person can find and mend it; others are not held up by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the column {column} of {table} {id} cannot be read: {why}")]
pub struct CorruptRow {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key as text.
    pub id: String,
    /// What is wrong with it, one line.
    pub why: String,
}

/// Why the store did not do what it was asked. Nothing was changed, except where the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row is not (or no longer) in the state that the change started from: somebody else was first.
    #[error("{what} was changed by somebody else meanwhile")]
    Conflict {
        /// What, e.g. `action 3`.
        what: String,
    },
    /// A row cannot be read.
    #[error(transparent)]
    CorruptRow(#[from] CorruptRow),
    /// The database cannot be reached, or ended the connection.
    #[error("the database cannot be reached, in {operation}")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Another writer was in the way for too long, or the database broke a deadlock here.
    #[error("another writer is in the way of {operation}")]
    Busy {
        /// What was being done.
        operation: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The connection was lost while a transaction was being committed: it may have taken effect, wholly, or not at
    /// all. Read again before going on.
    #[error("the connection was lost during a commit, which may have taken effect")]
    Uncertain {
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// An earlier statement of the transaction failed or was cancelled: nothing of it takes effect.
    #[error("{operation} comes too late: the transaction has failed before")]
    TransactionOver {
        /// What was being done.
        operation: &'static str,
    },
    /// The disk, or the limit set on the store, is full.
    #[error("no room left for {operation}")]
    Full {
        /// What was being done.
        operation: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A value is larger than its limit.
    #[error("{what} has {bytes} bytes, and {limit} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The name of an event is not a noun and a verb in lower case.
    #[error("{event:?} does not name an event")]
    NotAnEvent {
        /// The name, cut to 80 characters.
        event: String,
    },
    /// The address of the store is of no kind that is known.
    #[error("{scheme:?} names no kind of store: postgres://… or sqlite:/path is expected")]
    UnknownAddress {
        /// What stands before the first colon; the rest may hold a password.
        scheme: String,
    },
    /// The store could not be brought to the tables that this version needs.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// There is no store to look at.
    #[error("there is no store at {path}")]
    Absent {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server is older than the statements that are sent to it.
    #[error(
        "the PostgreSQL server is of version {found}, and {needed} or later is needed: upgrade it, or use SQLite"
    )]
    ServerTooOld {
        /// Its major version.
        found: u32,
        /// The oldest that will do.
        needed: u32,
    },
    /// A file of the store could not be made.
    #[error("could not make {path}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database refused the statement.
    #[error("the database refused {operation}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

/// Why migrations were not applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer version of Watchkeeper has been here.
    #[error(
        "the store has migration {number}, which this version does not know: a newer version wrote it"
    )]
    Newer {
        /// The migration.
        number: i64,
    },
    /// A migration is not the one that was applied.
    #[error(
        "migration {number} was applied as {applied} and is {known} here: migrations are never edited"
    )]
    Edited {
        /// The migration.
        number: i64,
        /// The digest of what was applied.
        applied: Digest,
        /// The digest of what is known.
        known: Digest,
    },
    /// A migration failed. It has left nothing behind.
    #[error("migration {number} ({name}) failed")]
    Failed {
        /// The migration.
        number: i64,
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. })
    }

    /// Whether somebody else was first.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    pub(crate) fn of(operation: &'static str, source: sqlx::Error) -> Self {
        match kind(&source) {
            Kind::Unavailable => Self::Unavailable { operation, source },
            Kind::Busy => Self::Busy { operation, source },
            Kind::Full => Self::Full { operation, source },
            Kind::Refused => Self::Database { operation, source },
        }
    }

    /// Turns the violation of a unique index into a conflict over `what`.
    pub(crate) fn or_conflict(self, what: impl FnOnce() -> String) -> Self {
        if self.is_unique_violation() {
            Self::Conflict { what: what() }
        } else {
            self
        }
    }

    pub(crate) fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database { source: sqlx::Error::Database(error), .. } if error.is_unique_violation())
    }
}

enum Kind {
    Unavailable,
    Busy,
    Full,
    Refused,
}

fn kind(error: &sqlx::Error) -> Kind {
    use sqlx::Error as E;
    match error {
        E::Io(_)
        | E::Tls(_)
        | E::PoolClosed
        | E::PoolTimedOut
        | E::WorkerCrashed
        | E::Protocol(_) => Kind::Unavailable,
        E::Database(error) => {
            let code = error.code().unwrap_or_default();
            match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                Some(_) => sqlite_kind(code.parse().unwrap_or(0)),
                None => postgres_kind(&code),
            }
        }
        _ => Kind::Refused,
    }
}

/// By the primary result code, the low byte of <https://sqlite.org/rescode.html>.
fn sqlite_kind(code: i64) -> Kind {
    match code & 0xff {
        5 | 6 => Kind::Busy,
        13 => Kind::Full,
        10 | 14 => Kind::Unavailable,
        _ => Kind::Refused,
    }
}

/// By SQLSTATE.
fn postgres_kind(code: &str) -> Kind {
    match code {
        "40001" | "40P01" | "55P03" | "57014" => Kind::Busy,
        "53100" => Kind::Full,
        "53300" | "57P01" | "57P02" | "57P03" | "25P03" => Kind::Unavailable,
        _ if code.starts_with("08") => Kind::Unavailable,
        _ => Kind::Refused,
    }
}
