//! How a worker takes a job: one statement leases the first, in the order of its turn ([`Order`]), that nobody else is
//! just taking. Jobs are found by the index, so that it does not matter how much waits behind, nor how much waits that
//! this lane does not take.

use std::time::Duration;

use watchkeeper_model::{ControllerId, Job, JobNumber, Need, Priority, Timestamp};

use super::{Jobs, columns};
use crate::access::Writing;
use crate::db::{Arg, Row, Sql, args};
use crate::{Listed, StoreError};

/// Most jobs that one claim leases.
pub const MAX_CLAIMED: u32 = 1_000;
/// Candidates for one job: so many claims at the same moment each find one.
const ONE_OF: &str = "32";
/// Candidates for many: [`MAX_CLAIMED`], and some that others are just taking.
const MANY_OF: &str = "1100";
const SOONEST_FIRST: [Priority; 4] = [
    Priority::Interactive,
    Priority::CriticalFinding,
    Priority::Finding,
    Priority::Background,
];

/// Which of the jobs that wait a claim takes first. Whoever claims again and again takes turns, [`Order::of`], so that
/// neither what is urgent nor what has waited long has to wait for all of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The highest priority; of one priority, the lowest rank.
    #[default]
    Urgency,
    /// The lowest rank of all: what has waited longer than another's head start goes before it. Not before a person,
    /// who sits there and waits.
    Age,
}

/// Of so many claims, one goes by age.
pub(super) const AGE_EVERY: u64 = 4;

impl Order {
    /// The order of the claim that follows so many jobs.
    #[must_use]
    pub const fn of(taken: u64) -> Self {
        if taken % AGE_EVERY == AGE_EVERY - 1 {
            Self::Age
        } else {
            Self::Urgency
        }
    }

    /// How urgent a priority is in this order: the highest is served first; of what is as urgent, the lowest rank.
    const fn urgency(self, priority: i64) -> i64 {
        match self {
            Self::Urgency => priority,
            Self::Age if priority == Priority::Interactive.as_number() => 1,
            Self::Age => 0,
        }
    }
}

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
    /// Whose turn it is.
    pub order: Order,
}

impl Claimer<'_> {
    fn takes(&self, priority: Priority) -> bool {
        self.takes.is_empty() || self.takes.contains(&priority)
    }

    /// The values that every claim has: `$1` to `$6`.
    pub(super) fn args(&self, now: Timestamp, lease: Duration) -> Vec<Arg> {
        args![
            self.worker.as_str(),
            now.after(lease),
            now,
            self.lane,
            self.slot.map(str::to_owned),
            format!("|{}|", self.lane),
        ]
    }

    /// What the lane's offer lets through, as a condition.
    fn offered(&self) -> &'static str {
        let offers = |need| self.needs.contains(&need);
        match (offers(Need::Answer), offers(Need::Embed)) {
            (true, true) => "",
            (true, false) => " and needs = 'answer'",
            (false, true) => " and needs = 'embed'",
            (false, false) => " and false",
        }
    }
}

/// What a lease sets.
const LEASED: &str = "state = 'leased', lease_by = $1, lease_until = $2, leased_at = $3, lane = $4,
     slot = $5, attempts = attempts + 1, preempt_at = null";

/// What a claim returns.
const RETURNED: &str = concat!(" returning rank, ", columns!());

/// Of the candidates, those that nobody else is just taking. One that was taken since is found out by its state, which
/// is asked for in a way that no index answers, and row by row: while the table is small a planner may else read all of
/// it, and keep to that when it is large.
///
/// A row's `xmax` is who changed or locked it last, as of this moment: where that is nobody whose end this statement can
/// see, it is left alone. To find it out by the lock would lock the job as it is now, leased, and keep its worker from
/// ending it until this claim is committed. Where the number is no transaction's, the lock finds it out: beyond four
/// billion of them it looks like an older one, and where several locked the row together it counts something else, which
/// may lie far above.
const LOCKED: &str = "cross join lateral (select jobs.number from jobs
     where jobs.number = first.number and jobs.state || '' = 'queued'
         and (pg_visible_in_snapshot(jobs.xmax::text::xid8, pg_current_snapshot())
             or jobs.xmax::text::bigint > pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)
     for update skip locked) as locked";

/// How many a claim takes: one, or up to as many as a value says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    One,
    UpTo(&'static str),
}

impl Count {
    const fn limit(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::UpTo(value) => value,
        }
    }

    const fn candidates(self) -> &'static str {
        match self {
            Self::One => ONE_OF,
            Self::UpTo(_) => MANY_OF,
        }
    }
}

