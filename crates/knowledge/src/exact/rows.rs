//! The rows of one model, twice: as they are, and as codes of one byte.
//!
//! A row `x` of length one is kept as `s·q + r`: a scale, codes from -127 to 127, and what is left, whose length is kept.
//! A query `y` of length one is `t·p + f` in the same way, with finer codes. Then
//! `x·y = s·t·(q·p) + s·q·f + r·y`, where the second part is at most `(1 + |r|)·|f|` and the third at most `|r|`.
//! `q·p` is whole-number arithmetic, which the compiler turns into vector instructions (AVX2, AVX-512 where the machine
//! has them) and which has no error of its own; [`ROUNDING`] covers what `f32` loses in the rest.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use pulp::Arch;
use watchkeeper_model::EntryNumber;

use crate::Card;
use crate::vectors::Near;

/// Rows whose rough likeness is computed before any of them is looked at.
const BLOCK: usize = 256;
/// The largest code of a row.
const ROW_CODE: f32 = 127.0;
/// The largest code of a query, where the sum of all products still fits 32 bits.
const QUERY_CODE: i32 = 8_191;
/// More than rounding can change about a likeness.
const ROUNDING: f32 = 1e-5;

/// Vectors of one model.
#[derive(Debug)]
pub(super) struct Rows {
    dimensions: usize,
    places: HashMap<EntryNumber, usize>,
    cards: Vec<Arc<Card>>,
    numbers: Vec<f32>,
    codes: Vec<i8>,
    rough: Vec<Rough>,
    arch: Arch,
}

/// How the codes of a row stand to the row.
#[derive(Clone, Copy, Debug)]
struct Rough {
    scale: f32,
    /// The length of what the codes leave out.
    left: f32,
}

struct Query {
    codes: Vec<i16>,
    scale: f32,
    left: f32,
}

/// A likeness that orders.
#[derive(Clone, Copy, PartialEq)]
struct Likeness(f32);

impl Eq for Likeness {}

impl PartialOrd for Likeness {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Likeness {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Rows {
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            places: HashMap::new(),
            cards: Vec::new(),
            numbers: Vec::new(),
            codes: Vec::new(),
            rough: Vec::new(),
            arch: Arch::new(),
        }
    }

