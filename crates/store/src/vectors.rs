//! The vectors of entries, by model. The rows here are the truth: an index in memory and a Qdrant server are filled from
//! them. A vector belongs to what its entry said when it was made; one whose entry says something else now is missing.

use watchkeeper_model::{Digest, EntryNumber, HostName};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::entries::next_version;
use crate::query::Query;
use crate::{Listed, MAX_PAGE, StoreError};

/// Rows written by one statement.
const ROWS_PER_STATEMENT: usize = 500;

/// The vector of one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVector {
    /// The entry.
    pub entry: EntryNumber,
    /// What the entry said when it was made.
    pub digest: Digest,
    /// When it was made, in the versions of entries.
    pub version: i64,
    /// The numbers.
    pub vector: Vec<f32>,
}

/// An entry that a model has not embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unembedded {
    /// Which.
    pub entry: EntryNumber,
    /// What it says now.
    pub digest: Digest,
    /// Its topic.
    pub title: String,
    /// Its text.
    pub text: String,
    /// The host it is about.
    pub host: Option<HostName>,
}

impl TryFrom<&Row> for StoredVector {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let bytes = row.bytes("vector")?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            let why = format!("{} bytes are no whole numbers", bytes.len());
            return Err(BadColumn::new("vector", why));
        }
        Ok(Self {
            entry: EntryNumber(row.int("entry")?),
            digest: row.parsed("digest")?,
            version: row.int("version")?,
            vector: numbers
                .iter()
                .map(|four| f32::from_le_bytes(*four))
                .collect(),
        })
    }
}

impl TryFrom<&Row> for Unembedded {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            entry: EntryNumber(row.int("number")?),
            digest: row.parsed("digest")?,
            title: row.text("title")?,
            text: row.text("text")?,
            host: row.maybe_parsed("host")?,
        })
    }
}

/// Vectors.
pub struct Vectors<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> Vectors<'_, A> {
    /// The vectors of a model that come after a place, in the order in which they were made, at most [`MAX_PAGE`]; a
    /// place is the version and the entry of the last that was read. Those whose entries say something else by now are
    /// among them: it is better to find an entry by what it said than not at all.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn since(
        &mut self,
        model: &str,
        (version, entry): (i64, EntryNumber),
    ) -> Result<Listed<StoredVector>, StoreError> {
        let sql = "select entry, digest, version, vector from vectors
                   where model = $1 and version >= $2 and (version > $2 or entry > $3) order by version, entry limit $4";
        let args = args![model, version, entry.0, i64::from(MAX_PAGE)];
        let rows = self.db.all("vectors.since", sql, args).await?;
        Ok(Listed::read(&rows, "vectors", "entry"))
    }

    /// The vector of one entry.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(
        &mut self,
        model: &str,
        entry: EntryNumber,
    ) -> Result<Option<StoredVector>, StoreError> {
        let sql =
            "select entry, digest, version, vector from vectors where model = $1 and entry = $2";
        let row = self
            .db
            .first("vectors.get", sql, args![model, entry.0])
            .await?;
        Ok(row.map(|row| row.read("vectors", "entry")).transpose()?)
    }

    /// Entries that the model has not embedded as they stand, oldest first, those with a greater number than `after`. A talk
    /// about more than one host is not among them: it may hold what one of them said, and no lane is known to be right for
    /// all; it is found by its words.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn missing(
        &mut self,
        model: &str,
        after: EntryNumber,
        limit: u32,
    ) -> Result<Listed<Unembedded>, StoreError> {
        let sql = "select e.number, e.digest, e.title, e.text, e.host from entries e
                   left join vectors v on v.entry = e.number and v.model = $1
                   where e.number > $2 and (v.entry is null or v.digest <> e.digest)
                       and not (e.collection = 'conversations' and e.host is null) order by e.number limit $3";
        let args = args![model, after.0, i64::from(limit.min(MAX_PAGE))];
        let rows = self.db.all("vectors.missing", sql, args).await?;
        Ok(Listed::read(&rows, "entries", "number"))
    }

    /// How many entries the model has embedded as they stand, and how many it has not.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn counts(&mut self, model: &str) -> Result<(i64, i64), StoreError> {
        let sql = "select count(v.entry) as done, count(*) as entries, min(e.number) as number from entries e
                   left join vectors v on v.entry = e.number and v.model = $1 and v.digest = e.digest
                   where not (e.collection = 'conversations' and e.host is null)";
        let Some(row) = self.db.first("vectors.counts", sql, args![model]).await? else {
            return Ok((0, 0));
        };
        let read = || Ok((row.int("done")?, row.int("entries")?));
        let (done, entries) = read().map_err(|bad| row.named(bad, "entries", "number"))?;
        Ok((done, entries - done))
    }

    /// The models that have vectors here.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn models(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "select model, count(*) as count from vectors group by model order by model";
        let rows = self.db.all("vectors.models", sql, args![]).await?;
        let read = |row: &Row| Ok((row.text("model")?, row.int("count")?));
        rows.iter()
            .map(|row| read(row).map_err(|bad| row.named(bad, "vectors", "model").into()))
            .collect()
    }
}

impl Vectors<'_, Writing<'_>> {
    /// Keeps vectors of a model: for each an entry, what it said, and the numbers. One of an entry that is gone
    /// meanwhile is dropped.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn put(
        &mut self,
        model: &str,
        vectors: Vec<(EntryNumber, Digest, Vec<f32>)>,
    ) -> Result<(), StoreError> {
        let version = next_version(&mut self.db).await?;
        let there = self.still_there(&vectors).await?;
        let vectors: Vec<_> = vectors
            .into_iter()
            .filter(|(entry, ..)| there.contains(&entry.0))
            .collect();
        for some in vectors.chunks(ROWS_PER_STATEMENT) {
            let mut query = Query::new(
                "insert into vectors (entry, model, digest, version, vector) values ",
                args![],
            );
            query.rows(some.iter().map(|(entry, digest, vector)| {
                let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
                args![entry.0, model, digest.to_string(), version, bytes]
            }));
            query.push(
                " on conflict (entry, model) do update set digest = excluded.digest, version = excluded.version,
                      vector = excluded.vector",
            );
            let (sql, args) = query.finish();
            self.db.execute("vectors.put", sql, args).await?;
        }
        Ok(())
    }

    async fn still_there(
        &mut self,
        vectors: &[(EntryNumber, Digest, Vec<f32>)],
    ) -> Result<Vec<i64>, StoreError> {
        let mut there = Vec::with_capacity(vectors.len());
        for some in vectors.chunks(ROWS_PER_STATEMENT) {
            let mut query = Query::new("select number from entries where true", args![]);
            query.any_of(" and number in", some.iter().map(|(entry, ..)| entry.0));
            let (sql, args) = query.finish();
            for row in self.db.all("vectors.put", sql, args).await? {
                let number = row.int("number");
                there.push(number.map_err(|bad| row.named(bad, "entries", "number"))?);
            }
        }
        Ok(there)
    }

    /// Forgets the vectors of a model. Says how many.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn forget(&mut self, model: &str) -> Result<u64, StoreError> {
        self.db
            .execute(
                "vectors.forget",
                "delete from vectors where model = $1",
                args![model],
            )
            .await
    }
}
