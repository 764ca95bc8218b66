//! What is done when a prompt does not fit. Nothing is ever cut in silence: first what was seen is shown in its short
//! form, step by step; then the older part of what was said is summarised by a question of its own, part by part; and
//! where that does not help, there is a plain answer that it does not fit.

use watchkeeper_model::{bounded, estimate_tokens};

use super::{Answer, Ask, Effect, Investigation, Line, Phase, Summarised};
use crate::prompt::{Boundary, block};
use crate::reduce::{TextKind, reduce};

/// Most times what was seen is shown in half the bytes.
const MAX_SHRUNK: u32 = 4;
/// Most summaries of one investigation.
const MAX_SUMMARIES: u32 = 6;
/// Lines at the end that are not summarised.
const KEPT_LINES: usize = 2;
/// Longest summary that is kept, in characters.
const MAX_SUMMARY_CHARS: usize = 4_000;
/// How the line of a summary begins.
const SUMMARY: &str = "Earlier, in short; labels are as before:";
/// What a template writes around each message.
const TOKENS_PER_MESSAGE: u64 = 8;
/// What a template writes around the whole.
const TOKENS_PER_PROMPT: u64 = 16;
/// Bytes of a token, at the least that is usual.
const BYTES_PER_TOKEN: u64 = 2;

/// Tokens of a question, estimated.
pub(super) fn tokens(ask: &Ask) -> u64 {
    let lines = ask.messages.iter().map(|line| {
        let calls = match line {
            Line::Assistant { calls, .. } => calls
                .iter()
                .map(|call| {
                    estimate_tokens(&call.name) + estimate_tokens(&call.arguments.to_string())
                })
                .sum(),
            _ => 0,
        };
        TOKENS_PER_MESSAGE + estimate_tokens(line.text()) + calls
    });
    let tools = ask.tools.iter().map(|tool| {
        TOKENS_PER_MESSAGE
            + estimate_tokens(&tool.name)
            + estimate_tokens(&tool.description)
            + estimate_tokens(&tool.parameters.to_string())
    });
    TOKENS_PER_PROMPT + lines.sum::<u64>() + tools.sum::<u64>()
}

/// Tokens of an answer, estimated.
pub(super) fn tokens_of_answer(answer: &Answer) -> u64 {
    let calls = answer
        .calls
        .iter()
        .map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments.to_string()));
    estimate_tokens(&answer.text) + calls.sum::<u64>()
}

/// Tokens a prompt may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftRoom(pub(super) u64);

impl LeftRoom {
    /// A text that is to be summarised: whole where it takes no more than two thirds of the room, and otherwise made
    /// shorter; what is left out of it is said in it.
    pub(super) fn cut(self, text: &str) -> String {
        if estimate_tokens(text) <= self.0 / 3 * 2 {
            return text.to_owned();
        }
        let bytes = usize::try_from(self.0 / 2 * BYTES_PER_TOKEN).unwrap_or(usize::MAX);
        reduce(text, TextKind::Plain, bytes).text
    }
}

/// A summary as it stands in the place of what it sums up. One that was kept is read again: it is a model's text still.
pub(super) fn summary_line(text: &str, boundary: &Boundary) -> Line {
    let text = block(text);
    let text = bounded(&text, MAX_SUMMARY_CHARS);
    let fenced = boundary.fence("S", "a summary by a model", &text);
    Line::User {
        text: format!("{SUMMARY}\n{fenced}"),
    }
}

impl Investigation {
    /// The question of this phase, made to fit; none where it cannot be.
    pub(super) fn fitting_ask(&mut self) -> Option<Ask> {
        loop {
            let ask = self.ask()?;
            let fits = self.limits.room.is_none_or(|room| tokens(&ask) <= room);
            if fits {
                return Some(ask);
            }
            if !self.shorten() {
                return None;
            }
        }
    }

    /// Makes the next question shorter by one step; false where nothing is left to do.
    fn shorten(&mut self) -> bool {
        match &self.phase {
            Phase::Triage | Phase::Summarising { .. } => return false,
            _ => {}
        }
        if self.counts.shrunk < MAX_SHRUNK {
            self.show_less();
            return true;
        }
        if matches!(self.phase, Phase::Critic(_)) {
            return false;
        }
        self.begin_summary()
    }

