//! What ships with Watchkeeper, brought into the store. Bringing it again changes what an update changed.

use serde::{Deserialize, Serialize};
use watchkeeper_knowledge::shipped;
use watchkeeper_model::{About, Collection, Confidence, Person, Source};
use watchkeeper_store::{Brought, NewEntry};

use super::texts;
use crate::WatchError;
use crate::watch::Watch;

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

impl Watch {
    /// Brings what ships with Watchkeeper. An entry that a person has edited or forgotten comes back as it ships.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn seed(&self, person: Person) -> Result<Seeded, WatchError> {
        let now = self.now();
        let mut seeded = Seeded::default();
        let mut tx = self.store().begin().await?;
        for entry in shipped() {
            let new = NewEntry {
                collection: Collection::Knowledge,
                kind: entry.kind,
                title: entry.title,
                text: entry.text,
                host: None,
                labels: entry.labels,
                source: Source::Shipped,
                confidence: Confidence::High,
                at: now,
                confirmed: None,
                expires_at: None,
                key: Some(format!("shipped {}", entry.key)),
            };
            seeded.count(&tx.entries().bring(texts::fit(new)?).await?);
        }
        if seeded.new + seeded.changed > 0 {
            let text = format!("{} new, {} changed", seeded.new, seeded.changed);
            let record = self.record_by(person, "knowledge.seeded", About::default(), text);
            tx.log().append(record)?;
        }
        tx.commit().await?;
        self.something_was_taught().await;
        Ok(seeded)
    }
}
