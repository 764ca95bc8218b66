//! One ear for the whole process at the store's changes: on Postgres each listener costs a connection. Whoever waits
//! first listens and tells the others; a signal may be lost, so every wait ends after a while without one.

use std::time::Duration;

use tokio::sync::{Mutex, watch};
use watchkeeper_store::{Changes, Store};

/// How long one listener listens before another may take its place.
const LISTEN: Duration = Duration::from_secs(2);

/// What all who wait share.
#[derive(Default)]
pub(crate) struct Ears {
    changes: Mutex<Option<Changes>>,
    heard: watch::Sender<()>,
}

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ears").finish_non_exhaustive()
    }
}

impl Ears {
    /// Listens from now on. Take it before reading, so that nothing falls between.
    pub(crate) async fn listen(&self, store: &Store) -> Listening {
        let heard = self.heard.subscribe();
        if let Ok(mut changes) = self.changes.try_lock() {
            open(&mut changes, store).await;
        }
        Listening { heard }
    }

    /// Wakes those who listen here, without a word to other processes.
    pub(crate) fn nudge(&self) {
        self.heard.send_replace(());
    }
}

async fn open(changes: &mut Option<Changes>, store: &Store) {
    if changes.is_none() {
        *changes = store.changes().await.ok();
    }
}

/// One who waits.
pub(crate) struct Listening {
    heard: watch::Receiver<()>,
}

impl Listening {
    /// Waits until something may have changed, at most this long.
    pub(crate) async fn wait(&mut self, ears: &Ears, store: &Store, at_most: Duration) {
        let told_by_another = self.heard.changed();
        let find_out = async {
            let mut changes = ears.changes.lock().await;
            open(&mut changes, store).await;
            match changes.as_mut() {
                Some(changes) => {
                    changes.wait(LISTEN).await;
                }
                // The store cannot be listened to now: the poll is all there is.
                None => std::future::pending().await,
            }
            ears.heard.send_replace(());
        };
        tokio::select! {
            _ = told_by_another => {}
            () = find_out => {}
            () = tokio::time::sleep(at_most) => {}
        }
        self.heard.mark_unchanged();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn commit(store: &Store) {
        let tx = store.begin().await.expect("a transaction");
        tx.commit().await.expect("committed");
    }

    #[tokio::test]
    async fn one_commit_wakes_all_who_wait() {
        let dir = tempfile::tempdir().expect("a directory");
        let address = format!("sqlite:{}", dir.path().join("store.db").display());
        let store = Store::open(&address).await.expect("a store");
        let ears = Ears::default();
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(ears.listen(&store).await);
        }
        let wakes = waiting
            .iter_mut()
            .map(|listening| listening.wait(&ears, &store, Duration::from_secs(60)));
        let all = futures::future::join_all(wakes);
        let (woken, ()) = tokio::join!(
            tokio::time::timeout(Duration::from_secs(20), all),
            commit(&store)
        );
        assert!(woken.is_ok(), "nobody is left waiting for the poll");
    }
}
