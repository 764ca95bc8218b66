//! What a job says while it is served. Pieces are taken at once and without waiting, since they come from the middle
//! of an answer; the worker writes them down beside it: the first at once, the others gathered. What was taken to be
//! written keeps its place until that is known to have happened, so that nothing is written twice or left out.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use watchkeeper_store::OutputPiece;

/// Most bytes of one job's text that wait to be written; the store keeps less.
const MAX_BYTES: usize = 4 << 20;
/// The kind of an answer's text.
pub(crate) const TOKEN: &str = "token";
/// The kind of the text that a model thinks.
pub(crate) const THINKING: &str = "thinking";
/// The kind that says which lane has begun.
pub(crate) const STARTED: &str = "started";
/// The kind that takes back what was said before, with the reason.
pub(crate) const PUT_BACK: &str = "put_back";

/// Which lane has begun, and its model.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The lane.
    pub(crate) lane: String,
    /// Its model.
    pub(crate) model: String,
}

/// Where a handler puts what is said.
#[derive(Debug, Default)]
pub(crate) struct Output {
    said: Mutex<Said>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Said {
    /// The place of the last piece that has one.
    last: i64,
    /// Taken to be written, with their places.
    writing: Vec<OutputPiece>,
    /// Not taken yet: kind and text.
    waiting: Vec<(String, String)>,
    bytes: usize,
}

impl Output {
    /// What follows the piece at this place.
    pub(crate) fn after(last: i64) -> Self {
        Self {
            said: Mutex::new(Said {
                last,
                ..Said::default()
            }),
            more: Notify::new(),
        }
    }

    /// Text of the answer.
    pub(crate) fn token(&self, text: &str) {
        self.put(TOKEN, text, true);
    }

    /// Text of the model's thinking.
    pub(crate) fn thinking(&self, text: &str) {
        self.put(THINKING, text, true);
    }

    /// A remark of the watch itself: what is looked at, what was found. One line each, since what comes together is kept
    /// as one.
    pub(crate) fn note(&self, kind: &str, text: &str) {
        self.put(kind, &format!("{}\n", text.trim_end()), false);
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, kind: &str, text: &str, joins: bool) {
        let mut said = self.said();
        if joins && said.bytes + text.len() > MAX_BYTES {
            // Beyond it nobody reads along; the handler has the whole answer.
            return;
        }
        said.bytes += text.len();
        match said.waiting.last_mut() {
            Some((last, gathered)) if joins && last == kind => gathered.push_str(text),
            _ => said.waiting.push((kind.to_owned(), text.to_owned())),
        }
        drop(said);
        self.more.notify_one();
    }

    /// What was not written down yet, with its places: the same again until [`Self::written`] says that it was.
    pub(crate) fn unwritten(&self) -> Vec<OutputPiece> {
        let mut said = self.said();
        for (kind, text) in std::mem::take(&mut said.waiting) {
            said.last += 1;
            let seq = said.last;
            said.writing.push(OutputPiece { seq, kind, text });
        }
        said.writing.clone()
    }

    /// What was not written down yet, and after it what ends it.
    pub(crate) fn with_last(&self, kind: &str, text: &str) -> Vec<OutputPiece> {
        let mut pieces = self.unwritten();
        let seq = self.said().last + 1;
        pieces.push(OutputPiece {
            seq,
            kind: kind.to_owned(),
            text: text.to_owned(),
        });
        pieces
    }

    /// These are written down.
    pub(crate) fn written(&self, pieces: &[OutputPiece]) {
        let up_to = pieces.last().map_or(0, |piece| piece.seq);
        self.said().writing.retain(|piece| piece.seq > up_to);
    }

    /// Waits for something to be said.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pieces: &[OutputPiece]) -> Vec<(i64, &str, &str)> {
        pieces
            .iter()
            .map(|piece| (piece.seq, piece.kind.as_str(), piece.text.as_str()))
            .collect()
    }

    #[test]
    fn text_is_gathered_and_notes_stand_alone() {
        let output = Output::after(7);
        output.thinking("Hm");
        output.token("The ");
        output.token("disk");
        output.note("tool", "reads df");
        output.note("tool", "reads du");
        assert_eq!(
            told(&output.unwritten()),
            [
                (8, "thinking", "Hm"),
                (9, "token", "The disk"),
                (10, "tool", "reads df\n"),
                (11, "tool", "reads du\n")
            ]
        );
    }

    #[test]
    fn what_is_not_known_to_be_written_keeps_its_place() {
        let output = Output::default();
        output.token("a");
        assert_eq!(told(&output.unwritten()), [(1, "token", "a")]);
        output.token("b");
        let both = output.unwritten();
        assert_eq!(told(&both), [(1, "token", "a"), (2, "token", "b")]);
        output.token("c");
        output.written(&both);
        assert_eq!(told(&output.unwritten()), [(3, "token", "c")]);
    }

    #[test]
    fn there_is_an_end_to_the_text_and_none_to_what_ends_it() {
        let output = Output::default();
        let long = "x".repeat(MAX_BYTES / 2);
        for _ in 0..4 {
            output.token(&long);
        }
        let kept = output.with_last(PUT_BACK, "its worker stops");
        let text: usize = kept.iter().map(|piece| piece.text.len()).sum();
        assert!(text <= MAX_BYTES + 100, "{text}");
        assert_eq!(kept.last().map(|piece| piece.kind.as_str()), Some(PUT_BACK));
    }
}
