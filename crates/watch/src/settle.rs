//! Small rules that several use cases share.

use watchkeeper_agent::redact;
use watchkeeper_model::{bounded, visible_block};

/// Most rows in one answer.
const MAX_PAGE: i64 = 1_000;

/// How many rows are read for what was asked.
pub(crate) fn page(asked: Option<i64>, default: i64) -> u32 {
    u32::try_from(asked.unwrap_or(default).clamp(1, MAX_PAGE)).unwrap_or(1)
}

/// What a person or a model said, made fit to be kept: without secrets, visible, bounded. Lines stay lines.
pub(crate) fn said(text: &str, max: usize) -> String {
    bounded(&visible_block(&redact(text.trim())), max).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_empty_nor_without_end() {
        assert_eq!(
            [
                page(None, 50),
                page(Some(0), 50),
                page(Some(-5), 50),
                page(Some(i64::MAX), 50)
            ],
            [50, 1, 1, 1_000]
        );
    }
}
