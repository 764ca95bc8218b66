//! The one place that knows that there are two databases: the same text with the same binds runs on both, and
//! rows of both are read by the same few methods. A text that must differ says so by [`Sql::Differs`].

use std::fmt::Display;
use std::str::FromStr;

use futures::{Stream, TryStreamExt as _};
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Decode, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite,
    Type,
};
use tracing::{Instrument as _, debug_span};
use watchkeeper_model::{HostName, Timestamp};

use crate::{CorruptRow, StoreError};

/// What stands for a NUL, which Postgres cannot keep in a text: the picture of one.
const PICTURE_OF_NUL: &str = "\u{2400}";

/// A statement.
pub(crate) enum Sql {
    /// The same on both.
    Same(&'static str),
    /// One text for each.
    Differs {
        pg: &'static str,
        lite: &'static str,
    },
    /// Put together by [`crate::query::Query`] out of constant parts.
    Built(String),
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Same(text)
    }
}

/// The same statement twice: rows that others have locked are skipped on Postgres; SQLite has no row locks and one
/// writer.
macro_rules! skip_locked {
    ($before:literal, $after:literal) => {
        $crate::db::Sql::Differs {
            pg: concat!($before, " for update skip locked ", $after),
            lite: concat!($before, " ", $after),
        }
    };
}
pub(crate) use skip_locked;

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
    Flag(bool),
    Real(f64),
    Bytes(Vec<u8>),
}

macro_rules! arg {
    ($($from:ty, $value:ident => $arg:expr;)*) => {
        $(impl From<$from> for Arg {
            fn from($value: $from) -> Self {
                $arg
            }
        })*
    };
}

arg! {
    i64, value => Self::Int(Some(value));
    Option<i64>, value => Self::Int(value);
    bool, value => Self::Flag(value);
    f64, value => Self::Real(value);
    Vec<u8>, value => Self::Bytes(value);
    Timestamp, value => Self::Int(Some(value.as_millis()));
    Option<Timestamp>, value => Self::Int(value.map(Timestamp::as_millis));
    &HostName, value => Self::Text(Some(value.to_string()));
    &str, value => Self::Text(Some(without_nul(value)));
    String, value => Self::Text(Some(without_nul(&value)));
    Option<String>, value => Self::Text(value.as_deref().map(without_nul));
}

fn without_nul(text: &str) -> String {
    text.replace('\0', PICTURE_OF_NUL)
}

/// The values of `$1`, `$2`, … in their order.
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::db::Arg::from($value)),*]
    };
}
pub(crate) use args;

/// A connection of either.
pub(crate) enum Link<'c> {
    Pg(&'c mut PgConnection),
    Lite(&'c mut SqliteConnection),
}

/// A transaction's connection. After a statement that failed, or was cancelled, the transaction is over: Postgres sees
/// to that by itself, though its commit then says nothing of it, while SQLite would go on, at times without a transaction.
pub(crate) struct Conn<'c> {
    pub(crate) link: Link<'c>,
    pub(crate) over: &'c mut bool,
}

