//! Fusion by reciprocal rank: what several searches agree on comes first, and no search's scores are compared with
//! another's. Only ranks count, so no threshold of likeness is ever needed.

use std::collections::HashMap;

use watchkeeper_model::EntryNumber;

/// How much less the second place is worth than the first; 60 is what the literature has found to do well.
const RANK_CONSTANT: f64 = 60.0;

/// Which searches found an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// By its words.
    Lexical,
    /// By its meaning.
    Dense,
    /// By both.
    Both,
}

/// An entry that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fused {
    /// Which.
    pub number: EntryNumber,
    /// How well it fits; only the order means anything.
    pub score: f64,
    /// How it was found.
    pub by: FoundBy,
}

/// One list out of two, the best first; each is in its own order.
#[must_use]
pub fn fuse(lexical: &[EntryNumber], dense: &[EntryNumber], limit: usize) -> Vec<Fused> {
    let mut all: HashMap<EntryNumber, Fused> = HashMap::new();
    for (list, by) in [(lexical, FoundBy::Lexical), (dense, FoundBy::Dense)] {
        for (rank, number) in (1_u32..).zip(list) {
            let score = 1.0 / (RANK_CONSTANT + f64::from(rank));
            all.entry(*number)
                .and_modify(|fused| {
                    fused.score += score;
                    fused.by = FoundBy::Both;
                })
                .or_insert(Fused {
                    number: *number,
                    score,
                    by,
                });
        }
    }
    let mut fused: Vec<Fused> = all.into_values().collect();
    fused.sort_by(|one, other| {
        other
            .score
            .total_cmp(&one.score)
            .then(one.number.cmp(&other.number))
    });
    fused.truncate(limit);
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_found_comes_first() {
        let numbers = |list: &[i64]| list.iter().copied().map(EntryNumber).collect::<Vec<_>>();
        let fused = fuse(&numbers(&[1, 2, 3]), &numbers(&[4, 3, 5]), 4);
        assert_eq!(
            fused
                .iter()
                .map(|one| (one.number.0, one.by))
                .collect::<Vec<_>>(),
            [
                (3, FoundBy::Both),
                (1, FoundBy::Lexical),
                (4, FoundBy::Dense),
                (2, FoundBy::Lexical),
            ]
        );
        assert!(fuse(&[], &[], 5).is_empty());
    }
}
