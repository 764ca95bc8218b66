//! Entries of what is known. Every change takes the next version from one counter, whose row is held until the commit,
//! so that versions become visible in their order and an index that asks for what is newer than it has misses nothing.
//! How entries are found by their words is `knowledge`'s work; their vectors are in `vectors`.

use watchkeeper_model::{
    Collection, Confidence, Confirmed, Digest, Entry, EntryNumber, HostName, Source, Timestamp,
};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args, json_text};
use crate::query::Query;
use crate::{Listed, MAX_PAGE, StoreError, counters};

/// The counter of versions.
const VERSION: &str = "entry_version";

/// An entry before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Its collection.
    pub collection: Collection,
    /// A word for what it is.
    pub kind: String,
    /// Its topic, in a line.
    pub title: String,
    /// What it says; redacted by whoever brings it.
    pub text: String,
    /// The host it is about.
    pub host: Option<HostName>,
    /// Further words to filter by.
    pub labels: Vec<String>,
    /// Where it comes from.
    pub source: Source,
    /// How sure it is.
    pub confidence: Confidence,
    /// When it was made.
    pub at: Timestamp,
    /// Who found it to be right.
    pub confirmed: Option<Confirmed>,
    /// After this it is not found any more.
    pub expires_at: Option<Timestamp>,
    /// What brings it again brings the same entry.
    pub key: Option<String>,
}

/// An entry with what only its keeping needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: Entry,
    /// What is embedded and compared.
    pub digest: Digest,
    /// What brings it again brings the same entry.
    pub key: Option<String>,
    /// When it was changed last, as a number that grows with every change of any entry.
    pub version: i64,
}

/// What became of an entry that was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is new.
    New(Entry),
    /// One of the same key said something else before.
    Changed(Entry),
    /// It is here already.
    Same(Entry),
}

impl Brought {
    /// The entry as it stands.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        match self {
            Self::New(entry) | Self::Changed(entry) | Self::Same(entry) => entry,
        }
    }
}

/// What has changed since a version: read on from `version` until there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChanges {
    /// Entries that are new or say something else.
    pub changed: Vec<StoredEntry>,
    /// Entries that are gone.
    pub removed: Vec<EntryNumber>,
    /// Up to which version this tells.
    pub version: i64,
    /// Rows that cannot be read.
    pub corrupt: Vec<crate::CorruptRow>,
}

/// Which entries are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Of one of these collections.
    pub collections: Vec<Collection>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this host.
    pub host: Option<HostName>,
    /// With this label.
    pub label: Option<String>,
    /// Not expired at this time.
    pub live_at: Option<Timestamp>,
    /// With a smaller number, for the next page.
    pub before: Option<EntryNumber>,
}

impl TryFrom<&Row> for StoredEntry {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let confirmed = match (
            row.maybe_text("confirmed_by")?,
            row.maybe_time("confirmed_at")?,
        ) {
            (Some(by), Some(at)) => Some(Confirmed { by, at }),
            _ => None,
        };
        let confidence = serde_json::from_value(row.text("confidence")?.into())
            .map_err(|error| BadColumn::new("confidence", error))?;
        Ok(Self {
            entry: Entry {
                number: EntryNumber(row.int("number")?),
                collection: row.parsed("collection")?,
                kind: row.text("kind")?,
                title: row.text("title")?,
                text: row.text("text")?,
                host: row.maybe_parsed("host")?,
                labels: row.json("labels")?,
                source: row.json("source")?,
                confidence,
                created_at: row.time("created_at")?,
                updated_at: row.time("updated_at")?,
                confirmed,
                expires_at: row.maybe_time("expires_at")?,
                used: row.int("used")?,
            },
            digest: row.parsed("digest")?,
            key: row.maybe_text("import_key")?,
            version: row.int("version")?,
        })
    }
}

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

/// Entries.
pub struct Entries<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
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
}

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