impl Conn<'_> {
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Pg(_))
    }

    /// Runs a statement; says how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<u64, StoreError> {
        self.enter(operation)?;
        let span = debug_span!("db", operation);
        let done = match &mut self.link {
            Link::Pg(conn) => sqlx::query_with(pg_text(sql.into()), pg_args(args))
                .execute(&mut **conn)
                .instrument(span)
                .await
                .map(|done| done.rows_affected()),
            Link::Lite(conn) => sqlx::query_with(lite_text(sql.into()), lite_args(args))
                .execute(&mut **conn)
                .instrument(span)
                .await
                .map(|done| done.rows_affected()),
        };
        self.leave(operation, done)
    }

    /// Runs a change of one row that may have been changed by somebody else: no row is a conflict over `what`.
    pub(crate) async fn change_one(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
        what: impl FnOnce() -> String,
    ) -> Result<(), StoreError> {
        match self.execute(operation, sql, args).await? {
            1 => Ok(()),
            _ => Err(StoreError::Conflict { what: what() }),
        }
    }

    /// All rows.
    pub(crate) async fn all(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>, StoreError> {
        self.enter(operation)?;
        let span = debug_span!("db", operation);
        let rows = match &mut self.link {
            Link::Pg(conn) => sqlx::query_with(pg_text(sql.into()), pg_args(args))
                .fetch_all(&mut **conn)
                .instrument(span)
                .await
                .map(|rows| rows.into_iter().map(Row::Pg).collect()),
            Link::Lite(conn) => sqlx::query_with(lite_text(sql.into()), lite_args(args))
                .fetch_all(&mut **conn)
                .instrument(span)
                .await
                .map(|rows| rows.into_iter().map(Row::Lite).collect()),
        };
        self.leave(operation, rows)
    }

    /// All rows of a change that a unique index may refuse, because somebody else was first at the same moment: then
    /// there are none, and the transaction goes on. SQLite has one writer, who sees what the one before has done.
    pub(crate) async fn all_unless_taken(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
        may_be_taken: bool,
    ) -> Result<Vec<Row>, StoreError> {
        let guarded = may_be_taken && self.is_postgres();
        if guarded {
            self.execute(operation, "savepoint unless_taken", args![])
                .await?;
        }
        let rows = self.all(operation, sql, args).await;
        let rows = match rows {
            Err(error) if guarded && error.is_unique_violation() => {
                // The failed statement is undone by the savepoint, so the transaction is not over.
                *self.over = false;
                self.execute(operation, "rollback to savepoint unless_taken", args![])
                    .await?;
                Vec::new()
            }
            rows => rows?,
        };
        if guarded {
            self.execute(operation, "release savepoint unless_taken", args![])
                .await?;
        }
        Ok(rows)
    }

    /// Hands over rows one by one as they come, without keeping them. An error of who takes them ends it.
    pub(crate) async fn each<E: From<StoreError>>(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
        mut take: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(operation)?;
        let ended = match &mut self.link {
            Link::Pg(conn) => {
                let rows = sqlx::query_with(pg_text(sql.into()), pg_args(args)).fetch(&mut **conn);
                hand_over(rows, |row| take(Row::Pg(row))).await
            }
            Link::Lite(conn) => {
                let query = sqlx::query_with(lite_text(sql.into()), lite_args(args));
                hand_over(query.fetch(&mut **conn), |row| take(Row::Lite(row))).await
            }
        };
        self.leave(operation, ended)?
    }

    /// The first row, if there is one.
    pub(crate) async fn first(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(operation, sql, args).await?.into_iter().next())
    }

    /// Runs many statements without values.
    pub(crate) async fn script(
        &mut self,
        operation: &'static str,
        sql: Sql,
    ) -> Result<(), StoreError> {
        self.enter(operation)?;
        let done = match &mut self.link {
            Link::Pg(conn) => sqlx::raw_sql(pg_text(sql))
                .execute(&mut **conn)
                .await
                .map(drop),
            Link::Lite(conn) => sqlx::raw_sql(lite_text(sql))
                .execute(&mut **conn)
                .await
                .map(drop),
        };
        self.leave(operation, done)
    }

    /// Until a statement has ended well, the transaction counts as over: it may be cancelled while it waits.
    fn enter(&mut self, operation: &'static str) -> Result<(), StoreError> {
        if std::mem::replace(self.over, true) {
            Err(StoreError::TransactionOver { operation })
        } else {
            Ok(())
        }
    }

    fn leave<T>(
        &mut self,
        operation: &'static str,
        result: Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        *self.over = result.is_err();
        result.map_err(|error| StoreError::of(operation, error))
    }
}

