//! SHA-256 over fields, so that two different values never give the same bytes to hash.
//! What goes into a digest is decided next to the value that has one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a digest is 64 hexadecimal digits, this has {length} characters")]
pub struct InvalidDigest {
    length: usize,
}

impl Digest {
    /// The digest of these bytes alone, as `sha256sum` would print it.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The raw 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first and last four digits: enough for a person to compare, never enough to decide.
    #[must_use]
    pub fn short(&self) -> String {
        let hex = self.to_string();
        format!("{}…{}", &hex[..4], &hex[60..])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidDigest {
            length: text.chars().count(),
        })?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Builds a digest out of fields: each is written with its length before it, under a name for what is
/// being digested, so no two lists of fields give the same bytes.
#[derive(Debug)]
pub struct DigestWriter(Sha256);

impl DigestWriter {
    /// Starts the digest of a `what`, e.g. `watchkeeper plan 1`.
    #[must_use]
    pub fn new(what: &str) -> Self {
        Self(Sha256::new()).field(what)
    }

    /// Adds one field.
    #[must_use]
    pub fn field(mut self, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.0.update((value.len() as u64).to_be_bytes());
        self.0.update(value);
        self
    }

    /// Adds a field that may be absent; absent differs from empty.
    #[must_use]
    pub fn maybe(self, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.field("some").field(value),
            None => self.field("none"),
        }
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, value: i64) -> Self {
        self.field(value.to_be_bytes())
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let one = DigestWriter::new("t").field("ab").field("c").finish();
        let two = DigestWriter::new("t").field("a").field("bc").finish();
        let absent = DigestWriter::new("t").maybe(None::<&str>).finish();
        let empty = DigestWriter::new("t").maybe(Some("")).finish();
        assert_ne!(one, two);
        assert_ne!(absent, empty);
    }

    #[test]
    fn a_digest_reads_back_and_nothing_else_does() {
        let digest = Digest::of_bytes(b"");
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Digest>(), Ok(digest));
        assert_eq!("e3b0".parse::<Digest>(), Err(InvalidDigest { length: 4 }));
    }
}
