//! One connection that is kept: its sessions are counted, and it ends as a whole.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, Disconnect, Error};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio_util::sync::DropGuard;

use super::config::SESSIONS_PER_CONNECTION;
use super::visitor::{Notes, Visitor, describe};

/// How long is waited for the end of another session before a refused one is asked for again: sshd frees its place
/// a little after it has told us.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How often a session is asked for while no other of ours is open, before the server's no is believed.
const ALONE_TRIES: u32 = 5;

/// A connection that is logged in.
pub(super) struct Link {
    handle: Handle<Visitor>,
    /// The jump hosts it goes through: they must not be let go of before it.
    _via: Vec<Handle<Visitor>>,
    notes: Notes,
    /// Given up by us, though it may look alive.
    discarded: AtomicBool,
    places: Semaphore,
    open: AtomicUsize,
    freed: Notify,
    /// Cuts all wires, whatever russh waits for.
    _cut: DropGuard,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("alive", &self.is_alive())
            .finish_non_exhaustive()
    }
}

/// One of the sessions that a connection may hold open, given back when it is dropped.
pub(super) struct Place<'a> {
    link: &'a Link,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.link.open.fetch_sub(1, Ordering::SeqCst);
        self.link.freed.notify_waiters();
    }
}

/// Why no session could be opened. Nothing was sent.
#[derive(Debug)]
pub(super) enum NoSession {
    /// The connection is gone.
    Lost,
    /// The server says no.
    Refused(String),
}

impl Link {
    pub(super) fn new(
        handle: Handle<Visitor>,
        via: Vec<Handle<Visitor>>,
        notes: Notes,
        cut: DropGuard,
    ) -> Self {
        Self {
            handle,
            _via: via,
            notes,
            discarded: AtomicBool::new(false),
            places: Semaphore::new(SESSIONS_PER_CONNECTION),
            open: AtomicUsize::new(0),
            freed: Notify::new(),
            _cut: cut,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.handle.is_closed() && !self.discarded.load(Ordering::SeqCst)
    }

    /// Takes it out of use: it did not answer in time.
    pub(super) fn discard(&self) {
        self.discarded.store(true, Ordering::SeqCst);
    }

    /// Why it ended.
    pub(super) fn why_lost(&self) -> String {
        self.notes
            .ended()
            .unwrap_or_else(|| "the other side closed it".to_owned())
    }

    /// Opens a session, waiting for a place where there is none.
    pub(super) async fn session(&self) -> Result<(Channel<Msg>, Place<'_>), NoSession> {
        let permit = self.places.acquire().await.map_err(|_| NoSession::Lost)?;
        let mut alone = 0;
        loop {
            let freed = self.freed.notified();
            match self.handle.channel_open_session().await {
                Ok(channel) => {
                    self.open.fetch_add(1, Ordering::SeqCst);
                    let place = Place {
                        link: self,
                        _permit: permit,
                    };
                    return Ok((channel, place));
                }
                Err(Error::ChannelOpenFailure(why)) => {
                    if self.open.load(Ordering::SeqCst) == 0 {
                        alone += 1;
                        if alone >= ALONE_TRIES {
                            return Err(NoSession::Refused(why.description().to_owned()));
                        }
                    }
                    // The host allows fewer sessions than we do, or has not cleared the last one away yet.
                    let _ = tokio::time::timeout(ASK_AGAIN, freed).await;
                }
                Err(error) => {
                    tracing::debug!(error = describe(&error), "no session could be opened");
                    return Err(NoSession::Lost);
                }
            }
        }
    }

    /// Says goodbye.
    pub(super) async fn close(&self) {
        self.discard();
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "", "");
        // A connection that does not take the word any more is closed already.
        let _ = tokio::time::timeout(ASK_AGAIN, goodbye).await;
    }
}
