//! Anthropic.
pub(crate) const VERSION: &str = "2023-06-01";
