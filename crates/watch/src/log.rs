//! The log as people read it: a page of it, as it grows, and whether it is intact. Writing happens in the
//! transactions of the other use cases.

use std::time::Duration;

use watchkeeper_model::{ActionNumber, HostName, IssueNumber, LogEntry, Timestamp};
use watchkeeper_store::{Changes, ExportError, LogFilter as StoredFilter, LogOrder, Verification};

use crate::view::LogVerdict;
use crate::watch::Watch;
use crate::{WatchError, settle};

/// Entries in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 200;
/// Entries in one piece of an export.
const EXPORT_PIECE: i64 = 100;
/// How often the log is looked at while it is followed: the signal is for speed, this for truth.
const FOLLOW_POLL: Duration = Duration::from_secs(2);

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Of this host.
    pub host: Option<HostName>,
    /// Of this issue.
    pub issue: Option<IssueNumber>,
    /// Of this action.
    pub action: Option<ActionNumber>,
    /// Whose event begins so.
    pub event: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// After this place; without it the newest are given.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: Option<i64>,
}

impl Watch {
    /// Entries, oldest first: the newest that fit, or with `after` those that follow it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn log(&self, filter: &LogFilter) -> Result<Vec<LogEntry>, WatchError> {
        let stored = StoredFilter {
            host: filter.host.clone(),
            issue: filter.issue,
            action: filter.action,
            event_prefix: filter.event.clone(),
            since: filter.since,
            until: filter.until,
            after: filter.after,
            order: if filter.after.is_some() {
                LogOrder::OldestFirst
            } else {
                LogOrder::NewestFirst
            },
            ..StoredFilter::default()
        };
        let limit = settle::page(filter.limit, DEFAULT_PAGE);
        let found = self
            .store()
            .read()
            .await?
            .log()
            .list(&stored, limit)
            .await?;
        self.remember_corrupt(&found.corrupt);
        let mut entries = found.rows;
        if filter.after.is_none() {
            entries.reverse();
        }
        Ok(entries)
    }

    /// The place of the last entry; 0 while there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn log_head(&self) -> Result<i64, WatchError> {
        Ok(self.store().read().await?.log().head().await?.0)
    }

    /// The next entries after this place as JSON Lines, and the place of the last of them; none at the end. Actor and
    /// body stand there as the very text that was hashed. An entry that cannot be read is an error, never left out.
    ///
    /// # Errors
    /// When the store does not answer, or an entry cannot be read.
    pub async fn export_log(&self, after: i64) -> Result<Option<(Vec<u8>, i64)>, WatchError> {
        let mut read = self.store().read().await?;
        let last = after
            .saturating_add(EXPORT_PIECE)
            .min(read.log().head().await?.0);
        if last <= after {
            return Ok(None);
        }
        let filter = StoredFilter {
            after: Some(after),
            before: Some(last + 1),
            ..StoredFilter::default()
        };
        let mut lines = Vec::new();
        match read.log().export(&filter, &mut lines).await {
            Ok(_) => Ok(Some((lines, last))),
            Err(ExportError::Store(error)) => Err(error.into()),
            Err(ExportError::Write(_)) => unreachable!("a vector takes all that is written"),
        }
    }

    /// What tells that the log may have grown. Take it before reading, so that nothing falls between.
    pub async fn log_growth(&self) -> LogGrowth {
        LogGrowth(self.store().changes().await.ok())
    }

    /// Verifies the whole chain.
    ///
    /// # Errors
    /// When the store does not answer; a broken chain is an answer.
    pub async fn verify_log(&self) -> Result<LogVerdict, WatchError> {
        let found = self.store().read().await?.log().verify(1, None).await?;
        Ok(match found {
            Verification::Verified { entries, head } => LogVerdict::Intact {
                entries,
                head: head.1.to_string(),
            },
            Verification::Broken { seq, why } => LogVerdict::Broken {
                seq,
                why: why.to_string(),
            },
        })
    }
}

/// Tells that the log may have grown.
pub struct LogGrowth(Option<Changes>);

impl LogGrowth {
    /// Waits until it may have.
    pub async fn wait(&mut self) {
        match &mut self.0 {
            Some(changes) => {
                changes.wait(FOLLOW_POLL).await;
            }
            None => tokio::time::sleep(FOLLOW_POLL).await,
        }
    }
}
