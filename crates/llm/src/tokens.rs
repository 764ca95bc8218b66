//! How many tokens a text has, without the model's tokenizer: an estimate that errs on the long side, corrected per
//! model by what servers count. It exists so that a prompt is refused here rather than cut in silence there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

pub use watchkeeper_model::estimate_tokens as estimate;

use crate::{ChatRequest, Message};

/// How long a prompt is thought to be, and how much fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptSize {
    /// Tokens of the prompt, estimated.
    pub tokens: u64,
    /// Tokens a prompt may have: the context without the room kept for the answer.
    pub room: u64,
}

impl PromptSize {
    /// Whether it fits.
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.tokens <= self.room
    }
}

/// What a template writes around each message.
const TOKENS_PER_MESSAGE: u64 = 8;
/// What a template writes around the whole, and before the answer.
const TOKENS_PER_PROMPT: u64 = 16;

/// Tokens of a whole prompt, estimated and not corrected.
fn estimate_prompt(request: &ChatRequest) -> u64 {
    let messages = request.messages.iter().map(|message| {
        let calls = match message {
            Message::Assistant { tool_calls, .. } => tool_calls
                .iter()
                .map(|call| estimate(&call.name) + estimate(&call.arguments.to_string()))
                .sum(),
            _ => 0,
        };
        TOKENS_PER_MESSAGE + estimate(message.content()) + calls
    });
    let tools = request.tools.iter().map(|tool| {
        let words = estimate(&tool.name) + estimate(&tool.description);
        TOKENS_PER_MESSAGE + words + estimate(&tool.parameters.to_string())
    });
    TOKENS_PER_PROMPT + messages.sum::<u64>() + tools.sum::<u64>()
}

/// A word is at least a token in every vocabulary that is in use: they do not reach over blanks. So a count that lies
/// this far below the words that were sent says that a part of them was not read.
const LEAST_READ_SHARE: f64 = 0.9;
/// So few words prove nothing.
const LEAST_TELLING_WORDS: u64 = 200;

/// Whether a server that counted so many tokens has read only a part of these texts.
pub(crate) fn is_cut<'t>(texts: impl Iterator<Item = &'t str>, counted: u64) -> bool {
    let words: usize = texts.map(|text| text.split_whitespace().count()).sum();
    let words = words as u64;
    words >= LEAST_TELLING_WORDS && ratio(counted, words) < LEAST_READ_SHARE
}

/// What was learned about models: by what factor their counts differ from the estimate.
#[derive(Debug, Default)]
pub(crate) struct Corrections(Mutex<HashMap<String, f64>>);

/// So many models are remembered.
const MAX_MODELS: usize = 64;
/// The factor of a model that was not asked yet: a tenth for what the estimate misses in texts it is weakest at.
const UNLEARNED_FACTOR: f64 = 1.1;
/// The factor stays within these, whatever a server claims.
const FACTORS: std::ops::RangeInclusive<f64> = 0.6..=3.0;
/// A count below this share of the estimate says nothing about the model: some servers count only what was not in
/// their cache.
const LEAST_SHARE: f64 = 0.3;
/// How much one lower count moves the factor down. A higher one moves it up at once.
const DOWNWARD_WEIGHT: f64 = 0.2;
/// A prompt shorter than this is mostly template, and teaches nothing.
const LEAST_TELLING_TOKENS: u64 = 100;

impl Corrections {
    /// How long a request's prompt is.
    pub(crate) fn measure(&self, request: &ChatRequest) -> PromptSize {
        let factor = self.factor(&request.model);
        PromptSize {
            tokens: scaled(estimate_prompt(request), factor),
            room: u64::from(request.context_tokens.saturating_sub(request.max_tokens)),
        }
    }

    /// Takes what a server counted for a request.
    pub(crate) fn learn(&self, request: &ChatRequest, counted: u64) {
        let estimated = estimate_prompt(request);
        let share = ratio(counted, estimated);
        if estimated < LEAST_TELLING_TOKENS || share < LEAST_SHARE {
            return;
        }
        let mut factors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if factors.len() >= MAX_MODELS && !factors.contains_key(&request.model) {
            factors.clear();
        }
        let factor = factors
            .entry(request.model.clone())
            .or_insert(UNLEARNED_FACTOR);
        let moved = if share > *factor {
            share
        } else {
            *factor + (share - *factor) * DOWNWARD_WEIGHT
        };
        *factor = moved.clamp(*FACTORS.start(), *FACTORS.end());
    }

