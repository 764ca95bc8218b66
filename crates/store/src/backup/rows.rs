//! Rows as lines of JSON, and back. Both databases give the same line for the same row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sqlx::Row as _;

use super::BackupError;
use super::tables::{Column, Kind, Table, quoted};
use crate::StoreError;
use crate::db::{Arg, BadColumn, Conn, Row, Sql, args};

/// Values bound by one statement, below what SQLite takes (32,766).
const MAX_BINDS: usize = 30_000;
/// Rows written by one statement.
const MAX_ROWS: usize = 500;

/// Hands over the lines of a table in the order of its key, without their ends.
pub(super) async fn each_line(
    db: &mut Conn<'_>,
    table: &Table,
    mut take: impl FnMut(&str) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let sql = Sql::Built(select(table, db.is_postgres()));
    db.each("backup.read", sql, args![], |row| {
        let line = line(&row, table).map_err(|bad| StoreError::from(row_named(bad, table)))?;
        take(&line)
    })
    .await
}

fn select(table: &Table, postgres: bool) -> String {
    let columns = table.columns.iter().map(|column| {
        let name = quoted(&column.name);
        match column.kind {
            Kind::Flag => format!("{name}::int::bigint as {name}"),
            _ => name,
        }
    });
    let in_order = table.key.iter().map(|key| {
        let is_text = |column: &&Column| column.name == *key && column.kind == Kind::Text;
        // The order of bytes, as SQLite has it.
        let bytes = postgres && table.columns.iter().any(|column| is_text(&column));
        quoted(key) + if bytes { " collate \"C\"" } else { "" }
    });
    let order: Vec<_> = in_order.collect();
    let mut text = columns.collect::<Vec<_>>().join(", ");
    text = format!("select {text} from {}", quoted(&table.name));
    if !order.is_empty() {
        text.push_str(" order by ");
        text.push_str(&order.join(", "));
    }
    text
}

fn row_named(bad: BadRow, table: &Table) -> crate::CorruptRow {
    crate::CorruptRow {
        table: "a table",
        column: "a column",
        id: format!("{}.{}", table.name, bad.column),
        why: bad.why,
    }
}

struct BadRow {
    column: String,
    why: String,
}

fn line(row: &Row, table: &Table) -> Result<String, BadRow> {
    let mut object = Map::new();
    for (place, column) in table.columns.iter().enumerate() {
        let value = value(row, place, column.kind).map_err(|error| BadRow {
            column: column.name.clone(),
            why: BadColumn::new("", error).why,
        })?;
        object.insert(column.name.clone(), value);
    }
    Ok(Value::Object(object).to_string())
}

macro_rules! get {
    ($row:expr, $place:expr, $type:ty) => {
        match $row {
            Row::Pg(row) => row.try_get::<Option<$type>, _>($place),
            Row::Lite(row) => row.try_get::<Option<$type>, _>($place),
        }
    };
}

fn value(row: &Row, place: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    Ok(match kind {
        Kind::Int | Kind::Flag => get!(row, place, i64)?.map(Value::from),
        // Digits that read back as the very same number.
        Kind::Real => get!(row, place, f64)?.map(|real| Value::String(format!("{real:?}"))),
        Kind::Text => get!(row, place, String)?.map(Value::String),
        Kind::Bytes => {
            get!(row, place, Vec<u8>)?.map(|bytes| Value::String(STANDARD.encode(bytes)))
        }
    }
    .unwrap_or(Value::Null))
}

/// Writes lines into a table, some hundred at a time.
pub(super) async fn insert(
    db: &mut Conn<'_>,
    table: &Table,
    lines: &str,
) -> Result<(), BackupError> {
    let at_once = (MAX_BINDS / table.columns.len().max(1)).clamp(1, MAX_ROWS);
    let lines: Vec<&str> = lines.lines().collect();
    for some in lines.chunks(at_once) {
        let mut statement = Insert::into(table);
        for line in some {
            statement.add(table, line)?;
        }
        let sql = Sql::Built(statement.text);
        db.execute("backup.insert", sql, statement.args).await?;
    }
    Ok(())
}

struct Insert {
    text: String,
    args: Vec<Arg>,
    rows: usize,
}

impl Insert {
    fn into(table: &Table) -> Self {
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .collect();
        let (name, columns) = (quoted(&table.name), columns.join(", "));
        Self {
            text: format!("insert into {name} ({columns}) values "),
            args: Vec::new(),
            rows: 0,
        }
    }

    fn add(&mut self, table: &Table, line: &str) -> Result<(), BackupError> {
        let bad = |why: &str| BackupError::damaged(format!("a row of {}: {why}", table.name));
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| bad(&error.to_string()))?;
        let names = table.columns.iter().map(|column| &column.name);
        if !object.keys().eq(names) {
            return Err(bad("its columns are not those of the table"));
        }
        self.text.push_str(if self.rows == 0 { "(" } else { ", (" });
        self.rows += 1;
        for (place, column) in table.columns.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            match arg(&object[&column.name], column.kind) {
                Ok(None) => self.text.push_str("null"),
                Ok(Some(arg)) => self.bind(arg, column.kind),
                Err(why) => return Err(bad(&format!("{} {why}", column.name))),
            }
        }
        self.text.push(')');
        Ok(())
    }

    fn bind(&mut self, arg: Arg, kind: Kind) {
        self.args.push(arg);
        let place = self.args.len();
        self.text.push_str(&match kind {
            Kind::Flag => format!("(${place}::bigint <> 0)"),
            _ => format!("${place}"),
        });
    }
}

/// The value as a column of this kind takes it; none for null.
fn arg(value: &Value, kind: Kind) -> Result<Option<Arg>, &'static str> {
    Ok(Some(match (kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Int | Kind::Flag, Value::Number(number)) => {
            Arg::from(number.as_i64().ok_or("is no whole number")?)
        }
        (Kind::Text, Value::String(text)) => Arg::from(text.as_str()),
        (Kind::Real, Value::String(text)) => {
            Arg::from(text.parse::<f64>().map_err(|_| "is no number")?)
        }
        (Kind::Bytes, Value::String(text)) => {
            Arg::from(STANDARD.decode(text).map_err(|_| "is not base64")?)
        }
        _ => return Err("is of another kind"),
    }))
}
