//! What the configuration in force was read from: whether it says something else by now, and an entry of the log each time
//! that another one comes into force. Who reads it, and when, is the caller's.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use watchkeeper_model::{About, Digest};
use watchkeeper_store::{LogFilter, LogOrder};

use crate::WatchError;
use crate::watch::{Watch, with};

/// The event of a configuration that came into force.
const READ: &str = "config.read";

/// The files that the configuration in force was read from.
pub trait Sources: fmt::Debug + Send + Sync {
    /// What they said when they were read; nothing for one that could not be.
    fn in_force(&self) -> BTreeMap<PathBuf, Option<Digest>>;
    /// Those that say something else by now, or are gone, or new. It may block.
    fn changed(&self) -> Vec<PathBuf>;
}

impl Watch {
    /// Has `status` and `doctor` tell of files whose changes are not in force yet.
    pub fn reads_from(&self, sources: Arc<dyn Sources>) {
        // The first is the one: it is said once, where everything is put together.
        let _ = self.sources().set(sources);
    }

    /// Writes into the log which files are in force now, unless it is what the log said last.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_configuration(&self) -> Result<(), WatchError> {
        let Some(sources) = self.sources().get() else {
            return Ok(());
        };
        let files: BTreeMap<String, Value> = sources
            .in_force()
            .into_iter()
            .map(|(path, text)| (path.display().to_string(), json!(text)))
            .collect();
        let filter = LogFilter {
            event_prefix: Some(READ.to_owned()),
            order: LogOrder::NewestFirst,
            ..LogFilter::default()
        };
        let last = self.store().read().await?.log().list(&filter, 1).await?;
        let last = last.rows.first().map(|entry| &entry.record.body["files"]);
        if last == Some(&json!(files)) {
            return Ok(());
        }
        let new: Vec<&str> = files
            .iter()
            .filter(|(path, text)| last.is_none_or(|last| last.get(path) != Some(text)))
            .map(|(path, _)| path.as_str())
            .collect();
        let text = match (files.is_empty(), new.is_empty()) {
            (true, _) => "no file: everything is as it comes".to_owned(),
            (false, true) => "a file that was in force is gone".to_owned(),
            (false, false) => format!("in force now: {}", new.join(", ")),
        };
        let record = self.record(READ, About::default(), text);
        let mut tx = self.store().begin().await?;
        tx.log().append(with(record, "files", json!(files)))?;
        tx.commit().await?;
        Ok(())
    }

    /// Files that say something else than what is in force.
    pub(crate) async fn changed_files(&self) -> Vec<String> {
        let Some(sources) = self.sources().get().cloned() else {
            return Vec::new();
        };
        let changed = tokio::task::spawn_blocking(move || sources.changed()).await;
        let changed = changed.unwrap_or_default().into_iter();
        changed.map(|path| path.display().to_string()).collect()
    }
}
