//! What a step prints, made fit to be kept and told: without secrets, with nothing in it that acts on a terminal, bounded.

use watchkeeper_agent::redact;
use watchkeeper_model::visible_block;

/// What stands where output is left out.
const MISSING: &str = "\n[output is missing here]\n";

/// At most about `max` characters of an output: its front and its end, where errors stand.
pub(super) fn kept(text: &str, max: usize) -> String {
    let fit = fit(text);
    let length = fit.chars().count();
    if length <= max {
        return fit;
    }
    let half = max / 2;
    let front: String = fit.chars().take(half).collect();
    let end: String = fit.chars().skip(length - half).collect();
    format!("{front}{MISSING}{end}")
}

fn fit(text: &str) -> String {
    visible_block(&redact(text)).into_owned()
}

/// One stream of a step as it is told to those who follow it: by whole lines, and each time read from its beginning,
/// so that a secret that comes in two pieces is found all the same.
#[derive(Debug, Default)]
pub(super) struct Telling {
    bytes: Vec<u8>,
    told: usize,
}

impl Telling {
    /// Takes what was printed; gives what can be told now.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Option<String> {
        self.bytes.extend_from_slice(bytes);
        let whole = self
            .bytes
            .iter()
            .rposition(|byte| matches!(byte, b'\n' | b'\r'))?;
        self.tell(whole + 1)
    }

    /// The last line, which has no end.
    pub(super) fn rest(&mut self) -> Option<String> {
        self.tell(self.bytes.len())
    }

    fn tell(&mut self, until: usize) -> Option<String> {
        let fit = fit(&String::from_utf8_lossy(&self.bytes[..until]));
        // Where more text has made more of it a secret, that much was told too early, and nothing is told twice.
        let new = fit
            .get(self.told..)
            .filter(|new| !new.is_empty())?
            .to_owned();
        self.told = fit.len();
        Some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_two_pieces_is_told_by_none() {
        let mut telling = Telling::default();
        assert_eq!(telling.add(b"a\npass"), Some("a\n".to_owned()));
        assert_eq!(telling.add(b"word=hunter2h"), None);
        assert_eq!(
            telling.add(b"unter2\nb"),
            Some("password=[redacted]\n".to_owned())
        );
        assert_eq!(telling.rest(), Some("b".to_owned()));
        assert_eq!(telling.rest(), None);
    }

    #[test]
    fn a_key_over_many_lines_is_told_by_none() {
        let mut telling = Telling::default();
        let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";
        let lines = [
            "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(),
            format!("{body}\n"),
            format!("{body}\n"),
            "-----END OPENSSH PRIVATE KEY-----\n".to_owned(),
            "after\n".to_owned(),
        ];
        let mut told = String::new();
        for line in lines {
            told += &telling.add(line.as_bytes()).unwrap_or_default();
        }
        assert!(!told.contains(body), "{told}");
        assert!(told.ends_with("after\n"), "{told}");
    }

    #[test]
    fn escapes_are_written_out_and_both_ends_are_kept() {
        assert_eq!(kept("a\u{1b}[2J\n", 100), "a\\u{1b}[2J\n");
        let long = "x".repeat(1_000) + "the error";
        let short = kept(&long, 100);
        assert!(short.starts_with("xxx") && short.ends_with("the error"));
        assert!(short.contains("missing") && short.len() < 200);
    }
}
