//! Secrets that are handed out: 32 random bytes, written so that they can stand in an address. What is kept is a digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use watchkeeper_model::Digest;

use crate::Chance;

/// Random bytes of a secret.
const BYTES: usize = 32;
/// Characters of a secret as it is written.
const CHARS: usize = 43;
/// Characters of the part that is typed: 40 bits, good for ten minutes and behind what nobody guesses.
const CODE_CHARS: usize = 8;
/// What that part is made of: nothing that is taken for something else.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

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

/// A secret in two parts: one is sent, one is typed. Who reads the message alone has nothing, and cannot guess the rest.
#[derive(Clone)]
pub(super) struct InTwo {
    /// Both together.
    pub(super) whole: Secret,
    /// What stands in the address that is sent.
    pub(super) sent: String,
    /// What is typed.
    pub(super) code: String,
}

impl InTwo {
    /// A new one.
    pub(super) fn new(chance: &Chance) -> Self {
        let mut sent = URL_SAFE_NO_PAD.encode(chance.bytes::<BYTES>());
        sent.truncate(CHARS - CODE_CHARS);
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        let code: String = chance.bytes::<CODE_CHARS>().map(letter).iter().collect();
        let text = format!("{sent}{code}");
        let digest = Digest::of_bytes(text.as_bytes());
        Self {
            whole: Secret { text, digest },
            sent,
            code,
        }
    }
}

impl std::fmt::Debug for InTwo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InTwo")
    }
}

/// Whether a token is only the part that was sent of one: the other part is to be typed.
#[must_use]
pub fn needs_code(text: &str) -> bool {
    text.len() == CHARS - CODE_CHARS
}

/// The token of which one part was sent and the other typed, in whatever way people type; none where it cannot be one.
#[must_use]
pub fn with_code(sent: &str, typed: &str) -> Option<String> {
    let letters = typed.chars().filter(|c| !matches!(c, ' ' | '-'));
    let code: String = letters
        .take(CODE_CHARS + 1)
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    let fits = needs_code(sent) && code.len() == CODE_CHARS;
    fits.then(|| format!("{sent}{code}"))
        .filter(|text| shown(text).is_some())
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

    #[test]
    fn a_secret_in_two_parts_is_whole_however_its_code_is_typed() {
        let secret = InTwo::new(&Chance::seeded([7; 32]));
        let digest = secret.whole.digest;
        let of = |code: &str| with_code(&secret.sent, code).and_then(|text| shown(&text));
        let (first, rest) = secret.code.split_at(4);
        for typed in [
            secret.code.clone(),
            format!("{first} {rest}"),
            format!(" {}-{} ", first.to_uppercase(), rest.to_uppercase()),
            secret.code.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(of(&typed), Some(digest), "{typed}");
        }
        for typed in [
            "",
            "0",
            &secret.code[1..],
            "00000000000",
            "é2345678",
            "../../..",
        ] {
            assert_ne!(of(typed), Some(digest), "{typed}");
        }
        assert_eq!(shown(&secret.sent), None, "what is sent is not enough");
        assert_eq!(with_code(&secret.whole.text, &secret.code), None);
    }
}
