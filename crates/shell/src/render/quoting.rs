//! The fewest quotes for a literal text.

use std::fmt::Write as _;

use crate::guard::is_deceptive;

/// A literal text in quotes.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().any(must_be_escaped) {
        return escaped(text);
    }
    if !text.contains('\'') {
        return format!("'{text}'");
    }
    if text.contains(['$', '`', '"', '\\']) {
        return escaped(text);
    }
    format!("\"{text}\"")
}

/// Whether a character is never shown as it is.
pub(super) fn must_be_escaped(c: char) -> bool {
    c.is_control() || is_deceptive(c)
}

/// `$'…'`.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::from("$'");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\\' | '\'' => out.extend(['\\', c]),
            c if must_be_escaped(c) => {
                let code = u32::from(c);
                let written = match code {
                    0..=0x7f => write!(out, "\\x{code:02x}"),
                    0x80..=0xffff => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
                written.expect("a string takes all that is written to it");
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}
