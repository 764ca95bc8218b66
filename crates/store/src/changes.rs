//! Waiting for changes. The signal is for speed, the poll for truth: a signal may be lost, and on SQLite it comes from
//! this process only, so every wait ends after a while even without one.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::store::Db;
use crate::{Store, StoreError};

/// The channel of LISTEN and NOTIFY.
pub(crate) const CHANNEL: &str = "watchkeeper";

/// Wakes when something was committed. On Postgres it holds a connection of its own: one for each process is enough.
pub struct Changes {
    signal: Signal,
}

enum Signal {
    Pg(Box<PgListener>),
    Lite(watch::Receiver<u64>),
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something was committed, or may have been.
    Signal,
    /// The time is up: look anyway.
    Poll,
}

impl Changes {
    pub(crate) async fn of(store: &Store) -> Result<Self, StoreError> {
        let signal = match &store.inner.db {
            Db::Lite { .. } => Signal::Lite(store.inner.commits.subscribe()),
            Db::Pg(pool) => {
                let unavailable = |error| StoreError::of("store.changes", error);
                let mut listener = PgListener::connect_with(pool).await.map_err(unavailable)?;
                listener.listen(CHANNEL).await.map_err(unavailable)?;
                Signal::Pg(Box::new(listener))
            }
        };
        Ok(Self { signal })
    }

    /// Waits for a commit, at most this long. Many commits may be one signal. Cancelling it loses nothing that the next
    /// poll would not find.
    pub async fn wait(&mut self, at_most: Duration) -> Wake {
        let signal = async {
            match &mut self.signal {
                // A lost connection is a signal too: what was committed meanwhile was not told.
                Signal::Pg(listener) => listener.try_recv().await.is_ok(),
                Signal::Lite(commits) => commits.changed().await.is_ok(),
            }
        };
        let heard = tokio::time::timeout(at_most, async {
            if !signal.await {
                // Nobody will signal any more, or not until the database is back.
                std::future::pending::<()>().await;
            }
        });
        match heard.await {
            Ok(()) => {
                self.forget_the_rest();
                Wake::Signal
            }
            Err(_) => Wake::Poll,
        }
    }

    fn forget_the_rest(&mut self) {
        match &mut self.signal {
            Signal::Pg(listener) => while listener.next_buffered().is_some() {},
            Signal::Lite(commits) => {
                commits.borrow_and_update();
            }
        }
    }
}
