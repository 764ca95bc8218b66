//! How a try ends: answered, failed, put back for somebody more urgent, taken back by who asked, or lost with its worker.
//! Each is a change from one state, so that of two that come at the same moment exactly one wins.

use watchkeeper_model::{ControllerId, Job, JobNumber, Timestamp};

use super::{Jobs, columns, conflict};
use crate::access::Writing;
use crate::db::{Arg, Row, Sql, args, json_text, skip_locked};
use crate::{Listed, StoreError};

/// Most jobs that one sweep changes; the next goes on.
const MAX_SWEPT: i64 = 1_000;

/// How a try that failed goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The earliest time of the next try.
    pub not_before: Timestamp,
    /// After so many tries it is given up.
    pub max_attempts: i64,
}

/// What an answer took; what is not known is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens it was sent.
    pub prompt_tokens: Option<i64>,
    /// Tokens it answered.
    pub output_tokens: Option<i64>,
    /// How long it took to answer them.
    pub output_ms: Option<i64>,
}

/// A job that was answered.
#[derive(Clone, Debug)]
pub struct Completed {
    /// Which.
    pub number: JobNumber,
    /// What it returned.
    pub result: serde_json::Value,
    /// What it took.
    pub used: Used,
}

/// Why a worker gives a job back that it did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBack {
    /// Somebody more urgent waits.
    Preempted,
    /// The worker stops.
    Stopped,
}

/// What a lease that ends leaves behind.
macro_rules! unleased {
    () => {
        "lease_by = null, lease_until = null, slot = null, preempt_at = null"
    };
}

/// Answers as they are handed to a statement.
pub(super) fn completed_json(done: &[Completed]) -> String {
    let rows: Vec<_> = done
        .iter()
        .map(|done| {
            serde_json::json!({
                "number": done.number.0,
                "result": json_text(&done.result),
                "model": done.used.model,
                "prompt_tokens": done.used.prompt_tokens,
                "output_tokens": done.used.output_tokens,
                "output_ms": done.used.output_ms,
            })
        })
        .collect();
    json_text(&rows)
}

/// What an answer sets, each value from where it stands.
macro_rules! answered {
    ($at:literal, $result:literal, $model:literal, $prompt:literal, $output:literal, $took:literal) => {
        concat!(
            "update jobs set state = 'done', ended_at = ",
            $at,
            ", result = ",
            $result,
            ", model = ",
            $model,
            ", prompt_tokens = ",
            $prompt,
            ", output_tokens = ",
            $output,
            ", output_ms = ",
            $took,
            ", ",
            unleased!()
        )
    };
}

/// What a statement that ends jobs returns of them.
macro_rules! ended {
    () => {
        " returning jobs.number, jobs.priority = 3 or jobs.asked_by is not null as followed"
    };
}

/// Ends one job as a part of a turn: of the worker `$1`, at `$3`, with what [`completed_args`] has from `$7` on.
pub(super) const COMPLETE_ONE_PG: &str = concat!(
    answered!("$3", "$8", "$9", "$10", "$11", "$12"),
    " where number = $7 and state || '' = 'leased' and lease_by = $1",
    ended!()
);

/// Ends one job of the worker `$1` at `$2`, with what [`completed_args`] has from `$3` on.
pub(super) const COMPLETE_ALONE_PG: &str = concat!(
    answered!("$2", "$4", "$5", "$6", "$7", "$8"),
    " where number = $3 and state || '' = 'leased' and lease_by = $1",
    ended!()
);

/// The numbers of the jobs that were ended.
pub(super) fn read_completed(rows: &[Row]) -> Result<Vec<JobNumber>, StoreError> {
    let number = |row: &Row| match row.int("number") {
        Ok(number) => Ok(JobNumber(number)),
        Err(bad) => Err(row.named(bad, "jobs", "number").into()),
    };
    let mut ended = rows
        .iter()
        .map(number)
        .collect::<Result<Vec<_>, StoreError>>()?;
    ended.sort();
    Ok(ended)
}

/// The values of one answer.
pub(super) fn completed_args(done: &Completed) -> Vec<Arg> {
    args![
        done.number.0,
        json_text(&done.result),
        done.used.model.clone(),
        done.used.prompt_tokens,
        done.used.output_tokens,
        done.used.output_ms,
    ]
}

