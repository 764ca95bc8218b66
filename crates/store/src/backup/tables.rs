//! Which tables a store has, as the database itself tells: their columns, their keys, and which refers to which.

use std::collections::{BTreeMap, BTreeSet};

use super::BackupError;
use crate::StoreError;
use crate::db::{BadColumn, Conn, Row, Sql, args};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    /// A flag of Postgres; SQLite keeps them as 0 and 1.
    Flag,
    Real,
    Text,
    Bytes,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// By name.
    pub(super) columns: Vec<Column>,
    /// The names of its key's columns, in their order.
    pub(super) key: Vec<String>,
}

const COLUMNS: Sql = Sql::Differs {
    pg: "select c.relname::text as table_name, a.attname::text as column_name,
             format_type(a.atttypid, a.atttypmod) as type_name,
             coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint as key_place
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         left join pg_index i on i.indrelid = c.oid and i.indisprimary
         where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname <> 'migrations'",
    lite: r"select t.name as table_name, c.name as column_name, c.type as type_name, c.pk as key_place
         from sqlite_schema t join pragma_table_info(t.name) c
         where t.type = 'table' and t.name not like 'sqlite\_%' escape '\' and t.name <> 'migrations'",
};
const REFERENCES: Sql = Sql::Differs {
    pg: "select c.relname::text as table_name, p.relname::text as parent
         from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
         where k.contype = 'f' and c.relnamespace = current_schema()::regnamespace",
    lite: r#"select t.name as table_name, f."table" as parent
         from sqlite_schema t join pragma_foreign_key_list(t.name) f where t.type = 'table'"#,
};

/// All tables but the list of migrations, each after those that it refers to.
pub(super) async fn tables(db: &mut Conn<'_>) -> Result<Vec<Table>, BackupError> {
    let mut found: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for row in db.all("backup.tables", COLUMNS, args![]).await? {
        let told: Told = row
            .read("tables", "column_name")
            .map_err(StoreError::from)?;
        found.entry(told.table.clone()).or_default().push(told);
    }
    let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in db.all("backup.tables", REFERENCES, args![]).await? {
        let Reference { table, parent } =
            row.read("tables", "table_name").map_err(StoreError::from)?;
        if table != parent {
            parents.entry(table).or_default().insert(parent);
        }
    }
    let mut tables = BTreeMap::new();
    for (name, columns) in found {
        tables.insert(name.clone(), table(name, columns)?);
    }
    Ok(parents_first(tables, &parents))
}

fn table(name: String, mut told: Vec<Told>) -> Result<Table, BackupError> {
    told.sort_by_key(|column| column.key_place);
    let key = told.iter().filter(|column| column.key_place > 0);
    let key = key.map(|column| column.column.clone()).collect();
    told.sort_by(|left, right| left.column.cmp(&right.column));
    let columns = told
        .into_iter()
        .map(Told::column)
        .collect::<Result<_, _>>()?;
    Ok(Table { name, columns, key })
}

/// Tables by name, but each after its parents. Where they go round in a circle, the rest follows as it is.
fn parents_first(
    mut left: BTreeMap<String, Table>,
    parents: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<Table> {
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left.keys().find(|name| {
            let waits = parents.get(*name);
            !waits.is_some_and(|parents| parents.iter().any(|parent| left.contains_key(parent)))
        });
        let next = free.or_else(|| left.keys().next()).cloned();
        ordered.extend(next.and_then(|name| left.remove(&name)));
    }
    ordered
}

struct Told {
    table: String,
    column: String,
    kind: String,
    key_place: i64,
}

impl Told {
    fn column(self) -> Result<Column, BackupError> {
        let kind = match self.kind.to_ascii_lowercase().as_str() {
            "integer" | "int" | "bigint" => Kind::Int,
            "boolean" => Kind::Flag,
            "real" | "double precision" => Kind::Real,
            "text" => Kind::Text,
            "blob" | "bytea" => Kind::Bytes,
            _ => {
                return Err(BackupError::UnknownColumn {
                    table: self.table,
                    column: self.column,
                    kind: self.kind,
                });
            }
        };
        Ok(Column {
            name: self.column,
            kind,
        })
    }
}

impl TryFrom<&Row> for Told {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            table: row.text("table_name")?,
            column: row.text("column_name")?,
            kind: row.text("type_name")?,
            key_place: row.int("key_place")?,
        })
    }
}

struct Reference {
    table: String,
    parent: String,
}

impl TryFrom<&Row> for Reference {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            table: row.text("table_name")?,
            parent: row.text("parent")?,
        })
    }
}

/// A name as SQL has it between quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
