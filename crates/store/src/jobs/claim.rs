//! How a worker takes a job. Of each priority the first that may be served are looked up by the index, and of those the
//! lowest rank that nobody else is just taking is leased, by one statement. So it does not matter how much waits behind,
//! nor how much waits that this lane does not take.

use std::time::Duration;

use watchkeeper_model::{ControllerId, Job, JobNumber, Need, Priority, Timestamp};

use super::{Jobs, columns};
use crate::access::Writing;
use crate::db::{Arg, Row, Sql, args};
use crate::{Listed, StoreError};

/// Most jobs that one claim leases.
pub const MAX_CLAIMED: u32 = 1_000;
/// Candidates beyond those wanted: so many claims at the same moment each find one.
const SPARE_CANDIDATES: i64 = 32;

/// Who takes a job, and what it can serve.
#[derive(Clone, Copy, Debug)]
pub struct Claimer<'a> {
    /// The worker.
    pub worker: &'a ControllerId,
    /// Its lane.
    pub lane: &'a str,
    /// The endpoint's place that it fills; while a job is leased for it, it takes no other. None where many jobs are
    /// taken at once.
    pub slot: Option<&'a str>,
    /// What the lane offers.
    pub needs: &'a [Need],
    /// The priorities that the lane takes; empty: all.
    pub takes: &'a [Priority],
}

impl Claimer<'_> {
    fn takes(&self, priority: Priority) -> bool {
        self.takes.is_empty() || self.takes.contains(&priority)
    }

    /// The values of [`picked!`], `$1` to `$14`.
    pub(super) fn args(&self, count: u32, now: Timestamp, lease: Duration) -> Vec<Arg> {
        let count = i64::from(count.min(MAX_CLAIMED));
        let needs = || self.needs.iter().map(|need| need.as_str());
        args![
            self.worker.as_str(),
            now.after(lease),
            now,
            self.lane,
            self.slot.map(str::to_owned),
            format!("|{}|", self.lane),
            count,
            count + SPARE_CANDIDATES,
            needs().min().unwrap_or_default(),
            needs().max().unwrap_or_default(),
            self.takes(Priority::Interactive),
            self.takes(Priority::CriticalFinding),
            self.takes(Priority::Finding),
            self.takes(Priority::Background),
        ]
    }
}

/// The first jobs of one priority that may be served.
macro_rules! first_of {
    ($priority:literal, $taken:literal, $contains:literal) => {
        concat!(
            "select * from (select number, rank from jobs
                 where state = 'queued' and priority = ",
            $priority,
            " and ",
            $taken,
            " and not_before <= $3
                     and needs >= $9 and needs <= $10 and deadline > $3
                     and (lanes is null or ",
            $contains,
            "(lanes, $6) > 0)
                 order by rank, number limit $8) as of_",
            $priority
        )
    };
}

/// The first of all priorities, unless the lane is paused or its slot taken; `$except` may let the slot's own job pass.
macro_rules! picked {
    ($contains:literal, $except:literal, $lock:literal) => {
        concat!(
            "select jobs.number from (select number, rank from (",
            super::claim::first_of!("3", "$11", $contains), " union all ",
            super::claim::first_of!("2", "$12", $contains), " union all ",
            super::claim::first_of!("1", "$13", $contains), " union all ",
            super::claim::first_of!("0", "$14", $contains),
            ") as of_all order by rank, number limit $8) as first join jobs on jobs.number = first.number
             where jobs.state = 'queued'
                 and not exists (select 1 from paused_lanes where name = $4 or name = '*')
                 and not exists (select 1 from jobs as other where other.state = 'leased' and other.slot = $5 ", $except, ")
             order by first.rank, first.number limit $7 ", $lock
        )
    };
}

/// What a lease sets.
macro_rules! leased {
    () => {
        "state = 'leased', lease_by = $1, lease_until = $2, leased_at = $3, lane = $4, slot = $5,
         attempts = attempts + 1, preempt_at = null"
    };
}

pub(super) use {first_of, leased, picked};

/// Leases what is served next.
pub(super) const CLAIM: Sql = Sql::Differs {
    pg: concat!(
        "with picked as materialized (",
        picked!("strpos", "", "for update of jobs skip locked"),
        ") update jobs set ",
        leased!(),
        " where number = any(array(select number from picked)) returning rank, ",
        columns!()
    ),
    lite: concat!(
        "update jobs set ",
        leased!(),
        " where number in (",
        picked!("instr", "", ""),
        ") returning rank, ",
        columns!()
    ),
};

/// Reads what was leased, in the order of service.
pub(super) fn read_leased(mut rows: Vec<Row>) -> Listed<Job> {
    rows.sort_by_key(|row| (row.int("rank").unwrap_or(0), row.int("number").unwrap_or(0)));
    Listed::read(&rows, "jobs", "number")
}

impl Jobs<'_, Writing<'_>> {
    /// Leases the job that is to be served next: the lowest rank that the lane may have. None while the lane, or `*`, is
    /// paused, and while its slot has a job. One whose deadline has passed is left to [`Self::sweep`].
    ///
    /// A worker that does nothing else in the transaction is better served by [`crate::Store::claim_job`].
    ///
    /// # Errors
    /// Says why the store cannot be changed, or that the job it should have been cannot be read: that job is given up
    /// by [`Self::give_up`].
    pub async fn claim(
        &mut self,
        claimer: &Claimer<'_>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Job>, StoreError> {
        let claimed = self.claim_many(claimer, 1, now, lease).await?;
        Ok(claimed.strict()?.into_iter().next())
    }

    /// Leases up to `count` jobs at once, in the order of service; those that cannot be read are named, and are leased
    /// too. Without a slot, since a slot has one job.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn claim_many(
        &mut self,
        claimer: &Claimer<'_>,
        count: u32,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Listed<Job>, StoreError> {
        let count = if claimer.slot.is_some() { 1 } else { count };
        if claimer.needs.is_empty() || count == 0 {
            return Ok(read_leased(Vec::new()));
        }
        let args = claimer.args(count, now, lease);
        // Of two that fill one slot at the same moment, the index lets one through: the other has none.
        let rows = self
            .db
            .all_unless_taken("jobs.claim", CLAIM, args, claimer.slot.is_some())
            .await?;
        if rows.iter().any(follows) {
            self.access.pending.wake();
        }
        Ok(read_leased(rows))
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
}

/// Whether somebody watches the job, who wants to know that it began.
pub(super) fn follows(row: &Row) -> bool {
    row.int("priority")
        .is_ok_and(|priority| priority == Priority::Interactive.as_number())
}