/// Ends the jobs of the worker `$1` that a JSON tells of, at `$3`, on Postgres. A server plans it for the table as it is
/// then and may keep to that, so that each size of the table, as the numbers tell it, has a text of its own.
pub(super) fn complete_many_pg(json: &str, done: &[Completed]) -> String {
    let last = done.iter().map(|done| done.number.0).max().unwrap_or(0);
    format!(
        "{} from json_to_recordset({json}::json) as done (number bigint, result text, model text,
             prompt_tokens bigint, output_tokens bigint, output_ms bigint)
         where jobs.number = done.number and state || '' = 'leased' and lease_by = $1 {} {}",
        answered!(
            "$3",
            "done.result",
            "done.model",
            "done.prompt_tokens",
            "done.output_tokens",
            "done.output_ms"
        ),
        ended!(),
        of_size(last)
    )
}

/// A comment that tells a text for a table of this size from those for others.
pub(super) fn of_size(last: i64) -> String {
    let magnitude = (64 - last.max(0).leading_zeros()) / 2;
    format!("/* of size {magnitude} */")
}

const COMPLETE_MANY_LITE: &str = concat!(
    answered!(
        "$3",
        "done.value ->> 'result'",
        "done.value ->> 'model'",
        "done.value ->> 'prompt_tokens'",
        "done.value ->> 'output_tokens'",
        "done.value ->> 'output_ms'"
    ),
    " from json_each($2) as done
     where jobs.number = (done.value ->> 'number') and state = 'leased' and lease_by = $1 returning number"
);

