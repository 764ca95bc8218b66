//! Search by words: BM25 over an inverted index in memory. A word in a title counts as several in the text, and a label
//! too. Entries are put and removed one by one; the statistics are always those of what is there.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use watchkeeper_model::EntryNumber;

use crate::synonyms::{SYNONYM_SHARE, synonyms};
use crate::words;

/// How fast more of the same word stops to count.
const K1: f32 = 1.2;
/// How much a long entry is held against it. Entries are cut to size by those who write them, and a configuration file
/// is not worse for being long.
const B: f32 = 0.5;
/// As how many a word of the title counts, and of the labels.
const TITLE_WEIGHT: f32 = 3.0;
const LABEL_WEIGHT: f32 = 2.0;
/// Most words of a question that are looked up, the rest are passed over: a pasted log is no question.
const MAX_ASKED: usize = 256;

/// An entry with how well it fits. Only the order means anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which.
    pub number: EntryNumber,
    /// How well; greater is better.
    pub score: f32,
}

/// Entries by their words.
#[derive(Debug, Default)]
pub struct Lexical {
    terms: HashMap<Box<str>, u32>,
    /// By term: the slots that have it, in their order, with its weight there.
    postings: Vec<Vec<(u32, f32)>>,
    slots: Vec<Option<Slot>>,
    places: HashMap<EntryNumber, u32>,
    length: f64,
}

#[derive(Debug)]
struct Slot {
    number: EntryNumber,
    terms: Box<[u32]>,
    length: f32,
}

impl Lexical {
    /// Puts an entry, in place of what it said before.
    pub fn put(&mut self, number: EntryNumber, title: &str, labels: &[String], text: &str) {
        self.remove(number);
        let mut weights: HashMap<u32, f32> = HashMap::new();
        let mut length = 0.0;
        let mut add = |text: &str, weight: f32, index: &mut Self| {
            words::words(text, |word| {
                *weights.entry(index.term(word)).or_default() += weight;
                length += weight;
            });
        };
        add(title, TITLE_WEIGHT, self);
        for label in labels {
            add(label, LABEL_WEIGHT, self);
        }
        add(text, 1.0, self);
        let slot = u32::try_from(self.slots.len()).expect("fewer than four milliards of changes");
        for (term, weight) in &weights {
            self.postings[*term as usize].push((slot, *weight));
        }
        self.length += f64::from(length);
        self.places.insert(number, slot);
        self.slots.push(Some(Slot {
            number,
            terms: weights.into_keys().collect(),
            length,
        }));
    }

