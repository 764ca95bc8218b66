//! The bytes of an answer on their way: in the chunks, with the pauses and to the end that its script says; and the
//! record of what became of the request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::OwnedSemaphorePermit;

use super::server::State;
use super::turn::{Chopping, Ending};
use super::{Gate, Outcome, Recorded, Turn};

/// The connection is to be cut.
#[derive(Debug)]
pub(super) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut, as scripted")
    }
}

impl std::error::Error for Cut {}

pub(super) type Body = UnsyncBoxBody<Bytes, Cut>;

/// The frames that are sent before an answer ends as its script says, and how they are sent.
pub(super) fn steps(
    turn: &Turn,
    mut frames: Vec<Bytes>,
    error: impl Fn(&str) -> Bytes,
) -> VecDeque<Step> {
    match &turn.ending {
        Ending::Done => {}
        Ending::Cut(count) | Ending::Quiet(count) | Ending::Hang(count) => frames.truncate(*count),
        Ending::Error(count, text) => {
            frames.truncate(*count);
            frames.push(error(text));
        }
    }
    let mut steps = VecDeque::new();
    if let Some((count, gate)) = &turn.gap {
        let rest = frames.split_off((*count).min(frames.len()));
        steps.extend(chop(&turn.chopping, frames));
        steps.push_back(Step::Wait(gate.clone()));
        frames = rest;
    }
    steps.extend(chop(&turn.chopping, frames));
    if let Some(pause) = turn.pace {
        steps = steps
            .into_iter()
            .flat_map(|step| [Step::Pause(pause), step])
            .collect();
    }
    with_end(steps, &turn.ending)
}

pub(super) fn with_end(mut steps: VecDeque<Step>, ending: &Ending) -> VecDeque<Step> {
    match ending {
        Ending::Cut(_) => steps.push_back(Step::Cut),
        Ending::Hang(_) => steps.push_back(Step::Hang),
        Ending::Done | Ending::Quiet(_) | Ending::Error(..) => {}
    }
    steps
}

pub(super) fn chop(chopping: &Chopping, lines: Vec<Bytes>) -> VecDeque<Step> {
    let pieces: Vec<Bytes> = match chopping {
        Chopping::Lines => lines,
        Chopping::Every(size) => {
            let all = lines.concat();
            all.chunks(*size).map(Bytes::copy_from_slice).collect()
        }
        Chopping::At(offsets) => {
            let mut rest = Bytes::from(lines.concat());
            let mut pieces = Vec::new();
            let mut start = 0;
            for offset in offsets {
                let at = offset.saturating_sub(start).min(rest.len());
                pieces.push(rest.split_to(at));
                start += at;
            }
            pieces.push(rest);
            pieces
        }
    };
    pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .map(Step::Send)
        .collect()
}

/// What a streamed body does next.
pub(super) enum Step {
    Send(Bytes),
    Wait(Gate),
    Pause(Duration),
    Forever(Bytes),
    Hang,
    Cut,
}

/// A body that plays its steps. The lane is held until it ends or its client goes away.
pub(super) fn streamed(
    steps: VecDeque<Step>,
    watch: Watch,
    lane: Option<OwnedSemaphorePermit>,
) -> Body {
    let playing = stream::unfold(
        (steps, watch, lane),
        |(mut steps, watch, lane)| async move {
            loop {
                match steps.pop_front() {
                    None => {
                        watch.set(Outcome::Answered);
                        return None;
                    }
                    Some(Step::Send(piece)) => {
                        // The client may close as soon as it has the last piece; that is no early leave.
                        if steps.is_empty() {
                            watch.set(Outcome::Answered);
                        }
                        return Some((Ok(Frame::data(piece)), (steps, watch, lane)));
                    }
                    Some(Step::Wait(gate)) => gate.pass().await,
                    Some(Step::Pause(pause)) => tokio::time::sleep(pause).await,
                    Some(Step::Forever(piece)) => {
                        tokio::task::yield_now().await;
                        steps.push_front(Step::Forever(piece.clone()));
                        return Some((Ok(Frame::data(piece)), (steps, watch, lane)));
                    }
                    Some(Step::Hang) => std::future::pending().await,
                    Some(Step::Cut) => {
                        watch.set(Outcome::Answered);
                        return Some((Err(Cut), (steps, watch, lane)));
                    }
                }
            }
        },
    );
    BodyExt::boxed_unsync(StreamBody::new(playing))
}

/// Keeps the record of one request true: dropped before its end, its client is gone.
pub(super) struct Watch {
    state: Arc<State>,
    number: usize,
    has_ended: std::cell::Cell<bool>,
}

impl Watch {
    pub(super) fn new(state: &Arc<State>, recorded: Recorded) -> Self {
        let number = state.record(recorded);
        Self {
            state: Arc::clone(state),
            number,
            has_ended: std::cell::Cell::new(false),
        }
    }

    pub(super) fn set(&self, outcome: Outcome) {
        if !self.has_ended.get() {
            self.has_ended.set(outcome == Outcome::Answered);
            self.state.set_outcome(self.number, outcome);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(Outcome::ClientGone);
    }
}
