//! What a job says while it is served. Pieces are taken at once and without waiting, since they come from the middle
//! of an answer; the worker writes them down beside it: the first at once, the others gathered.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Most bytes of one job's output that are kept; an answer is bounded by its lane far below it.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A piece of what a job says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// `token`, `thinking`, or the kind of a note.
    pub(crate) kind: String,
    /// The text.
    pub(crate) text: String,
}

/// Where a handler puts what is said.
#[derive(Debug, Default)]
pub(crate) struct Output {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    pieces: Vec<Piece>,
    taken: usize,
}

/// The kind of an answer's text.
pub(crate) const TOKEN: &str = "token";
/// The kind of the text that a model thinks.
pub(crate) const THINKING: &str = "thinking";

impl Output {
    /// Text of the answer.
    pub(crate) fn token(&self, text: &str) {
        self.put(TOKEN, text, true);
    }

    /// Text of the model's thinking.
    pub(crate) fn thinking(&self, text: &str) {
        self.put(THINKING, text, true);
    }

    /// A remark of the watch itself: what is looked at, what was found. Each is a piece of its own.
    pub(crate) fn note(&self, kind: &str, text: &str) {
        self.put(kind, text, false);
    }

    fn put(&self, kind: &str, text: &str, joins: bool) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.taken + text.len() > MAX_BYTES {
            return;
        }
        waiting.taken += text.len();
        match waiting.pieces.last_mut() {
            Some(last) if joins && last.kind == kind => last.text.push_str(text),
            _ => waiting.pieces.push(Piece {
                kind: kind.to_owned(),
                text: text.to_owned(),
            }),
        }
        self.more.notify_one();
    }

    /// What was not written down yet.
    pub(crate) fn take(&self) -> Vec<Piece> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut waiting.pieces)
    }

    /// Waits for something to be said.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_gathered_and_notes_stand_alone() {
        let output = Output::default();
        output.thinking("Hm");
        output.token("The ");
        output.token("disk");
        output.note("tool", "reads df");
        output.note("tool", "reads du");
        let said = output.take();
        let said: Vec<_> = said
            .iter()
            .map(|piece| (piece.kind.as_str(), piece.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("thinking", "Hm"),
                ("token", "The disk"),
                ("tool", "reads df"),
                ("tool", "reads du")
            ]
        );
        assert!(output.take().is_empty());
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let output = Output::default();
        let long = "x".repeat(MAX_BYTES / 2);
        for _ in 0..4 {
            output.token(&long);
        }
        let kept: usize = output.take().iter().map(|piece| piece.text.len()).sum();
        assert_eq!(kept, MAX_BYTES);
    }
}
