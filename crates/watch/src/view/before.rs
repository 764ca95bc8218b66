//! What was done before about a like finding, as people see it.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, Entry, EntryNumber, HostName, Source, Timestamp};

/// One thing that was learned about a like finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The entry of what is known.
    pub entry: EntryNumber,
    /// Where.
    pub host: Option<HostName>,
    /// When.
    pub at: Timestamp,
    /// A word for what it is: `outcome`, `rejection`, `correction`.
    pub kind: String,
    /// What was done and how it ended, in a line.
    pub what: String,
    /// Which action it was.
    pub action: Option<ActionNumber>,
}

impl From<Entry> for Before {
    fn from(entry: Entry) -> Self {
        Self {
            entry: entry.number,
            host: entry.host,
            at: entry.updated_at,
            kind: entry.kind,
            what: entry.title,
            action: match entry.source {
                Source::Action { action } => Some(action),
                _ => None,
            },
        }
    }
}
