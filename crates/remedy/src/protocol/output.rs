//! What a step printed, as far as it was kept: its front, and after a gap its last bytes.

/// Most bytes of the end of a stream that a host keeps.
pub const TAIL_BYTES: u32 = 64 * 1024;

/// One stream of a step's output. The bytes are the host's: bound, redact and escape them before they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    bytes: Vec<u8>,
    cut: Option<usize>,
}

impl Captured {
    /// How much of a stream is taken at most, when `max` bytes of its front are kept on the host.
    #[must_use]
    pub const fn limit(max: u32) -> usize {
        (max.next_multiple_of(512) + TAIL_BYTES) as usize
    }

    /// Takes what an attach brought, up to the limit.
    pub(super) fn add(&mut self, bytes: &[u8], cut: Option<u32>, limit: usize) {
        let room = limit.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.cut = cut.map(|at| at as usize).or(self.cut);
    }

    /// How much was taken so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was printed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The front.
    #[must_use]
    pub fn front(&self) -> &[u8] {
        &self.bytes[..self.cut.unwrap_or(self.bytes.len()).min(self.bytes.len())]
    }

    /// The last bytes, if something between them and the front is missing.
    #[must_use]
    pub fn tail(&self) -> Option<&[u8]> {
        self.cut.map(|at| &self.bytes[at.min(self.bytes.len())..])
    }

    /// The text, with a line where something is missing. What is no text is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        let front = String::from_utf8_lossy(self.front());
        match self.tail() {
            None => front.into_owned(),
            Some(tail) => format!(
                "{front}\n[output is missing here]\n{}",
                String::from_utf8_lossy(tail)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_knows_where_something_is_missing() {
        let mut stream = Captured::default();
        stream.add(b"front", None, 100);
        assert_eq!(stream.text(), "front");
        stream.add(b"tail", Some(5), 100);
        assert_eq!(stream.text(), "front\n[output is missing here]\ntail");
    }

    #[test]
    fn a_host_cannot_send_more_than_the_limit() {
        let mut stream = Captured::default();
        stream.add(&[b'x'; 50], Some(99), 20);
        stream.add(&[b'x'; 50], None, 20);
        assert_eq!(stream.len(), 20);
        assert_eq!(stream.front().len(), 20);
        assert_eq!(stream.tail(), Some(&b""[..]));
    }
}
