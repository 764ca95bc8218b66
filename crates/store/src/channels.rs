//! How each channel fares, and who sends to it now. A lease is taken by one conditional update, so that of several
//! senders, in one process or in many, one sends; one that was lost is over after a while, also where a clock was set back.

use std::time::Duration;

use watchkeeper_model::{ControllerId, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::{Listed, StoreError};

/// Most channels that are listed.
const MAX_CHANNELS: i64 = 1_000;

/// How a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelState {
    /// Its name.
    pub name: String,
    /// Who sends to it now.
    pub leased_by: Option<String>,
    /// How long.
    pub leased_until: Option<Timestamp>,
    /// Tries that failed in a row.
    pub failures: i64,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// It is left alone until then.
    pub retry_at: Option<Timestamp>,
    /// When it was last tried in vain: its pause began then.
    pub tried_at: Option<Timestamp>,
    /// What its settings and its secret's file were then.
    pub tried_with: Option<String>,
    /// What its settings and its secret's file were when the secret was refused.
    pub refused: Option<String>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it last took a message.
    pub sent_at: Option<Timestamp>,
}

impl TryFrom<&Row> for ChannelState {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            name: row.text("name")?,
            leased_by: row.maybe_text("leased_by")?,
            leased_until: row.maybe_time("leased_until")?,
            failures: row.int("failures")?,
            failing_since: row.maybe_time("failing_since")?,
            retry_at: row.maybe_time("retry_at")?,
            tried_at: row.maybe_time("tried_at")?,
            tried_with: row.maybe_text("tried_with")?,
            refused: row.maybe_text("refused")?,
            error: row.maybe_text("error")?,
            sent_at: row.maybe_time("sent_at")?,
        })
    }
}

/// Channels.
pub struct Channels<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

/// What a statement reads of a channel.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select name, leased_by, leased_until, failures, failing_since, retry_at, tried_at, tried_with, refused,
                 error, sent_at
             from channels ",
            $rest
        )
    };
}

impl<A> Channels<'_, A> {
    /// One channel; none where nothing was sent to it yet.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, name: &str) -> Result<Option<ChannelState>, StoreError> {
        let sql = select!("where name = $1");
        let row = self.db.first("channels.get", sql, args![name]).await?;
        Ok(row.map(|row| row.read("channels", "name")).transpose()?)
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(&mut self) -> Result<Listed<ChannelState>, StoreError> {
        let sql = select!("order by name limit $1");
        let rows = self
            .db
            .all("channels.list", sql, args![MAX_CHANNELS])
            .await?;
        Ok(Listed::read(&rows, "channels", "name"))
    }
}

impl Channels<'_, Writing<'_>> {
    /// Takes a channel for so long; false where another has it. A lease that ends later than any could is of a clock
    /// that was set back since.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn lease(
        &mut self,
        name: &str,
        by: &ControllerId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let sql =
            "insert into channels (name, failures) values ($1, 0) on conflict (name) do nothing";
        self.db.execute("channels.lease", sql, args![name]).await?;
        let sql = "update channels set leased_by = $1, leased_until = $2
             where name = $3 and (leased_by is null or leased_by = $1 or leased_until <= $4 or leased_until > $5)";
        let until = now.after(lease);
        let args = args![by.as_str(), until, name, now, now.after(lease * 2)];
        Ok(self.db.execute("channels.lease", sql, args).await? == 1)
    }

    /// Gives a channel back.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn release(&mut self, name: &str, by: &ControllerId) -> Result<(), StoreError> {
        let sql = "update channels set leased_by = null, leased_until = null where name = $1 and leased_by = $2";
        self.db
            .execute("channels.release", sql, args![name, by.as_str()])
            .await
            .map(drop)
    }

    /// Keeps how a channel fares now; its lease stays as it is.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn fares(&mut self, state: &ChannelState) -> Result<(), StoreError> {
        let sql = "insert into channels (name, failures, failing_since, retry_at, tried_at, tried_with, refused, error, sent_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (name) do update set failures = excluded.failures, failing_since = excluded.failing_since,
                 retry_at = excluded.retry_at, tried_at = excluded.tried_at, tried_with = excluded.tried_with,
                 refused = excluded.refused, error = excluded.error, sent_at = excluded.sent_at";
        let args = args![
            state.name.as_str(),
            state.failures,
            state.failing_since,
            state.retry_at,
            state.tried_at,
            state.tried_with.clone(),
            state.refused.clone(),
            state.error.clone(),
            state.sent_at,
        ];
        self.db.execute("channels.fares", sql, args).await.map(drop)
    }

    /// Forgets how a channel fared: it is not configured any more.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn forget(&mut self, name: &str) -> Result<(), StoreError> {
        let sql = "delete from channels where name = $1";
        self.db
            .execute("channels.forget", sql, args![name])
            .await
            .map(drop)
    }
}
