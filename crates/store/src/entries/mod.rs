//! Entries of what is known. Every change takes the next version from one counter, whose row is held until the commit,
//! so that versions become visible in their order and an index that asks for what is newer than it has misses nothing.
//! How entries are found by their words is `knowledge`'s work; their vectors are in `vectors`.

use watchkeeper_model::{
    Collection, Confidence, Confirmed, Digest, Entry, EntryNumber, HostName, Source, Timestamp,
};

use crate::db::{BadColumn, Conn, Row};

mod read;
mod write;

pub(crate) use write::next_version;

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

/// Entries.
pub struct Entries<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}
