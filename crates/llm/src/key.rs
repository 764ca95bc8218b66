//! The key of a provider. It goes into one header of a request and nowhere else: it is never shown, logged or
//! serialised, and what a server says back has it crossed out.

use std::fmt;

/// Longest key, in bytes; those of today have some 200.
const MAX_KEY_BYTES: usize = 4096;
/// A shorter text is not crossed out of what a server says: it might stand in any word.
const LEAST_TELLING_BYTES: usize = 8;

/// The key of a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// Why a text is no key. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is one line of at most {MAX_KEY_BYTES} visible ASCII characters, and this is not")]
pub struct InvalidKey;

impl ApiKey {
    /// A key as it stands in a file: white space around it is no part of it.
    ///
    /// # Errors
    /// When it is empty, too long, or could not be sent in a header.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        let key = text.trim();
        let sendable = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !sendable {
            return Err(InvalidKey);
        }
        Ok(Self(key.to_owned()))
    }

    /// The key itself, for the header it is sent in.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// A text with this key crossed out of it.
    pub(crate) fn crossed_out_of(&self, text: &str) -> String {
        if self.0.len() < LEAST_TELLING_BYTES {
            return text.to_owned();
        }
        text.replace(&self.0, "***")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_and_never_shown() {
        let key = ApiKey::new("  sk-open-the-doors\n").expect("a key");
        assert_eq!(key.reveal(), "sk-open-the-doors");
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(
            key.crossed_out_of("wrong key sk-open-the-doors, try again"),
            "wrong key ***, try again"
        );
    }

    #[test]
    fn what_cannot_be_sent_is_no_key() {
        for text in ["", " \n", "two words", "a\nb", "ключ"] {
            assert_eq!(ApiKey::new(text), Err(InvalidKey), "{text:?}");
        }
        assert_eq!(ApiKey::new(&"x".repeat(5_000)), Err(InvalidKey));
    }
}
