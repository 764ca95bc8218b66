//! Reading entries: one, lists, and what has changed since a version.

use watchkeeper_model::{Collection, Digest, EntryNumber, HostName, Timestamp};

use super::{Entries, EntryChanges, EntryFilter, StoredEntry, VERSION};
use crate::db::{Row, args, json_text};
use crate::query::Query;
use crate::{Listed, MAX_PAGE, StoreError};

/// What a statement reads of an entry.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select number, collection, kind, title, text, digest, host, labels, source, confidence, created_at,
                 updated_at, confirmed_by, confirmed_at, expires_at, used, import_key, version
             from entries ",
            $rest
        )
    };
}

impl<A> Entries<'_, A> {
    /// One entry.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, number: EntryNumber) -> Result<Option<StoredEntry>, StoreError> {
        let sql = select!("where number = $1");
        let row = self.db.first("entries.get", sql, args![number.0]).await?;
        Ok(row.map(|row| row.read("entries", "number")).transpose()?)
    }

    /// The entry of a key.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn by_key(&mut self, key: &str) -> Result<Option<StoredEntry>, StoreError> {
        let sql = select!("where import_key = $1");
        let row = self.db.first("entries.by_key", sql, args![key]).await?;
        Ok(row.map(|row| row.read("entries", "number")).transpose()?)
    }

    /// An entry that says the same about the same host; none of a host where `host` is none.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn same(
        &mut self,
        digest: Digest,
        host: Option<&HostName>,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let mut query = Query::new(select!("where digest = "), args![]);
        query.bind(digest.to_string());
        match host {
            Some(host) => query.push(" and host = ").bind(host),
            None => query.push(" and host is null"),
        };
        let (sql, args) = query.page(" order by number", 1).finish();
        let row = self.db.first("entries.same", sql, args).await?;
        Ok(row.map(|row| row.read("entries", "number")).transpose()?)
    }

    /// Keys that begin so, with their entries, in the order of the keys, at most [`MAX_PAGE`], those after `after`.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn keys(
        &mut self,
        prefix: &str,
        after: &str,
    ) -> Result<Vec<(String, EntryNumber)>, StoreError> {
        let end = format!("{prefix}{}", char::MAX);
        let sql = "select number, import_key from entries
                   where import_key >= $1 and import_key > $2 and import_key < $3 order by import_key limit $4";
        let args = args![prefix, after, end, i64::from(MAX_PAGE)];
        let rows = self.db.all("entries.keys", sql, args).await?;
        let read = |row: &Row| Ok((row.text("import_key")?, EntryNumber(row.int("number")?)));
        rows.iter()
            .map(|row| read(row).map_err(|bad| row.named(bad, "entries", "number").into()))
            .collect()
    }

    /// These entries, as far as they are there, in no order; at most [`MAX_PAGE`].
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn many(
        &mut self,
        numbers: &[EntryNumber],
    ) -> Result<Listed<StoredEntry>, StoreError> {
        if numbers.is_empty() {
            return Ok(Listed {
                rows: Vec::new(),
                corrupt: Vec::new(),
            });
        }
        let mut query = Query::new(select!("where true"), args![]);
        query.any_of(" and number in", numbers.iter().map(|number| number.0));
        let (sql, args) = query.page(" order by number", MAX_PAGE).finish();
        let rows = self.db.all("entries.many", sql, args).await?;
        Ok(Listed::read(&rows, "entries", "number"))
    }

    /// Entries that fit the filter, newest first, at most `limit`.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &EntryFilter,
        limit: u32,
    ) -> Result<Listed<StoredEntry>, StoreError> {
        let mut query = Query::new(select!("where true"), args![]);
        query.any_of(
            " and collection in",
            filter.collections.iter().map(|which| which.as_str()),
        );
        query.filter(" and kind = ", filter.kind.as_deref());
        query.filter(" and host = ", filter.host.as_ref());
        if let Some(label) = &filter.label {
            let contains = if self.db.is_postgres() {
                " and strpos(labels, "
            } else {
                " and instr(labels, "
            };
            query.push(contains).bind(json_text(label)).push(") > 0");
        }
        if let Some(at) = filter.live_at {
            query
                .push(" and (expires_at is null or expires_at > ")
                .bind(at)
                .push(")");
        }
        query.filter(" and number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by number desc", limit).finish();
        let rows = self.db.all("entries.list", sql, args).await?;
        Ok(Listed::read(&rows, "entries", "number"))
    }

    /// The version of the last change; 0 where there was none.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn version(&mut self) -> Result<i64, StoreError> {
        let sql = "select name, next - 1 as version from counters where name = $1";
        let row = self
            .db
            .first("entries.version", sql, args![VERSION])
            .await?;
        let Some(row) = row else { return Ok(0) };
        row.int("version")
            .map_err(|bad| row.named(bad, "counters", "name").into())
    }

    /// What has changed after a version, oldest change first, at most [`MAX_PAGE`] of either kind. Call again with the
    /// version it returns, until that is the one it was called with.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn changed_since(&mut self, version: i64) -> Result<EntryChanges, StoreError> {
        let limit = i64::from(MAX_PAGE);
        let sql = select!("where version > $1 order by version limit $2");
        let rows = self
            .db
            .all("entries.changed_since", sql, args![version, limit])
            .await?;
        let gone = "select number, version from removed_entries where version > $1 order by version limit $2";
        let gone = self
            .db
            .all("entries.changed_since", gone, args![version, limit])
            .await?;
        let at = |row: &Row| {
            row.int("version")
                .map_err(|bad| row.named(bad, "entries", "number"))
        };
        // Where one of the lists was cut, the other may only tell up to there.
        let mut until = i64::MAX;
        for list in [&rows, &gone] {
            if list.len() >= MAX_PAGE as usize
                && let Some(last) = list.last()
            {
                until = until.min(at(last)?);
            }
        }
        let mut changes = EntryChanges {
            changed: Vec::with_capacity(rows.len()),
            removed: Vec::with_capacity(gone.len()),
            version,
            corrupt: Vec::new(),
        };
        for row in &rows {
            let this = at(row)?;
            if this <= until {
                changes.version = changes.version.max(this);
                match row.read("entries", "number") {
                    Ok(entry) => changes.changed.push(entry),
                    Err(bad) => changes.corrupt.push(bad),
                }
            }
        }
        for row in &gone {
            let this = at(row)?;
            if this <= until {
                changes.version = changes.version.max(this);
                let number = row.int("number");
                changes.removed.push(EntryNumber(
                    number.map_err(|bad| row.named(bad, "removed_entries", "number"))?,
                ));
            }
        }
        Ok(changes)
    }

    /// How many entries each collection has.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn counts(&mut self) -> Result<Vec<(Collection, i64)>, StoreError> {
        let sql = "select collection, count(*) as count from entries group by collection order by collection";
        let rows = self.db.all("entries.counts", sql, args![]).await?;
        let count = |row: &Row| Ok((row.parsed("collection")?, row.int("count")?));
        rows.iter()
            .map(|row| count(row).map_err(|bad| row.named(bad, "entries", "collection").into()))
            .collect()
    }

    /// Entries of a collection that may be removed now, the oldest first, at most [`MAX_PAGE`]: they have expired, or there
    /// are more than `most` newer ones. What a person found to be right is not among them.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn surplus(
        &mut self,
        collection: Collection,
        now: Timestamp,
        most: i64,
    ) -> Result<Vec<EntryNumber>, StoreError> {
        let sql = "select number from entries
                   where collection = $1 and confirmed_by is null
                       and (expires_at <= $2 or number <= coalesce((select number from entries where collection = $1
                           order by number desc limit 1 offset $3), 0))
                   order by number limit $4";
        let args = args![collection.as_str(), now, most, i64::from(MAX_PAGE)];
        let rows = self.db.all("entries.over", sql, args).await?;
        let read = |row: &Row| Ok(EntryNumber(row.int("number")?));
        rows.iter()
            .map(|row| read(row).map_err(|bad| row.named(bad, "entries", "number").into()))
            .collect()
    }
}
