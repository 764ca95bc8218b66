//! What looks returned, as JSON. It is kept for a while, and the last of each host for as long as the host.

use watchkeeper_model::{HostName, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::hosts::CLOCK_SLACK;
use crate::{Listed, StoreError};

/// What one look at one host returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Of which host.
    pub host: HostName,
    /// When.
    pub at: Timestamp,
    /// What, as JSON of `health`.
    pub body: serde_json::Value,
}

impl TryFrom<&Row> for Observation {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            host: row.parsed("host")?,
            at: row.time("at")?,
            body: row.json("body")?,
        })
    }
}

/// Observations.
pub struct Observations<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

/// Longest observation, as JSON text.
pub const MAX_OBSERVATION_BYTES: usize = 1024 * 1024;

/// Rows deleted by one statement, so that tidying up does not hold other writers up for long.
pub(crate) const PRUNED_AT_ONCE: i64 = 1_000;

impl<A> Observations<'_, A> {
    /// The last of a host.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn latest(&mut self, host: &HostName) -> Result<Option<Observation>, StoreError> {
        let sql =
            "select host, at, body from observations where host = $1 order by at desc limit 1";
        let row = self
            .db
            .first("observations.latest", sql, args![host])
            .await?;
        Ok(row
            .map(|row| row.read("observations", "host"))
            .transpose()?)
    }

    /// Those of a host since then, oldest first.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        host: &HostName,
        since: Timestamp,
        limit: u32,
    ) -> Result<Listed<Observation>, StoreError> {
        let sql = "select host, at, body from observations where host = $1 and at >= $2 order by at limit $3";
        let args = args![host, since, i64::from(limit.min(crate::MAX_PAGE))];
        Ok(Listed::read(
            &self.db.all("observations.list", sql, args).await?,
            "observations",
            "host",
        ))
    }
}

impl Observations<'_, Writing<'_>> {
    /// Keeps one. A second of the same host and millisecond takes the place of the first, and so do those that are much
    /// later: the clock was wrong then.
    ///
    /// # Errors
    /// Refuses one that is too large; says why the store cannot be changed.
    pub async fn insert(
        &mut self,
        host: &HostName,
        at: Timestamp,
        body: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let text = crate::db::json_text(body);
        let limit = MAX_OBSERVATION_BYTES;
        if text.len() > limit {
            return Err(StoreError::TooLarge {
                what: "an observation",
                bytes: text.len(),
                limit,
            });
        }
        // What was seen later than now was seen by a clock that was wrong, and would count as the last for as long.
        self.db
            .execute(
                "observations.insert",
                "delete from observations where host = $1 and at > $2",
                args![host, at.after(CLOCK_SLACK)],
            )
            .await?;
        self.db
            .execute(
                "observations.insert",
                "insert into observations (host, at, body) values ($1, $2, $3)
                 on conflict (host, at) do update set body = excluded.body",
                args![host, at, text],
            )
            .await
            .map(drop)
    }

    /// Forgets what is older, except the last of each host; a bounded number at a time. Says how many: call again until
    /// there are none.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.db
            .execute(
                "observations.prune",
                "delete from observations where (host, at) in (
                     select o.host, o.at from observations o
                     where o.at < $1
                       and exists (select 1 from observations n where n.host = o.host and n.at > o.at)
                     limit $2)",
                args![before, PRUNED_AT_ONCE],
            )
            .await
    }
}
