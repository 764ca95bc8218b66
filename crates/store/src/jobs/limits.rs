//! How much may wait, and what is said where more is asked. Of several that queue at the same moment, each counts what
//! was committed before: they may pass a limit by as many as they are.
//!
//! The total is not counted for each job: counting 100,000 rows costs more than all the rest. The numbers given out
//! since the last count say how many there can be at most, and only when those might be too many is counted again.

use watchkeeper_model::{HostName, JobNumber, Priority};

use super::Jobs;
use super::enqueue::NewJob;
use crate::StoreError;
use crate::access::Writing;
use crate::db::{BadColumn, Row, args};

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
pub(super) struct Alike {
    of_host: i64,
    of_person: i64,
    /// Of the same priority too: what the rank counts.
    pub(super) same: i64,
}

impl TryFrom<&Row> for Alike {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            of_host: row.int("of_host")?,
            of_person: row.int("of_person")?,
            same: row.int("same")?,
        })
    }
}

impl Alike {
    /// Refuses what is too much of one host or one person.
    pub(super) fn check(self, new: &NewJob, limits: &QueueLimits) -> Result<(), EnqueueRefused> {
        if let Some(host) = new.request.host()
            && self.of_host >= i64::from(limits.waiting_of_host)
        {
            return Err(EnqueueRefused::HostFull {
                host: host.clone(),
                waiting: self.of_host,
                limit: i64::from(limits.waiting_of_host),
            });
        }
        if let Some(person) = &new.asked_by
            && self.of_person >= i64::from(limits.waiting_of_person)
        {
            return Err(EnqueueRefused::PersonFull {
                person: person.clone(),
                waiting: self.of_person,
                limit: i64::from(limits.waiting_of_person),
            });
        }
        Ok(())
    }
}

impl QueueLimits {
    pub(super) fn total(&self, priority: Priority) -> i64 {
        let reserve = match priority {
            Priority::Interactive => self.reserve,
            _ => 0,
        };
        i64::from(self.waiting) + i64::from(reserve)
    }
}

/// Whether the queue is counted, or taken to be no longer than it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    WhereNeeded,
    Anew,
}

/// How many can wait at most, by the numbers given out since they were counted.
macro_rules! at_most_waiting {
    () => {
        "(select sum(case name when 'jobs_counted_at' then -next else next end) from counters
             where name in ('job', 'jobs_waiting', 'jobs_counted_at'))"
    };
}
pub(super) use at_most_waiting;

/// What waits of the host `$1` and the person `$2`, each counted to just past its limit, `$3` and `$4`, and of those the
/// more of the priority `$5`.
macro_rules! alike {
    () => {
        "select of_host.waiting as of_host, of_person.waiting as of_person,
             case when of_host.same > of_person.same then of_host.same else of_person.same end as same
         from (select count(*) as waiting, coalesce(sum(case when priority = $5 then 1 else 0 end), 0) as same
                 from (select priority from jobs where state = 'queued' and host = $1 limit $3) as first) as of_host,
             (select count(*) as waiting, coalesce(sum(case when priority = $5 then 1 else 0 end), 0) as same
                 from (select priority from jobs where state = 'queued' and asked_by = $2 limit $4) as first) as of_person"
    };
}
pub(super) use alike;

impl Jobs<'_, Writing<'_>> {
    /// What waits of the host and the person that ask.
    pub(super) async fn alike(
        &mut self,
        new: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Alike, StoreError> {
        if new.request.host().is_none() && new.asked_by.is_none() {
            return Ok(Alike::default());
        }
        let args = args![
            new.request.host().map(ToString::to_string),
            new.asked_by.clone(),
            i64::from(limits.waiting_of_host) + 1,
            i64::from(limits.waiting_of_person) + 1,
            new.priority.as_number(),
        ];
        match self.db.first("jobs.enqueue", alike!(), args).await? {
            Some(row) => Ok(row.read("jobs", "of_host")?),
            None => Ok(Alike::default()),
        }
    }

    /// Whether so many more may wait; where they may not, how many do.
    pub(super) async fn room_for(
        &mut self,
        more: i64,
        limit: i64,
        counted: Counted,
    ) -> Result<Result<(), i64>, StoreError> {
        if counted == Counted::WhereNeeded {
            let sql = concat!("select cast(", at_most_waiting!(), " as bigint) as waiting");
            let at_most = self.waiting(sql, args![]).await?;
            if at_most.saturating_add(more) <= limit {
                return Ok(Ok(()));
            }
        }
        let sql = "select count(*) as waiting
             from (select number from jobs where state = 'queued' limit $1) as waiting";
        let waiting = self.waiting(sql, args![limit.saturating_add(1)]).await?;
        if waiting.saturating_add(more) > limit {
            return Ok(Err(waiting));
        }
        let sql = "update counters set next = case name when 'jobs_waiting' then $1
                 else (select next from counters where name = 'job') end
             where name in ('jobs_waiting', 'jobs_counted_at')";
        self.db.execute("jobs.enqueue", sql, args![waiting]).await?;
        Ok(Ok(()))
    }

    async fn waiting(
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
}
