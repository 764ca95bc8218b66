//! Shell text into a syntax tree that two parsers agree on, and back into one canonical text; pure and total.
//!
//! What the commands in the tree do is `risk`'s to say. Nothing here expands anything: a tree says what was written.
//! A text passes the guards, is parsed by `brush-parser` and by `rable`, and both trees must be the same. The
//! canonical text is rendered from that tree and must give the same tree again, by both. Whatever cannot be taken
//! apart with certainty is a [`Refusal`].
//!
//! That nothing is unseen is shown by generated scripts that bash runs in a sandbox, see `README.md`; the long run is
//! `cargo run --release -p watchkeeper-shell --example oracle -- --scripts 20000 --seed 7`.

mod arithmetic;
mod atoms;
mod brush;
mod cases;
mod guard;
mod plain;
mod rable;
mod reader;
mod refusal;
mod render;
mod tree;

pub use guard::{
    MAX_BYTES, MAX_DEPTH, MAX_MARKS, MAX_NUMBER_DIGITS, MAX_OPENERS, MAX_SEPARATORS, MAX_WORDS,
    is_deceptive,
};
pub use plain::{is_plain_pipeline, plain_pipeline};
pub use reader::MAX_SUBSTITUTION_DEPTH;
pub use refusal::{MAX_REASON_CHARS, Parser, Refusal};
pub use tree::*;

use reader::Reader;

/// A text that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What it says; the places are byte ranges of `canonical`.
    pub script: Script,
    /// The one text for what it says: this is shown, digested, approved and run.
    pub canonical: String,
}

/// What a text says, or why that cannot be told.
pub fn parse(text: &str) -> Result<Parsed, Refusal> {
    guard::check(text)?;
    let mut script = agreed(text)?;
    if script.items.is_empty() {
        return Err(Refusal::Empty);
    }
    let canonical = render::render(&mut script)?;
    // Nothing here remembers anything: the same text gives the same tree, and the same tree the same text. So a text
    // that is canonical already has been read by both parsers and need not be again.
    if canonical == text {
        return Ok(Parsed { script, canonical });
    }
    guard::check(&canonical)?;
    let mut again = agreed(&canonical).map_err(|_| Refusal::NotRenderable)?;
    let text_again = render::render(&mut again)?;
    if again != script || text_again != canonical {
        return Err(Refusal::NotRenderable);
    }
    Ok(Parsed { script, canonical })
}

/// The same for bytes, which must be UTF-8.
pub fn parse_bytes(bytes: &[u8]) -> Result<Parsed, Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLong { limit: MAX_BYTES });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(err) => Err(Refusal::NotUtf8 {
            at: err.valid_up_to(),
        }),
    }
}

/// The tree that both parsers give.
fn agreed(text: &str) -> Result<Script, Refusal> {
    let reader = |by| Reader { by, depth: 0 };
    let primary = reader(Parser::Brush).script(text);
    let check = || reader(Parser::Rable).script(text);
    let refusal = match primary {
        Ok(primary) => {
            if primary == check()? {
                return Ok(primary);
            }
            Refusal::Disagreement
        }
        Err(refusal) => refusal,
    };
    // Only here the texts that the two read are not the same, see `cases`.
    let parenthesised = cases::with_parentheses(text).ok_or(refusal.clone())?;
    guard::check(&parenthesised)?;
    match reader(Parser::Brush).script(&parenthesised) {
        Ok(primary) if primary == check()? => Ok(primary),
        _ => Err(refusal),
    }
}
