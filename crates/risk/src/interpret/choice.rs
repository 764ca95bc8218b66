//! Running something once for every combination of the values that it reads. The first run takes the first value
//! everywhere and notes where there was a choice; each further run takes the next one at the last such place.

use super::limits::MOST_COMBINATIONS;
use super::state::State;
use super::walk::{Done, Walker};

/// The choices of one run.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Which of how many was taken, in order.
    taken: Vec<(usize, usize)>,
    /// How many of them this run has made.
    made: usize,
    /// Whether there will be further runs.
    active: bool,
}

impl Choices {
    /// Which of so many values to take; nothing where a choice cannot be made here.
    pub(super) fn choose(&mut self, count: usize) -> Option<usize> {
        if count <= 1 {
            return Some(0);
        }
        if !self.active {
            return None;
        }
        if self.made == self.taken.len() {
            self.taken.push((0, count));
        }
        let (index, _) = self.taken[self.made];
        self.made += 1;
        Some(index.min(count - 1))
    }

    /// Goes on to the next combination.
    fn advance(&mut self) -> bool {
        self.made = 0;
        while let Some((index, count)) = self.taken.pop() {
            if index + 1 < count {
                self.taken.push((index + 1, count));
                return true;
            }
        }
        false
    }
}

impl<'a> Walker<'a> {
    /// Runs something once for every combination of values that it reads, and joins what comes out.
    pub(super) fn each_choice(
        &mut self,
        state: &mut State<'a>,
        mut run: impl FnMut(&mut Self, &mut State<'a>) -> Done<'a>,
    ) -> Done<'a> {
        let outer = std::mem::replace(
            &mut self.choices,
            Choices {
                active: true,
                ..Choices::default()
            },
        );
        let before = state.clone();
        let mut all = run(self, state);
        let mut runs = 1;
        while self.choices.advance() {
            if runs == MOST_COMBINATIONS || self.stopped {
                self.limit("combinations of values", MOST_COMBINATIONS, state);
                state.join(before.clone());
                break;
            }
            if !self.tick(state) {
                break;
            }
            runs += 1;
            let mut working = before.clone();
            let done = run(self, &mut working);
            all.or(state, done, working);
        }
        self.choices = outer;
        all
    }
}
