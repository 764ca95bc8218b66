//! What is kept in memory of all entries: their words, and their cards.

use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_model::{Entry, EntryNumber};

use crate::{Card, Filter, Lexical, Ranked};

/// Entries by number and by their words.
#[derive(Debug, Default)]
pub struct Index {
    cards: HashMap<EntryNumber, Arc<Card>>,
    lexical: Lexical,
}

impl Index {
    /// Puts an entry, in place of what it was before.
    pub fn put(&mut self, entry: &Entry) {
        self.lexical
            .put(entry.number, &entry.title, &entry.labels, &entry.text);
        self.cards.insert(entry.number, Arc::new(Card::from(entry)));
    }

    /// Removes an entry.
    pub fn remove(&mut self, number: EntryNumber) {
        self.cards.remove(&number);
        self.lexical.remove(number);
    }

    /// The card of an entry.
    #[must_use]
    pub fn card(&self, number: EntryNumber) -> Option<Arc<Card>> {
        self.cards.get(&number).map(Arc::clone)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cards.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// The entries that fit a question best by their words.
    #[must_use]
    pub fn search(&self, question: &str, filter: &Filter, limit: usize) -> Vec<Ranked> {
        self.lexical.search(question, limit, |number| {
            self.cards
                .get(&number)
                .is_some_and(|card| filter.admits(card))
        })
    }
}
