//! Brings a store to the tables that this version needs. Migrations expand first and contract later, are numbered
//! from 1 without gaps, are the same list on both databases, and are never edited: what was applied is compared.

use watchkeeper_model::Digest;

use crate::db::{BadColumn, Conn, Row, Sql, args};
use crate::{MigrationError, Store, StoreError};

/// One step of the tables.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

impl Migration {
    fn digest(&self, postgres: bool) -> Digest {
        Digest::of_bytes(if postgres { self.postgres } else { self.sqlite }.as_bytes())
    }
}

macro_rules! migrations {
    ($($number:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
        }),*]
    };
}

/// All of them, in their order.
pub(crate) const MIGRATIONS: &[Migration] = migrations![
    1 "0001_log",
    2 "0002_watch",
    3 "0003_actions",
    4 "0004_jobs",
    5 "0005_budgets",
    6 "0006_queue",
    7 "0007_mind",
    8 "0008_notices",
    9 "0009_links",
    10 "0010_inventories",
];

const TABLE: Sql = Sql::Differs {
    pg: "create table if not exists migrations (number bigint primary key, digest text not null)",
    lite: "create table if not exists migrations (number integer primary key, digest text not null) strict",
};
/// Whether [`TABLE`] is there.
const IS_THERE: Sql = Sql::Differs {
    pg: "select 1 as found from pg_catalog.pg_class where oid = to_regclass('migrations')",
    lite: "select 1 as found from sqlite_schema where type = 'table' and name = 'migrations'",
};
/// Any number will do that nobody else locks: controllers that start together migrate one after another.
const LOCK: &str = "select pg_advisory_xact_lock(8267364510293)";

/// Applies what is missing, in one transaction: either all of it, or nothing. Where nothing is missing, no writer is
/// waited for.
pub(crate) async fn apply(store: &Store) -> Result<(), StoreError> {
    let mut read = store.read().await?;
    if applied(&mut read.parts().0).await? == newest() {
        return Ok(());
    }
    drop(read);
    let mut tx = store.begin().await?;
    lock(&mut tx.parts().0).await?;
    bring_to(&mut tx.parts().0, newest()).await?;
    tx.commit().await.map(drop)
}

/// Keeps others from migrating until the transaction ends.
pub(crate) async fn lock(db: &mut Conn<'_>) -> Result<(), StoreError> {
    if db.is_postgres() {
        db.execute("migrations.lock", LOCK, args![]).await?;
    }
    Ok(())
}

/// Applies what is missing up to a number.
pub(crate) async fn bring_to(db: &mut Conn<'_>, last: i64) -> Result<(), StoreError> {
    db.script("migrations.apply", TABLE).await?;
    let applied = applied(db).await?;
    let missing = |migration: &&Migration| migration.number > applied && migration.number <= last;
    for migration in MIGRATIONS.iter().filter(missing) {
        let sql = Sql::Differs {
            pg: migration.postgres,
            lite: migration.sqlite,
        };
        db.script("migrations.apply", sql)
            .await
            .map_err(|error| failed(migration, error))?;
        let digest = migration.digest(db.is_postgres()).to_string();
        let sql = "insert into migrations (number, digest) values ($1, $2)";
        db.execute("migrations.apply", sql, args![migration.number, digest])
            .await?;
    }
    Ok(())
}

/// The number of the last one that this version knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

fn failed(migration: &Migration, error: StoreError) -> StoreError {
    match error {
        StoreError::Database { source, .. } => MigrationError::Failed {
            number: migration.number,
            name: migration.name,
            source,
        }
        .into(),
        other => other,
    }
}

/// The number of the last one that was applied, after comparing all that were; 0 where none was.
pub(crate) async fn applied(db: &mut Conn<'_>) -> Result<i64, StoreError> {
    let mut last = 0;
    if db
        .first("migrations.list", IS_THERE, args![])
        .await?
        .is_some()
    {
        let sql = "select number, digest from migrations order by number";
        for row in db.all("migrations.list", sql, args![]).await? {
            let applied: Applied = row.read("migrations", "number")?;
            compare(&applied, db.is_postgres())?;
            last = applied.number;
        }
    }
    Ok(last)
}

struct Applied {
    number: i64,
    digest: Digest,
}

impl TryFrom<&Row> for Applied {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: row.int("number")?,
            digest: row.parsed("digest")?,
        })
    }
}

fn compare(applied: &Applied, postgres: bool) -> Result<(), MigrationError> {
    let number = applied.number;
    let Some(migration) = MIGRATIONS
        .iter()
        .find(|migration| migration.number == number)
    else {
        return Err(MigrationError::Newer { number });
    };
    let known = migration.digest(postgres);
    if applied.digest == known {
        Ok(())
    } else {
        Err(MigrationError::Edited {
            number,
            applied: applied.digest,
            known,
        })
    }
}

impl Store {
    /// What stands for the tables of this version: two stores with the same have the same tables.
    #[must_use]
    pub fn tables_digest() -> Digest {
        digest_up_to(newest())
    }
}

/// What stands for the tables that the migrations up to a number make.
pub(crate) fn digest_up_to(last: i64) -> Digest {
    let texts = MIGRATIONS
        .iter()
        .filter(|migration| migration.number <= last)
        .flat_map(|migration| [migration.name, migration.postgres, migration.sqlite]);
    texts
        .fold(
            watchkeeper_model::DigestWriter::new("watchkeeper tables 1"),
            |writer, text| writer.field(text),
        )
        .finish()
}
