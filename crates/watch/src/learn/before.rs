//! What was done before about the same subject of the same check, on any host: found by a label that code gave, so that
//! it is shown without any model and without any search.

use watchkeeper_model::{Action, ActionNumber, Collection, Entry, Finding, Source};
use watchkeeper_store::{EntryFilter, Read};

use super::outcome::like_label;
use crate::WatchError;
use crate::view::Before;
use crate::watch::Watch;

/// Entries that are read for it; those of the trouble's own actions are among them.
const READ_AT_ONCE: u32 = 40;
/// Entries that are shown.
const SHOWN: usize = 5;

impl Watch {
    /// What was done before about a like finding, the newest first, without what was done about this very trouble.
    pub(crate) async fn done_before(
        &self,
        read: &mut Read,
        finding: &Finding,
        own: &[Action],
    ) -> Result<Vec<Before>, WatchError> {
        let entries = self.like_entries(read, finding).await?;
        let own: Vec<ActionNumber> = own.iter().map(|action| action.number).collect();
        let is_own = |entry: &Entry| match &entry.source {
            Source::Action { action } => own.contains(action),
            _ => false,
        };
        Ok(entries
            .into_iter()
            .filter(|entry| !is_own(entry))
            .take(SHOWN)
            .map(Before::from)
            .collect())
    }

    /// Entries about the same subject of the same check, the newest first.
    pub(crate) async fn like_entries(
        &self,
        read: &mut Read,
        finding: &Finding,
    ) -> Result<Vec<Entry>, WatchError> {
        let filter = EntryFilter {
            collections: vec![Collection::Issues],
            label: Some(like_label(finding)),
            live_at: Some(self.now()),
            ..EntryFilter::default()
        };
        let listed = read.entries().list(&filter, READ_AT_ONCE).await?;
        self.remember_corrupt(&listed.corrupt);
        Ok(listed.rows.into_iter().map(|stored| stored.entry).collect())
    }
}
