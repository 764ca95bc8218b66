//! Teaching and handling entries: list, show, add, edit, verify, forget, and learning inside another use case's
//! transaction.

use watchkeeper_model::{
    About, Collection, Confidence, Confirmed, Entry, EntryNumber, HostName, Person, Source,
    Timestamp,
};
use watchkeeper_store::{Brought, EntryFilter, NewEntry, Tx};

use super::texts;
use crate::watch::{Watch, with};
use crate::{WatchError, settle};

/// Entries in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 200;

/// Most hosts, and most talks, of which something is known; older ones are forgotten.
const MOST_HOSTS: i64 = 20_000;
const MOST_TALKS: i64 = 2_000;

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub struct EntryQuery {
    /// Of one of these collections; none: of any.
    pub collections: Vec<Collection>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this host.
    pub host: Option<HostName>,
    /// With this label.
    pub label: Option<String>,
    /// Those that have expired, too.
    pub all: bool,
    /// With a smaller number, for the next page.
    pub before: Option<EntryNumber>,
    /// At most so many.
    pub limit: Option<i64>,
}

/// What a person teaches.
#[derive(Clone, Debug)]
pub struct Taught {
    /// Its topic.
    pub title: String,
    /// What it says.
    pub text: String,
    /// A word for what it is.
    pub kind: String,
    /// The host it is about.
    pub host: Option<HostName>,
    /// Further words to filter by.
    pub labels: Vec<String>,
    /// After this it is not found any more.
    pub expires_at: Option<Timestamp>,
}

/// What a person changes about an entry; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct EntryEdit {
    /// Its topic.
    pub title: Option<String>,
    /// What it says.
    pub text: Option<String>,
    /// A word for what it is.
    pub kind: Option<String>,
    /// Further words to filter by.
    pub labels: Option<Vec<String>>,
    /// After this it is not found any more; within: never.
    pub expires_at: Option<Option<Timestamp>>,
}

