//! Brings a store to the tables that this version needs. Migrations expand first and contract later, are numbered
//! from 1 without gaps, are the same list on both databases, and are never edited: what was applied is compared.

use sqlx::{Connection as _, Row as _};
use watchkeeper_model::Digest;

use crate::store::Db;
use crate::{MigrationError, StoreError};

/// One step of the tables.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
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
];

const TABLE: &str =
    "create table if not exists migrations (number bigint primary key, digest text not null)";
const TABLE_LITE: &str = "create table if not exists migrations (number integer primary key, digest text not null) strict";
const APPLIED: &str = "select number, digest from migrations order by number";
const RECORD: &str = "insert into migrations (number, digest) values ($1, $2)";
/// Any number will do that nobody else locks: controllers that start together migrate one after another.
const LOCK: &str = "select pg_advisory_xact_lock(8267364510293)";

/// Applies what is missing, in one transaction: either all of it, or nothing.
pub(crate) async fn apply(db: &Db) -> Result<(), StoreError> {
    apply_list(db, MIGRATIONS).await
}

pub(crate) async fn apply_list(db: &Db, list: &[Migration]) -> Result<(), StoreError> {
    let unavailable = |error| StoreError::of("migrations.apply", error);
    match db {
        Db::Pg(pool) => {
            let mut conn = pool.acquire().await.map_err(unavailable)?;
            let mut tx = conn.begin().await.map_err(unavailable)?;
            sqlx::query(LOCK)
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
            sqlx::raw_sql(TABLE)
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
            let applied = sqlx::query(APPLIED)
                .fetch_all(&mut *tx)
                .await
                .map_err(unavailable)?;
            let applied: Vec<_> = applied.iter().map(|row| (row.get(0), row.get(1))).collect();
            for migration in missing(list, &applied, |migration| migration.postgres)? {
                let failed = |source| failed(migration, source);
                sqlx::raw_sql(migration.postgres)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed)?;
                let digest = Digest::of_bytes(migration.postgres.as_bytes()).to_string();
                sqlx::query(RECORD)
                    .bind(migration.number)
                    .bind(digest)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed)?;
            }
            tx.commit().await.map_err(unavailable)
        }
        Db::Lite { writer, .. } => {
            let mut tx = writer
                .begin_with("begin immediate")
                .await
                .map_err(unavailable)?;
            sqlx::raw_sql(TABLE_LITE)
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
            let applied = sqlx::query(APPLIED)
                .fetch_all(&mut *tx)
                .await
                .map_err(unavailable)?;
            let applied: Vec<_> = applied.iter().map(|row| (row.get(0), row.get(1))).collect();
            for migration in missing(list, &applied, |migration| migration.sqlite)? {
                let failed = |source| failed(migration, source);
                sqlx::raw_sql(migration.sqlite)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed)?;
                let digest = Digest::of_bytes(migration.sqlite.as_bytes()).to_string();
                sqlx::query(RECORD)
                    .bind(migration.number)
                    .bind(digest)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed)?;
            }
            tx.commit().await.map_err(unavailable)
        }
    }
}

fn failed(migration: &Migration, source: sqlx::Error) -> StoreError {
    match StoreError::of("migrations.apply", source) {
        StoreError::Database { source, .. } => MigrationError::Failed {
            number: migration.number,
            name: migration.name,
            source,
        }
        .into(),
        other => other,
    }
}

/// Those not applied yet, after comparing those that are.
fn missing<'m>(
    list: &'m [Migration],
    applied: &[(i64, String)],
    text: fn(&Migration) -> &'static str,
) -> Result<impl Iterator<Item = &'m Migration>, MigrationError> {
    for (number, digest) in applied {
        let Some(migration) = list.iter().find(|migration| migration.number == *number) else {
            return Err(MigrationError::Newer { number: *number });
        };
        let known = Digest::of_bytes(text(migration).as_bytes());
        let applied = digest.parse().unwrap_or(Digest::of_bytes(b""));
        if applied != known {
            return Err(MigrationError::Edited {
                number: *number,
                applied,
                known,
            });
        }
    }
    let last = applied.iter().map(|(number, _)| *number).max().unwrap_or(0);
    Ok(list.iter().filter(move |migration| migration.number > last))
}

impl crate::Store {
    /// What stands for the tables of this version: two stores with the same have the same tables.
    #[must_use]
    pub fn tables_digest() -> Digest {
        let texts = MIGRATIONS
            .iter()
            .flat_map(|migration| [migration.name, migration.postgres, migration.sqlite]);
        texts
            .fold(
                watchkeeper_model::DigestWriter::new("watchkeeper tables 1"),
                |writer, text| writer.field(text),
            )
            .finish()
    }
}
