//! The database itself, for what the store would never do: a row that is spoilt, a write that fails.

use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::bridge::Bridge;

impl Bridge {
    /// Runs SQL in the store's database; says how many rows it touched.
    pub(crate) async fn sql(&self, text: &str) -> u64 {
        let text = AssertSqlSafe(text.to_owned());
        match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut db: SqliteConnection = SqliteConnectOptions::new()
                    .filename(Path::new(path))
                    .connect()
                    .await
                    .expect("the file is there");
                let done = sqlx::raw_sql(text).execute(&mut db).await;
                done.expect("SQL of the test").rows_affected()
            }
            None => {
                let mut db = PgConnection::connect(&self.url)
                    .await
                    .expect("the server is up");
                let done = sqlx::raw_sql(text).execute(&mut db).await;
                done.expect("SQL of the test").rows_affected()
            }
        }
    }

    /// Whether the store is in SQLite.
    pub(crate) fn is_lite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// This write, e.g. `insert on run_steps`, fails from now on where the new row is so.
    pub(crate) async fn stops_at(&self, write: &str, when: &str) {
        let text = if self.is_lite() {
            format!(
                "create trigger stop before {write} when {when}
                 begin select raise(abort, 'stopped by the test'); end"
            )
        } else {
            format!(
                "create function stop() returns trigger language plpgsql
                     as 'begin raise exception ''stopped by the test''; end';
                 create trigger stop before {write} for each row when ({when}) execute function stop()"
            )
        };
        self.sql(&text).await;
    }

    /// Writes to this table succeed again.
    pub(crate) async fn stops_no_more(&self, table: &str) {
        let text = if self.is_lite() {
            "drop trigger stop".to_owned()
        } else {
            format!("drop trigger stop on {table}")
        };
        self.sql(&text).await;
    }
}
