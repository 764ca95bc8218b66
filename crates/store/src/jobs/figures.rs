//! Figures of the queue: what waits and since when, what is being served, how it went lately, and how long who waits for
//! one job may have to.

use std::cmp::Ordering;
use std::time::Duration;

use watchkeeper_model::{JobNumber, Priority, Timestamp};

use super::Jobs;
use super::claim::AGE_EVERY;
use crate::StoreError;
use crate::db::{BadColumn, Row, args};

/// How far back "lately" goes.
const LATELY: Duration = Duration::from_secs(3_600);
/// Ended jobs that are counted as lately, at most.
const MAX_LATELY: i64 = 10_000;
/// Ended jobs that say how long one takes.
const TYPICAL_OF: i64 = 100;
/// Waiting jobs that are counted ahead of one, at most.
const MAX_AHEAD: i64 = 10_000;
/// Claims by urgency between two by age.
const BETWEEN: i64 = AGE_EVERY as i64 - 1;

/// What waits of one priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which priority.
    pub priority: Priority,
    /// How many jobs.
    pub count: i64,
    /// When the oldest of them was asked for.
    pub oldest: Timestamp,
}

/// How the queue is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueFigures {
    /// What waits, the most urgent first; a priority of which nothing waits is left out.
    pub waiting: Vec<Waiting>,
    /// Jobs that are being served.
    pub leased: i64,
    /// Of those, the ones that were asked to make room.
    pub preempting: i64,
    /// How far back the rest counts.
    pub lately: Duration,
    /// Jobs that were answered, of the last 10,000.
    pub done: i64,
    /// Jobs that were given up.
    pub failed: i64,
    /// Jobs that were cancelled.
    pub cancelled: i64,
    /// Tokens answered for each second of answering.
    pub tokens_per_second: Option<f64>,
    /// How long an answer took on average.
    pub typical: Option<Duration>,
}

/// Where a job stands among those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Jobs that are served before it, at most 10,000 of them counted. Lanes that do not take all jobs may serve others
    /// first.
    pub ahead: i64,
    /// Jobs that are being served now.
    pub running: i64,
    /// How long answers to its kind of request took lately, where there were any.
    pub typical: Option<Duration>,
}

/// What says where a job stands.
struct Stands {
    number: i64,
    priority: i64,
    rank: i64,
    kind: String,
    not_before: i64,
}

impl TryFrom<&Row> for Stands {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: row.int("number")?,
            priority: row.int("priority")?,
            rank: row.int("rank")?,
            kind: row.text("kind")?,
            not_before: row.int("not_before")?,
        })
    }
}

/// What ended lately.
#[derive(Default)]
struct Ended {
    count: i64,
    tokens: i64,
    output_ms: i64,
    served_ms: i64,
}

impl TryFrom<&Row> for Ended {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            count: row.int("count")?,
            tokens: row.int("tokens")?,
            output_ms: row.int("output_ms")?,
            served_ms: row.int("served_ms")?,
        })
    }
}

impl TryFrom<&Row> for Waiting {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            priority: Priority::from_number(row.int("priority")?)
                .map_err(|error| BadColumn::new("priority", error))?,
            count: row.int("count")?,
            oldest: row.time("oldest")?,
        })
    }
}

