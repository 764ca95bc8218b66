//! Secrets that are handed out: 32 random bytes, written so that they can stand in an address. What is kept is a digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use watchkeeper_model::Digest;

use crate::Chance;

/// Random bytes of a secret.
const BYTES: usize = 32;
/// Characters of a secret as it is written.
const CHARS: usize = 43;

/// A secret and what is kept of it.
#[derive(Clone)]
pub(super) struct Secret {
    /// As it is handed out, once.
    pub(super) text: String,
    /// What is kept.
    pub(super) digest: Digest,
}

impl Secret {
    /// A new one.
    pub(super) fn new(chance: &Chance) -> Self {
        let text = URL_SAFE_NO_PAD.encode(chance.bytes::<BYTES>());
        let digest = Digest::of_bytes(text.as_bytes());
        Self { text, digest }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What would be kept of a text that somebody shows; none where it cannot be a secret of ours.
pub(super) fn shown(text: &str) -> Option<Digest> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = text.len() == CHARS && text.bytes().all(allowed);
    fits.then(|| Digest::of_bytes(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_again_and_nothing_else_is() {
        let chance = Chance::seeded([7; 32]);
        let (one, two) = (Secret::new(&chance), Secret::new(&chance));
        assert_eq!(shown(&one.text), Some(one.digest));
        assert_ne!(one.digest, two.digest);
        assert!(!format!("{one:?}").contains(&one.text));
        for text in [
            "",
            "../../etc/passwd",
            &one.text[1..],
            &format!("{}=", &one.text[1..]),
        ] {
            assert_eq!(shown(text), None, "{text:?}");
        }
    }
}