    fn factor(&self, model: &str) -> f64 {
        let factors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        factors.get(model).copied().unwrap_or(UNLEARNED_FACTOR)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "token counts are far below 2^52"
)]
fn ratio(counted: u64, estimated: u64) -> f64 {
    counted as f64 / estimated.max(1) as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "token counts are far below 2^52, and neither they nor the factor are negative"
)]
fn scaled(tokens: u64, factor: f64) -> u64 {
    (tokens as f64 * factor).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lane;

    fn request(text: &str) -> ChatRequest {
        Lane::new("m").request(vec![Message::user(text)])
    }

    #[test]
    fn the_estimate_errs_on_the_long_side() {
        let lines = |count: u64, line: fn(u64) -> String| (0..count).map(line).collect::<String>();
        let log = lines(60, |i| {
            format!(
                "2026-11-21T10:{i:02}:13.{:06}+01:00 web{i} kernel[{}]: EXT4-fs error (device sda{i}): \
                 ext4_lookup:1855: inode #{}: comm nginx\n",
                i * 7919,
                i * 37,
                i * 104_729
            )
        });
        let hex = lines(60, |i| {
            let (a, b) = (0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03);
            format!("{:016x}{:016x}\n", i.wrapping_mul(a), i.wrapping_mul(b))
        });
        let json = lines(40, |i| {
            format!(
                "{{\"unit\":\"svc-{i}.service\",\"active\":false,\"pid\":{}}}\n",
                i * 311
            )
        });
        let german = "Größenänderungen überprüfen: Der Speicherplatz auf dem Gerät läuft über. ";
        // Counted by the tokenizer of SmolLM2, a small vocabulary made for English: the hardest to please.
        for (name, text, counted) in [
            ("log", log, 4793),
            ("hex", hex, 1789),
            ("json", json, 911),
            ("german", german.repeat(30), 961),
            ("chinese", "磁盘空间不足，请清理日志文件。".repeat(30), 780),
            ("emoji", "\u{1f6a8}\u{1f525}".repeat(60), 360),
            ("nothing", String::new(), 0),
        ] {
            let estimated = scaled(estimate(&text), UNLEARNED_FACTOR);
            assert!(estimated >= counted, "{name}: {estimated} for {counted}");
            assert!(
                estimated <= counted * 2,
                "{name}: {estimated} for {counted}"
            );
        }
    }

    #[test]
    fn the_estimate_does_not_shrink_when_text_is_added() {
        let text = "a  b\n\tü€ 2026-11-21T10:00:00Z 日本 \u{1f680}   end";
        let mut last = 0;
        for (at, _) in text.char_indices() {
            let tokens = estimate(&text[..at]);
            assert!(tokens >= last, "at {at}");
            last = tokens;
        }
    }

    #[test]
    fn a_higher_count_corrects_at_once_and_a_lower_one_slowly() {
        let corrections = Corrections::default();
        let asked = request(&"word ".repeat(300));
        let before = corrections.measure(&asked).tokens;
        corrections.learn(&asked, before * 2);
        assert_eq!(corrections.measure(&asked).tokens, before * 2);
        corrections.learn(&asked, before);
        let after = corrections.measure(&asked).tokens;
        assert!(after < before * 2 && after > before * 3 / 2, "{after}");
    }

    #[test]
    fn a_lying_server_cannot_move_the_estimate_out_of_reason() {
        let corrections = Corrections::default();
        let asked = request(&"word ".repeat(300));
        let uncorrected = estimate_prompt(&asked);
        corrections.learn(&asked, u64::MAX);
        assert_eq!(corrections.measure(&asked).tokens, uncorrected * 3);
        for _ in 0..200 {
            corrections.learn(&asked, uncorrected / 3);
        }
        assert!(corrections.measure(&asked).tokens >= uncorrected * 6 / 10);
        corrections.learn(&asked, 0);
        assert!(corrections.measure(&asked).tokens >= uncorrected * 6 / 10);
    }

    #[test]
    fn models_are_forgotten_rather_than_kept_without_limit() {
        let corrections = Corrections::default();
        let mut asked = request(&"word ".repeat(300));
        for number in 0..1000 {
            asked.model = format!("m{number}");
            corrections.learn(&asked, 1000);
        }
        assert!(corrections.0.lock().expect("not poisoned").len() <= MAX_MODELS);
    }

    #[test]
    fn fewer_tokens_than_words_were_not_read_whole() {
        let words = "journal line ".repeat(500);
        for (text, counted, cut) in [
            (words.as_str(), 1000, false),
            (&words, 3000, false),
            (&words, 899, true),
            (&words, 0, true),
            // Rules and digits are few tokens or many, and prove nothing.
            (&"=".repeat(9_000), 150, false),
            (&"0123456789".repeat(900), 900, false),
            ("too few words", 0, false),
        ] {
            assert_eq!(is_cut(std::iter::once(text), counted), cut, "{counted}");
        }
    }

    #[test]
    fn the_answers_room_is_kept_free() {
        let mut asked = request("x");
        asked.context_tokens = 1000;
        asked.max_tokens = 400;
        assert_eq!(Corrections::default().measure(&asked).room, 600);
    }
}
