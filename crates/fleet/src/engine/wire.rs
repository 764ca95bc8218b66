//! The bytes under an SSH connection: they can be cut at any moment, and what the other side said first is kept.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How much of the first words is kept.
const FIRST_WORDS_BYTES: usize = 255;

/// What the other side said first.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstWords(Arc<Mutex<Vec<u8>>>);

impl FirstWords {
    fn hear(&self, bytes: &[u8]) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = FIRST_WORDS_BYTES.saturating_sub(words.len());
        words.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The first line, if it is not an SSH server's.
    pub(super) fn not_ssh(&self) -> Option<Vec<u8>> {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = words.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
        let is_ssh = words.windows(4).any(|window| window == b"SSH-");
        (!line.is_empty() && !is_ssh).then(|| line.to_vec())
    }

    /// Whether anything was said.
    pub(super) fn is_empty(&self) -> bool {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        words.is_empty()
    }
}

/// A stream that ends when its token is cancelled, whatever russh waits for.
pub(super) struct Wire<S> {
    stream: S,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    heard: FirstWords,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, cut: CancellationToken, heard: FirstWords) -> Self {
        Self {
            stream,
            cut: Box::pin(cut.cancelled_owned()),
            heard,
        }
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if polled.is_ready() {
            self.heard.hear(&buffer.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
