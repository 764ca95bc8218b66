//! Issues. Their timeline, notes included, is the log's entries about them.

use watchkeeper_model::{
    Fingerprint, HostName, Issue, IssueNumber, IssueState, Severity, Timestamp,
};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::query::Query;
use crate::{Listed, StoreError, counters};

impl TryFrom<&Row> for Issue {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: IssueNumber(row.int("number")?),
            host: row.maybe_parsed("host")?,
            title: row.text("title")?,
            severity: row.parsed("severity")?,
            state: row.parsed("state")?,
            fingerprint: row.maybe_parsed("fingerprint")?,
            seen_count: row.int("seen_count")?,
            first_seen: row.time("first_seen")?,
            last_seen: row.time("last_seen")?,
            changed_at: row.time("changed_at")?,
        })
    }
}

/// An issue before it has a number.
#[derive(Clone, Debug)]
pub struct NewIssue {
    /// Where.
    pub host: Option<HostName>,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// The finding it is about.
    pub fingerprint: Option<Fingerprint>,
    /// When it was seen.
    pub at: Timestamp,
}

/// Which issues are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct IssueFilter {
    /// In one of these states.
    pub states: Vec<IssueState>,
    /// Of this host.
    pub host: Option<HostName>,
    /// Of one of these severities.
    pub severities: Vec<Severity>,
    /// With a smaller number than this, for the next page.
    pub before: Option<IssueNumber>,
}

/// What a statement reads of an issue.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select number, host, title, severity, state, fingerprint, seen_count, first_seen, last_seen, changed_at
             from issues ",
            $rest
        )
    };
}

/// Issues.
pub struct Issues<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> Issues<'_, A> {
    /// One issue.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, number: IssueNumber) -> Result<Option<Issue>, StoreError> {
        let sql = select!("where number = $1");
        self.one("issues.get", sql, args![number.0]).await
    }

    /// Issues that fit the filter, newest first, at most `limit`.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &IssueFilter,
        limit: u32,
    ) -> Result<Listed<Issue>, StoreError> {
        let mut query = Query::new(select!("where true"), args![]);
        query.any_of(
            " and state in",
            filter.states.iter().map(|state| state.as_str()),
        );
        query.filter(" and host = ", filter.host.as_ref());
        query.any_of(
            " and severity in",
            filter.severities.iter().map(|severity| severity.as_str()),
        );
        query.filter(" and number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by number desc", limit).finish();
        Ok(Listed::read(
            &self.db.all("issues.list", sql, args).await?,
            "issues",
            "number",
        ))
    }

    /// The open or acknowledged issue about a finding; there is at most one.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn find_active(
        &mut self,
        fingerprint: Fingerprint,
    ) -> Result<Option<Issue>, StoreError> {
        let sql = select!("where fingerprint = $1 and state in ('open', 'acknowledged')");
        self.one("issues.find_active", sql, args![fingerprint.to_string()])
            .await
    }

    /// The issue about a finding that was resolved last, not before `since`: the one that a recurrence reopens.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn find_resolved(
        &mut self,
        fingerprint: Fingerprint,
        since: Timestamp,
    ) -> Result<Option<Issue>, StoreError> {
        let sql = select!(
            "where fingerprint = $1 and state = 'resolved' and changed_at >= $2
                   order by changed_at desc, number desc limit 1"
        );
        self.one(
            "issues.find_resolved",
            sql,
            args![fingerprint.to_string(), since],
        )
        .await
    }

    /// How many issues stand in each state.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn counts(&mut self) -> Result<Vec<(IssueState, i64)>, StoreError> {
        let sql = "select state, count(*) as count from issues group by state order by state";
        let rows = self.db.all("issues.counts", sql, args![]).await?;
        let count = |row: &Row| Ok((row.parsed("state")?, row.int("count")?));
        let counts = rows
            .iter()
            .map(|row| count(row).map_err(|bad| row.named(bad, "issues", "state").into()));
        counts.collect()
    }

    async fn one(
        &mut self,
        operation: &'static str,
        sql: &'static str,
        args: Vec<crate::db::Arg>,
    ) -> Result<Option<Issue>, StoreError> {
        let row = self.db.first(operation, sql, args).await?;
        Ok(row.map(|row| row.read("issues", "number")).transpose()?)
    }
}

impl Issues<'_, Writing<'_>> {
    /// Opens an issue and gives it its number.
    ///
    /// # Errors
    /// It is a conflict when the finding has an open or acknowledged issue already.
    pub async fn create(&mut self, new: NewIssue) -> Result<Issue, StoreError> {
        let issue = Issue {
            number: IssueNumber(counters::next(&mut self.db, "issue").await?),
            host: new.host,
            title: new.title,
            severity: new.severity,
            state: IssueState::Open,
            fingerprint: new.fingerprint,
            seen_count: 1,
            first_seen: new.at,
            last_seen: new.at,
            changed_at: new.at,
        };
        self.db
            .execute(
                "issues.create",
                "insert into issues (number, host, title, severity, state, fingerprint, seen_count, first_seen,
                     last_seen, changed_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                args![
                    issue.number.0,
                    issue.host.as_ref().map(ToString::to_string),
                    issue.title.as_str(),
                    issue.severity.as_str(),
                    issue.state.as_str(),
                    issue.fingerprint.map(|fingerprint| fingerprint.to_string()),
                    issue.seen_count,
                    issue.first_seen,
                    issue.last_seen,
                    issue.changed_at,
                ],
            )
            .await
            .map_err(|error| error.or_conflict(|| "the issue of this finding".to_owned()))?;
        Ok(issue)
    }

    /// Moves an issue on. Whether it may is the model's to say (`IssueState::may_become`).
    ///
    /// # Errors
    /// It is a conflict when the issue is not in the state it is moved from.
    pub async fn change(
        &mut self,
        number: IssueNumber,
        from: IssueState,
        to: IssueState,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .change_one(
                "issues.change",
                "update issues set state = $1, changed_at = $2 where number = $3 and state = $4",
                args![to.as_str(), at, number.0, from.as_str()],
                || format!("issue {number}"),
            )
            .await
            .map_err(|error| error.or_conflict(|| "the issue of this finding".to_owned()))
    }

    /// Counts one more look in which the trouble was seen, with how bad it is now.
    ///
    /// # Errors
    /// It is a conflict when there is no such issue that is active.
    pub async fn seen_again(
        &mut self,
        number: IssueNumber,
        severity: Severity,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .change_one(
                "issues.seen_again",
                "update issues set seen_count = seen_count + 1, severity = $1,
                     last_seen = case when last_seen > $2 then last_seen else $2 end
                 where number = $3 and state in ('open', 'acknowledged')",
                args![severity.as_str(), at, number.0],
                || format!("issue {number}"),
            )
            .await
    }
}
