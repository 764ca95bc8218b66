//! How a job comes into the queue: where the same is asked already, it joins that job; where the queue is full, it is
//! refused; else it gets a rank, by which it will be served.
//!
//! The rank is the time the job was asked for, less the head start of its priority, plus [`FAIR_SHARE`] for each job
//! of the same host (or person) and priority that waits already. The lowest goes first. It never changes while the job
//! waits, so waiting is ageing: a job that has waited longer than another's head start goes before it. And since a share
//! is about what serving one takes, a host that queues a thousand is served as if it had a lane of its own: what
//! another host asks for meanwhile comes before all of the thousand that could not have been served yet.
//!
//! The total is not counted for each job: counting 100,000 rows costs more than all the rest. The numbers given out
//! since the last count say how many there can be at most, and only when those might be too many is counted again.

use std::time::Duration;

use watchkeeper_model::{HostName, Job, JobMember, JobNumber, JobRequest, Priority, Timestamp};

use super::{Jobs, columns};
use crate::access::Writing;
use crate::db::{Row, args, json_text};
use crate::{StoreError, counters};

/// What each waiting job of the same host and priority costs the next one, as a wait: about what serving one takes.
pub const FAIR_SHARE: Duration = Duration::from_secs(60);
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
    /// The lanes that may have it; none: any.
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
        self.key
            .clone()
            .unwrap_or_else(|| self.request.coalescing_key())
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Jobs in all, beside the reserve.
    pub waiting: u32,
    /// Further jobs that people wait for, when the queue is full otherwise.
    pub reserve: u32,
    /// Jobs of one host.
    pub waiting_of_host: u32,
    /// Jobs that one person waits for.
    pub waiting_of_person: u32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            waiting: 20_000,
            reserve: 100,
            waiting_of_host: 200,
            waiting_of_person: 20,
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

/// Why a request is not queued. It may be asked again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueRefused {
    /// Too much waits.
    #[error("the queue is full: {waiting} jobs wait, and {limit} may")]
    Full {
        /// How many wait.
        waiting: i64,
        /// How many may.
        limit: i64,
    },
    /// Too much of one host waits.
    #[error("the queue has enough of {host}: {waiting} of its jobs wait, and {limit} may")]
    HostFull {
        /// Which host.
        host: HostName,
        /// How many of its jobs wait.
        waiting: i64,
        /// How many may.
        limit: i64,
    },
    /// One person asks too much at once.
    #[error("{person} waits for {waiting} answers already, and {limit} are allowed at once")]
    PersonFull {
        /// Who.
        person: String,
        /// How many answers they wait for.
        waiting: i64,
        /// How many they may.
        limit: i64,
    },
    /// The job that asks the same answers for enough findings.
    #[error("job {job} answers for {limit} findings already, which is the most")]
    MembersFull {
        /// The job.
        job: JobNumber,
        /// How many it may answer for.
        limit: u32,
    },
}

