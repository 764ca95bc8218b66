//! Vectors of entries, made by background jobs. One job embeds what the model has not embedded, batch by batch, and
//! stops where it is when it is preempted: what is done is kept. A change of the embedding model embeds everything anew
//! while the old vectors serve; they go when the new ones are complete.

use crate::WatchError;
use crate::watch::Watch;

impl Watch {
    /// Asks for a job that makes the vectors that are missing, where a lane has a model for it.
    pub(super) async fn want_vectors(&self) -> Result<(), WatchError> {
        Ok(())
    }
}