    pub(super) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) const fn len(&self) -> usize {
        self.cards.len()
    }

    pub(super) fn get(&self, number: EntryNumber) -> Option<&[f32]> {
        self.places.get(&number).map(|place| self.row(*place))
    }

    fn row(&self, place: usize) -> &[f32] {
        &self.numbers[place * self.dimensions..][..self.dimensions]
    }

    /// Puts a row of length one.
    pub(super) fn put(&mut self, card: Arc<Card>, row: &[f32]) {
        let scale = largest(row) / ROW_CODE;
        let codes = encoded(row, scale);
        let left = left_out(row, scale, codes.clone());
        let codes = codes.map(|code| code as i8);
        let rough = Rough { scale, left };
        if let Some(place) = self.places.get(&card.number).copied() {
            let at = place * self.dimensions;
            self.numbers[at..at + self.dimensions].copy_from_slice(row);
            for (kept, code) in self.codes[at..].iter_mut().zip(codes) {
                *kept = code;
            }
            self.rough[place] = rough;
            self.cards[place] = card;
        } else {
            self.places.insert(card.number, self.cards.len());
            self.numbers.extend_from_slice(row);
            self.codes.extend(codes);
            self.rough.push(rough);
            self.cards.push(card);
        }
    }

    pub(super) fn relabel(&mut self, card: &Arc<Card>) {
        if let Some(place) = self.places.get(&card.number) {
            self.cards[*place] = Arc::clone(card);
        }
    }

    /// The last row takes the place of the one that goes.
    pub(super) fn remove(&mut self, number: EntryNumber) {
        let Some(place) = self.places.remove(&number) else {
            return;
        };
        let last = self.cards.len() - 1;
        let (width, from, to) = (
            self.dimensions,
            last * self.dimensions,
            place * self.dimensions,
        );
        self.numbers.copy_within(from..from + width, to);
        self.codes.copy_within(from..from + width, to);
        self.numbers.truncate(from);
        self.codes.truncate(from);
        self.rough.swap_remove(place);
        self.cards.swap_remove(place);
        if place < last {
            self.places.insert(self.cards[place].number, place);
        }
    }

    /// The nearest rows of those that are admitted, the nearest first. Whether one is admitted is asked only where it
    /// could be among them.
    pub(super) fn nearest(
        &self,
        query: &[f32],
        limit: usize,
        admits: impl Fn(&Card) -> bool,
    ) -> Vec<Near> {
        if limit == 0 {
            return Vec::new();
        }
        let candidates = self.candidates(&self.coded(query), limit, admits);
        let mut near: Vec<Near> = candidates
            .into_iter()
            .map(|place| Near {
                number: self.cards[place].number,
                likeness: product(self.row(place), query),
            })
            .collect();
        near.sort_by(|one, other| {
            other
                .likeness
                .total_cmp(&one.likeness)
                .then(one.number.cmp(&other.number))
        });
        near.truncate(limit);
        near
    }

    /// Every row that could be among the nearest.
    fn candidates(
        &self,
        query: &Query,
        limit: usize,
        admits: impl Fn(&Card) -> bool,
    ) -> Vec<usize> {
        let mut sums = [0_i32; BLOCK];
        // The least that the best so far have; the smallest of them is what another must be able to reach.
        let mut best: BinaryHeap<Reverse<Likeness>> =
            BinaryHeap::with_capacity(limit.min(self.len()) + 1);
        let mut bar = f32::NEG_INFINITY;
        let mut candidates: Vec<(usize, f32)> = Vec::new();
        for (block, codes) in self.codes.chunks(BLOCK * self.dimensions).enumerate() {
            let sums = &mut sums[..codes.len() / self.dimensions];
            self.arch.dispatch(Products {
                codes,
                query: &query.codes,
                sums,
            });
            let rough = &self.rough[block * BLOCK..];
            for (at, (sum, rough)) in sums.iter().zip(rough).enumerate() {
                let likeness = *sum as f32 * rough.scale * query.scale;
                let off = rough.left + (1.0 + rough.left) * query.left + ROUNDING;
                let place = block * BLOCK + at;
                if likeness + off < bar || !admits(&self.cards[place]) {
                    continue;
                }
                candidates.push((place, likeness + off));
                best.push(Reverse(Likeness(likeness - off)));
                if best.len() > limit {
                    best.pop();
                }
                if best.len() == limit
                    && let Some(Reverse(Likeness(least))) = best.peek()
                {
                    bar = *least;
                }
            }
        }
        let reach = |(place, most): (usize, f32)| (most >= bar).then_some(place);
        candidates.into_iter().filter_map(reach).collect()
    }

    fn coded(&self, query: &[f32]) -> Query {
        let width = i32::try_from(self.dimensions).unwrap_or(i32::MAX);
        let most = (i32::MAX / 128 / width).clamp(1, QUERY_CODE) as f32;
        let scale = largest(query) / most;
        let codes = encoded(query, scale);
        let left = left_out(query, scale, codes.clone());
        let codes = codes.map(|code| code as i16).collect();
        Query { codes, scale, left }
    }
}

fn largest(row: &[f32]) -> f32 {
    let largest = row
        .iter()
        .fold(0.0_f32, |most, number| most.max(number.abs()));
    // A row of zeros has codes of zero under any scale.
    if largest > 0.0 { largest } else { 1.0 }
}

fn encoded(row: &[f32], scale: f32) -> impl Iterator<Item = f32> + Clone {
    row.iter().map(move |number| (number / scale).round())
}

fn left_out(row: &[f32], scale: f32, codes: impl Iterator<Item = f32>) -> f32 {
    let left = row.iter().zip(codes).map(|(number, code)| {
        let left = f64::from(*number) - f64::from(scale) * f64::from(code);
        left * left
    });
    left.sum::<f64>().sqrt() as f32
}

/// The sums of products of every row of a block with the query.
struct Products<'a> {
    codes: &'a [i8],
    query: &'a [i16],
    sums: &'a mut [i32],
}

impl pulp::WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (sum, row) in self
            .sums
            .iter_mut()
            .zip(self.codes.chunks_exact(self.query.len()))
        {
            let products = row.iter().zip(self.query);
            *sum = products
                .map(|(code, query)| i32::from(*code) * i32::from(*query))
                .sum();
        }
    }
}

