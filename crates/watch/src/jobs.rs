//! The queue of questions to a model: a worker leases a job, asks, and takes the answer.

use tokio_util::sync::CancellationToken;

use crate::WatchError;
use crate::watch::Watch;

impl Watch {
    pub(crate) async fn work_once(
        &self,
        _lane: usize,
        _stop: &CancellationToken,
    ) -> Result<bool, WatchError> {
        Ok(false)
    }

    pub(crate) async fn sweep_jobs(&self) -> Result<(), WatchError> {
        Ok(())
    }
}