impl<A> Jobs<'_, A> {
    /// How the queue is doing.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn figures(&mut self, now: Timestamp) -> Result<QueueFigures, StoreError> {
        let sql = "select priority, count(*) as count, min(asked_at) as oldest from jobs where state = 'queued'
             group by priority order by priority desc";
        let rows = self.db.all("jobs.figures", sql, args![]).await?;
        // A priority that none of ours wrote hides none of the others.
        let waiting = rows
            .iter()
            .filter_map(|row| row.read("jobs", "priority").ok())
            .collect();
        let (leased, preempting) = self.leased().await?;
        let done = self.ended("done", now).await?;
        Ok(QueueFigures {
            waiting,
            leased,
            preempting,
            lately: LATELY,
            failed: self.ended("failed", now).await?.count,
            cancelled: self.ended("cancelled", now).await?.count,
            tokens_per_second: (done.output_ms > 0)
                .then(|| done.tokens as f64 * 1e3 / done.output_ms as f64),
            typical: average(done.served_ms, done.count),
            done: done.count,
        })
    }

    /// Where a job that waits stands; none when it does not wait.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn position(&mut self, number: JobNumber) -> Result<Option<Position>, StoreError> {
        let sql = "select number, priority, rank, kind, not_before from jobs where number = $1 and state = 'queued'";
        let row = self.db.first("jobs.position", sql, args![number.0]).await?;
        let Some(row) = row else { return Ok(None) };
        let stands: Stands = row.read("jobs", "number")?;
        let ahead = self.ahead(&stands).await?;
        let kind = stands.kind;
        let (running, _) = self.leased().await?;
        let sql = "select cast(coalesce(sum(ended_at - leased_at), 0) as bigint) as ms from (select ended_at, leased_at, kind, state
                 from jobs where ended_at is not null order by ended_at desc limit $2) as lately
             where kind = $1 and state = 'done' and leased_at is not null";
        let args = args![kind.as_str(), TYPICAL_OF];
        let took = self.figure("ms", sql, args).await?;
        let sql = "select count(*) as count from (select leased_at, kind, state
                 from jobs where ended_at is not null order by ended_at desc limit $2) as lately
             where kind = $1 and state = 'done' and leased_at is not null";
        let args = args![kind, TYPICAL_OF];
        let count = self.figure("count", sql, args).await?;
        Ok(Some(Position {
            ahead,
            running,
            typical: average(took, count),
        }))
    }

    /// How many are served before a job, where claims take turns by urgency and by age.
    async fn ahead(&mut self, stands: &Stands) -> Result<i64, StoreError> {
        let (mut urgent, mut older_urgent, mut same, mut older_less) = (0, 0, 0, 0);
        for priority in 0..=3 {
            let sql =
                "select count(*) as count from (select number from jobs where state = 'queued'
                     and priority = $5 and (rank < $1 or (rank = $1 and number < $2))
                     and not_before <= $3 limit $4) as ahead";
            let args = args![
                stands.rank,
                stands.number,
                stands.not_before,
                MAX_AHEAD,
                priority
            ];
            let older = self.figure("count", sql, args).await?;
            match priority.cmp(&stands.priority) {
                Ordering::Less => older_less += older,
                Ordering::Equal => same += older,
                Ordering::Greater => {
                    let sql = "select count(*) as count from (select number from jobs where state = 'queued'
                             and priority = $1 and not_before <= $2 limit $3) as ahead";
                    let args = args![priority, stands.not_before, MAX_AHEAD];
                    let all = self.figure("count", sql, args).await?;
                    urgent += all;
                    // People go first by age, too.
                    let is_person = priority == Priority::Interactive.as_number();
                    older_urgent += if is_person { all } else { older };
                }
            }
        }
        if stands.priority == Priority::Interactive.as_number() {
            return Ok(same);
        }
        // By urgency, with what has aged in between; or by age, if that comes sooner.
        let by_urgency = urgent + same;
        let by_urgency = by_urgency + older_less.min(by_urgency / BETWEEN + 1);
        let by_age = (older_urgent + same + older_less) * (BETWEEN + 1) + BETWEEN;
        Ok(by_urgency.min(by_age).min(MAX_AHEAD))
    }

    async fn leased(&mut self) -> Result<(i64, i64), StoreError> {
        let sql = "select count(*) as count from jobs where state = 'leased'";
        let leased = self.figure("count", sql, args![]).await?;
        let sql =
            "select count(*) as count from jobs where state = 'leased' and preempt_at is not null";
        Ok((leased, self.figure("count", sql, args![]).await?))
    }

    async fn ended(&mut self, state: &'static str, now: Timestamp) -> Result<Ended, StoreError> {
        let sql = "select count(*) as count, cast(coalesce(sum(output_tokens), 0) as bigint) as tokens,
                 cast(coalesce(sum(output_ms), 0) as bigint) as output_ms,
                 cast(coalesce(sum(ended_at - leased_at), 0) as bigint) as served_ms
             from (select state, output_tokens, output_ms, ended_at, leased_at from jobs
                 where ended_at is not null and ended_at > $1 order by ended_at desc limit $2) as lately
             where state = $3";
        let args = args![now.before(LATELY), MAX_LATELY, state];
        match self.db.first("jobs.figures", sql, args).await? {
            Some(row) => Ok(row.read("jobs", "count")?),
            None => Ok(Ended::default()),
        }
    }

    async fn figure(
        &mut self,
        column: &'static str,
        sql: &'static str,
        args: Vec<crate::db::Arg>,
    ) -> Result<i64, StoreError> {
        match self.db.first("jobs.figures", sql, args).await? {
            Some(row) => row
                .int(column)
                .map_err(|bad| row.named(bad, "jobs", column).into()),
            None => Ok(0),
        }
    }
}

fn average(total_ms: i64, count: i64) -> Option<Duration> {
    let each = total_ms.checked_div(count)?;
    u64::try_from(each).ok().map(Duration::from_millis)
}
