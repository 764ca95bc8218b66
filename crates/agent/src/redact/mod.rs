//! Redaction: takes what looks like a secret out of text, where text enters. A secret is replaced, never shortened.
//!
//! A pass over the text takes time in proportion to its length, whatever stands in it: every rule either consumes
//! what it has looked at or looks at no more than a fixed number of bytes. Passes go on until one finds nothing.
//!
//! The rules know forms, not values: private keys, assignments to names such as `password`, headers, bearer tokens,
//! the tokens of well-known services, JSON web tokens, URLs with credentials, password hashes. A secret of no known
//! form is not found; so prompts stay on the machine unless the host's policy says otherwise.

mod keys;
mod names;
mod tokens;

use std::borrow::Cow;

use watchkeeper_model::{Evidence, Finding};

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Most passes. A pass can only uncover something for the next where forms stand inside each other.
const MAX_PASSES: usize = 8;

/// The text without what looks like a secret. Doing it twice is the same as doing it once.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut redacted = Cow::Borrowed(text);
    for _ in 0..MAX_PASSES {
        match pass(&redacted) {
            Some(further) => redacted = Cow::Owned(further),
            None => break,
        }
    }
    redacted
}

/// A finding without what looks like a secret. Its host, check and subject stay as they are: they identify it.
#[must_use]
pub fn redact_finding(finding: Finding) -> Finding {
    let text = |text: String| redact(&text).into_owned();
    let evidence = finding.evidence.into_iter();
    Finding {
        summary: text(finding.summary),
        cause: text(finding.cause),
        evidence: evidence
            .map(|piece| Evidence {
                source: piece.source,
                text: text(piece.text),
            })
            .collect(),
        ..finding
    }
}

/// One pass; none where it found nothing.
fn pass(text: &str) -> Option<String> {
    let without_keys = keys::redact(text);
    let mut scan = Scan {
        text: &without_keys,
        at: 0,
        copied: 0,
        out: String::new(),
    };
    while scan.at < scan.text.len() {
        scan.step();
    }
    if scan.out.is_empty() {
        return (without_keys != text).then(|| without_keys.into_owned());
    }
    scan.out.push_str(&scan.text[scan.copied..]);
    Some(scan.out)
}

/// Where the pass stands.
struct Scan<'a> {
    text: &'a str,
    /// The next byte to look at; always between characters.
    at: usize,
    /// Up to where the text was copied.
    copied: usize,
    out: String,
}

impl Scan<'_> {
    /// Looks at what stands here, and goes on behind it.
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let byte = rest.as_bytes()[0];
        if is_word(byte) {
            self.word();
        } else if byte == b'$'
            && let Some(length) = tokens::password_hash(rest)
        {
            self.replace(self.at, self.at + length);
        } else if rest.starts_with("://")
            && let Some((from, to)) = tokens::url_secret(rest)
        {
            self.replace(self.at + from, self.at + to);
        } else {
            self.at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }

    /// A run of word characters: the name of a secret with its value behind it, or a secret itself.
    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest
            .bytes()
            .position(|byte| !is_word(byte))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        let behind = &rest[length..];
        if let Some(from) = tokens::known_token(word) {
            self.replace(self.at + from, self.at + length);
            return;
        }
        let value = names::secret_value(word, behind);
        self.at += length;
        if let Some((from, to)) = value {
            self.replace(self.at + from, self.at + to);
        }
    }

    fn replace(&mut self, from: usize, to: usize) {
        if &self.text[from..to] != REDACTED {
            self.out.push_str(&self.text[self.copied..from]);
            self.out.push_str(REDACTED);
            self.copied = to;
        }
        self.at = to;
    }
}

/// What names and tokens are made of.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[cfg(test)]
mod tests;
