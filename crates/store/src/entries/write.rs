//! Changing entries. Every change takes the next version.

use watchkeeper_model::{Confidence, Entry, EntryNumber};

use super::{Brought, Entries, NewEntry, VERSION};
use crate::access::Writing;
use crate::db::{Conn, args, json_text};
use crate::query::Query;
use crate::{StoreError, counters};

impl Entries<'_, Writing<'_>> {
    /// Keeps a new entry and gives it its number.
    ///
    /// # Errors
    /// It is a conflict when another entry has its key; too large a text is refused.
    pub async fn insert(&mut self, new: NewEntry) -> Result<Entry, StoreError> {
        fits(&new.title, &new.text)?;
        let number = counters::next(&mut self.db, "entry").await?;
        let version = next_version(&mut self.db).await?;
        let entry = Entry {
            number: EntryNumber(number),
            collection: new.collection,
            kind: new.kind,
            title: new.title,
            text: new.text,
            host: new.host,
            labels: new.labels,
            source: new.source,
            confidence: new.confidence,
            created_at: new.at,
            updated_at: new.at,
            confirmed: new.confirmed,
            expires_at: new.expires_at,
            used: 0,
        };
        let what = || format!("the entry {}", new.key.clone().unwrap_or_default());
        let sql = "insert into entries (number, collection, kind, title, text, digest, host, labels, source, confidence,
                       created_at, updated_at, confirmed_by, confirmed_at, expires_at, used, import_key, version)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, $16, $17)";
        let args = args![
            number,
            entry.collection.as_str(),
            entry.kind.as_str(),
            entry.title.as_str(),
            entry.text.as_str(),
            digest_of(&entry),
            entry.host.as_ref().map(ToString::to_string),
            json_text(&entry.labels),
            json_text(&entry.source),
            word(entry.confidence),
            entry.created_at,
            entry.updated_at,
            entry
                .confirmed
                .as_ref()
                .map(|confirmed| confirmed.by.clone()),
            entry.confirmed.as_ref().map(|confirmed| confirmed.at),
            entry.expires_at,
            new.key.clone(),
            version,
        ];
        self.db
            .execute("entries.insert", sql, args)
            .await
            .map_err(|error| error.or_conflict(what))?;
        Ok(entry)
    }

    /// Keeps an entry that may be here under its key already. What says the same is left alone, with who confirmed it;
    /// what says something else is changed, and what a person had found right is not right any more unless `new` says
    /// who found it so.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn bring(&mut self, new: NewEntry) -> Result<Brought, StoreError> {
        let before = match &new.key {
            Some(key) => self.by_key(key).await?,
            None => None,
        };
        let Some(before) = before else {
            return Ok(Brought::New(self.insert(new).await?));
        };
        let mut after = Entry {
            collection: new.collection,
            kind: new.kind,
            title: new.title,
            text: new.text,
            host: new.host,
            labels: new.labels,
            source: new.source,
            confidence: new.confidence,
            expires_at: new.expires_at,
            ..before.entry.clone()
        };
        let says_the_same = after == before.entry;
        after.confirmed = match (new.confirmed, says_the_same) {
            (None, true) => before.entry.confirmed.clone(),
            (Some(now), _) => before
                .entry
                .confirmed
                .clone()
                .filter(|was| says_the_same && was.by == now.by)
                .or(Some(now)),
            (None, false) => None,
        };
        if after == before.entry {
            return Ok(Brought::Same(after));
        }
        after.updated_at = new.at;
        self.change(&before.entry, &after).await?;
        Ok(Brought::Changed(after))
    }

    /// Changes an entry. Its number, key and count of uses stay.
    ///
    /// # Errors
    /// It is a conflict when somebody changed or removed it since it was read.
    pub async fn change(&mut self, before: &Entry, after: &Entry) -> Result<(), StoreError> {
        fits(&after.title, &after.text)?;
        let version = next_version(&mut self.db).await?;
        let sql = "update entries set collection = $1, kind = $2, title = $3, text = $4, digest = $5, host = $6,
                       labels = $7, source = $8, confidence = $9, updated_at = $10, confirmed_by = $11,
                       confirmed_at = $12, expires_at = $13, version = $14
                   where number = $15 and digest = $16 and updated_at = $17";
        let args = args![
            after.collection.as_str(),
            after.kind.as_str(),
            after.title.as_str(),
            after.text.as_str(),
            digest_of(after),
            after.host.as_ref().map(ToString::to_string),
            json_text(&after.labels),
            json_text(&after.source),
            word(after.confidence),
            after.updated_at,
            after
                .confirmed
                .as_ref()
                .map(|confirmed| confirmed.by.clone()),
            after.confirmed.as_ref().map(|confirmed| confirmed.at),
            after.expires_at,
            version,
            before.number.0,
            digest_of(before),
            before.updated_at,
        ];
        let number = before.number;
        self.db
            .change_one("entries.change", sql, args, || format!("entry {number}"))
            .await
    }

    /// Forgets an entry and its vectors; says whether it was there.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn remove(&mut self, number: EntryNumber) -> Result<bool, StoreError> {
        let sql = "delete from entries where number = $1";
        if self
            .db
            .execute("entries.remove", sql, args![number.0])
            .await?
            == 0
        {
            return Ok(false);
        }
        let version = next_version(&mut self.db).await?;
        let sql = "insert into removed_entries (number, version) values ($1, $2)";
        self.db
            .execute("entries.remove", sql, args![number.0, version])
            .await?;
        Ok(true)
    }

    /// Counts that these were shown to a model. It is no change that an index must hear of.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn used(&mut self, numbers: &[EntryNumber]) -> Result<(), StoreError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let mut query = Query::new("update entries set used = used + 1 where true", args![]);
        query.any_of(" and number in", numbers.iter().map(|number| number.0));
        let (sql, args) = query.finish();
        self.db.execute("entries.used", sql, args).await.map(drop)
    }
}

/// Takes the next version; the counter's row is held until the commit.
pub(crate) async fn next_version(db: &mut Conn<'_>) -> Result<i64, StoreError> {
    counters::next(db, VERSION).await
}

fn digest_of(entry: &Entry) -> String {
    Entry::digest_of(entry.collection, &entry.title, &entry.text).to_string()
}

fn word(confidence: Confidence) -> String {
    match serde_json::to_value(confidence) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("a confidence is a word"),
    }
}

fn fits(title: &str, text: &str) -> Result<(), StoreError> {
    let limits = [
        ("the title of an entry", title, Entry::MAX_TITLE_CHARS * 4),
        ("the text of an entry", text, Entry::MAX_TEXT_BYTES),
    ];
    for (what, value, limit) in limits {
        if value.len() > limit {
            return Err(StoreError::TooLarge {
                what,
                bytes: value.len(),
                limit,
            });
        }
    }
    Ok(())
}
