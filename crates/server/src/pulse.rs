//! The pulse of the log, shared by all who follow it: one wait for changes serves them, because on Postgres each costs
//! a connection. Whoever comes first waits and tells the others; the poll behind it is the truth.

use std::time::Duration;

use tokio::sync::{Mutex, watch};
use watchkeeper_watch::{LogGrowth, Watch};

/// How long a follower waits for another's word before it looks for itself.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What all followers share.
#[derive(Default)]
pub(crate) struct Pulse {
    growth: Mutex<Option<LogGrowth>>,
    heard: watch::Sender<()>,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pulse").finish_non_exhaustive()
    }
}

impl Pulse {
    /// Feels the pulse from now on. Take it before reading, so that nothing falls between.
    pub(crate) async fn feel(&self, watch: &Watch) -> Felt<'_> {
        let heard = self.heard.subscribe();
        if let Ok(mut growth) = self.growth.try_lock()
            && growth.is_none()
        {
            *growth = Some(watch.log_growth().await);
        }
        Felt { pulse: self, heard }
    }
}

/// One follower's hand on the pulse.
pub(crate) struct Felt<'a> {
    pulse: &'a Pulse,
    heard: watch::Receiver<()>,
}

impl Felt<'_> {
    /// Waits until the log may have grown.
    pub(crate) async fn wait(&mut self) {
        let told_by_another = self.heard.changed();
        let find_out = async {
            let mut growth = self.pulse.growth.lock().await;
            match growth.as_mut() {
                Some(growth) => growth.wait().await,
                None => std::future::pending().await,
            }
            self.pulse.heard.send_replace(());
        };
        tokio::select! {
            _ = told_by_another => {}
            () = find_out => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        self.heard.mark_unchanged();
    }
}
