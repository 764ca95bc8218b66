//! Small rules that several use cases share.

use watchkeeper_agent::redact;
use watchkeeper_model::{bounded, for_terminal};

/// Most rows in one answer.
const MAX_PAGE: i64 = 1_000;

/// How many rows are read for what was asked.
pub(crate) fn page(asked: Option<i64>, default: i64) -> u32 {
    u32::try_from(asked.unwrap_or(default).clamp(1, MAX_PAGE)).unwrap_or(1)
}

/// What a person or a model said, made fit to be kept: without secrets, visible, bounded. Lines stay lines, and what
/// stands behind a symbol to make a picture of it is left out and not written out, as on a terminal.
pub(crate) fn said(text: &str, max: usize) -> String {
    bounded(&for_terminal(&redact(text.trim())), max).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_kept_as_it_looks_and_hides_nothing() {
        assert_eq!(
            said(" \u{26a0}\u{fe0f} 5\u{202f}GB\nfull ", 100),
            "\u{26a0} 5 GB\nfull"
        );
        assert_eq!(said("a\u{1b}[2J\u{202e}b", 100), "a\\u{1b}[2J\\u{202e}b");
    }

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
