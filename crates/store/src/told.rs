//! Which channels heard of which issue that is not over yet. There its end is told, and nothing is told there twice.

use watchkeeper_model::{IssueNumber, Severity, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::{Listed, StoreError};

/// Most channels that one issue is told to.
const MAX_CHANNELS: i64 = 1_000;

/// That a channel heard of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldIssue {
    /// Which issue.
    pub issue: IssueNumber,
    /// Which channel.
    pub channel: String,
    /// How bad it was said to be.
    pub severity: Severity,
    /// When it was last told.
    pub at: Timestamp,
}

impl TryFrom<&Row> for ToldIssue {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            issue: IssueNumber(row.int("issue")?),
            channel: row.text("channel")?,
            severity: row.parsed("severity")?,
            at: row.time("told_at")?,
        })
    }
}

/// What was told.
pub struct Told<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> Told<'_, A> {
    /// The channels that heard of an issue, by name.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn of_issue(&mut self, issue: IssueNumber) -> Result<Listed<ToldIssue>, StoreError> {
        let sql = "select issue, channel, severity, told_at from told where issue = $1 order by channel limit $2";
        let rows = self
            .db
            .all("told.of_issue", sql, args![issue.0, MAX_CHANNELS])
            .await?;
        Ok(Listed::read(&rows, "told", "issue"))
    }
}

impl Told<'_, Writing<'_>> {
    /// A channel hears of an issue.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn tell(&mut self, told: &ToldIssue) -> Result<(), StoreError> {
        let sql = "insert into told (issue, channel, severity, told_at) values ($1, $2, $3, $4)
             on conflict (issue, channel) do update set severity = excluded.severity, told_at = excluded.told_at";
        let args = args![
            told.issue.0,
            told.channel.as_str(),
            told.severity.as_str(),
            told.at,
        ];
        self.db.execute("told.tell", sql, args).await.map(drop)
    }

    /// An issue is over.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn forget(&mut self, issue: IssueNumber) -> Result<(), StoreError> {
        let sql = "delete from told where issue = $1";
        self.db
            .execute("told.forget", sql, args![issue.0])
            .await
            .map(drop)
    }
}