/// Selects the numbers of the jobs that are leased. The text is made for what the lane takes: a planner that knows the
/// limits and conditions makes a plan that it need not make anew for each claim. Where a slot is filled, `except` lets
/// its own job pass.
pub(super) fn picked(
    claimer: &Claimer<'_>,
    count: Count,
    postgres: bool,
    except: &'static str,
) -> String {
    let slot = match claimer.slot {
        Some(_) => {
            format!(" and not exists (select 1 from jobs as other where other.slot = $5{except})")
        }
        None => String::new(),
    };
    let may = format!("not exists (select 1 from paused_lanes where name in ($4, '*')){slot}");
    gathered(claimer, count, postgres, &may)
}

/// What a lane may serve now, apart from its priority.
fn fits(claimer: &Claimer<'_>, postgres: bool) -> String {
    let (offered, contains) = (claimer.offered(), if postgres { "strpos" } else { "instr" });
    format!(
        "state = 'queued'{offered} and not_before <= $3 and deadline > $3 and (lanes is null or {contains}(lanes, $6) > 0)"
    )
}

/// The first of each priority are looked up by the index, and of those the next is picked.
///
/// By urgency, each priority is asked for as a range: a planner that is told of one value forgets that what it finds is
/// sorted by it, and cannot merge. The candidates are named as such (`first.rank`), so that they are not sorted again: a
/// sort looks one further than it returns, and what is looked at is locked.
fn gathered(claimer: &Claimer<'_>, count: Count, postgres: bool, may: &str) -> String {
    let (number, locked) = match postgres {
        true => ("locked.number", LOCKED),
        false => ("first.number", ""),
    };
    let (fits, candidates, limit) = (fits(claimer, postgres), count.candidates(), count.limit());
    let taken: Vec<String> = SOONEST_FIRST
        .into_iter()
        .filter(|priority| claimer.takes(*priority))
        .map(|priority| {
            let priority = priority.as_number();
            let (urgency, only) = match claimer.order {
                Order::Urgency => (
                    "priority".to_owned(),
                    format!("priority between {priority} and {priority}"),
                ),
                Order::Age => (
                    claimer.order.urgency(priority).to_string(),
                    format!("priority = {priority}"),
                ),
            };
            format!(
                "select * from (select number, rank, {urgency} as urgency from jobs where {fits} and {only}
                     order by priority desc, rank, number limit {candidates}) as of_{priority}"
            )
        })
        .collect();
    format!(
        "select {number} from (select number, rank, urgency from ({}) as of_all order by urgency desc, rank, number
             limit {candidates}) as first {locked}
         where {may} order by first.urgency desc, first.rank, first.number limit {limit}",
        taken.join(" union all ")
    )
}

/// Leases what is served next.
pub(super) fn claiming(claimer: &Claimer<'_>, count: Count, postgres: bool) -> Sql {
    let picked = picked(claimer, count, postgres, "");
    Sql::Built(leasing(&picked, count, postgres))
}

/// The change that leases what is picked. Each form has it picked once, whatever the planner thinks of how many there
/// are.
pub(super) fn leasing(picked: &str, count: Count, postgres: bool) -> String {
    match (count, postgres) {
        (_, false) => format!("update jobs set {LEASED} where number in ({picked}){RETURNED}"),
        (Count::One, true) => {
            format!("update jobs set {LEASED} where number = ({picked}){RETURNED}")
        }
        (Count::UpTo(_), true) => format!(
            "with picked (taken) as materialized ({picked}) update jobs set {LEASED} from picked
             where number = taken{RETURNED}"
        ),
    }
}

/// Reads what was leased, in the order of service.
pub(super) fn read_leased(mut rows: Vec<Row>, order: Order) -> Listed<Job> {
    let of = |row: &Row, column| row.int(column).unwrap_or(0);
    rows.sort_by_key(|row| {
        let urgency = order.urgency(of(row, "priority"));
        (-urgency, of(row, "rank"), of(row, "number"))
    });
    Listed::read(&rows, "jobs", "number")
}

impl Jobs<'_, Writing<'_>> {
    /// Leases the job that is to be served next, of those that the lane may have. None while the lane, or `*`, is
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
        if count == 0 {
            return Ok(read_leased(Vec::new(), claimer.order));
        }
        let mut args = claimer.args(now, lease);
        let count = if count == 1 || claimer.slot.is_some() {
            Count::One
        } else {
            args.push(Arg::from(i64::from(count.min(MAX_CLAIMED))));
            Count::UpTo("$7")
        };
        let sql = claiming(claimer, count, self.db.is_postgres());
        // Of two that fill one slot at the same moment, the index lets one through: the other has none.
        let rows = self
            .db
            .all_unless_taken("jobs.claim", sql, args, claimer.slot.is_some())
            .await?;
        if rows.iter().any(follows) {
            self.access.pending.wake();
        }
        Ok(read_leased(rows, claimer.order))
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
fn follows(row: &Row) -> bool {
    row.int("priority")
        .is_ok_and(|priority| priority == Priority::Interactive.as_number())
}
