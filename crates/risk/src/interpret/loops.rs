//! Loops: rounds are followed until nothing changes; what still changes after some rounds is not known from then on.

use std::rc::Rc;

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::{Command, Compound, Script, Word};

use super::expand::Field;
use super::limits::{LOOP_ROUNDS, MOST_LOOP_WORDS};
use super::state::{State, Stdin};
use super::value::{Printed, Value, Variable, unknown_of};
use super::walk::{Done, Walker};
use crate::word::Origin;

/// Rounds in which what is not known may still grow.
const WIDENING_ROUNDS: usize = 8;

/// What `break`, `continue` and `return` leave.
pub(super) struct Frame<'a> {
    pub(super) kind: FrameKind,
    /// The states in which it is left.
    pub(super) left: Option<State<'a>>,
    /// The states in which the next round begins.
    pub(super) again: Option<State<'a>>,
    /// Whether anything in it ends it, or more than it.
    pub(super) ends: bool,
    /// What variables were before `local`.
    pub(super) locals: Vec<(String, Option<Rc<Variable>>)>,
}

/// What a frame is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// A shell of its own: nothing in it leaves what is around it.
    Barrier,
    /// A loop.
    Loop,
    /// A function, or a file that is read in.
    Function,
}

impl<'a> Frame<'a> {
    pub(super) const fn new(kind: FrameKind) -> Self {
        Self {
            kind,
            left: None,
            again: None,
            ends: false,
            locals: Vec::new(),
        }
    }

    pub(super) const fn barrier() -> Self {
        Self::new(FrameKind::Barrier)
    }

    /// Adds a state in which it is left.
    pub(super) fn leave(&mut self, state: &State<'a>) {
        add(&mut self.left, state);
    }

    /// Adds a state in which the next round begins.
    pub(super) fn repeat(&mut self, state: &State<'a>) {
        add(&mut self.again, state);
    }
}

fn add<'a>(place: &mut Option<State<'a>>, state: &State<'a>) {
    match place {
        Some(held) => held.join(state.clone()),
        None => *place = Some(state.clone()),
    }
}

/// One round of a loop.
#[derive(Default)]
struct Round<'a> {
    printed: Printed,
    /// The state in which the loop ends before the body.
    ended: Option<State<'a>>,
    /// Whether there is no further round.
    last: bool,
    /// Whether further rounds are known to come and are followed for long.
    exact: bool,
}

impl<'a> Walker<'a> {
    /// `while` and `until`.
    pub(super) fn conditional_loop(
        &mut self,
        until: bool,
        condition: &'a Script,
        body: &'a Script,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let endless = is_constant(condition, until);
        let mut first = true;
        let was_dead = state.dead;
        self.rounds(state, endless, |walker, state| {
            let stdin = Rc::clone(&state.stdin);
            let tested = walker.script(condition, state);
            let mut ended = tested.failed.unwrap_or_else(|| state.clone());
            if until {
                std::mem::swap(&mut ended, state);
            }
            let mut round = Round {
                printed: tested.printed,
                ended: Some(ended),
                last: state.dead && !was_dead && !first,
                exact: reads_known_lines(&stdin, &state.stdin),
            };
            first = false;
            if !round.last {
                let mut done = walker.script(body, state);
                done.settle(state);
                round.printed.then(done.printed);
            }
            round
        })
    }

    /// `for ((a; b; c))`.
    pub(super) fn arithmetic_for(
        &mut self,
        expressions: &'a [Word; 3],
        body: &'a Script,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let [start, condition, step] = expressions;
        self.each_choice(state, |walker, state| {
            walker.arithmetic_word(start, state);
            Done::default()
        });
        let endless = condition.pieces.is_empty();
        let mut first = true;
        self.rounds(state, endless, |walker, state| {
            let value = if endless {
                Some(1)
            } else {
                walker.arithmetic_word(condition, state)
            };
            let ended = (!endless && value.is_none_or(|value| value == 0)).then(|| state.clone());
            let mut round = Round {
                ended,
                last: value == Some(0),
                exact: value.is_some() && !endless,
                ..Round::default()
            };
            if round.last && !std::mem::take(&mut first) {
                return round;
            }
            first = false;
            let mut done = walker.script(body, state);
            done.settle(state);
            round.printed = done.printed;
            walker.arithmetic_word(step, state);
            round
        })
    }

    /// Runs rounds until nothing changes any more.
    fn rounds(
        &mut self,
        state: &mut State<'a>,
        endless: bool,
        mut step: impl FnMut(&mut Self, &mut State<'a>) -> Round<'a>,
    ) -> Done<'a> {
        let was_dead = state.dead;
        let (backgrounds, leaves) = (self.backgrounds, self.leaves);
        let mut first: Option<Printed> = None;
        let mut inexact = false;
        self.frames.push(Frame::new(FrameKind::Loop));
        let mut end: Option<State<'a>> = None;
        let mut printed = Printed::default();
        let mut earlier = state.clone();
        let mut count = 0;
        let last = loop {
            let round = step(self, state);
            if let Some(ended) = &round.ended {
                add(&mut end, ended);
            }
            let perhaps = self.leaves != leaves;
            inexact |=
                perhaps || (!round.last && round.ended.as_ref().is_some_and(|ended| !ended.dead));
            first.get_or_insert_with(|| round.printed.clone());
            printed.then_perhaps(round.printed, perhaps);
            if let Some(again) = self.frames.last_mut().and_then(|frame| frame.again.take()) {
                state.join(again);
            }
            count += 1;
            if round.last {
                break true;
            }
            if self.stopped || (state.dead && !was_dead) || state.same(&earlier) {
                break false;
            }
            let most = if round.exact {
                MOST_LOOP_WORDS
            } else {
                LOOP_ROUNDS
            };
            if count >= most {
                state.join(earlier.clone());
                state.widen(&earlier);
            }
            if count > most + WIDENING_ROUNDS {
                break false;
            }
            earlier = state.clone();
        };
        let frame = self.frames.pop().expect("the frame of this loop");
        if endless && !frame.ends {
            self.endless(self.backgrounds != backgrounds, state);
        }
        if !last {
            add(&mut end, state);
        }
        if (!last || inexact) && !printed.is_nothing() {
            // How many rounds there are is not known: the first, and then something like it.
            let more = unknown_of(printed.0.iter());
            printed = first.unwrap_or_default();
            printed.then_perhaps(Printed::one(more), true);
            printed.or(Printed::default());
        }
        self.leaves.loops = leaves.loops;
        if let Some(left) = frame.left {
            add(&mut end, &left);
        }
        if let Some(end) = end {
            *state = end;
        }
        Done {
            printed,
            failed: None,
        }
    }