    /// Removes an entry; says whether it was there.
    pub fn remove(&mut self, number: EntryNumber) -> bool {
        let Some(place) = self.places.remove(&number) else {
            return false;
        };
        let slot = self.slots[place as usize]
            .take()
            .expect("a place is of a slot");
        self.length -= f64::from(slot.length);
        for term in &slot.terms {
            let postings = &mut self.postings[*term as usize];
            if let Ok(at) = postings.binary_search_by_key(&place, |(slot, _)| *slot) {
                postings.remove(at);
            }
        }
        true
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The entries that fit a question best, the best first, of those that are admitted. Any text is a legal question.
    #[must_use]
    pub fn search(
        &self,
        question: &str,
        limit: usize,
        admits: impl Fn(EntryNumber) -> bool,
    ) -> Vec<Ranked> {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        let mut asked = words::asked(question);
        asked.truncate(MAX_ASKED);
        for word in &asked {
            let mut best: HashMap<u32, f32> = HashMap::new();
            self.score(word, 1.0, &mut best);
            for other in synonyms(word) {
                // A word that was asked for itself is not counted again.
                if !asked.contains(other) {
                    self.score(other, SYNONYM_SHARE, &mut best);
                }
            }
            for (slot, score) in best {
                *scores.entry(slot).or_default() += score;
            }
        }
        let ranked = scores.into_iter().filter_map(|(slot, score)| {
            let number = self.slots[slot as usize].as_ref()?.number;
            Some(Ranked { number, score })
        });
        best(ranked, limit, admits)
    }

    /// How well each entry fits one word; where it was found by another of the same meaning already, the better counts.
    fn score(&self, word: &str, share: f32, best: &mut HashMap<u32, f32>) {
        let Some(term) = self.terms.get(word) else {
            return;
        };
        let (count, average) = (
            self.len() as f32,
            (self.length / self.len().max(1) as f64) as f32,
        );
        let postings = &self.postings[*term as usize];
        let having = postings.len() as f32;
        let rarity = (1.0 + (count - having + 0.5) / (having + 0.5)).ln();
        for (slot, weight) in postings {
            let length = self.slots[*slot as usize]
                .as_ref()
                .map_or(0.0, |slot| slot.length);
            let damped =
                weight * (K1 + 1.0) / (weight + K1 * (1.0 - B + B * length / average.max(1.0)));
            let score = share * rarity * damped;
            best.entry(*slot)
                .and_modify(|known| *known = known.max(score))
                .or_insert(score);
        }
    }

    fn term(&mut self, word: &str) -> u32 {
        if let Some(term) = self.terms.get(word) {
            return *term;
        }
        let term = u32::try_from(self.postings.len()).expect("fewer than four milliards of words");
        self.terms.insert(word.into(), term);
        self.postings.push(Vec::new());
        term
    }
}

/// By score, and of equals the older entry: an order without chance.
pub(crate) fn order(one: &Ranked, other: &Ranked) -> Ordering {
    other
        .score
        .total_cmp(&one.score)
        .then(one.number.cmp(&other.number))
}

struct Worst(Ranked);

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Worst {}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

/// The best of those that are admitted. Whether one is admitted is asked only where it would be among them.
fn best(
    all: impl Iterator<Item = Ranked>,
    limit: usize,
    admits: impl Fn(EntryNumber) -> bool,
) -> Vec<Ranked> {
    let mut heap: BinaryHeap<Worst> = BinaryHeap::new();
    for one in all {
        let is_among = heap.len() < limit
            || heap
                .peek()
                .is_some_and(|worst| order(&one, &worst.0).is_lt());
        if is_among && limit > 0 && admits(one.number) {
            heap.push(Worst(one));
            if heap.len() > limit {
                heap.pop();
            }
        }
    }
    heap.into_sorted_vec()
        .into_iter()
        .map(|Worst(one)| one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(entries: &[(i64, &str, &str)]) -> Lexical {
        let mut index = Lexical::default();
        for (number, title, text) in entries {
            index.put(EntryNumber(*number), title, &[], text);
        }
        index
    }

    fn found(index: &Lexical, question: &str) -> Vec<i64> {
        index
            .search(question, 10, |_| true)
            .iter()
            .map(|one| one.number.0)
            .collect()
    }

    #[test]
    fn a_name_is_found_whole_and_in_parts() {
        let index = index(&[
            (1, "web server", "systemctl restart nginx.service"),
            (
                2,
                "disk errors",
                "EXT4-fs error (device sda1): can't read /etc/nginx/nginx.conf",
            ),
            (3, "time", "chronyc tracking"),
        ]);
        assert_eq!(found(&index, "nginx.service")[0], 1);
        assert_eq!(found(&index, "ext4")[0], 2);
        assert_eq!(found(&index, "/etc/nginx/nginx.conf")[0], 2);
        assert_eq!(found(&index, "can't"), [2]);
        assert_eq!(found(&index, "nothing of this kind"), Vec::<i64>::new());
    }

    #[test]
    fn the_title_counts_more_than_the_text() {
        let index = index(&[
            (1, "clock", "a certificate was seen"),
            (2, "certificate", "a clock was seen"),
        ]);
        assert_eq!(found(&index, "certificate"), [2, 1]);
    }

    #[test]
    fn what_is_removed_or_changed_is_not_found_by_what_it_said() {
        let mut index = index(&[(1, "swap", "swapoff"), (2, "raid", "mdadm")]);
        assert!(index.remove(EntryNumber(1)) && !index.remove(EntryNumber(1)));
        index.put(EntryNumber(2), "raid", &["array".to_owned()], "btrfs");
        assert_eq!(found(&index, "swap mdadm"), Vec::<i64>::new());
        assert_eq!(found(&index, "array"), [2]);
        assert_eq!(index.len(), 1);
        assert!(
            (index.length
                - f64::from(
                    index
                        .slots
                        .iter()
                        .flatten()
                        .map(|slot| slot.length)
                        .sum::<f32>()
                ))
            .abs()
                < 1e-3
        );
    }

    #[test]
    fn only_what_is_admitted_is_found() {
        let index = index(&[
            (1, "disk", "disk disk"),
            (2, "disk", "disk"),
            (3, "disk", ""),
        ]);
        let found = index.search("disk", 1, |number| number.0 != 1);
        assert_eq!(found.len(), 1);
        assert_ne!(found[0].number, EntryNumber(1));
        assert!(index.search("disk", 0, |_| true).is_empty());
    }
}
