//! Opening a store, and the two ways into it: [`Tx`] to change, [`Read`] to look.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use sqlx::{Postgres, Sqlite};
use tokio::sync::watch;
use watchkeeper_model::LogEntry;

use crate::access::{Reading, Writing};
use crate::db::{Conn, Link};
use crate::log::Pending;
use crate::{Changes, LockRefused, StoreError, StoreLock, migrations};

/// Limits of a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Most connections to Postgres, and most readers of SQLite.
    pub max_connections: u32,
    /// How long a call waits for a connection, a lock or the one writer of SQLite.
    pub patience: Duration,
    /// Largest SQLite file, in pages of 4 KiB; none: as large as the disk allows.
    pub max_pages: Option<u32>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_connections: 16,
            patience: Duration::from_secs(10),
            max_pages: None,
        }
    }
}

/// How long a transaction may idle on Postgres before the server ends it: no lock is held across other work.
const IDLE_IN_TRANSACTION: &str = "60s";
/// How long one statement may take on Postgres.
const STATEMENT_TIMEOUT: &str = "60s";

pub(crate) enum Db {
    Pg(PgPool),
    /// One writer, so that writers queue here and not in SQLite's busy loop, and readers beside it.
    Lite {
        writer: SqlitePool,
        readers: SqlitePool,
        path: PathBuf,
    },
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    /// Counts the commits of this process on SQLite, to wake those who wait for changes.
    pub(crate) commits: watch::Sender<u64>,
}

/// Where everything is kept. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.inner.db {
            Db::Pg(_) => "Store(postgres)",
            Db::Lite { .. } => "Store(sqlite)",
        })
    }
}

impl Store {
    /// Opens the store at `postgres://…` or `sqlite:/path`, makes it where there is none, and brings its tables to what
    /// this version needs.
    ///
    /// # Errors
    /// Says why it cannot be reached, made or migrated.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(address, &StoreOptions::default()).await
    }

    /// Like [`Self::open`], with other limits.
    ///
    /// # Errors
    /// Says why it cannot be reached, made or migrated.
    pub async fn open_with(address: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let store = Self::connect(address, options).await?;
        migrations::apply(&store).await?;
        Ok(store)
    }

    /// Opens the store that is there, and leaves its tables as they are: for who looks at it beside a daemon.
    ///
    /// # Errors
    /// Says why it cannot be reached, or that there is none.
    pub async fn open_as_it_is(address: &str) -> Result<Self, StoreError> {
        if let Some(path) = address.strip_prefix("sqlite:")
            && let Err(source) = std::fs::metadata(path)
        {
            return Err(StoreError::Absent {
                path: path.to_owned(),
                source,
            });
        }
        Self::connect(address, &StoreOptions::default()).await
    }

    /// Opens a store that is to be filled from a backup, which brings its tables; a file that is not there is made.
    ///
    /// # Errors
    /// Says why it cannot be reached or made.
    pub async fn open_untouched(address: &str) -> Result<Self, StoreError> {
        Self::connect(address, &StoreOptions::default()).await
    }

    pub(crate) async fn connect(address: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let db = match address.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Db::Pg(open_postgres(address, options).await?),
            Some(("sqlite", path)) => open_sqlite(Path::new(path), options).await?,
            _ => {
                let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
                return Err(StoreError::UnknownAddress {
                    scheme: scheme.chars().take(80).collect(),
                });
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                db,
                commits: watch::Sender::new(0),
            }),
        })
    }

    /// Begins a transaction that may change things. On SQLite it waits for the one writer: do not begin a second one
    /// while holding the first.
    ///
    /// # Errors
    /// Says why the store cannot be reached, or that another writer is in the way.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let session = match &self.inner.db {
            Db::Pg(pool) => begin_postgres(pool, "begin").await?.into(),
            Db::Lite { writer, .. } => begin_sqlite(writer, "begin immediate").await?.into(),
        };
        Ok(Tx {
            session,
            pending: Pending::default(),
            inner: Arc::clone(&self.inner),
        })
    }

    /// Looks at the store as it stands at one moment, without waiting for a writer and without holding one up.
    ///
    /// # Errors
    /// Says why the store cannot be reached.
    pub async fn read(&self) -> Result<Read, StoreError> {
        const ONE_MOMENT: &str = "begin isolation level repeatable read read only";
        Ok(Read {
            session: match &self.inner.db {
                Db::Pg(pool) => begin_postgres(pool, ONE_MOMENT).await?.into(),
                Db::Lite { readers, .. } => begin_sqlite(readers, "begin").await?.into(),
            },
        })
    }

    /// Wakes when something was committed.
    ///
    /// # Errors
    /// Says why Postgres cannot be listened to.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        Changes::of(self).await
    }

    /// Takes the store for this process alone, until the lock is dropped. Postgres is shared by many controllers: there
    /// the lock is always given.
    ///
    /// # Errors
    /// Names the process that has the store.
    pub fn lock_exclusive(&self) -> Result<StoreLock, LockRefused> {
        match &self.inner.db {
            Db::Pg(_) => Ok(StoreLock::shared()),
            Db::Lite { path, .. } => StoreLock::take(path),
        }
    }

    /// Closes all connections; what is not committed is lost.
    pub async fn close(&self) {
        match &self.inner.db {
            Db::Pg(pool) => pool.close().await,
            Db::Lite {
                writer, readers, ..
            } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

async fn open_postgres(address: &str, limits: &StoreOptions) -> Result<PgPool, StoreError> {
    let lock_timeout = format!("{}ms", limits.patience.as_millis());
    let options = PgConnectOptions::from_str(address)
        .map_err(|error| StoreError::of("store.open", error))?
        .application_name("watchkeeper")
        .options([
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("lock_timeout", &lock_timeout),
        ])
        .disable_statement_logging();
    // Reached once without the pool, which would try again for as long as it may, and then not say why it failed.
    let reached = tokio::time::timeout(limits.patience, PgConnection::connect_with(&options));
    let unreachable = |error| StoreError::of("store.open", error);
    let first = reached
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(unreachable)?;
    let version = first.server_version_num();
    first.close().await.map_err(unreachable)?;
    is_new_enough(version)?;
    // `begin` finds out whether a connection is alive, so that a test before it would only cost a round trip.
    Ok(PgPoolOptions::new()
        .max_connections(limits.max_connections)
        .acquire_timeout(limits.patience)
        .test_before_acquire(false)
        .connect_lazy_with(options))
}

/// The oldest major version of PostgreSQL whose words the statements use (`xid8`).
const OLDEST_POSTGRES: u32 = 13;

/// A server that does not say its version is tried.
fn is_new_enough(version: Option<u32>) -> Result<(), StoreError> {
    match version.map(|number| number / 10_000) {
        Some(found) if found < OLDEST_POSTGRES => Err(StoreError::ServerTooOld {
            found,
            needed: OLDEST_POSTGRES,
        }),
        _ => Ok(()),
    }
}

async fn open_sqlite(path: &Path, limits: &StoreOptions) -> Result<Db, StoreError> {
    make_private_file(path)?;
    let common = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(limits.patience)
        .disable_statement_logging();
    let mut writing = common
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    if let Some(pages) = limits.max_pages {
        writing = writing.pragma("max_page_count", pages.to_string());
    }
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(limits.patience)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|conn, _| Box::pin(is_out_of_transactions(conn)))
    };
    let writer = pool(1)
        .connect_with(writing)
        .await
        .map_err(|error| StoreError::of("store.open", error))?;
    let readers = pool(limits.max_connections).connect_lazy_with(common.pragma("query_only", "on"));
    Ok(Db::Lite {
        writer,
        readers,
        path: path.to_owned(),
    })
}

