//! What ships with Watchkeeper, brought into the store. Bringing it again changes what an update changed and nothing that a
//! person decided: what they forgot stays forgotten, what they edited stays as they put it, and a newer shipped text for it
//! is only offered. What was brought last stands in the store beside the entries, so that an edit is told from an update.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_knowledge::shipped;
use watchkeeper_model::{
    About, Collection, Confidence, Digest, DigestWriter, Entry, EntryNumber, Person, Source,
    Timestamp,
};
use watchkeeper_store::{Brought, NewEntry, StoredEntry, Tx};

use super::texts;
use crate::WatchError;
use crate::watch::Watch;

/// The key in the store's own values under which stands what was brought last, by the keys of what ships.
const BROUGHT: &str = "knowledge.seeded";

/// What became of entries that were brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    /// New ones.
    pub new: usize,
    /// Those that said something else before.
    pub changed: usize,
    /// Those that were here.
    pub same: usize,
}

impl Seeded {
    pub(super) fn count(&mut self, brought: &Brought) {
        match brought {
            Brought::New(_) => self.new += 1,
            Brought::Changed(_) => self.changed += 1,
            Brought::Same(_) => self.same += 1,
        }
    }
}

/// What became of what ships.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeding {
    /// What was brought.
    #[serde(flatten)]
    pub taken: Seeded,
    /// How many a person has edited; they stay as they are.
    pub edited: usize,
    /// How many a person has forgotten; they stay forgotten.
    pub forgotten: usize,
    /// Entries that a person has edited, and for which an update brings another text.
    pub offered: Vec<EntryNumber>,
}

/// What stands in the store for one thing that ships.
enum Standing {
    /// Nothing, and nothing was ever brought.
    Missing,
    /// Nothing: a person has forgotten it.
    Forgotten,
    /// What was brought.
    Brought,
    /// What a person made of it.
    Edited(EntryNumber),
}

impl Watch {
    /// Brings what ships with Watchkeeper. With `again`, what a person has edited or forgotten comes back as it ships.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn seed(&self, person: Person, again: bool) -> Result<Seeding, WatchError> {
        let now = self.now();
        let mut seeding = Seeding::default();
        let mut tx = self.store().begin().await?;
        let kept = tx.meta().get(BROUGHT).await?;
        let kept = kept.and_then(|kept| serde_json::from_str(&kept).ok());
        let mut brought: BTreeMap<String, Digest> = kept.unwrap_or_default();
        let before = brought.clone();
        for entry in shipped() {
            let new = texts::fit(ship(entry.clone(), now))?;
            let ships = ships(&new);
            match standing(&mut tx, &new, before.get(&entry.key)).await? {
                Standing::Forgotten if !again => seeding.forgotten += 1,
                Standing::Edited(number) if !again => {
                    seeding.edited += 1;
                    if before.get(&entry.key) != Some(&ships) {
                        seeding.offered.push(number);
                    }
                }
                _ => {
                    seeding.taken.count(&tx.entries().bring(new).await?);
                    brought.insert(entry.key, ships);
                }
            }
        }
        if brought != before {
            let text = serde_json::to_string(&brought).expect("our own values are data");
            tx.meta().set(BROUGHT, &text).await?;
        }
        let Seeded { new, changed, .. } = seeding.taken;
        if new + changed > 0 {
            let text = format!("{new} new, {changed} changed");
            let record = self.record_by(person, "knowledge.seeded", About::default(), text);
            tx.log().append(record)?;
        }
        tx.commit().await?;
        self.something_was_taught().await;
        Ok(seeding)
    }
}

fn ship(entry: watchkeeper_knowledge::Shipped, at: Timestamp) -> NewEntry {
    NewEntry {
        collection: Collection::Knowledge,
        kind: entry.kind,
        title: entry.title,
        text: entry.text,
        host: None,
        labels: entry.labels,
        source: Source::Shipped,
        confidence: Confidence::High,
        at,
        confirmed: None,
        expires_at: None,
        key: Some(format!("shipped {}", entry.key)),
    }
}

/// How what ships stands in the store, by what was brought last. Of a store that does not say, an entry that was never
/// changed is as it was brought.
async fn standing(
    tx: &mut Tx,
    new: &NewEntry,
    brought: Option<&Digest>,
) -> Result<Standing, WatchError> {
    let key = new.key.as_deref().unwrap_or_default();
    let Some(StoredEntry { entry, .. }) = tx.entries().by_key(key).await? else {
        return Ok(if brought.is_some() {
            Standing::Forgotten
        } else {
            Standing::Missing
        });
    };
    let is_as_brought = match brought {
        Some(brought) => *brought == stands(&entry),
        None => entry.created_at == entry.updated_at,
    };
    let says_what_ships = is_as_brought || stands(&entry) == ships(new);
    Ok(if says_what_ships && entry.expires_at.is_none() {
        Standing::Brought
    } else {
        Standing::Edited(entry.number)
    })
}

fn stands(entry: &Entry) -> Digest {
    digest_of(&entry.kind, &entry.title, &entry.text, &entry.labels)
}

fn ships(new: &NewEntry) -> Digest {
    digest_of(&new.kind, &new.title, &new.text, &new.labels)
}

/// What a person can edit of what ships.
fn digest_of(kind: &str, title: &str, text: &str, labels: &[String]) -> Digest {
    let mut digest = DigestWriter::new("watchkeeper shipped 1")
        .field(kind)
        .field(title)
        .field(text);
    for label in labels {
        digest = digest.field(label);
    }
    digest.finish()
}
