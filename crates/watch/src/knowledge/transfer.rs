//! Export and import: one JSON object a line, with where each entry comes from. What is imported comes from the file,
//! whatever the file says: it is marked so, and speaks for no host but its own until a person finds it to be right.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    About, Collection, Confidence, Confirmed, Entry, EntryNumber, HostName, Person, Source,
    Timestamp, bounded, visible,
};
use watchkeeper_store::{Brought, EntryFilter, NewEntry, StoredEntry, Tx};

use super::{Seeded, texts};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// Lines of one import; a longer file is brought in parts.
pub const MAX_IMPORT_LINES: usize = 500;
/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 2 * Entry::MAX_TEXT_BYTES + 8 * 1024;
/// Longest key, in characters.
const MAX_KEY_CHARS: usize = 200;
/// Longest account of what is wrong with a line.
const MAX_WHY_CHARS: usize = 300;

/// An entry as a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryLine {
    /// What it is the same by, in this file and later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its collection.
    #[serde(default = "knowledge")]
    pub collection: Collection,
    /// A word for what it is.
    #[serde(default = "note")]
    pub kind: String,
    /// Its topic.
    pub title: String,
    /// What it says.
    pub text: String,
    /// The host it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    /// Words to filter by.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Where it came from, there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How sure it is.
    #[serde(default = "medium")]
    pub confidence: Confidence,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Who found it to be right, there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmed>,
    /// After this it is not found any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

const fn knowledge() -> Collection {
    Collection::Knowledge
}

fn note() -> String {
    "note".to_owned()
}

const fn medium() -> Confidence {
    Confidence::Medium
}

impl From<StoredEntry> for EntryLine {
    fn from(stored: StoredEntry) -> Self {
        let entry = stored.entry;
        Self {
            key: Some(stored.key.unwrap_or_else(|| stored.digest.to_string())),
            collection: entry.collection,
            kind: entry.kind,
            title: entry.title,
            text: entry.text,
            host: entry.host,
            labels: entry.labels,
            source: Some(entry.source),
            confidence: entry.confidence,
            created_at: Some(entry.created_at),
            confirmed: entry.confirmed,
            expires_at: entry.expires_at,
        }
    }
}

/// A page of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Entries, the newest first.
    pub lines: Vec<EntryLine>,
    /// Where the next page begins; none: this was the last.
    pub next: Option<EntryNumber>,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// What became of the lines that were taken.
    #[serde(flatten)]
    pub taken: Seeded,
    /// The lines that were not, each with why.
    pub refused: Vec<RefusedLine>,
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

impl Watch {
    /// One page of all entries with where they come from, expired ones too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn export_entries(
        &self,
        before: Option<EntryNumber>,
        limit: Option<i64>,
    ) -> Result<Exported, WatchError> {
        let filter = EntryFilter {
            before,
            ..EntryFilter::default()
        };
        let limit = settle::page(limit, 200);
        let listed = self
            .store()
            .read()
            .await?
            .entries()
            .list(&filter, limit)
            .await?;
        self.remember_corrupt(&listed.corrupt);
        let is_full = listed.rows.len() + listed.corrupt.len() >= limit as usize;
        let last = listed.rows.last().map(|stored| stored.entry.number);
        Ok(Exported {
            next: last.filter(|_| is_full),
            lines: listed.rows.into_iter().map(EntryLine::from).collect(),
        })
    }

    /// Brings lines of a file. Each is taken or refused with a reason; the same line again changes nothing. With
    /// `found_right` the person who brings them says that they are right.
    ///
    /// # Errors
    /// When there are too many lines, or the store does not answer.
    pub async fn import_entries(
        &self,
        person: Person,
        lines: &[String],
        found_right: bool,
    ) -> Result<Imported, WatchError> {
        if lines.len() > MAX_IMPORT_LINES {
            let why = format!("more than {MAX_IMPORT_LINES} lines at once");
            return Err(WatchError::invalid(why));
        }
        let mut imported = Imported::default();
        let mut tx = self.store().begin().await?;
        for (place, line) in lines.iter().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match self.read_line(line, &person, found_right) {
                Ok(new) => {
                    let brought = bring(&mut tx, new).await?;
                    imported.taken.count(&brought);
                }
                Err(why) => imported.refused.push(RefusedLine {
                    line: place + 1,
                    why: bounded(&visible(&why), MAX_WHY_CHARS).into_owned(),
                }),
            }
        }
        let Seeded { new, changed, .. } = imported.taken;
        if new + changed > 0 {
            let word = if found_right {
                "found right"
            } else {
                "not confirmed"
            };
            let text = format!("{new} new, {changed} changed, {word}");
            let record = self.record_by(person, "knowledge.imported", About::default(), text);
            tx.log().append(record)?;
        }
        tx.commit().await?;
        self.something_was_taught().await;
        Ok(imported)
    }

    fn read_line(
        &self,
        line: &str,
        person: &Person,
        found_right: bool,
    ) -> Result<NewEntry, String> {
        if line.len() > MAX_LINE_BYTES {
            return Err(format!("the line is longer than {MAX_LINE_BYTES} bytes"));
        }
        // It is one line: that the parser counts lines, too, would only confuse.
        let line: EntryLine = serde_json::from_str(line).map_err(|error| {
            error
                .to_string()
                .replace(" at line 1 column ", " at column ")
        })?;
        let now = self.now();
        let digest = Entry::digest_of(line.collection, &line.title, &line.text);
        let key = line.key.unwrap_or_else(|| digest.to_string());
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS || *visible(&key) != *key {
            return Err(format!(
                "the key is not 1 to {MAX_KEY_CHARS} visible characters"
            ));
        }
        let origin = line
            .source
            .map_or_else(|| "a file".to_owned(), |source| source.to_string());
        let new = NewEntry {
            collection: line.collection,
            kind: line.kind,
            title: line.title,
            text: line.text,
            host: line.host,
            labels: line.labels,
            source: Source::Import {
                origin: bounded(&origin, MAX_KEY_CHARS).into_owned(),
            },
            confidence: line.confidence,
            at: now,
            confirmed: found_right.then(|| Confirmed {
                by: person.name.clone(),
                at: now,
            }),
            expires_at: line.expires_at,
            // Of its own, so that no file can put its words under the name of what ships or was learned.
            key: Some(format!("import {key}")),
        };
        texts::fit(new).map_err(|error| error.to_string())
    }
}

/// An entry that says the same already is that entry, wherever it came from; else the key decides.
async fn bring(tx: &mut Tx, new: NewEntry) -> Result<Brought, WatchError> {
    let digest = Entry::digest_of(new.collection, &new.title, &new.text);
    if let Some(same) = tx.entries().same(digest, new.host.as_ref()).await?
        && same.key != new.key
    {
        return Ok(Brought::Same(same.entry));
    }
    Ok(tx.entries().bring(new).await?)
}