/// Whether a connection can be used again. Where SQLite itself ended a transaction (the disk was full), sqlx's rollback
/// fails and it would refuse every later transaction on this connection.
async fn is_out_of_transactions(conn: &mut sqlx::SqliteConnection) -> Result<bool, sqlx::Error> {
    // Commands are served in their order: after the answer, the rollback has been tried.
    conn.ping().await?;
    Ok(!conn.is_in_transaction())
}

/// Makes the database's file for its owner alone; SQLite gives its other files the same mode.
fn make_private_file(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let made = || {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        let new = std::fs::OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match new {
            Ok(_) => give_to_owner(path),
            // It is opened once, so that what is no file of ours is told here.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                std::fs::OpenOptions::new()
                    .append(true)
                    .open(path)
                    .map(drop)
            }
            Err(error) => Err(error),
        }
    };
    made().map_err(|source| StoreError::File {
        path: path.display().to_string(),
        source,
    })
}

/// Gives what root has made in another account's directory to that account: root may look before the service has begun,
/// and must not shut it out of its own store.
pub(crate) fn give_to_owner(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let Some(dir) = path.parent() else {
        return Ok(());
    };
    let (dir, file) = (std::fs::metadata(dir)?, std::fs::metadata(path)?);
    if file.uid() != 0 || dir.uid() == 0 {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(dir.uid()), Some(dir.gid()))
}

