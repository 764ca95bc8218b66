//! The reader of the log: what is new since the cursor becomes notices, and the notices deliveries, in the transaction
//! that moves the cursor.

use std::time::Duration;

use watchkeeper_model::{ActionNumber, IssueNumber, LogEntry};
use watchkeeper_notify::Notice;
use watchkeeper_store::{LogFilter, Read};

use super::known::{Known, may_be_told, notice_of};
use super::own::channel_of;
use super::settings::Notifying;
use crate::WatchError;
use crate::watch::Watch;

/// The key of the cursor: the number of the last entry that was read.
const CURSOR: &str = "notify.cursor";
/// Entries read in one step.
const ENTRIES_AT_ONCE: u32 = 200;
/// What nobody was there to hear for so long is not told any more.
const UNHEARD: Duration = Duration::from_secs(86_400);

impl Watch {
    /// Begins to read the log at its end, where it was not read before: what happened earlier is not told any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin_notices(&self) -> Result<(), WatchError> {
        let mut read = self.store().read().await?;
        if read.meta().get(CURSOR).await?.is_some() {
            return Ok(());
        }
        let head = read.log().head().await?.0;
        drop(read);
        let mut tx = self.store().begin().await?;
        tx.meta().swap(CURSOR, None, &head.to_string()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes deliveries of what the log has told since the last time. Says how many entries it read. A reconciler: it
    /// may be called at any time, and of several controllers one does it. With nobody to tell it leaves the cursor alone:
    /// another controller may have somebody.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read_notices(&self) -> Result<usize, WatchError> {
        let notifying = self.channels();
        if notifying.channels.is_empty() {
            return Ok(0);
        }
        self.begin_notices().await?;
        let mut entries_read = 0;
        loop {
            let (count, more) = self.read_some(&notifying).await?;
            entries_read += count;
            if !more {
                return Ok(entries_read);
            }
        }
    }

    async fn read_some(&self, notifying: &Notifying) -> Result<(usize, bool), WatchError> {
        let mut read = self.store().read().await?;
        let seen = read.meta().get(CURSOR).await?.unwrap_or_default();
        let cursor: i64 = seen.parse().unwrap_or(0);
        let head = read.log().head().await?.0;
        if cursor >= head {
            return Ok((0, false));
        }
        let filter = LogFilter {
            after: Some(cursor),
            ..LogFilter::default()
        };
        let entries = read.log().list(&filter, ENTRIES_AT_ONCE).await?;
        self.remember_corrupt(&entries.corrupt);
        let count = entries.rows.len() + entries.corrupt.len();
        // Entries have no gaps, so the count says how far it went also over those that cannot be read.
        let last = cursor + i64::try_from(count).unwrap_or(0);
        let mut notices = Vec::new();
        for entry in &entries.rows {
            notices.extend(self.notice_from(&mut read, entry, notifying).await?);
        }
        drop(read);
        let moved = self.move_cursor(&seen, last, notices, notifying).await?;
        Ok((count, moved && last < head))
    }

    /// Passes over what has happened where nobody has had a channel for a day: who comes to listen then hears what happens
    /// from then on. Channels that are put back sooner miss nothing.
    pub(super) async fn pass_over_unheard(&self) -> Result<(), WatchError> {
        if self.tells_people() {
            return Ok(());
        }
        let mut read = self.store().read().await?;
        let Some(seen) = read.meta().get(CURSOR).await? else {
            return Ok(());
        };
        let filter = LogFilter {
            after: seen.parse().ok(),
            ..LogFilter::default()
        };
        let next = read.log().list(&filter, 1).await?.rows.pop();
        let head = read.log().head().await?.0;
        drop(read);
        let is_old = next.is_some_and(|entry| self.now().since(entry.record.at) >= UNHEARD);
        if is_old {
            let nobody = Notifying::default();
            self.move_cursor(&seen, head, Vec::new(), &nobody).await?;
        }
        Ok(())
    }

    /// Keeps the notices and moves the cursor, both or neither. False where another controller did.
    async fn move_cursor(
        &self,
        seen: &str,
        to: i64,
        notices: Vec<Notice>,
        notifying: &Notifying,
    ) -> Result<bool, WatchError> {
        let mut tx = self.store().begin().await?;
        if !tx.meta().swap(CURSOR, Some(seen), &to.to_string()).await? {
            return Ok(false);
        }
        for notice in notices {
            self.place_notice(&mut tx, notifying, notice).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The notice of an entry. What it is about is read as it is now: an action that was decided meanwhile waits for
    /// nobody.
    async fn notice_from(
        &self,
        read: &mut Read,
        entry: &LogEntry,
        notifying: &Notifying,
    ) -> Result<Option<Notice>, WatchError> {
        let record = &entry.record;
        if !may_be_told(&record.event) {
            return Ok(None);
        }
        let mut known = match record.about.issue {
            Some(issue) => self.known_of(read, issue, notifying).await?,
            None => Known::default(),
        };
        if let Some(number) = record.about.action {
            let action = read.actions().get(ActionNumber(number.0)).await;
            known.action = self.or_absent(action)?;
        }
        Ok(notice_of(record, &known))
    }

    /// What is known of an issue.
    pub(super) async fn known_of(
        &self,
        read: &mut Read,
        number: IssueNumber,
        notifying: &Notifying,
    ) -> Result<Known, WatchError> {
        let issue = self.or_absent(read.issues().get(number).await)?;
        let fingerprint = issue.as_ref().and_then(|issue| issue.fingerprint);
        let finding = match fingerprint {
            Some(fingerprint) => self.or_absent(read.findings().get(fingerprint).await)?,
            None => None,
        };
        let finding = finding.and_then(|tracked| tracked.finding);
        Ok(Known {
            of_channel: fingerprint.and_then(|one| channel_of(one, &notifying.names())),
            finding: finding.map(|found| (found.check, found.subject, found.cause)),
            issue,
            action: None,
        })
    }
}
