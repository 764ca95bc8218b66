//! Why a text is not turned into a tree. A refusal never quotes more of the text than a few bounded characters.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};

/// The most characters of a parser's reason that are kept.
pub const MAX_REASON_CHARS: usize = 160;

/// The reason where a parser panics.
const PANICKED: &str = "it panics";

/// One of the two parsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parser {
    /// `brush-parser`, whose tree is the primary one.
    Brush,
    /// `rable`, which must agree.
    Rable,
}

impl fmt::Display for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Brush => "brush",
            Self::Rable => "rable",
        })
    }
}

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing stands in it.
    #[error("the text holds no command")]
    Empty,
    /// It is longer than the limit.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Constructs stand too deep in each other.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// Too many substitutions, groups and compounds in all.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The first byte that is not.
        at: usize,
    },
    /// It holds a control character other than a new line or a tab.
    #[error("control character U+{code:04X} at byte {at}")]
    Control {
        /// The character.
        code: u32,
        /// Where.
        at: usize,
    },
    /// It holds a character that looks like nothing, like a blank or like another one, or turns the text round.
    #[error("deceptive character U+{code:04X} at byte {at}")]
    Deceptive {
        /// The character.
        code: u32,
        /// Where.
        at: usize,
    },
    /// The name of a command or variable is not plain ASCII.
    #[error("a name with characters other than ASCII")]
    ForeignName,
    /// A parser cannot read it.
    #[error("{by} cannot parse it: {reason}")]
    Unparsable {
        /// Which parser.
        by: Parser,
        /// What it says, bounded and without control characters.
        reason: String,
    },
    /// Something that is not taken apart here.
    #[error("{what} is not supported")]
    Unsupported {
        /// What, in plain words.
        what: &'static str,
    },
    /// The two parsers read it differently.
    #[error("the two parsers read it differently")]
    Disagreement,
    /// The canonical text does not say the same.
    #[error("it has no canonical text that reads the same")]
    NotRenderable,
}

/// What a parser gives, where it does not panic: one that does has not read the text.
pub(crate) fn contained<T>(
    by: Parser,
    parse: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    // Nothing that a parser has touched is used after it panicked.
    panic::catch_unwind(AssertUnwindSafe(parse))
        .unwrap_or_else(|_| Err(Refusal::unparsable(by, PANICKED)))
}

impl Refusal {
    /// What a parser says, bounded and made printable.
    pub(crate) fn unparsable(by: Parser, reason: &str) -> Self {
        let reason = reason
            .chars()
            .take(MAX_REASON_CHARS)
            .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
            .collect();
        Self::Unparsable { by, reason }
    }

    /// A named construct that is not taken apart.
    pub(crate) const fn unsupported(what: &'static str) -> Self {
        Self::Unsupported { what }
    }
}
