//! Taking a backup: one moment of the store, table by table, without keeping any of it.

use std::io::Write;

use watchkeeper_model::Timestamp;

use super::archive::Writer;
use super::tables::tables;
use super::{BackupError, BackupFile, FORMAT, Heading, LeftOut, LogHead, Manifest, rows};
use crate::db::{Conn, args};
use crate::log::Head;
use crate::{Store, StoreError, migrations};

/// A statement may last as long as its table is long.
const NO_TIME_LIMIT: &str = "set local statement_timeout = 0";

/// What is said of a backup by who takes it.
#[derive(Clone, Debug)]
pub struct BackupTerms {
    /// The version of the program.
    pub program: String,
    /// The time now.
    pub at: Timestamp,
    /// Files that are kept with it.
    pub files: Vec<BackupFile>,
    /// Files that are not, and why.
    pub left_out: Vec<LeftOut>,
}

impl Store {
    /// Writes everything the store holds at this moment. Others may go on reading and writing meanwhile.
    ///
    /// # Errors
    /// Says why the store cannot be read or the backup not be written.
    pub async fn back_up<W: Write>(
        &self,
        output: W,
        terms: &BackupTerms,
    ) -> Result<(Manifest, W), BackupError> {
        let mut read = self.read().await?;
        let store_id = read.meta().store_id().await?;
        let mut db = read.parts().0;
        endless(&mut db).await?;
        let schema = migrations::applied(&mut db).await?;
        let tables = tables(&mut db).await?;
        let heading = Heading {
            format: FORMAT,
            program: terms.program.clone(),
            schema,
            tables_digest: migrations::digest_up_to(schema),
            database: if db.is_postgres() {
                "postgres"
            } else {
                "sqlite"
            }
            .to_owned(),
            taken_at: terms.at,
            tables: tables.iter().map(|table| table.name.clone()).collect(),
        };
        let mut writer = Writer::begin(output, &heading)?;
        for table in &tables {
            let mut lines = writer.table(table.name.clone());
            rows::each_line(&mut db, table, |line| lines.line(line)).await?;
            lines.end()?;
        }
        for file in &terms.files {
            writer.file(file)?;
        }
        writer.end(Manifest {
            heading,
            store_id,
            log: log_head(&mut db).await?,
            rows: Vec::new(),
            files: Vec::new(),
            left_out: terms.left_out.clone(),
        })
    }
}

/// Lifts the time limit of statements, until the transaction ends.
pub(super) async fn endless(db: &mut Conn<'_>) -> Result<(), StoreError> {
    if db.is_postgres() {
        db.execute("backup.begin", NO_TIME_LIMIT, args![]).await?;
    }
    Ok(())
}

async fn log_head(db: &mut Conn<'_>) -> Result<LogHead, StoreError> {
    let sql = "select id, seq, hash from log_head";
    let row = db.first("backup.head", sql, args![]).await?;
    let row = row.ok_or_else(|| StoreError::Conflict {
        what: "the head of the log".to_owned(),
    })?;
    let head: Head = row.read("log_head", "id")?;
    Ok(LogHead {
        seq: head.seq,
        hash: head.hash,
    })
}
