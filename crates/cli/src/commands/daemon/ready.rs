//! Getting ready: a database that is not there yet is waited for, for a time, and that is said.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use watchkeeper_store::{Store, StoreError};

use super::{Signals, Wake, service};
use crate::config::Config;
use crate::failure::CommandError;
use crate::session::store_error;

/// How long a database may stay away until the start fails.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// The first pause between two tries; each is longer than the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Opens the store; waits for a database that cannot be reached.
pub(in crate::commands) async fn open_patiently(config: &Config) -> Result<Store, CommandError> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let address = config
            .store
            .address()
            .context("could not read store.password_file")
            .map_err(CommandError::usage)?;
        match Store::open(address.reveal()).await {
            Ok(store) => return Ok(store),
            Err(error) if waits(&error, config) && begun.elapsed() < PATIENCE => {
                let left = PATIENCE.saturating_sub(begun.elapsed()).as_secs();
                tracing::warn!(
                    error = chain(&error),
                    "the store is waited for, {left} s more at most"
                );
                service::starting("waits for the store", pause + LONGEST_PAUSE * 2);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(store_error(error, config)),
        }
    }
}

/// A file that is not there now will not be there later.
fn waits(error: &StoreError, config: &Config) -> bool {
    error.retryable() && config.store.url.sqlite_path().is_none()
}

fn chain(error: &StoreError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Does something unless a signal asks to stop first; none then.
pub(in crate::commands) async fn until_stopped<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<Option<T>, CommandError> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done.map(Some),
            wake = signals.next() => match wake {
                Wake::Stop(signal) => {
                    tracing::info!(signal, "asked to stop before the watch began");
                    return Ok(None);
                }
                // It reads the newest configuration when it is started.
                Wake::Reload => {}
            },
        }
    }
}
