//! Lines of JSON, or server-sent events, from chunks of bytes. They are whole before anything reads them as text, so a
//! character that lies across two chunks is never lost.

use bytes::{Bytes, BytesMut};

/// Longest line, in bytes. A token's line has some 150; a tool call's arguments or an answer in one piece may be long.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Why there is no next frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// It grew beyond the limit.
    TooLong,
    /// This line is none of an event stream.
    NotAnEvent(Bytes),
}

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
    pub(crate) fn next_line(&mut self) -> Result<Option<Bytes>, FrameError> {
        while let Some(line) = self.next_line_or_blank()? {
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn next_line_or_blank(&mut self) -> Result<Option<Bytes>, FrameError> {
        let end = self.pending[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(at) = end else {
            self.searched = self.pending.len();
            return if self.pending.len() > MAX_LINE_BYTES {
                Err(FrameError::TooLong)
            } else {
                Ok(None)
            };
        };
        let line = self.pending.split_to(self.searched + at + 1).freeze();
        self.searched = 0;
        if line.len() > MAX_LINE_BYTES + 1 {
            return Err(FrameError::TooLong);
        }
        Ok(Some(line.slice(..line.len() - 1)))
    }

    /// What stands after the last line end, once nothing more comes; none where it is cut in the middle, and so the
    /// beginning of JSON and no more.
    pub(crate) fn rest(&self) -> Option<Bytes> {
        let rest = self.pending.trim_ascii();
        let is_cut = serde_json::from_slice::<serde::de::IgnoredAny>(rest)
            .is_err_and(|error| error.is_eof());
        (!rest.is_empty() && !is_cut).then(|| Bytes::copy_from_slice(rest))
    }
}

/// Collects bytes and gives the data of server-sent events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    lines: Lines,
    /// Data of the event that is not at its end yet.
    data: BytesMut,
}

/// What says in an event stream that nothing more comes.
pub(crate) const LAST_EVENT: &[u8] = b"[DONE]";

impl Events {
    /// Takes a chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.lines.push(chunk);
    }

    /// The data of the next whole event that has any.
    pub(crate) fn next_event(&mut self) -> Result<Option<Bytes>, FrameError> {
        while let Some(line) = self.lines.next_line_or_blank()? {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.is_empty() {
                if self.data.is_empty() {
                    continue;
                }
                return Ok(Some(self.data.split().freeze()));
            }
            self.take(line)?;
        }
        Ok(None)
    }

    fn take(&mut self, line: &[u8]) -> Result<(), FrameError> {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        match field {
            // llama.cpp has written its errors under a name of their own.
            b"data" | b"error" => {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                if self.data.len() + value.len() > MAX_LINE_BYTES {
                    return Err(FrameError::TooLong);
                }
                if !self.data.is_empty() {
                    self.data.extend_from_slice(b"\n");
                }
                self.data.extend_from_slice(value);
                Ok(())
            }
            // A comment keeps the connection alive; what an event is called, its data says again.
            b"" | b"event" | b"id" | b"retry" => Ok(()),
            _ => Err(FrameError::NotAnEvent(Bytes::copy_from_slice(line))),
        }
    }

    /// The data of the last event where only its end is missing.
    pub(crate) fn rest(&self) -> Option<Bytes> {
        let mut all = Self {
            lines: Lines::default(),
            data: self.data.clone(),
        };
        all.push(self.lines.pending.as_ref());
        all.push(b"\n\n");
        let data = all.next_event().ok().flatten()?;
        let is_whole =
            data == LAST_EVENT || serde_json::from_slice::<serde::de::IgnoredAny>(&data).is_ok();
        is_whole.then_some(data)
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
        (found, lines.rest().unwrap_or_default().to_vec())
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

    fn read_events(chunks: &[&[u8]]) -> (Vec<String>, Option<Bytes>) {
        let mut events = Events::default();
        let mut found = Vec::new();
        for chunk in chunks {
            events.push(chunk);
            while let Some(data) = events.next_event().expect("an event stream") {
                found.push(String::from_utf8(data.to_vec()).expect("whole events are UTF-8"));
            }
        }
        (found, events.rest())
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = ": ping\n\nevent: x\ndata: {\"a\":\"ä€\"}\n\ndata:one\r\ndata: two\r\n\r\nid: 7\nretry: 10\n\n\
                    error: {\"b\":\"\u{1f680}\"}\n\ndata: [DONE]\n\n"
            .as_bytes();
        let whole = read_events(&[text]);
        assert_eq!(
            whole.0,
            [
                "{\"a\":\"ä€\"}",
                "one\ntwo",
                "{\"b\":\"\u{1f680}\"}",
                "[DONE]"
            ]
        );
        assert_eq!(whole.1, None);
        for at in 0..text.len() {
            assert_eq!(
                read_events(&[&text[..at], &text[at..]]),
                whole,
                "cut at {at}"
            );
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read_events(&single), whole);
    }

    #[test]
    fn of_an_event_without_its_end_only_what_is_whole_counts() {
        for (text, rest) in [
            ("data: [DONE]", Some("[DONE]")),
            ("data: [DONE]\n", Some("[DONE]")),
            ("data: {\"a\":1}\n", Some("{\"a\":1}")),
            ("data: {\"a\":", None),
            ("data: [DON", None),
            ("dat", None),
            ("data: {}\n\n", None),
        ] {
            let found = read_events(&[text.as_bytes()]).1;
            assert_eq!(found.as_deref(), rest.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_event_stream_is_told_by_its_first_line() {
        for text in ["<!DOCTYPE html>\n<p>\n", "{\"error\": {}}\n"] {
            let mut events = Events::default();
            events.push(text.as_bytes());
            assert!(
                matches!(events.next_event(), Err(FrameError::NotAnEvent(line)) if text.as_bytes().starts_with(&line)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_event_of_many_lines_is_bounded_too() {
        let mut events = Events::default();
        let line = [
            b"data: ".to_vec(),
            vec![b'x'; MAX_LINE_BYTES / 2],
            b"\n".to_vec(),
        ]
        .concat();
        events.push(&line);
        events.push(&line);
        events.push(&line);
        assert_eq!(events.next_event(), Err(FrameError::TooLong));
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; MAX_LINE_BYTES]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"x");
        assert_eq!(lines.next_line(), Err(FrameError::TooLong));
    }

    #[test]
    fn a_whole_line_beyond_the_limit_is_refused_too() {
        let mut lines = Lines::default();
        let mut long = vec![b'x'; MAX_LINE_BYTES + 1];
        long.push(b'\n');
        lines.push(&long);
        assert_eq!(lines.next_line(), Err(FrameError::TooLong));
    }
}
