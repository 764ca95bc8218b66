//! Waiting for changes. The signal is for speed, the poll for truth: a signal may be lost, and on SQLite it comes from
//! this process only, so every wait ends after a while even without one.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::sync::watch;

use crate::store::Db;
use crate::{Store, StoreError};

/// The channel of LISTEN and NOTIFY.
pub(crate) const CHANNEL: &str = "watchkeeper";
/// The pause before a listener that could not come back tries again.
const COME_BACK: Duration = Duration::from_millis(500);

/// Wakes when something was committed. On Postgres it holds a connection of its own, outside those of the store: one for
/// each process is enough, and neither does it keep a store from closing nor a small one from working.
pub struct Changes {
    signal: Signal,
}

enum Signal {
    Pg(Ear),
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
            Db::Pg(pool) => Signal::Pg(Ear::open(pool).await?),
        };
        Ok(Self { signal })
    }

    /// Waits for a commit, at most this long. Many commits may be one signal. Cancelling it loses nothing that the next
    /// poll would not find.
    pub async fn wait(&mut self, at_most: Duration) -> Wake {
        let signal = async {
            match &mut self.signal {
                Signal::Pg(ear) => ear.hear().await,
                Signal::Lite(commits) => {
                    if commits.changed().await.is_err() {
                        // The store is gone, and nobody will signal any more.
                        std::future::pending::<()>().await;
                    }
                }
            }
        };
        match tokio::time::timeout(at_most, signal).await {
            Ok(()) => Wake::Signal,
            Err(_) => Wake::Poll,
        }
    }
}

/// A listener at Postgres, and what it needs to come back. A listener is there whole or not at all: one that was lost,
/// or whose making was cancelled, is thrown away.
struct Ear {
    alone: PgPool,
    listener: Option<PgListener>,
}

impl Ear {
    async fn open(store: &PgPool) -> Result<Self, StoreError> {
        let options = store.connect_options().as_ref().clone();
        let alone = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(store.options().get_acquire_timeout())
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let listener = listening(&alone)
            .await
            .map_err(|error| StoreError::of("store.changes", error))?;
        Ok(Self {
            alone,
            listener: Some(listener),
        })
    }

    /// Waits for a signal. That it had to come back is one, too: what was committed meanwhile was not told.
    async fn hear(&mut self) {
        loop {
            let Some(listener) = &mut self.listener else {
                match listening(&self.alone).await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        return;
                    }
                    Err(_) => tokio::time::sleep(COME_BACK).await,
                }
                continue;
            };
            if matches!(listener.try_recv().await, Ok(Some(_))) {
                self.take_the_rest().await;
                return;
            }
            self.listener = None;
        }
    }

    /// Takes the signals that are there already, so that a reader who is slow does not fall behind the writers.
    async fn take_the_rest(&mut self) {
        while let Some(listener) = &mut self.listener {
            match tokio::time::timeout(Duration::ZERO, listener.try_recv()).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None) | Err(_)) => self.listener = None,
                Err(_) => return,
            }
        }
    }
}

async fn listening(alone: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(alone).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