    fn endless(&mut self, starts: bool, state: &State<'_>) {
        let (level, rule, say) = if starts {
            let say = "starts processes in the background without end";
            (RiskLevel::High, "shell.endless_background", say)
        } else {
            (RiskLevel::Low, "shell.endless_loop", "never ends by itself")
        };
        self.flag(EffectKind::Unbounded, level, rule, say, state);
    }

    /// `for name in words`.
    pub(super) fn for_words(
        &mut self,
        name: &'a str,
        words: Option<&'a [Word]>,
        body: &'a Script,
        state: &mut State<'a>,
    ) -> Done<'a> {
        self.each_choice(state, |walker, state| {
            let fields = match words {
                Some(words) => walker.words(words, state),
                None => walker.positional_fields(state),
            };
            walker.for_fields(name, fields, body, state)
        })
    }

    fn for_fields(
        &mut self,
        name: &'a str,
        fields: Vec<Field>,
        body: &'a Script,
        state: &mut State<'a>,
    ) -> Done<'a> {
        if fields.is_empty() {
            return self.unrun_body(name, body, state);
        }
        let many = fields.len() > MOST_LOOP_WORDS;
        let values: Vec<(Value, bool)> = if many {
            let values: Vec<Value> = fields.into_iter().map(Field::into_value).collect();
            vec![(unknown_of(values.iter()), true)]
        } else {
            fields
                .into_iter()
                .map(|field| (field.arg.splits, field))
                .map(|(splits, field)| (field.into_value(), splits))
                .collect()
        };
        let mut all = Done::default();
        let leaves = self.leaves;
        let mut left: Option<State<'a>> = None;
        for (value, repeated) in values {
            self.assign_text(name, &value, state);
            let before = state.clone();
            if !repeated {
                self.frames.push(Frame::new(FrameKind::Loop));
                let mut done = self.script(body, state);
                done.settle(state);
                all.printed
                    .then_perhaps(done.printed, self.leaves != leaves);
                let frame = self.frames.pop().expect("the frame of this loop");
                if let Some(again) = frame.again {
                    state.join(again);
                }
                if let Some(broken) = frame.left {
                    add(&mut left, &broken);
                }
            } else {
                let done = self.rounds(state, false, |walker, state| {
                    walker.assign_text(name, &value, state);
                    let mut done = walker.script(body, state);
                    done.settle(state);
                    Round {
                        printed: done.printed,
                        ended: Some(before.clone()),
                        ..Round::default()
                    }
                });
                all.printed.then(done.printed);
            }
            if self.stopped {
                break;
            }
        }
        if let Some(left) = left {
            state.join(left);
        }
        self.leaves.loops = leaves.loops;
        all
    }

    /// The body of a loop over no words counts all the same, with a variable that is not known.
    fn unrun_body(&mut self, name: &str, body: &'a Script, state: &State<'a>) -> Done<'a> {
        let mut inner = state.clone();
        let value = Value::unknown(Origin::Variable(name.to_owned()));
        self.assign_text(name, &value, &mut inner);
        self.frames.push(Frame::barrier());
        self.script(body, &mut inner);
        self.frames.pop();
        Done::default()
    }
}

/// Whether a condition always holds.
fn is_constant(condition: &Script, until: bool) -> bool {
    let [item] = condition.items.as_slice() else {
        return false;
    };
    let [command] = item.first.commands.as_slice() else {
        return false;
    };
    if !item.rest.is_empty() || item.first.negated {
        return false;
    }
    match command {
        Command::Simple(simple) => {
            let name = simple.words.first().and_then(Word::as_literal);
            let constant: &[&str] = if until {
                &["false"]
            } else {
                &["true", ":", "sleep", "echo", "printf", "date"]
            };
            name.is_some_and(|name| constant.contains(&name.as_str()))
        }
        Command::Compound {
            body: Compound::Arithmetic(word),
            ..
        } => {
            let text = word.as_literal().unwrap_or_default();
            text.trim()
                .parse::<i64>()
                .is_ok_and(|number| (number == 0) == until)
        }
        _ => false,
    }
}

/// Whether a condition has read a line of a text that is known.
fn reads_known_lines(before: &Rc<Vec<Stdin>>, after: &Rc<Vec<Stdin>>) -> bool {
    let known = |stdin: &Rc<Vec<Stdin>>| matches!(stdin.as_slice(), [Stdin::Value(value)] if value.as_text().is_some());
    known(before) && known(after) && before != after
}