impl Watch {
    /// Entries, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn entries(&self, query: &EntryQuery) -> Result<Vec<Entry>, WatchError> {
        let filter = EntryFilter {
            collections: query.collections.clone(),
            kind: query.kind.clone(),
            host: query.host.clone(),
            label: query.label.as_ref().map(|label| label.to_lowercase()),
            live_at: (!query.all).then(|| self.now()),
            before: query.before,
        };
        let limit = settle::page(query.limit, DEFAULT_PAGE);
        let listed = self
            .store()
            .read()
            .await?
            .entries()
            .list(&filter, limit)
            .await?;
        self.remember_corrupt(&listed.corrupt);
        Ok(listed.rows.into_iter().map(|stored| stored.entry).collect())
    }

    /// One entry.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn entry_of(&self, number: EntryNumber) -> Result<Entry, WatchError> {
        let stored = self.store().read().await?.entries().get(number).await?;
        stored
            .map(|stored| stored.entry)
            .ok_or(WatchError::NoSuchEntry { number })
    }

    /// Keeps what a person teaches.
    ///
    /// # Errors
    /// Refuses what is empty or too long.
    pub async fn add_entry(&self, person: Person, taught: Taught) -> Result<Entry, WatchError> {
        if let Some(host) = &taught.host {
            self.entry(host)?;
        }
        let new = NewEntry {
            collection: Collection::Knowledge,
            kind: taught.kind,
            title: taught.title,
            text: taught.text,
            host: taught.host,
            labels: taught.labels,
            source: Source::Person {
                name: person.name.clone(),
            },
            confidence: Confidence::High,
            at: self.now(),
            confirmed: None,
            expires_at: taught.expires_at,
            key: None,
        };
        let mut tx = self.store().begin().await?;
        let entry = tx.entries().insert(texts::fit(new)?).await?;
        self.tell_of(&mut tx, person, "knowledge.added", &entry, &entry.title)?;
        tx.commit().await?;
        self.something_was_taught().await;
        Ok(entry)
    }

    /// Changes an entry. New words are nobody's confirmed words any more.
    ///
    /// # Errors
    /// Refuses what is empty or too long; it is a conflict when somebody else changed it at the same moment.
    pub async fn edit_entry(
        &self,
        number: EntryNumber,
        person: Person,
        edit: EntryEdit,
    ) -> Result<Entry, WatchError> {
        let mut tx = self.store().begin().await?;
        let stored = tx.entries().get(number).await?;
        let before = stored.ok_or(WatchError::NoSuchEntry { number })?.entry;
        let fit = texts::fit(NewEntry {
            collection: before.collection,
            kind: edit.kind.unwrap_or_else(|| before.kind.clone()),
            title: edit.title.unwrap_or_else(|| before.title.clone()),
            text: edit.text.unwrap_or_else(|| before.text.clone()),
            host: before.host.clone(),
            labels: edit.labels.unwrap_or_else(|| before.labels.clone()),
            source: before.source.clone(),
            confidence: before.confidence,
            at: self.now(),
            confirmed: before.confirmed.clone(),
            expires_at: edit.expires_at.unwrap_or(before.expires_at),
            key: None,
        })?;
        let says_the_same = fit.title == before.title && fit.text == before.text;
        let after = Entry {
            kind: fit.kind,
            title: fit.title,
            text: fit.text,
            labels: fit.labels,
            expires_at: fit.expires_at,
            confirmed: before.confirmed.clone().filter(|_| says_the_same),
            updated_at: fit.at,
            ..before.clone()
        };
        tx.entries().change(&before, &after).await?;
        self.tell_of(&mut tx, person, "knowledge.changed", &after, &after.title)?;
        tx.commit().await?;
        self.something_was_taught().await;
        Ok(after)
    }

    /// Writes down that a person found an entry to be right: from now on it may speak for every host.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn verify_entry(
        &self,
        number: EntryNumber,
        person: Person,
    ) -> Result<Entry, WatchError> {
        let mut tx = self.store().begin().await?;
        let stored = tx.entries().get(number).await?;
        let before = stored.ok_or(WatchError::NoSuchEntry { number })?.entry;
        let now = self.now();
        let after = Entry {
            confirmed: Some(Confirmed {
                by: person.name.clone(),
                at: now,
            }),
            updated_at: now,
            ..before.clone()
        };
        tx.entries().change(&before, &after).await?;
        let text = format!("{}: found to be right ({})", after.title, after.source);
        self.tell_of(&mut tx, person, "knowledge.verified", &after, &text)?;
        tx.commit().await?;
        Ok(after)
    }

    /// Forgets an entry.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn forget_entry(
        &self,
        number: EntryNumber,
        person: Person,
    ) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        let stored = tx.entries().get(number).await?;
        let entry = stored.ok_or(WatchError::NoSuchEntry { number })?.entry;
        tx.entries().remove(number).await?;
        self.tell_of(&mut tx, person, "knowledge.forgotten", &entry, &entry.title)?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps what was learned, in the transaction of what it was learned from. Where it has a key that is known, the
    /// entry of that key says this from now on. Texts are redacted, made visible and checked here; its vector is made
    /// later, by a job.
    ///
    /// # Errors
    /// Refuses what is empty or too long.
    pub async fn learn(&self, tx: &mut Tx, new: NewEntry) -> Result<Brought, WatchError> {
        let brought = tx.entries().bring(texts::fit(new)?).await?;
        if !matches!(brought, Brought::Same(_))
            && let Some(model) = self.embedding_model()
        {
            self.ask_for_vectors(tx, model).await?;
        }
        Ok(brought)
    }

    /// Removes what is known of hosts that were not seen for long, and talks that are too old or too many. What a person found
    /// to be right stays.
    pub(crate) async fn prune_entries(&self) -> Result<(), WatchError> {
        let now = self.now();
        for (collection, most) in [
            (Collection::Hosts, MOST_HOSTS),
            (Collection::Conversations, MOST_TALKS),
        ] {
            let mut tx = self.store().begin().await?;
            let over = tx.entries().surplus(collection, now, most).await?;
            for number in over {
                tx.entries().remove(number).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    pub(super) fn tell_of(
        &self,
        tx: &mut Tx,
        person: Person,
        event: &str,
        entry: &Entry,
        text: &str,
    ) -> Result<(), WatchError> {
        let about = About {
            host: entry.host.clone(),
            ..About::default()
        };
        let record = self.record_by(person, event, about, text);
        tx.log()
            .append(with(record, "entry", entry.number.0.into()))?;
        Ok(())
    }

    /// After entries have changed: vectors are wanted for them.
    pub(super) async fn something_was_taught(&self) {
        // The index catches up by itself; a queue that is full must not undo what was taught.
        if let Err(error) = self.want_vectors().await {
            tracing::warn!(%error, "vectors are made later");
        }
    }
}
