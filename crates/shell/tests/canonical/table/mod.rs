//! What people write, and the one text for it.

mod compound;
mod documents;
mod expansions;
mod words;

/// Each text with its canonical text.
pub(crate) fn canonical() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    [
        words::TEXTS,
        expansions::TEXTS,
        compound::TEXTS,
        documents::TEXTS,
    ]
    .into_iter()
    .flatten()
}