/// The sum of products of two rows, in lanes of its own so that it is one order on every machine.
fn product(row: &[f32], query: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (rows, row_rest) = row.as_chunks::<LANES>();
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (row, query) in rows.iter().zip(queries) {
        for lane in 0..LANES {
            sums[lane] += row[lane] * query[lane];
        }
    }
    let rest = row_rest
        .iter()
        .zip(query_rest)
        .map(|(a, b)| a * b)
        .sum::<f32>();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::{Collection, Reach};

    use super::*;
    use crate::vectors::direction;

    fn card(number: i64) -> Arc<Card> {
        Arc::new(Card {
            number: EntryNumber(number),
            collection: Collection::Knowledge,
            kind: "note".to_owned(),
            host: None,
            labels: Vec::new(),
            reach: Reach::All,
            expires_at: None,
        })
    }

    /// Numbers that look like chance and are the same each time.
    fn numbers(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % 20_001) as f32 / 10_000.0 - 1.0
        }
    }

    fn by_force(rows: &[Vec<f32>], query: &[f32], limit: usize) -> Vec<i64> {
        let mut all: Vec<(f32, i64)> = (0_i64..)
            .zip(rows)
            .map(|(number, row)| (product(row, query), number))
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all.iter().take(limit).map(|(_, number)| *number).collect()
    }

    /// Rows about a few centres, with noise: what embeddings look like, and the closer, the harder for codes.
    fn clustered(count: usize, width: usize, noise: f32, seed: u64) -> Vec<Vec<f32>> {
        let mut next = numbers(seed);
        let centres: Vec<Vec<f32>> = (0..4)
            .map(|_| (0..width).map(|_| next()).collect())
            .collect();
        (0..count)
            .map(|at| {
                let row: Vec<f32> = centres[at % 4].iter().map(|c| c + noise * next()).collect();
                direction("m", &row).expect("it is a vector")
            })
            .collect()
    }

    #[test]
    fn the_nearest_are_found_whatever_the_vectors_are() {
        for (width, noise) in [
            (384, 1.0),
            (384, 0.001),
            (384, 0.0),
            (7, 0.5),
            (1, 1.0),
            (1000, 0.02),
        ] {
            let all = clustered(1_000, width, noise, 11);
            let mut rows = Rows::new(width);
            for (number, row) in (0_i64..).zip(&all) {
                rows.put(card(number), row);
            }
            for query in clustered(20, width, 0.3, 5) {
                let found: Vec<i64> = rows
                    .nearest(&query, 10, |_| true)
                    .iter()
                    .map(|near| near.number.0)
                    .collect();
                assert_eq!(found, by_force(&all, &query, 10), "{width} {noise}");
            }
        }
    }

    #[test]
    fn one_number_far_larger_than_the_others_costs_nothing_but_time() {
        let mut all = clustered(500, 64, 1.0, 3);
        for row in &mut all {
            row[0] = 500.0;
            *row = direction("m", row).expect("it is a vector");
        }
        let mut rows = Rows::new(64);
        for (number, row) in (0_i64..).zip(&all) {
            rows.put(card(number), row);
        }
        let query = all[77].clone();
        let found: Vec<i64> = rows
            .nearest(&query, 5, |_| true)
            .iter()
            .map(|near| near.number.0)
            .collect();
        assert_eq!(found, by_force(&all, &query, 5));
    }

    #[test]
    fn rows_are_replaced_and_removed() {
        let all = clustered(600, 16, 1.0, 9);
        let mut rows = Rows::new(16);
        for (number, row) in (0_i64..).zip(&all) {
            rows.put(card(number), row);
        }
        for number in (0..600).step_by(3) {
            rows.remove(EntryNumber(number));
        }
        rows.put(card(1), &all[2]);
        assert_eq!(rows.len(), 400);
        let found = rows.nearest(&all[2], 2, |_| true);
        assert_eq!(
            found.iter().map(|near| near.number.0).collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(
            rows.nearest(&all[0], 600, |_| true)
                .iter()
                .all(|near| near.number.0 % 3 != 0)
        );
        assert_eq!(rows.get(EntryNumber(599)), Some(&all[599][..]));
        let few = rows.nearest(&all[5], 3, |card| card.number.0 > 590);
        assert!(few.len() == 3 && few.iter().all(|near| near.number.0 > 590));
    }
}
