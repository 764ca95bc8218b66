//! How a job comes into the queue: where the same is asked already, it joins that job; where the queue is full, it is
//! refused; else it gets a rank, by which it will be served.
//!
//! The rank is the time the job was asked for, less the head start of its priority, plus [`FAIR_SHARE`] for each job
//! of the same host (or person) and priority that waits already. Of one priority the lowest goes first, and in a claim by
//! age the lowest of all ([`super::claim::Order`]). It never changes while the job waits, so waiting is ageing: a job that
//! has waited longer than another's head start goes before it then. And since a share
//! is about what serving one takes, a host that queues a thousand is served as if it had a lane of its own: what
//! another host asks for meanwhile comes before all of the thousand that could not have been served yet.

use std::time::Duration;

use watchkeeper_model::{Job, JobMember, JobNumber, JobRequest, Priority, Timestamp};

use super::limits::{
    Alike, Counted, EnqueueError, EnqueueRefused, QueueLimits, alike, at_most_waiting,
};
use super::{Jobs, columns};
use crate::access::Writing;
use crate::db::{Arg, BadColumn, Row, args, json_text};
use crate::{Store, StoreError, counters};

/// What each waiting job of the same host and priority costs the next one, as a wait: about what serving one takes.
pub const FAIR_SHARE: Duration = Duration::from_millis(SHARE_MS as u64);
/// Most findings that one job answers for.
pub const MAX_JOB_MEMBERS: u32 = 1_000;

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
    /// Two jobs with the same key at the same time are one; none: the request's own.
    pub key: Option<String>,
    /// The finding it answers for.
    pub member: Option<JobMember>,
    /// The lanes that may have it; none: any. What must not leave by the same lanes is given another key, too: a job that
    /// joins another goes where that one goes.
    pub lanes: Option<Vec<String>>,
    /// Who waits for it, where a person does.
    pub asked_by: Option<String>,
}

impl NewJob {
    /// A request with nothing special about it: served from now on, for any lane, of nobody.
    #[must_use]
    pub const fn new(
        request: JobRequest,
        priority: Priority,
        at: Timestamp,
        deadline: Timestamp,
    ) -> Self {
        Self {
            request,
            priority,
            at,
            not_before: at,
            deadline,
            key: None,
            member: None,
            lanes: None,
            asked_by: None,
        }
    }

    /// What it coalesces by.
    #[must_use]
    pub fn coalescing_key(&self) -> String {
        match &self.key {
            Some(key) => key.replace('\0', ""),
            None => self.request.coalescing_key(),
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is a new job.
    New(Job),
    /// The same is asked already: this is that job, with the higher priority and the later deadline of the two. It may
    /// be served already; its answer is for both.
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

/// [`FAIR_SHARE`] as it is added to a rank.
const SHARE_MS: i64 = 60_000;

/// Where a new job stands among those that wait.
pub(super) fn rank(new: &NewJob, same: i64) -> i64 {
    new.at
        .before(new.priority.head_start())
        .as_millis()
        .saturating_add(same.saturating_mul(SHARE_MS))
}

fn head_start_ms(priority: Priority) -> i64 {
    i64::try_from(priority.head_start().as_millis()).unwrap_or(i64::MAX)
}

/// The lanes as they are stored, `|name|name|`.
pub(super) fn lanes_text(lanes: Option<&[String]>) -> Option<String> {
    lanes.map(|lanes| format!("|{}|", lanes.join("|")))
}

/// What a job that is asked for again becomes: the higher priority, and with it that much more of a head start.
macro_rules! raised {
    ($priority:literal, $deadline:literal, $head_start:literal) => {
        concat!(
            "rank = jobs.rank - case when jobs.priority >= ",
            $priority,
            " then 0 else ",
            $head_start,
            " - case jobs.priority
                 when 3 then 7200000 when 2 then 2700000 when 1 then 900000 else 0 end end,
             priority = case when jobs.priority > ",
            $priority,
            " then jobs.priority else ",
            $priority,
            " end,
             deadline = case when jobs.deadline > ",
            $deadline,
            " then jobs.deadline else ",
            $deadline,
            " end"
        )
    };
}

/// What a statement that queues says.
struct Answered {
    alike: Alike,
    /// The number that was given out, where one was.
    given: Option<i64>,
    job: Option<Job>,
}

impl TryFrom<&Row> for Answered {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            alike: row.try_into()?,
            given: row.maybe_int("given")?,
            job: match row.maybe_int("number")? {
                Some(_) => Some(row.try_into()?),
                None => None,
            },
        })
    }
}

