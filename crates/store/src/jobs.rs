//! The LLM queue. A job is served under a lease; a worker that is lost lets it run out, and the job is tried again.
//! A try begins with its lease, so that a job that kills its workers is given up too.

use std::time::Duration;

use watchkeeper_model::{
    ControllerId, HostName, IssueNumber, Job, JobNumber, JobRequest, JobState, Priority, Timestamp,
    UnknownWord,
};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, Sql, args, json_text, skip_locked};
use crate::query::Query;
use crate::{Listed, StoreError, counters};

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

/// A job before it is queued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What is asked.
    pub request: JobRequest,
    /// How soon.
    pub priority: Priority,
    /// When it is asked.
    pub at: Timestamp,
    /// The earliest time it is served.
    pub not_before: Timestamp,
    /// After this it is given up.
    pub deadline: Timestamp,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is a new job.
    New(Job),
    /// The same is asked already: this is that job, with the higher priority and the later deadline of the two.
    Coalesced(Job),
}

impl Enqueued {
    /// The job.
    #[must_use]
    pub const fn job(&self) -> &Job {
        match self {
            Self::New(job) | Self::Coalesced(job) => job,
        }
    }
}

/// How a try that failed goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The earliest time of the next try.
    pub not_before: Timestamp,
    /// After so many tries it is given up.
    pub max_attempts: i64,
}

/// Which jobs are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// In one of these states, by their words.
    pub states: Vec<&'static str>,
    /// For this host.
    pub host: Option<HostName>,
    /// For this issue.
    pub issue: Option<IssueNumber>,
    /// With a smaller number than this, for the next page.
    pub before: Option<JobNumber>,
}

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
        query.any_of(" and state in", filter.states.iter().copied());
        query.filter(" and host = ", filter.host.as_ref());
        query.filter(" and issue = ", filter.issue.map(|number| number.0));
        query.filter(" and number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by number desc", limit).finish();
        Ok(Listed::read(
            &self.db.all("jobs.list", sql, args).await?,
            "jobs",
            "number",
        ))
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

