//! Redaction: takes what looks like a secret out of text, where text enters. A secret is replaced, never shortened.
//!
//! A pass over the text takes time in proportion to its length, whatever stands in it: every rule either consumes
//! what it has looked at or looks at no more than a fixed number of bytes. Passes go on until one finds nothing.
//!
//! The rules know forms: private keys, values of names such as `password`, options of commands that take a password,
//! lines of password files, headers, the tokens of well-known services, URLs and connection strings, password hashes.
//! Behind them one rule looks for text that only chance writes. A secret of no known form that reads like words, a
//! number, a hash or a name is not found, so prompts stay on the machine unless the owner says otherwise. What else is
//! not found stands, with figures, in `tests/corpus/redaction/README.md`.

mod chance;
mod commands;
mod devices;
mod forms;
mod keys;
mod names;
mod prose;
mod tokens;
mod urls;
mod values;
mod wraps;

use std::borrow::Cow;

use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{Evidence, Finding};

use commands::CommandLine;
use wraps::Unwrapped;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Most passes. A pass can only uncover something for the next where forms stand inside each other.
const MAX_PASSES: usize = 12;
/// Most bytes of a line that are looked at for its form.
const MAX_LINE_BYTES: usize = 512;

/// The text without what looks like a secret. Doing it twice is the same as doing it once.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut redacted = Cow::Borrowed(text);
    if !stands(Guard::Redaction) {
        return redacted;
    }
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
    let unwrapped = Unwrapped::of(&without_keys);
    let found = Scan::over(unwrapped.text());
    if found.is_empty() {
        return match without_keys {
            Cow::Borrowed(_) => None,
            Cow::Owned(without) => (without != text).then_some(without),
        };
    }
    Some(unwrapped.replaced(&found))
}

/// From and to: a stretch of the text.
type Span = (usize, usize);

/// Where the pass stands.
struct Scan<'a> {
    text: &'a str,
    /// The next byte to look at; always between characters.
    at: usize,
    /// What is to be replaced, in order.
    found: Vec<Span>,
    /// What the form of this line says is secret, further on.
    of_line: Option<Span>,
    /// The command whose options stand here.
    command: Option<CommandLine>,
    /// Up to where text was judged for chance.
    judged: usize,
    /// Whether lines of a block are base64 that is public: a certificate, a public key, a signature.
    in_public_block: bool,
}

impl<'a> Scan<'a> {
    /// Everything that is to be replaced.
    fn over(text: &'a str) -> Vec<Span> {
        let mut scan = Self {
            text,
            at: 0,
            found: Vec::new(),
            of_line: None,
            command: None,
            judged: 0,
            in_public_block: false,
        };
        while scan.at < text.len() {
            scan.step();
        }
        scan.found
    }

    /// Looks at what stands here, and goes on behind it.
    fn step(&mut self) {
        if self.at == 0 || self.text.as_bytes()[self.at - 1] == b'\n' {
            self.line();
        }
        if let Some((from, to)) = self.of_line
            && from <= self.at
        {
            self.of_line = None;
            if self.at == from && to > from {
                return self.replace(from, to);
            }
        }
        if let Some((from, to)) = self.option() {
            return self.replace(from, to);
        }
        let rest = &self.text[self.at..];
        let byte = rest.as_bytes()[0];
        if is_word(byte) {
            return self.word();
        }
        if let Some((from, to)) = self.marked(rest, byte) {
            return self.replace(self.at + from, self.at + to);
        }
        if self.chance() {
            return;
        }
        if ends_command(byte) && !(byte == b'\n' && self.text[..self.at].ends_with('\\')) {
            self.command = None;
        }
        self.at += rest.chars().next().map_or(1, char::len_utf8);
    }

    /// At the beginning of a line: whether it is one of a form, and whether it stands in a block that is public.
    fn line(&mut self) {
        let rest = &self.text[self.at..];
        let line = head(rest, MAX_LINE_BYTES);
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        self.in_public_block = keys::in_public_block(line, self.in_public_block);
        self.of_line = forms::secret_of_line(&self.text[..self.at], line, &rest[line.len()..])
            .map(|(from, to)| (self.at + from, self.at + to));
    }

    /// The value of an option of the command that stands on this line.
    fn option(&mut self) -> Option<Span> {
        let command = self.command.as_mut()?;
        let (from, to) = command.secret_of(&self.text[..self.at], &self.text[self.at..])?;
        Some((self.at + from, self.at + to))
    }

    /// A secret that a mark begins: the hash of a password, or credentials in a URL.
    fn marked(&self, rest: &str, byte: u8) -> Option<Span> {
        match byte {
            b'$' => tokens::password_hash(rest).map(|length| (0, length)),
            b'{' => tokens::hash_of_directory(rest).map(|length| (0, length)),
            b'*' => tokens::mysql_hash(rest).map(|length| (0, length)),
            b':' if rest.starts_with("://") => urls::credentials(rest),
            b':' => urls::credentials_of_dsn(&self.text[..self.at], rest)
                .or_else(|| urls::credentials_of_oracle(&self.text[..self.at], rest)),
            b'%' => urls::credentials_encoded(rest),
            _ => None,
        }
    }

    /// A run of word characters: the name of a secret with its value behind it, or a secret itself.
    fn word(&mut self) {
        let (before, rest) = self.text.split_at(self.at);
        let length = word_length(rest);
        let (word, behind) = rest.split_at(length);
        if let Some((from, to)) = tokens::known(before, word, behind) {
            return self.replace(self.at + from, self.at + to);
        }
        if let Some((from, to)) = urls::secret_path(word, behind) {
            return self.replace(self.at + length + from, self.at + length + to);
        }
        if let Some((from, to)) = names::secret_value(before, word, behind) {
            return self.replace(self.at + length + from, self.at + length + to);
        }
        if self.chance() {
            return;
        }
        let same = (self.command.as_ref()).is_some_and(|command| command.is(word));
        if let Some(command) = CommandLine::of(word, behind).filter(|_| !same) {
            self.command = Some(command);
        }
        self.at += length;
    }

    /// Replaces a run here that only chance writes.
    fn chance(&mut self) -> bool {
        if self.at < self.judged || self.in_public_block {
            return false;
        }
        let (before, rest) = self.text.split_at(self.at);
        let length = chance::run_length(rest);
        self.judged = self.at + length.max(1);
        let secret = chance::is_secret(before, &rest[..length], &rest[length..]);
        if secret {
            self.replace(self.at, self.at + length);
        }
        secret
    }

    fn replace(&mut self, from: usize, to: usize) {
        if &self.text[from..to] != REDACTED {
            self.found.push((from, to));
        }
        self.at = to;
    }
}

/// What names and tokens are made of.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The length of the run of word characters that begins here.
fn word_length(text: &str) -> usize {
    text.bytes()
        .position(|byte| !is_word(byte))
        .unwrap_or(text.len())
}

/// What parts one command from the next.
const fn ends_command(byte: u8) -> bool {
    matches!(byte, b'\n' | b'|' | b';' | b'&' | b'`' | b')')
}

/// The end of a text, at most so many bytes, between characters.
fn tail(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The beginning of a text, at most so many bytes, between characters.
fn head(text: &str, bytes: usize) -> &str {
    let mut to = text.len().min(bytes);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    &text[..to]
}

#[cfg(test)]
mod tests;