/// Why a request was not queued.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// A limit: nothing was queued, and the transaction is good.
    #[error(transparent)]
    Refused(#[from] EnqueueRefused),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What waits of the host and the person that ask.
#[derive(Clone, Copy, Debug, Default)]
struct Alike {
    of_host: i64,
    of_person: i64,
    /// Of the same priority too: what the rank counts.
    same: i64,
}

/// Where a new job stands among those that wait.
fn rank(new: &NewJob, same: i64) -> i64 {
    let share = i64::try_from(FAIR_SHARE.as_millis()).unwrap_or(i64::MAX);
    new.at
        .before(new.priority.head_start())
        .as_millis()
        .saturating_add(same.saturating_mul(share))
}

fn head_start_ms(priority: Priority) -> i64 {
    i64::try_from(priority.head_start().as_millis()).unwrap_or(i64::MAX)
}

/// The lanes as they are stored, `|name|name|`.
fn lanes_text(lanes: Option<&[String]>) -> Option<String> {
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

impl Jobs<'_, Writing<'_>> {
    /// Queues a request, unless the same is queued or being served. One that a person waits for marks a job of lower
    /// priority to be put back, where no lane is free for it.
    ///
    /// Of several that queue at the same moment, each counts what was committed before: they may pass a limit by as
    /// many as they are.
    ///
    /// # Errors
    /// Says which limit is in the way, or why the store cannot be changed.
    pub async fn enqueue(
        &mut self,
        new: NewJob,
        limits: &QueueLimits,
    ) -> Result<Enqueued, EnqueueError> {
        self.access.pending.wake();
        let key = new.coalescing_key();
        if let Some(job) = self.join(&new, &key).await? {
            self.add_member(&new, job.number).await?;
            self.make_room_for(&job, new.at).await?;
            return Ok(Enqueued::Coalesced(job));
        }
        let alike = self.alike(&new, limits).await?;
        check_alike(&new, alike, limits)?;
        self.check_total(&new, limits).await?;
        let number = counters::next(&mut self.db, "job").await?;
        let job = self.insert(&new, &key, number, alike.same).await?;
        self.add_member(&new, job.number).await?;
        self.make_room_for(&job, new.at).await?;
        Ok(if job.number.0 == number {
            Enqueued::New(job)
        } else {
            Enqueued::Coalesced(job)
        })
    }

    /// Queues many, in the order given; of each it says what became of it.
    ///
    /// # Errors
    /// Says why the store cannot be changed; a limit is said of the one that it refuses.
    pub async fn enqueue_many(
        &mut self,
        new: Vec<NewJob>,
        limits: &QueueLimits,
    ) -> Result<Vec<Result<Enqueued, EnqueueRefused>>, StoreError> {
        let mut became = Vec::with_capacity(new.len());
        for one in new {
            became.push(match self.enqueue(one, limits).await {
                Ok(enqueued) => Ok(enqueued),
                Err(EnqueueError::Refused(refused)) => Err(refused),
                Err(EnqueueError::Store(error)) => return Err(error),
            });
        }
        Ok(became)
    }

    /// The job that asks the same already, raised to what is asked now.
    async fn join(&mut self, new: &NewJob, key: &str) -> Result<Option<Job>, StoreError> {
        let sql = concat!(
            "update jobs set ",
            raised!("$1", "$2", "$3"),
            " where coalescing_key = $4 and state in ('queued', 'leased') returning ",
            columns!()
        );
        let priority = new.priority;
        let args = args![
            priority.as_number(),
            new.deadline,
            head_start_ms(priority),
            key
        ];
        let row = self.db.first("jobs.enqueue", sql, args).await?;
        Ok(row.map(|row| row.read("jobs", "number")).transpose()?)
    }

    async fn add_member(&mut self, new: &NewJob, job: JobNumber) -> Result<(), EnqueueError> {
        let Some(member) = &new.member else {
            return Ok(());
        };
        // The row of the job is locked by this transaction, so that no other adds one to it.
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

    async fn alike(&mut self, new: &NewJob, limits: &QueueLimits) -> Result<Alike, StoreError> {
        let mut alike = Alike::default();
        let priority = new.priority.as_number();
        if let Some(host) = new.request.host() {
            let sql = "select count(*) as waiting,
                     coalesce(sum(case when priority = $1 then 1 else 0 end), 0) as same
                 from (select priority from jobs where state = 'queued' and host = $2 limit $3) as waiting";
            let args = args![priority, host, i64::from(limits.waiting_of_host) + 1];
            (alike.of_host, alike.same) = self.waiting(sql, args).await?;
        }
        if let Some(person) = &new.asked_by {
            let sql = "select count(*) as waiting,
                     coalesce(sum(case when priority = $1 then 1 else 0 end), 0) as same
                 from (select priority from jobs where state = 'queued' and asked_by = $2 limit $3) as waiting";
            let limit = i64::from(limits.waiting_of_person) + 1;
            let (of_person, same) = self
                .waiting(sql, args![priority, person.as_str(), limit])
                .await?;
            alike.of_person = of_person;
            alike.same = alike.same.max(same);
        }
        Ok(alike)
    }

    async fn waiting(
        &mut self,
        sql: &'static str,
        args: Vec<crate::db::Arg>,
    ) -> Result<(i64, i64), StoreError> {
        let counts = |row: &Row| Ok((row.int("waiting")?, row.int("same")?));
        match self.db.first("jobs.enqueue", sql, args).await? {
            Some(row) => counts(&row).map_err(|bad| row.named(bad, "jobs", "waiting").into()),
            None => Ok((0, 0)),
        }
    }

    async fn count(
        &mut self,
        sql: &'static str,
        args: Vec<crate::db::Arg>,
    ) -> Result<i64, StoreError> {
        match self.db.first("jobs.enqueue", sql, args).await? {
            Some(row) => row
                .int("waiting")
                .map_err(|bad| row.named(bad, "jobs", "waiting").into()),
            None => Ok(0),
        }
    }

    async fn check_total(
        &mut self,
        new: &NewJob,
        limits: &QueueLimits,
    ) -> Result<(), EnqueueError> {
        let limit = limits.total(new.priority);
        let sql = "select
                 (select next from counters where name = 'jobs_waiting')
                 + (select next from counters where name = 'job')
                 - (select next from counters where name = 'jobs_counted_at') as waiting";
        let at_most = self.count(sql, args![]).await?;
        if at_most < limit {
            return Ok(());
        }
        let sql = "select count(*) as waiting
             from (select number from jobs where state = 'queued' limit $1) as waiting";
        let waiting = self.count(sql, args![limit + 1]).await?;
        if waiting >= limit {
            return Err(EnqueueRefused::Full { waiting, limit }.into());
        }
        let sql = "update counters set next = case name when 'jobs_waiting' then $1
                 else (select next from counters where name = 'job') end
             where name in ('jobs_waiting', 'jobs_counted_at')";
        self.db.execute("jobs.enqueue", sql, args![waiting]).await?;
        Ok(())
    }

    async fn insert(
        &mut self,
        new: &NewJob,
        key: &str,
        number: i64,
        same: i64,
    ) -> Result<Job, StoreError> {
        // Where another has queued the same since it was looked for, this is what joining it would have done.
        let sql = concat!(
            "insert into jobs (number, kind, request, coalescing_key, host, issue, priority, state, not_before,
                 attempts, asked_at, deadline, rank, needs, lanes, asked_by)
             values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, 0, $9, $10, $11, $12, $13, $14)
             on conflict (coalescing_key) where state in ('queued', 'leased') do update set ",
            raised!("excluded.priority", "excluded.deadline", "$15"),
            " returning ",
            columns!()
        );
        let args = args![
            number,
            new.request.kind(),
            json_text(&new.request),
            key,
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
            head_start_ms(new.priority),
        ];
        match self.db.first("jobs.enqueue", sql, args).await? {
            Some(row) => Ok(row.read("jobs", "number")?),
            None => Err(super::conflict(JobNumber(number))),
        }
    }
}

impl QueueLimits {
    fn total(&self, priority: Priority) -> i64 {
        let reserve = match priority {
            Priority::Interactive => self.reserve,
            _ => 0,
        };
        i64::from(self.waiting) + i64::from(reserve)
    }
}

fn check_alike(new: &NewJob, alike: Alike, limits: &QueueLimits) -> Result<(), EnqueueRefused> {
    if let Some(host) = new.request.host()
        && alike.of_host >= i64::from(limits.waiting_of_host)
    {
        return Err(EnqueueRefused::HostFull {
            host: host.clone(),
            waiting: alike.of_host,
            limit: i64::from(limits.waiting_of_host),
        });
    }
    if let Some(person) = &new.asked_by
        && alike.of_person >= i64::from(limits.waiting_of_person)
    {
        return Err(EnqueueRefused::PersonFull {
            person: person.clone(),
            waiting: alike.of_person,
            limit: i64::from(limits.waiting_of_person),
        });
    }
    Ok(())
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
