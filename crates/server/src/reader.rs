//! A connection whose reader must read: one that takes nothing for too long is given up, so that a client that hangs
//! keeps no stream for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::{Instant, Sleep};

/// How long a reader may take nothing. Long, because it may be a person before a pager.
const READS_WITHIN: Duration = Duration::from_secs(30 * 60);

/// A stream that gives up a reader who takes nothing.
#[derive(Debug)]
pub(crate) struct Attended {
    stream: UnixStream,
    reads_within: Duration,
    patience: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Attended {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self::with_patience(stream, READS_WITHIN)
    }

    fn with_patience(stream: UnixStream, reads_within: Duration) -> Self {
        Self {
            stream,
            reads_within,
            patience: Box::pin(tokio::time::sleep(reads_within)),
            waiting: false,
        }
    }

    fn attend<T>(
        &mut self,
        ctx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.waiting = false;
            return done;
        }
        if !self.waiting {
            self.waiting = true;
            self.patience
                .as_mut()
                .reset(Instant::now() + self.reads_within);
        }
        ready!(self.patience.as_mut().poll(ctx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "nobody reads what is sent",
        )))
    }
}

impl AsyncRead for Attended {
    fn poll_read(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(ctx, buffer)
    }
}

impl AsyncWrite for Attended {
    fn poll_write(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(ctx, bytes);
        self.attend(ctx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(ctx, pieces);
        self.attend(ctx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(ctx);
        self.attend(ctx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(ctx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_given_up() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let mut ours = Attended::with_patience(ours, Duration::from_millis(50));
        let ended = async {
            loop {
                if let Err(error) = ours.write_all(&[0; 4_096]).await {
                    return error;
                }
            }
        };
        assert_eq!(ended.await.kind(), io::ErrorKind::TimedOut);
        drop(theirs);
    }

    #[tokio::test]
    async fn a_reader_who_reads_is_not() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let mut ours = Attended::new(ours);
        let sent = vec![7; 1_000_000];
        let mut got = Vec::new();
        let (written, read) = tokio::join!(
            async {
                ours.write_all(&sent).await?;
                ours.shutdown().await
            },
            theirs.read_to_end(&mut got)
        );
        written.expect("written");
        read.expect("read");
        assert_eq!(got, sent);
    }
}