    /// Goes over to summarising the oldest part of the lines; false where there is none.
    fn begin_summary(&mut self) -> bool {
        if self.counts.summaries >= MAX_SUMMARIES {
            return false;
        }
        let history = 1..self.question_at;
        // What was seen stands in the last question by itself, so only what was said before is summarised for it.
        let looks = match self.phase {
            Phase::Closing { .. } => 0..0,
            _ => self.question_at + 1..self.lines.len().saturating_sub(KEPT_LINES),
        };
        let summarised =
            |line: &Line| matches!(line, Line::User { text } if text.starts_with(SUMMARY));
        let only_summary = |from: usize, to: usize| to == from + 1 && summarised(&self.lines[from]);
        let part = [history, looks]
            .into_iter()
            .find(|part| part.start < part.end && !only_summary(part.start, part.end));
        let Some(part) = part else {
            return false;
        };
        let to = self.part_end(part.start, part.end);
        let then = std::mem::replace(&mut self.phase, Phase::Looking);
        self.phase = Phase::Summarising {
            from: part.start,
            to,
            then: Box::new(then),
        };
        self.counts.summaries += 1;
        true
    }

    /// Where a part ends that can be summarised at once: as many lines as half the room takes, and never between a call
    /// and its result.
    fn part_end(&self, from: usize, end: usize) -> usize {
        let room = self.limits.room.unwrap_or(u64::MAX) / 2;
        let (mut at, mut taken) = (from, 0);
        while at < end {
            taken += TOKENS_PER_MESSAGE + estimate_tokens(self.lines[at].text());
            if taken > room && at > from {
                break;
            }
            at += 1;
        }
        let between = |at: usize| matches!(self.lines.get(at), Some(Line::Tool { .. }));
        while at < self.lines.len() && between(at) {
            at += 1;
        }
        at
    }

    /// Takes a summary in the place of what it sums up.
    pub(super) fn take_summary(
        &mut self,
        answer: &Answer,
        from: usize,
        to: usize,
        then: Phase,
    ) -> Vec<Effect> {
        let text = block(answer.text.trim());
        if text.is_empty() || to > self.lines.len() || from >= to {
            return self.finish_too_long();
        }
        let text = bounded(&text, MAX_SUMMARY_CHARS);
        let line = summary_line(&text, &self.boundary);
        self.lines.splice(from..to, [line]);
        if to <= self.question_at {
            self.question_at -= to - from - 1;
            self.replace_before(from - 1, to - 1, &text);
        }
        self.phase = then;
        self.emit()
    }

    /// Remembers what of the earlier talk was summed up.
    fn replace_before(&mut self, from: usize, to: usize, text: &str) {
        let Some(&through) = self.before.get(to - 1) else {
            return;
        };
        self.before.splice(from..to, [through]);
        self.summarised = Some(Summarised {
            through,
            text: text.to_owned(),
        });
    }

    /// Takes that a prompt did not fit: the next one is shorter, or there is none.
    pub(super) fn on_too_long(&mut self, room: u64) -> Vec<Effect> {
        if matches!(self.phase, Phase::Triage) {
            // The small model's context says nothing about the main one's.
            return self.go_on();
        }
        let asked = self.ask().map_or(0, |ask| tokens(&ask));
        // A server may count otherwise than the estimate; then the next must be shorter by the estimate all the same.
        let room = if asked <= room {
            asked.saturating_mul(4) / 5
        } else {
            room
        };
        self.limits.room = Some(self.limits.room.map_or(room, |known| known.min(room)));
        self.emit()
    }

    /// Ends it because what is asked does not fit.
    pub(super) fn finish_too_long(&mut self) -> Vec<Effect> {
        let room = self.limits.room.unwrap_or_default();
        self.finish_spent(&format!(
            "what is asked does not fit the model's context (some {room} tokens), shortened as far as it can be"
        ))
    }
}
