//! What a worker does most, in one round trip and one commit: it records what it has done and takes what comes next. On
//! Postgres each is one statement, which is a transaction by itself; a claim needs no entry in the log, so nobody waits
//! for the log's one head. Nor does it wake anybody but for a job that a person waits for: Postgres lets only one commit
//! at a time tell something, so that workers that told of each job would queue behind one another's disk. Who follows
//! another job finds out when they look. On SQLite, where there are no round trips, it is a transaction like any other.

use std::time::Duration;

use watchkeeper_model::{ControllerId, Job, JobNumber, Timestamp};

use super::claim::{Claimer, Count, MAX_CLAIMED, Order, leasing, picked, read_leased};
use super::end::{
    COMPLETE_ALONE_PG, COMPLETE_ONE_PG, Completed, complete_many_pg, completed_args,
    completed_json, read_completed,
};
use super::room::{WATCH_WORD, Word, read_word};
use crate::db::{Arg, Conn, Link, Row, Sql, args};
use crate::store::Db;
use crate::{Listed, Store, StoreError};

/// What a turn did.
#[derive(Debug)]
pub struct Turn {
    /// The jobs whose results were taken; the others were lost or cancelled meanwhile.
    pub completed: Vec<JobNumber>,
    /// The jobs that were leased, in the order of service.
    pub claimed: Listed<Job>,
}

/// Completes what the values from `$7` on tell of, then claims; what is claimed may fill the slot of what is completed.
pub(super) fn turning(claimer: &Claimer<'_>, done: &[Completed], count: Count) -> Sql {
    let ended = match done {
        [_] => COMPLETE_ONE_PG.to_owned(),
        many => complete_many_pg("$7", many),
    };
    // What is completed is counted before anything is picked, so that it comes first.
    let except =
        " and (select count from total) >= 0 and other.number not in (select number from ended)";
    let claiming = leasing(&picked(claimer, count, true, except), count, true);
    Sql::Built(format!(
        "with ended as ({ended}),
         total as materialized (select string_agg(number::text, ',') as completed, count(*) as count,
             bool_or(followed) as followed from ended),
         claimed as ({claiming})
         select total.completed, claimed.*,
             case when total.followed or claimed.priority = 3 then pg_notify('watchkeeper', '')::text end as told
         from total left join claimed on true"
    ))
}

/// Claims alone, and tells who follows a job that it began.
fn claiming_and_telling(claimer: &Claimer<'_>, count: Count) -> Sql {
    let claiming = leasing(&picked(claimer, count, true, ""), count, true);
    Sql::Built(format!(
        "with claimed as ({claiming}) select claimed.*,
             case when priority = 3 then pg_notify('watchkeeper', '')::text end as told from claimed"
    ))
}

impl Store {
    /// [`crate::Jobs::claim`], as a transaction of its own.
    ///
    /// # Errors
    /// Says why the store cannot be changed, or that the job cannot be read: it is leased, and given up by
    /// [`crate::Jobs::give_up`].
    pub async fn claim_job(
        &self,
        claimer: &Claimer<'_>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Job>, StoreError> {
        let turn = self.turn_jobs(claimer, &[], 1, now, lease).await?;
        Ok(turn.claimed.strict()?.into_iter().next())
    }

