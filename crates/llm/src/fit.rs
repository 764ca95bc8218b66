//! Whether a prompt fits before it is sent, and how to part what does not. A prompt that is too long is refused, or
//! made shorter by whoever knows what in it matters; nothing here leaves a part of it out.

use crate::{ChatRequest, LlmError, PromptSize, Provider, estimate};

/// Measures a request against the model's real context, as far as that is known, with the model's own counts.
///
/// # Errors
/// [`LlmError::PromptTooLong`] when it does not fit with the room its answer needs.
pub fn fit(provider: &dyn Provider, request: &ChatRequest) -> Result<PromptSize, LlmError> {
    let size = provider.measure(request);
    if size.fits() {
        return Ok(size);
    }
    Err(LlmError::PromptTooLong {
        model: request.model.clone(),
        estimated: size.tokens,
        reserved: request.max_tokens.into(),
        context: size.room.saturating_add(request.max_tokens.into()),
    })
}

/// Parts a text into pieces of at most so many estimated tokens each, at the ends of lines where there are any, so
/// that each can be summarised by itself. The pieces together are the text.
#[must_use]
pub fn parts(text: &str, tokens: u64) -> Vec<&str> {
    let tokens = tokens.max(1);
    let mut parts = Vec::new();
    let (mut start, mut end, mut held) = (0, 0, 0);
    for line in text.split_inclusive('\n') {
        let length = estimate(line);
        if end > start && held + length > tokens {
            parts.push(&text[start..end]);
            (start, held) = (end, 0);
        }
        end += line.len();
        held += length;
        if held > tokens {
            let pieces = pieces(&text[start..end], tokens);
            let (last, whole) = pieces
                .split_last()
                .expect("a line that is too long has pieces");
            parts.extend(whole);
            start = end - last.len();
            held = estimate(last);
        }
    }
    if end > start {
        parts.push(&text[start..end]);
    }
    parts
}

/// Parts one line, between characters.
fn pieces(line: &str, tokens: u64) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while estimate(rest) > tokens {
        let at = longest_within(rest, tokens);
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// Where the longest beginning of a text ends that has no more than so many tokens; after one character at the least.
fn longest_within(text: &str, tokens: u64) -> usize {
    let ends: Vec<usize> = text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .collect();
    // The estimate does not shrink when text is added.
    let fitting = ends.partition_point(|end| estimate(&text[..*end]) <= tokens);
    ends[fitting.saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, tokens: u64, least: usize) {
        let parts = parts(text, tokens);
        assert_eq!(parts.concat(), text, "nothing is left out");
        assert!(parts.len() >= least, "{} parts", parts.len());
        for part in parts {
            let is_one_character = part.chars().count() == 1;
            assert!(
                estimate(part) <= tokens || is_one_character,
                "{part:?} has {}",
                estimate(part)
            );
        }
    }

    #[test]
    fn the_parts_are_the_text_and_each_fits() {
        let log = "2026-11-21 nginx[12]: upstream timed out\n".repeat(50);
        check(&log, 100, 5);
        check(&log, 10, 50);
        check(&log, 100_000, 1);
        check(&"x".repeat(9_000), 100, 30);
        check(&"磁盘空间不足\u{1f6a8}".repeat(200), 50, 10);
        check(&format!("short\n{}\nshort", "y".repeat(3_000)), 64, 10);
        check("磁", 1, 1);
        check("", 5, 0);
    }

    #[test]
    fn lines_stay_whole_where_they_fit() {
        let text = "one two three\nfour five six\nseven eight nine\n";
        assert_eq!(
            parts(text, 14),
            ["one two three\nfour five six\n", "seven eight nine\n"]
        );
    }
}