async fn hand_over<R, E>(
    rows: impl Stream<Item = Result<R, sqlx::Error>>,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<Result<(), E>, sqlx::Error> {
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        if let Err(error) = take(row) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

fn pg_text(sql: Sql) -> SqlStr {
    match sql {
        Sql::Same(text) | Sql::Differs { pg: text, .. } => text.into_sql_str(),
        Sql::Built(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

fn lite_text(sql: Sql) -> SqlStr {
    match sql {
        Sql::Same(text) | Sql::Differs { lite: text, .. } => text.into_sql_str(),
        Sql::Built(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

macro_rules! bind_all {
    ($arguments:ty, $args:ident) => {{
        let mut bound = <$arguments>::default();
        for arg in $args {
            match arg {
                Arg::Int(value) => bound.add(value),
                Arg::Text(value) => bound.add(value),
                Arg::Flag(value) => bound.add(value),
                Arg::Real(value) => bound.add(value),
                Arg::Bytes(value) => bound.add(value),
            }
            .expect("numbers, flags, texts and bytes can always be encoded");
        }
        bound
    }};
}

fn pg_args(args: Vec<Arg>) -> PgArguments {
    bind_all!(PgArguments, args)
}

fn lite_args(args: Vec<Arg>) -> SqliteArguments {
    bind_all!(SqliteArguments, args)
}

/// A row of either.
pub(crate) enum Row {
    Pg(PgRow),
    Lite(SqliteRow),
}

/// A column that cannot be read; [`Row::named`] says of which row.
#[derive(Debug)]
pub(crate) struct BadColumn {
    /// The table, where it is another than the one that is read.
    pub(crate) table: Option<&'static str>,
    pub(crate) column: &'static str,
    pub(crate) why: String,
}

/// Longest account of what is wrong with a column.
const MAX_WHY_CHARS: usize = 200;

impl BadColumn {
    pub(crate) fn new(column: &'static str, why: impl Display) -> Self {
        let why = why.to_string();
        let why = watchkeeper_model::bounded(&watchkeeper_model::visible(&why), MAX_WHY_CHARS)
            .into_owned();
        Self {
            table: None,
            column,
            why,
        }
    }

    pub(crate) fn of(self, table: &'static str) -> Self {
        Self {
            table: Some(table),
            ..self
        }
    }
}

impl Row {
    fn get<T>(&self, column: &'static str) -> Result<T, BadColumn>
    where
        T: for<'r> Decode<'r, Postgres>
            + Type<Postgres>
            + for<'r> Decode<'r, Sqlite>
            + Type<Sqlite>,
    {
        match self {
            Self::Pg(row) => row.try_get(column),
            Self::Lite(row) => row.try_get(column),
        }
        .map_err(|error| BadColumn::new(column, error))
    }

    pub(crate) fn int(&self, column: &'static str) -> Result<i64, BadColumn> {
        self.get(column)
    }

    pub(crate) fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, BadColumn> {
        self.get(column)
    }

    pub(crate) fn real(&self, column: &'static str) -> Result<f64, BadColumn> {
        self.get(column)
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, BadColumn> {
        self.get(column)
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, BadColumn> {
        self.get(column)
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, BadColumn> {
        self.get(column)
    }

    pub(crate) fn maybe_text(&self, column: &'static str) -> Result<Option<String>, BadColumn> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, BadColumn> {
        self.int(column).map(Timestamp::from_millis)
    }

    pub(crate) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, BadColumn> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_millis))
    }

    /// A name, a number, a word: anything that reads itself from text.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<T, BadColumn> {
        self.text(column)?
            .parse()
            .map_err(|error| BadColumn::new(column, error))
    }

    pub(crate) fn maybe_parsed<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, BadColumn> {
        self.maybe_text(column)?
            .map(|text| text.parse().map_err(|error| BadColumn::new(column, error)))
            .transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, BadColumn> {
        serde_json::from_str(&self.text(column)?).map_err(|error| BadColumn::new(column, error))
    }

    pub(crate) fn maybe_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, BadColumn> {
        self.maybe_text(column)?
            .map(|text| serde_json::from_str(&text).map_err(|error| BadColumn::new(column, error)))
            .transpose()
    }

    /// Says of which row of which table a column cannot be read; `key` is the column that names the row.
    pub(crate) fn named(
        &self,
        bad: BadColumn,
        table: &'static str,
        key: &'static str,
    ) -> CorruptRow {
        let id = self
            .text(key)
            .or_else(|_| self.int(key).map(|number| number.to_string()))
            .unwrap_or_else(|_| "(unreadable key)".to_owned());
        CorruptRow {
            table: bad.table.unwrap_or(table),
            column: bad.column,
            id,
            why: bad.why,
        }
    }

    /// Reads the row as a `T` of `table`, whose key is the column `key`.
    pub(crate) fn read<T>(&self, table: &'static str, key: &'static str) -> Result<T, CorruptRow>
    where
        T: for<'r> TryFrom<&'r Self, Error = BadColumn>,
    {
        T::try_from(self).map_err(|bad| self.named(bad, table, key))
    }
}

/// What a list found: the rows that can be read, and beside them those that cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The rows that cannot be read.
    pub corrupt: Vec<CorruptRow>,
}

impl<T> Listed<T> {
    pub(crate) fn read(from: &[Row], table: &'static str, key: &'static str) -> Self
    where
        T: for<'r> TryFrom<&'r Row, Error = BadColumn>,
    {
        let mut rows = Vec::with_capacity(from.len());
        let mut corrupt = Vec::new();
        for row in from {
            match row.read(table, key) {
                Ok(value) => rows.push(value),
                Err(bad) => corrupt.push(bad),
            }
        }
        Self { rows, corrupt }
    }

    /// All rows, or the first that cannot be read.
    ///
    /// # Errors
    /// Names the first row that cannot be read.
    pub fn strict(self) -> Result<Vec<T>, CorruptRow> {
        match self.corrupt.into_iter().next() {
            Some(bad) => Err(bad),
            None => Ok(self.rows),
        }
    }
}

/// A value as JSON text. What is stored are our own types, whose keys are texts.
pub(crate) fn json_text<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("our own values are data")
}
