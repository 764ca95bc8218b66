//! How long talks are kept. One in which nothing was said for longer is removed whole, with what was looked at in it; one
//! about an action that is not over stays. The log keeps when it began and what was decided in it.

use serde_json::json;
use watchkeeper_model::About;

use crate::WatchError;
use crate::watch::{Watch, with};

impl Watch {
    /// Removes talks that are kept long enough, and says so in the log.
    pub(crate) async fn prune_talks(&self) -> Result<(), WatchError> {
        let before = self.now().before(self.current().settings.asking.keep_talks);
        let mut tx = self.store().begin().await?;
        let removed = tx.conversations().prune(before).await?;
        if removed > 0 {
            let text = format!("{removed} conversations in which nothing was said since {before}");
            let record = self.record("conversation.removed", About::default(), text);
            tx.log().append(with(record, "count", json!(removed)))?;
        }
        tx.commit().await?;
        Ok(())
    }
}