    /// [`crate::Jobs::complete_many`] and then [`crate::Jobs::claim_many`], as one transaction.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn turn_jobs(
        &self,
        claimer: &Claimer<'_>,
        done: &[Completed],
        count: u32,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Turn, StoreError> {
        let Db::Pg(_) = &self.inner.db else {
            let mut tx = self.begin().await?;
            let mut jobs = tx.jobs();
            let completed = if done.is_empty() {
                Vec::new()
            } else {
                jobs.complete_many(done, claimer.worker, now).await?
            };
            let claimed = jobs.claim_many(claimer, count, now, lease).await?;
            tx.commit().await?;
            return Ok(Turn { completed, claimed });
        };
        if count == 0 {
            let completed = self.complete_alone(done, claimer.worker, now).await?;
            let claimed = read_leased(Vec::new(), claimer.order);
            return Ok(Turn { completed, claimed });
        }
        let mut args = claimer.args(now, lease);
        match done {
            [] => {}
            [one] => args.extend(completed_args(one)),
            many => args.push(Arg::from(completed_json(many))),
        }
        let count = if count == 1 || claimer.slot.is_some() {
            Count::One
        } else {
            args.push(Arg::from(i64::from(count.min(MAX_CLAIMED))));
            Count::UpTo(match done.len() {
                0 => "$7",
                1 => "$13",
                _ => "$8",
            })
        };
        let sql = if done.is_empty() {
            claiming_and_telling(claimer, count)
        } else {
            turning(claimer, done, count)
        };
        let rows = match self.one_statement("jobs.turn", sql, args).await {
            // Somebody filled the slot at the same moment. Nothing was done, so what was completed is said again.
            Err(error) if error.is_unique_violation() => {
                let completed = self.complete_alone(done, claimer.worker, now).await?;
                let claimed = read_leased(Vec::new(), claimer.order);
                return Ok(Turn { completed, claimed });
            }
            rows => rows?,
        };
        if done.is_empty() {
            return Ok(Turn {
                completed: Vec::new(),
                claimed: read_leased(rows, claimer.order),
            });
        }
        read_turn(rows, claimer.order)
    }

    /// [`crate::Jobs::watch_word`], as one look.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn job_word(
        &self,
        number: JobNumber,
        worker: &ControllerId,
    ) -> Result<Word, StoreError> {
        if let Db::Lite { .. } = &self.inner.db {
            return self.read().await?.jobs().watch_word(number, worker).await;
        }
        let rows = self
            .one_statement("jobs.watch_word", WATCH_WORD.into(), args![number.0])
            .await?;
        read_word(rows.first(), worker)
    }

    async fn complete_alone(
        &self,
        done: &[Completed],
        worker: &ControllerId,
        at: Timestamp,
    ) -> Result<Vec<JobNumber>, StoreError> {
        if done.is_empty() {
            return Ok(Vec::new());
        }
        if !self.is_postgres() {
            let mut tx = self.begin().await?;
            let completed = tx.jobs().complete_many(done, worker, at).await?;
            tx.commit().await?;
            return Ok(completed);
        }
        let (ended, args) = match done {
            [one] => {
                let mut args = args![worker.as_str(), at];
                args.extend(completed_args(one));
                (COMPLETE_ALONE_PG.to_owned(), args)
            }
            many => {
                let args = args![worker.as_str(), completed_json(many), at];
                (complete_many_pg("$2", many), args)
            }
        };
        let sql = format!(
            "with ended as ({ended}) select number,
                 case when followed then pg_notify('watchkeeper', '')::text end as told from ended"
        );
        let rows = self.one_statement("jobs.complete", Sql::Built(sql), args);
        read_completed(&rows.await?)
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.inner.db, Db::Pg(_))
    }

    /// Runs one statement on Postgres, outside any transaction.
    pub(super) async fn one_statement(
        &self,
        operation: &'static str,
        sql: Sql,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>, StoreError> {
        let Db::Pg(pool) = &self.inner.db else {
            return Ok(Vec::new());
        };
        let mut conn = pool
            .acquire()
            .await
            .map_err(|error| StoreError::of(operation, error))?;
        let mut over = false;
        let mut db = Conn {
            link: Link::Pg(&mut conn),
            over: &mut over,
        };
        db.all(operation, sql, args).await
    }
}

/// Reads what [`TURN_PG`] returns: a row for each job that was leased, or one without.
fn read_turn(rows: Vec<Row>, order: Order) -> Result<Turn, StoreError> {
    let completed = match rows.first() {
        Some(row) => row
            .maybe_text("completed")
            .map_err(|bad| row.named(bad, "jobs", "completed"))?
            .unwrap_or_default(),
        None => String::new(),
    };
    let mut completed: Vec<_> = completed
        .split(',')
        .filter_map(|number| number.parse().ok().map(JobNumber))
        .collect();
    completed.sort();
    let claimed = rows
        .into_iter()
        .filter(|row| row.maybe_int("number").is_ok_and(|number| number.is_some()))
        .collect();
    Ok(Turn {
        completed,
        claimed: read_leased(claimed, order),
    })
}