impl Answered {
    fn enqueued(&self) -> Option<Enqueued> {
        let job = self.job.clone()?;
        Some(if self.given == Some(job.number.0) {
            Enqueued::New(job)
        } else {
            Enqueued::Coalesced(job)
        })
    }
}

/// All of it as one statement for Postgres, where each round trip costs as much as what it does: joins what is asked
/// already, or else counts, takes a number and queues. `$5` to `$7` are what is raised to; a job that somebody queues at
/// the same moment is joined by the conflict.
const ENQUEUE_PG: &str = concat!(
    "with merged as (update jobs set ",
    raised!("$5", "$6", "$7"),
    " where coalescing_key = $8 and state in ('queued', 'leased') returning ",
    columns!(),
    "), alike as materialized (",
    alike!(),
    "), total as materialized (select cast(",
    at_most_waiting!(),
    " as bigint) as waiting),
     given as (update counters set next = next + 1 where name = 'job' and not exists (select 1 from merged)
         and ($1 is null or (select of_host from alike) < $3 - 1)
         and ($2 is null or (select of_person from alike) < $4 - 1)
         and (select waiting from total) < $18 returning next - 1 as given),
     made as (insert into jobs (number, kind, request, coalescing_key, host, issue, priority, state, not_before,
             attempts, asked_at, deadline, rank, needs, lanes, asked_by)
         select given, $9, $10, $8, $1, $11, $5, 'queued', $12, 0, $13, $6, $14 + $15 * (select same from alike), $16,
             $17, $2 from given
         on conflict (coalescing_key) where state in ('queued', 'leased') do update set ",
    raised!("excluded.priority", "excluded.deadline", "$7"),
    " returning ",
    columns!(),
    ") select alike.*, given.given, became.*,
         case when became.number is not null then pg_notify('watchkeeper', '')::text end as told
     from alike cross join total left join given on true
         left join (select * from merged union all select * from made) as became on true"
);

fn args_pg(new: &NewJob, limits: &QueueLimits) -> Vec<Arg> {
    args![
        new.request.host().map(ToString::to_string),
        new.asked_by.clone(),
        i64::from(limits.waiting_of_host) + 1,
        i64::from(limits.waiting_of_person) + 1,
        new.priority.as_number(),
        new.deadline,
        head_start_ms(new.priority),
        new.coalescing_key(),
        new.request.kind(),
        json_text(&new.request),
        new.request.issue().map(|number| number.0),
        new.not_before,
        new.at,
        rank(new, 0),
        SHARE_MS,
        new.request.needs().as_str(),
        lanes_text(new.lanes.as_deref()),
        limits.total(new.priority),
    ]
}

impl Store {
    /// [`Jobs::enqueue`], as a transaction of its own.
    ///
    /// # Errors
    /// Says which limit is in the way, or why the store cannot be changed.
    pub async fn enqueue_job(
        &self,
        new: NewJob,
        limits: &QueueLimits,
    ) -> Result<Enqueued, EnqueueError> {
        let alone = new.member.is_none() && new.priority < Priority::Interactive;
        if alone && self.is_postgres() {
            let rows = self
                .one_statement("jobs.enqueue", ENQUEUE_PG.into(), args_pg(&new, limits))
                .await?;
            let answered = rows
                .first()
                .map(|row| row.read::<Answered>("jobs", "number"));
            let enqueued = answered.transpose().map_err(StoreError::from)?;
            if let Some(enqueued) = enqueued.and_then(|answered| answered.enqueued()) {
                return Ok(enqueued);
            }
        }
        let mut tx = self.begin().await?;
        let enqueued = tx.jobs().enqueue(new, limits).await?;
        tx.commit().await?;
        Ok(enqueued)
    }
}

impl Jobs<'_, Writing<'_>> {
    /// Queues a request, unless the same is queued or being served. One that a person waits for marks a job of lower
    /// priority to be put back, where no lane is free for it.
    ///
    /// # Errors
    /// Says which limit is in the way, or why the store cannot be changed.
    pub async fn enqueue(
        &mut self,
        new: NewJob,
        limits: &QueueLimits,
    ) -> Result<Enqueued, EnqueueError> {
        let enqueued = if self.db.is_postgres() {
            self.enqueue_pg(&new, limits).await?
        } else {
            self.access.pending.wake();
            self.enqueue_lite(&new, limits).await?
        };
        self.add_member(&new, enqueued.job().number).await?;
        self.make_room_for(enqueued.job(), new.at).await?;
        Ok(enqueued)
    }

    async fn enqueue_pg(
        &mut self,
        new: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Enqueued, EnqueueError> {
        // The second time, the queue has been counted.
        for _ in 0..2 {
            let row = self
                .db
                .first("jobs.enqueue", ENQUEUE_PG, args_pg(new, limits))
                .await?;
            let answered = row.map(|row| row.read::<Answered>("jobs", "number"));
            let answered = answered.transpose().map_err(StoreError::from)?;
            let Some(answered) = answered else { break };
            if let Some(enqueued) = answered.enqueued() {
                return Ok(enqueued);
            }
            answered.alike.check(new, limits)?;
            self.check_total(new, limits, Counted::Anew).await?;
        }
        let what = new.coalescing_key();
        Err(StoreError::Conflict { what }.into())
    }

    async fn enqueue_lite(
        &mut self,
        new: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Enqueued, EnqueueError> {
        if let Some(job) = self.join(new).await? {
            return Ok(Enqueued::Coalesced(job));
        }
        let alike = self.alike(new, limits).await?;
        alike.check(new, limits)?;
        self.check_total(new, limits, Counted::WhereNeeded).await?;
        let number = counters::next(&mut self.db, "job").await?;
        Ok(Enqueued::New(self.insert(new, number, alike.same).await?))
    }

    async fn check_total(
        &mut self,
        new: &NewJob,
        limits: &QueueLimits,
        counted: Counted,
    ) -> Result<(), EnqueueError> {
        let limit = limits.total(new.priority);
        match self.room_for(1, limit, counted).await? {
            Ok(()) => Ok(()),
            Err(waiting) => Err(EnqueueRefused::Full { waiting, limit }.into()),
        }
    }

    /// The job that asks the same already, raised to what is asked now.
    async fn join(&mut self, new: &NewJob) -> Result<Option<Job>, StoreError> {
        let sql = concat!(
            "update jobs set ",
            raised!("$1", "$2", "$3"),
            " where coalescing_key = $4 and state in ('queued', 'leased') returning ",
            columns!()
        );
        let args = args![
            new.priority.as_number(),
            new.deadline,
            head_start_ms(new.priority),
            new.coalescing_key(),
        ];
        let row = self.db.first("jobs.enqueue", sql, args).await?;
        Ok(row.map(|row| row.read("jobs", "number")).transpose()?)
    }

    async fn insert(&mut self, new: &NewJob, number: i64, same: i64) -> Result<Job, StoreError> {
        let sql = concat!(
            "insert into jobs (number, kind, request, coalescing_key, host, issue, priority, state, not_before,
                 attempts, asked_at, deadline, rank, needs, lanes, asked_by)
             values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, 0, $9, $10, $11, $12, $13, $14) returning ",
            columns!()
        );
        let args = args![
            number,
            new.request.kind(),
            json_text(&new.request),
            new.coalescing_key(),
            new.request.host().map(ToString::to_string),
            new.request.issue().map(|number| number.0),
            new.priority.as_number(),
            new.not_before,
            new.at,
            new.deadline,
            rank(new, same),
            new.request.needs().as_str(),
            lanes_text(new.lanes.as_deref()),
            new.asked_by.clone(),
        ];
        match self.db.first("jobs.enqueue", sql, args).await? {
            Some(row) => Ok(row.read("jobs", "number")?),
            None => Err(super::conflict(JobNumber(number))),
        }
    }

    /// Adds the finding to those that a job answers for. The row of the job is locked by this transaction, so that no
    /// other adds one to it.
    async fn add_member(&mut self, new: &NewJob, job: JobNumber) -> Result<(), EnqueueError> {
        let Some(member) = &new.member else {
            return Ok(());
        };
        let sql = "insert into job_members (job, place, host, issue, fingerprint)
             select $1, coalesce((select max(place) + 1 from job_members where job = $1), 0), $2, $3, $4
             where not exists (select 1 from job_members where job = $1 and (fingerprint = $4 or place = $5))";
        let args = args![
            job.0,
            &member.host,
            member.issue.0,
            member.fingerprint.to_string(),
            i64::from(MAX_JOB_MEMBERS) - 1,
        ];
        if self.db.execute("jobs.enqueue", sql, args).await? == 1 {
            return Ok(());
        }
        let sql = "select 1 as found from job_members where job = $1 and fingerprint = $2";
        let args = args![job.0, member.fingerprint.to_string()];
        match self.db.first("jobs.enqueue", sql, args).await? {
            Some(_) => Ok(()),
            None => Err(EnqueueRefused::MembersFull {
                job,
                limit: MAX_JOB_MEMBERS,
            }
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_starts_are_those_that_stand_in_the_statements() {
        let stored = [0, 1, 2, 3].map(|number| {
            let priority = Priority::from_number(number).expect("there are four");
            head_start_ms(priority)
        });
        assert_eq!(stored, [0, 900_000, 2_700_000, 7_200_000]);
    }
}