impl Jobs<'_, Writing<'_>> {
    /// Queues a request, unless the same is queued or being served.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn enqueue(&mut self, new: NewJob) -> Result<Enqueued, StoreError> {
        self.access.pending.wake();
        let key = new.request.coalescing_key();
        let sql = concat!(
            "update jobs set priority = case when priority > $1 then priority else $1 end,
                 deadline = case when deadline > $2 then deadline else $2 end
             where coalescing_key = $3 and state in ('queued', 'leased') returning ",
            columns!()
        );
        let args = args![new.priority.as_number(), new.deadline, key.as_str()];
        if let Some(row) = self.db.first("jobs.enqueue", sql, args).await? {
            return Ok(Enqueued::Coalesced(row.read("jobs", "number")?));
        }
        let number = counters::next(&mut self.db, "job").await?;
        let (host, issue) = (new.request.host(), new.request.issue());
        // Where another has queued the same since the update above, this is what the update would have done.
        let sql = concat!(
            "insert into jobs (number, kind, request, coalescing_key, host, issue, priority, state, not_before,
                 attempts, asked_at, deadline)
             values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, 0, $9, $10)
             on conflict (coalescing_key) where state in ('queued', 'leased') do update set
                 priority = case when jobs.priority > excluded.priority then jobs.priority else excluded.priority end,
                 deadline = case when jobs.deadline > excluded.deadline then jobs.deadline else excluded.deadline end
             returning ",
            columns!()
        );
        let args = args![
            number,
            new.request.kind(),
            json_text(&new.request),
            key,
            host.map(ToString::to_string),
            issue.map(|number| number.0),
            new.priority.as_number(),
            new.not_before,
            new.at,
            new.deadline,
        ];
        let row = self.db.first("jobs.enqueue", sql, args).await?;
        let job: Job = match row {
            Some(row) => row.read("jobs", "number")?,
            None => {
                return Err(StoreError::Conflict {
                    what: format!("job {number}"),
                });
            }
        };
        Ok(if job.number.0 == number {
            Enqueued::New(job)
        } else {
            Enqueued::Coalesced(job)
        })
    }

    /// Leases the job that is to be served next: the highest priority, then the longest wait. One whose deadline has
    /// passed is left to [`Self::sweep`].
    ///
    /// # Errors
    /// Says why the store cannot be changed, or that the job it should have been cannot be read: that job is given up
    /// by [`Self::give_up`].
    pub async fn claim(
        &mut self,
        worker: &ControllerId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Job>, StoreError> {
        let sql = Sql::Differs {
            pg: concat!(
                "update jobs set state = 'leased', lease_by = $1, lease_until = $2, attempts = attempts + 1
                 where number = (select number from jobs where state = 'queued' and not_before <= $3 and deadline > $3
                     order by priority desc, asked_at, number limit 1 for update skip locked) returning ",
                columns!()
            ),
            lite: concat!(
                "update jobs set state = 'leased', lease_by = $1, lease_until = $2, attempts = attempts + 1
                 where number = (select number from jobs where state = 'queued' and not_before <= $3 and deadline > $3
                     order by priority desc, asked_at, number limit 1) returning ",
                columns!()
            ),
        };
        let args = args![worker.as_str(), now.after(lease), now];
        let row = self.db.first("jobs.claim", sql, args).await?;
        Ok(row.map(|row| row.read("jobs", "number")).transpose()?)
    }

    /// Keeps a job for longer.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost or the job cancelled.
    pub async fn heartbeat(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .change_one(
                "jobs.heartbeat",
                "update jobs set lease_until = $1 where number = $2 and state = 'leased' and lease_by = $3",
                args![until, number.0, worker.as_str()],
                || format!("job {number}"),
            )
            .await
    }

    /// Records what a job returned.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost or the job cancelled: the result is not wanted any more.
    pub async fn complete(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
        at: Timestamp,
        result: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.access.pending.wake();
        self.db
            .change_one(
                "jobs.complete",
                "update jobs set state = 'done', ended_at = $1, result = $2, lease_by = null, lease_until = null
                 where number = $3 and state = 'leased' and lease_by = $4",
                args![at, json_text(result), number.0, worker.as_str()],
                || format!("job {number}"),
            )
            .await
    }

    /// Records that a try failed: the job waits for another, or is given up after its last or where none is asked for.
    /// Returns the job as it stands then.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost or the job cancelled.
    pub async fn fail(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
        at: Timestamp,
        why: &str,
        retry: Option<Retry>,
    ) -> Result<Job, StoreError> {
        self.access.pending.wake();
        let retry = retry.unwrap_or(Retry {
            not_before: at,
            max_attempts: 0,
        });
        let sql = concat!(
            "update jobs set last_error = $1, lease_by = null, lease_until = null,
                 state = case when attempts < $2 and deadline > $3 then 'queued' else 'failed' end,
                 ended_at = case when attempts < $2 and deadline > $3 then null else $4 end,
                 not_before = $3
             where number = $5 and state = 'leased' and lease_by = $6 returning ",
            columns!()
        );
        let args = args![
            why,
            retry.max_attempts,
            retry.not_before,
            at,
            number.0,
            worker.as_str()
        ];
        match self.db.first("jobs.fail", sql, args).await? {
            Some(row) => Ok(row.read("jobs", "number")?),
            None => Err(StoreError::Conflict {
                what: format!("job {number}"),
            }),
        }
    }

    /// Takes back a request, also one that is being served: its worker finds out at its next heartbeat.
    ///
    /// # Errors
    /// It is a conflict when the job is over.
    pub async fn cancel(&mut self, number: JobNumber, at: Timestamp) -> Result<(), StoreError> {
        self.access.pending.wake();
        self.db
            .change_one(
                "jobs.cancel",
                "update jobs set state = 'cancelled', ended_at = $1, lease_by = null, lease_until = null
                 where number = $2 and state in ('queued', 'leased')",
                args![at, number.0],
                || format!("job {number}"),
            )
            .await
    }

    /// Gives up a job that waits or is being served, whatever stands in its other columns.
    ///
    /// # Errors
    /// It is a conflict when the job is over.
    pub async fn give_up(
        &mut self,
        number: JobNumber,
        at: Timestamp,
        why: &str,
    ) -> Result<(), StoreError> {
        self.access.pending.wake();
        self.db
            .change_one(
                "jobs.give_up",
                "update jobs set state = 'failed', ended_at = $1, last_error = $2, lease_by = null,
                     lease_until = null
                 where number = $3 and state in ('queued', 'leased')",
                args![at, why, number.0],
                || format!("job {number}"),
            )
            .await
    }

    /// Puts back the jobs whose leases ran out, and gives up those whose deadline has passed or that have had
    /// `max_attempts` tries. Returns the jobs as they stand then.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn sweep(
        &mut self,
        now: Timestamp,
        max_attempts: i64,
    ) -> Result<Listed<Job>, StoreError> {
        self.access.pending.wake();
        let sql = skip_locked!(
            "update jobs set
                 state = case when attempts < $1 and deadline > $2 then 'queued' else 'failed' end,
                 ended_at = case when attempts < $1 and deadline > $2 then null else $2 end,
                 last_error = case when deadline <= $2 then 'its deadline passed'
                     else 'its worker was lost' end,
                 not_before = $2, lease_by = null, lease_until = null
             where number in (
                 select number from jobs
                 where (state = 'leased' and lease_until <= $2) or (state = 'queued' and deadline <= $2)
                 order by number",
            ") returning number, request, priority, state, not_before, lease_by, lease_until, attempts, last_error,
                 asked_at, deadline, ended_at, preempted, asked_by, lane, leased_at"
        );
        let rows = self
            .db
            .all("jobs.sweep", sql, args![max_attempts, now])
            .await?;
        let mut swept: Listed<Job> = Listed::read(&rows, "jobs", "number");
        swept.rows.sort_by_key(|job| job.number);
        Ok(swept)
    }
}