/// Begins on a connection that is alive: those that died while they idled (the server was restarted) are passed over,
/// and nothing has happened on them yet.
async fn begin_postgres(
    pool: &PgPool,
    statement: &'static str,
) -> Result<sqlx::Transaction<'static, Postgres>, StoreError> {
    let mut dead = pool.size();
    loop {
        match begin_whole(pool, statement)
            .await
            .map_err(|error| StoreError::of("store.begin", error))
        {
            Err(StoreError::Unavailable { source, .. })
                if dead > 0 && !matches!(source, sqlx::Error::PoolTimedOut) =>
            {
                dead -= 1;
            }
            other => return other,
        }
    }
}

async fn begin_sqlite(
    pool: &SqlitePool,
    statement: &'static str,
) -> Result<sqlx::Transaction<'static, Sqlite>, StoreError> {
    begin_whole(pool, statement)
        .await
        .map_err(|source| match source {
            sqlx::Error::PoolTimedOut => StoreError::Busy {
                operation: "store.begin",
                source,
            },
            source => StoreError::of("store.begin", source),
        })
}

/// Begins, or does not: whoever waits for it may go away meanwhile. A begin that is dropped half-way would go back to the
/// pool in a transaction that nobody knows of, so it is made by a task of its own, whose transaction is then rolled back.
async fn begin_whole<D: sqlx::Database>(
    pool: &sqlx::Pool<D>,
    statement: &'static str,
) -> Result<sqlx::Transaction<'static, D>, sqlx::Error> {
    let pool = pool.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the statement, whose time is limited"
    )]
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    match begun.await {
        Ok(begun) => begun,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it every connection.
            Err(_) => Err(sqlx::Error::PoolClosed),
        },
    }
}

struct Session {
    tx: AnyTx,
    over: bool,
}

enum AnyTx {
    Pg(sqlx::Transaction<'static, Postgres>),
    Lite(sqlx::Transaction<'static, Sqlite>),
}

impl Session {
    fn conn(&mut self) -> Conn<'_> {
        let link = match &mut self.tx {
            AnyTx::Pg(tx) => Link::Pg(tx),
            AnyTx::Lite(tx) => Link::Lite(tx),
        };
        Conn {
            link,
            over: &mut self.over,
        }
    }
}

impl From<sqlx::Transaction<'static, Postgres>> for Session {
    fn from(tx: sqlx::Transaction<'static, Postgres>) -> Self {
        Self {
            tx: AnyTx::Pg(tx),
            over: false,
        }
    }
}

impl From<sqlx::Transaction<'static, Sqlite>> for Session {
    fn from(tx: sqlx::Transaction<'static, Sqlite>) -> Self {
        Self {
            tx: AnyTx::Lite(tx),
            over: false,
        }
    }
}

/// A transaction that may change things. Dropped without [`Tx::commit`] it leaves nothing.
#[must_use = "a transaction that is dropped leaves nothing"]
pub struct Tx {
    session: Session,
    pending: Pending,
    inner: Arc<Inner>,
}

impl Tx {
    pub(crate) fn parts(&mut self) -> (Conn<'_>, Writing<'_>) {
        (self.session.conn(), Writing::new(&mut self.pending))
    }

    /// Writes the log entries and commits them with all that was changed. Returns the entries in their places.
    ///
    /// # Errors
    /// Nothing took effect, except after [`StoreError::Uncertain`].
    pub async fn commit(mut self) -> Result<Vec<LogEntry>, StoreError> {
        if self.session.over {
            return Err(StoreError::TransactionOver {
                operation: "store.commit",
            });
        }
        let entries = self.pending.write(&mut self.session.conn()).await?;
        match self.session.tx {
            AnyTx::Pg(tx) => tx.commit().await.map_err(uncertain)?,
            AnyTx::Lite(tx) => {
                tx.commit()
                    .await
                    .map_err(|error| StoreError::of("store.commit", error))?;
                self.inner
                    .commits
                    .send_modify(|count| *count = count.wrapping_add(1));
            }
        }
        Ok(entries)
    }
}

fn uncertain(error: sqlx::Error) -> StoreError {
    match StoreError::of("store.commit", error) {
        StoreError::Unavailable { source, .. } => StoreError::Uncertain { source },
        other => other,
    }
}

/// A look at the store as it stood when [`Store::read`] was called.
pub struct Read {
    session: Session,
}

impl Read {
    pub(crate) fn parts(&mut self) -> (Conn<'_>, Reading) {
        (self.session.conn(), Reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_refused_with_its_version() {
        for (version, expect) in [
            (Some(150_018), None),
            (Some(130_000), None),
            (None, None),
            (
                Some(120_022),
                Some(
                    "the PostgreSQL server is of version 12, and 13 or later is needed: upgrade it, or use SQLite",
                ),
            ),
            (
                Some(90_624),
                Some(
                    "the PostgreSQL server is of version 9, and 13 or later is needed: upgrade it, or use SQLite",
                ),
            ),
        ] {
            let said = is_new_enough(version).err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), expect);
        }
    }
}
