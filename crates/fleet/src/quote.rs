//! Quoting for a POSIX shell. Nothing else in the workspace quotes.

/// Appends `word` so that a POSIX shell reads exactly its bytes, as one word and nothing more. A NUL byte
/// cannot be a part of any argument; the caller has refused it.
pub(crate) fn push_word(line: &mut Vec<u8>, word: &[u8]) {
    if !line.is_empty() {
        line.push(b' ');
    }
    if !word.is_empty() && word.iter().all(|byte| is_plain(*byte)) {
        line.extend_from_slice(word);
        return;
    }
    line.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => line.extend_from_slice(b"'\\''"),
            _ => line.push(*byte),
        }
    }
    line.push(b'\'');
}

/// Whether a byte stands for itself wherever it stands in a word.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b',' | b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expect: &str) {
        let mut line = Vec::new();
        for word in words {
            push_word(&mut line, word.as_bytes());
        }
        assert_eq!(String::from_utf8_lossy(&line), expect);
    }

    #[test]
    fn only_plain_words_go_unquoted() {
        check(&["systemctl", "show", "-p", "a.b"], "systemctl show -p a.b");
        check(&["a b", "", "~", "x=y"], "'a b' '' '~' 'x=y'");
        check(&["it's", "$(id)", "a\nb"], "'it'\\''s' '$(id)' 'a\nb'");
    }
}