impl Jobs<'_, Writing<'_>> {
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
        used: &Used,
    ) -> Result<(), StoreError> {
        self.access.pending.wake();
        let sql = concat!(
            answered!("$1", "$2", "$5", "$6", "$7", "$8"),
            " where number = $3 and state = 'leased' and lease_by = $4"
        );
        let args = args![
            at,
            json_text(result),
            number.0,
            worker.as_str(),
            used.model.clone(),
            used.prompt_tokens,
            used.output_tokens,
            used.output_ms,
        ];
        self.db
            .change_one("jobs.complete", sql, args, || format!("job {number}"))
            .await
    }

    /// Records what several jobs returned, and says which of them: the others were lost or cancelled, and their results
    /// are not wanted any more.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn complete_many(
        &mut self,
        done: &[Completed],
        worker: &ControllerId,
        at: Timestamp,
    ) -> Result<Vec<JobNumber>, StoreError> {
        self.access.pending.wake();
        let args = args![worker.as_str(), completed_json(done), at];
        let sql = if self.db.is_postgres() {
            Sql::Built(complete_many_pg("$2", done))
        } else {
            Sql::Same(COMPLETE_MANY_LITE)
        };
        let rows = self.db.all("jobs.complete_many", sql, args).await?;
        read_completed(&rows)
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
            "update jobs set last_error = $1,
                 state = case when attempts < $2 and deadline > $3 then 'queued' else 'failed' end,
                 ended_at = case when attempts < $2 and deadline > $3 then null else $4 end,
                 not_before = $3, ",
            unleased!(),
            " where number = $5 and state = 'leased' and lease_by = $6 returning ",
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
        self.changed("jobs.fail", sql, args, number).await
    }

    /// Gives a job back unfinished. It keeps its rank and its progress, and the try does not count.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost or the job cancelled.
    pub async fn put_back(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
        at: Timestamp,
        why: PutBack,
    ) -> Result<Job, StoreError> {
        self.access.pending.wake();
        let sql = concat!(
            "update jobs set state = 'queued', not_before = $1, attempts = attempts - 1, preempted = preempted + $2, ",
            unleased!(),
            " where number = $3 and state = 'leased' and lease_by = $4 returning ",
            columns!()
        );
        let preempted = i64::from(why == PutBack::Preempted);
        let args = args![at, preempted, number.0, worker.as_str()];
        self.changed("jobs.put_back", sql, args, number).await
    }

    /// Takes back a request, also one that is being served: its worker finds out by [`Jobs::watch_word`].
    ///
    /// # Errors
    /// It is a conflict when the job is over.
    pub async fn cancel(&mut self, number: JobNumber, at: Timestamp) -> Result<(), StoreError> {
        self.access.pending.wake();
        let sql = concat!(
            "update jobs set state = 'cancelled', ended_at = $1, ",
            unleased!(),
            " where number = $2 and state in ('queued', 'leased')"
        );
        self.db
            .change_one("jobs.cancel", sql, args![at, number.0], || {
                format!("job {number}")
            })
            .await
    }

    /// Queues a job that was given up or cancelled once more, with all its tries and as long a deadline as it had.
    ///
    /// # Errors
    /// It is a conflict when the job is not dead, or when the same is asked by another job meanwhile.
    pub async fn retry(&mut self, number: JobNumber, at: Timestamp) -> Result<Job, StoreError> {
        self.access.pending.wake();
        let sql = concat!(
            "update jobs set state = 'queued', ended_at = null, attempts = 0, not_before = $1,
                 deadline = $1 + (deadline - asked_at), asked_at = $1,
                 rank = $1 - case priority when 3 then 7200000 when 2 then 2700000 when 1 then 900000 else 0 end,
                 progress = null, ",
            unleased!(),
            " where number = $2 and state in ('failed', 'cancelled') and not exists (select 1 from jobs as other
                 where other.coalescing_key = jobs.coalescing_key and other.state in ('queued', 'leased'))
             returning ",
            columns!()
        );
        let args = args![at, number.0];
        let queued = self.changed("jobs.retry", sql, args, number).await;
        queued.map_err(|error| error.or_conflict(|| format!("job {number}")))
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
        let sql = concat!(
            "update jobs set state = 'failed', ended_at = $1, last_error = $2, ",
            unleased!(),
            " where number = $3 and state in ('queued', 'leased')"
        );
        self.db
            .change_one("jobs.give_up", sql, args![at, why, number.0], || {
                format!("job {number}")
            })
            .await
    }

    /// Lets every lease run out now, so that the next sweep puts the jobs back. Only for who has the store alone, and
    /// before anything is claimed: whoever had them is gone.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn end_leases(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "update jobs set lease_until = $1 where state = 'leased' and lease_until > $1";
        self.db.execute("jobs.end_leases", sql, args![now]).await
    }

    /// Puts back the jobs whose leases ran out, and gives up those whose deadline has passed or that have had
    /// `max_attempts` tries, at most 1,000 at once. Returns the jobs as they stand then. Makes room, too, for those who
    /// wait where a lane that was thought idle did not serve them.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn sweep(
        &mut self,
        now: Timestamp,
        max_attempts: i64,
    ) -> Result<Listed<Job>, StoreError> {
        let lost = skip_locked!(
            "update jobs set
                 state = case when attempts < $1 and deadline > $2 then 'queued' else 'failed' end,
                 ended_at = case when attempts < $1 and deadline > $2 then null else $2 end,
                 last_error = case when deadline <= $2 then 'its deadline passed' else 'its worker was lost' end,
                 not_before = $2, lease_by = null, lease_until = null, slot = null, preempt_at = null
             where number in (
                 select number from jobs where state = 'leased' and lease_until <= $2 order by lease_until limit $3",
            ") returning number, request, priority, state, not_before, lease_by, lease_until, attempts, last_error,
                 asked_at, deadline, ended_at, preempted, asked_by, lane, leased_at"
        );
        let late = skip_locked!(
            "update jobs set state = 'failed', ended_at = $1, last_error = 'its deadline passed'
             where number in (select number from jobs where state = 'queued' and deadline <= $1 limit $2",
            ") returning number, request, priority, state, not_before, lease_by, lease_until, attempts, last_error,
                 asked_at, deadline, ended_at, preempted, asked_by, lane, leased_at"
        );
        let args = args![max_attempts, now, MAX_SWEPT];
        let mut rows = self.db.all("jobs.sweep", lost, args).await?;
        rows.extend(
            self.db
                .all("jobs.sweep", late, args![now, MAX_SWEPT])
                .await?,
        );
        if !rows.is_empty() {
            self.access.pending.wake();
        }
        self.make_room(now).await?;
        let mut swept: Listed<Job> = Listed::read(&rows, "jobs", "number");
        swept.rows.sort_by_key(|job| job.number);
        Ok(swept)
    }

    /// A change of one job, and the job as it stands then.
    async fn changed(
        &mut self,
        operation: &'static str,
        sql: &'static str,
        args: Vec<Arg>,
        number: JobNumber,
    ) -> Result<Job, StoreError> {
        match self.db.first(operation, sql, args).await? {
            Some(row) => Ok(row.read("jobs", "number")?),
            None => Err(conflict(number)),
        }
    }
}
