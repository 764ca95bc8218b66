//! The tables that ship: one line for a file. Whoever adds a file to `tables/` adds its line here.

/// The name of each family and the text of its file.
pub(super) const FILES: &[(&str, &str)] = &[("base", include_str!("../../tables/base.toml"))];
