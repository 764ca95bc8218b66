//! Newline-delimited JSON from chunks of bytes. Lines are whole before anything reads them as text, so a character
//! that lies across two chunks is never lost.

use bytes::{Bytes, BytesMut};

/// Longest line, in bytes. A token's line has some 150; a tool call's arguments or an answer in one piece may be long.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line grew beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineTooLong;

/// Collects bytes and gives lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pending: BytesMut,
    /// So many bytes of `pending` are known to hold no line end.
    searched: usize,
}

impl Lines {
    /// Takes a chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.pending.extend_from_slice(chunk);
    }

    /// The next whole line that is not blank, without its end.
    pub(crate) fn next_line(&mut self) -> Result<Option<Bytes>, LineTooLong> {
        while let Some(at) = self.pending[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n')
        {
            let line = self.pending.split_to(self.searched + at + 1).freeze();
            self.searched = 0;
            if line.len() > MAX_LINE_BYTES + 1 {
                return Err(LineTooLong);
            }
            let line = line.slice(..line.len() - 1);
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
        self.searched = self.pending.len();
        if self.pending.len() > MAX_LINE_BYTES {
            return Err(LineTooLong);
        }
        Ok(None)
    }

    /// What stands after the last line end, once nothing more comes.
    pub(crate) fn rest(&self) -> &[u8] {
        self.pending.trim_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk);
            while let Some(line) = lines.next_line().expect("short lines") {
                found.push(String::from_utf8(line.to_vec()).expect("whole lines are UTF-8"));
            }
        }
        (found, lines.rest().to_vec())
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = "{\"a\":\"ä€\"}\n\r\n  \n{\"b\":\"\u{1f680}\"}\nrest".as_bytes();
        let whole = read(&[text]);
        assert_eq!(whole.0, ["{\"a\":\"ä€\"}", "{\"b\":\"\u{1f680}\"}"]);
        assert_eq!(whole.1, b"rest");
        for at in 0..text.len() {
            assert_eq!(read(&[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read(&single), whole);
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; MAX_LINE_BYTES]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"x");
        assert_eq!(lines.next_line(), Err(LineTooLong));
    }

    #[test]
    fn a_whole_line_beyond_the_limit_is_refused_too() {
        let mut lines = Lines::default();
        let mut long = vec![b'x'; MAX_LINE_BYTES + 1];
        long.push(b'\n');
        lines.push(&long);
        assert_eq!(lines.next_line(), Err(LineTooLong));
    }
}
