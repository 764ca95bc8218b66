//! Words inside the text of a step. Command lines for a connection are quoted by `fleet`; a step's text is a file
//! that people read before it runs, so a word that needs no quotes gets none.

use std::borrow::Cow;

/// A word that `/bin/sh` reads back as exactly this text.
pub(super) fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@' | '/' | '+' | ',')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_need_quotes_get_them() {
        assert_eq!(quoted("getty@tty1.service"), "getty@tty1.service");
        assert_eq!(
            quoted(r"dev-disk-by\x2duuid.device"),
            r"'dev-disk-by\x2duuid.device'"
        );
        assert_eq!(quoted("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(quoted(""), "''");
    }
}
