//! Fences: how text of hosts, notes and earlier talk is shown to a model. A fence has a mark that nobody who wrote the
//! text could know. It is a courtesy to the model, not a wall.

use std::fmt;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{bounded, visible, visible_block};

use super::defuse::defused;
use crate::redact;

/// Most characters of what stands beside the label.
const MAX_TITLE_CHARS: usize = 160;
/// Bytes of chance in a mark: 80 bits, which nobody guesses.
const MARK_BYTES: usize = 10;
/// What stands where the mark stood in a text.
const MARK: &str = "(mark)";

/// The mark of a fence: random for every prompt, so that no text from a host can hold it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boundary(String);

impl Boundary {
    /// A mark out of random bytes; the caller brings them, because this crate has no chance. It is made of letters, which
    /// take fewer tokens than digits, and stands in a prompt many times.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        let half = |half: u8| char::from(b'a' + half);
        let letters = |byte: &u8| [half(byte >> 4), half(byte & 15)];
        Self(random[..MARK_BYTES].iter().flat_map(letters).collect())
    }

    /// The mark.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text inside a fence, under its label and origin. The text is given as it may be shown.
    pub(crate) fn fence(&self, label: &str, title: &str, shown: &str) -> String {
        let title = self.without(&line(title, MAX_TITLE_CHARS));
        let shown = self.without(&defused(shown));
        let mark = &self.0;
        format!(
            "<<{mark} {label}: {title}\n{}\n{mark}>>",
            shown.trim_end_matches('\n')
        )
    }

    /// The text without the mark, should it stand in it against all odds.
    pub(crate) fn without(&self, text: &str) -> String {
        text.replace(self.as_str(), MARK)
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boundary(…)")
    }
}

/// A text in one line, redacted, visible, bounded, and without tokens of templates.
pub(crate) fn line(text: &str, max_chars: usize) -> String {
    bounded(&defused(&visible(&redact(text))), max_chars).into_owned()
}

/// A text in several lines, redacted, visible, and without tokens of templates.
pub(crate) fn block(text: &str) -> String {
    defused(&visible_block(&redact(text))).into_owned()
}
