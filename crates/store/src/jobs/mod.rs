//! The LLM queue. A job is served under a lease; a worker that is lost lets it run out, and the job is tried again.
//! A try begins with its lease, so that a job that kills its workers is given up too. What is served next is decided
//! by [`rank`](enqueue), how a job is taken by [`claim`], how it ends by [`end`]; [`room`] makes room for a person,
//! [`output`] keeps what a job says, [`figures`] counts, [`prune`] forgets, and [`turn`] does in one round trip what a
//! worker does most.

mod bulk;
mod claim;
mod end;
mod enqueue;
mod figures;
mod limits;
mod others;
mod output;
mod prune;
mod room;
mod turn;

#[cfg(test)]
mod tests;

use watchkeeper_model::{
    HostName, IssueNumber, Job, JobMember, JobNumber, JobState, Priority, UnknownWord,
};

use crate::db::{BadColumn, Conn, Row, args};
use crate::query::Query;
use crate::{Listed, StoreError};

pub use claim::{Claimer, MAX_CLAIMED, Order};
pub use end::{Completed, PutBack, Retry, Used};
pub use enqueue::{Enqueued, FAIR_SHARE, MAX_JOB_MEMBERS, NewJob};
pub use figures::{Position, QueueFigures, Waiting};
pub use limits::{EnqueueError, EnqueueRefused, QueueLimits};
pub use output::{
    MAX_OUTPUT_BYTES, MAX_OUTPUT_PIECES, MAX_PROGRESS_BYTES, OutputPiece, PIECE_NOTE,
};
pub use room::Word;
pub use turn::Turn;

/// Jobs.
pub struct Jobs<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

/// What a statement reads of a job.
macro_rules! columns {
    () => {
        "number, request, priority, state, not_before, lease_by, lease_until, attempts, last_error, asked_at,
         deadline, ended_at, preempted, asked_by, lane, leased_at"
    };
}
use columns;

impl TryFrom<&Row> for Job {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: JobNumber(row.int("number")?),
            request: row.json("request")?,
            priority: Priority::from_number(row.int("priority")?)
                .map_err(|error| BadColumn::new("priority", error))?,
            attempts: row.int("attempts")?,
            preempted: row.int("preempted")?,
            asked_by: row.maybe_text("asked_by")?,
            last_error: row.maybe_text("last_error")?,
            asked_at: row.time("asked_at")?,
            deadline: row.time("deadline")?,
            state: state(row)?,
        })
    }
}

fn state(row: &Row) -> Result<JobState, BadColumn> {
    let absent = |column| BadColumn::new(column, "it is absent");
    let ended = || {
        row.maybe_time("ended_at")?
            .ok_or_else(|| absent("ended_at"))
    };
    match row.text("state")?.as_str() {
        "queued" => Ok(JobState::Queued {
            not_before: row.time("not_before")?,
        }),
        "leased" => Ok(JobState::Leased {
            by: row
                .maybe_parsed("lease_by")?
                .ok_or_else(|| absent("lease_by"))?,
            until: row
                .maybe_time("lease_until")?
                .ok_or_else(|| absent("lease_until"))?,
            lane: row.maybe_text("lane")?,
            since: row.maybe_time("leased_at")?,
        }),
        "done" => Ok(JobState::Done { at: ended()? }),
        "failed" => Ok(JobState::Failed {
            at: ended()?,
            why: row.maybe_text("last_error")?.unwrap_or_default(),
        }),
        "cancelled" => Ok(JobState::Cancelled { at: ended()? }),
        other => Err(BadColumn::new(
            "state",
            UnknownWord::new("state of a job", other),
        )),
    }
}

impl TryFrom<&Row> for JobMember {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            host: row.parsed("host")?,
            issue: IssueNumber(row.int("issue")?),
            fingerprint: row.parsed("fingerprint")?,
        })
    }
}

/// Which jobs are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// In one of these states, by their words.
    pub states: Vec<&'static str>,
    /// For this host.
    pub host: Option<HostName>,
    /// For this issue; also where the issue's finding joined a job of another.
    pub issue: Option<IssueNumber>,
    /// With a smaller number than this, for the next page.
    pub before: Option<JobNumber>,
}

impl<A> Jobs<'_, A> {
    /// One job.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, number: JobNumber) -> Result<Option<Job>, StoreError> {
        let sql = concat!("select ", columns!(), " from jobs where number = $1");
        let row = self.db.first("jobs.get", sql, args![number.0]).await?;
        Ok(row.map(|row| row.read("jobs", "number")).transpose()?)
    }

    /// What a job that is done returned.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn result(
        &mut self,
        number: JobNumber,
    ) -> Result<Option<serde_json::Value>, StoreError> {
        let sql = "select number, result from jobs where number = $1";
        let row = self.db.first("jobs.result", sql, args![number.0]).await?;
        let result = row.map(|row| {
            row.maybe_json("result")
                .map_err(|bad| row.named(bad, "jobs", "number"))
        });
        Ok(result.transpose()?.flatten())
    }

    /// Jobs that fit the filter, newest first, at most `limit`.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &JobFilter,
        limit: u32,
    ) -> Result<Listed<Job>, StoreError> {
        let mut query = Query::new(
            concat!("select ", columns!(), " from jobs where true"),
            args![],
        );
        query.any_of_words(" and state in", &filter.states);
        query.filter(" and host = ", filter.host.as_ref());
        if let Some(issue) = filter.issue {
            query.push(" and (issue = ").bind(issue.0);
            query
                .push(" or number in (select job from job_members where issue = ")
                .bind(issue.0)
                .push("))");
        }
        query.filter(" and number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by number desc", limit).finish();
        Ok(Listed::read(
            &self.db.all("jobs.list", sql, args).await?,
            "jobs",
            "number",
        ))
    }

    /// The findings that a job answers for, the one that is looked into first. Who takes a job's answer reads them after
    /// [`Jobs::complete`] in the same transaction: from then on none can join.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn members(&mut self, number: JobNumber) -> Result<Listed<JobMember>, StoreError> {
        let sql =
            "select job, host, issue, fingerprint from job_members where job = $1 order by place";
        let rows = self.db.all("jobs.members", sql, args![number.0]).await?;
        Ok(Listed::read(&rows, "job_members", "job"))
    }

    /// How many jobs stand in each state, by its word.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn counts(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "select state, count(*) as count from jobs group by state order by state";
        let rows = self.db.all("jobs.counts", sql, args![]).await?;
        let count = |row: &Row| Ok((row.text("state")?, row.int("count")?));
        let counts = rows
            .iter()
            .map(|row| count(row).map_err(|bad| row.named(bad, "jobs", "state").into()));
        counts.collect()
    }
}

/// What a job is called where it stands in nobody's way any more.
fn conflict(number: JobNumber) -> StoreError {
    StoreError::Conflict {
        what: format!("job {number}"),
    }
}
