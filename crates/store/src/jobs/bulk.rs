//! Many jobs queued at once, with as few statements as one has. What is out of the ordinary (somebody waits for it, the
//! same is asked already, a limit is near) takes the way of a single job.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use watchkeeper_model::{Job, JobNumber, JobState, Priority};

use super::Jobs;
use super::end::of_size;
use super::enqueue::{Enqueued, NewJob, lanes_text, rank};
use super::limits::{Counted, EnqueueError, EnqueueRefused, QueueLimits};
use crate::StoreError;
use crate::access::Writing;
use crate::db::{BadColumn, Row, Sql, args, json_text};

/// What became of each of many.
type Became = Vec<Result<Enqueued, EnqueueRefused>>;

/// A row as it is handed to the statement.
#[derive(Serialize)]
struct NewRow<'a> {
    number: i64,
    kind: &'static str,
    request: String,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: Option<i64>,
    priority: i64,
    not_before: i64,
    at: i64,
    deadline: i64,
    rank: i64,
    needs: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lanes: Option<String>,
}

/// A member as it is handed to the statement.
#[derive(Serialize)]
struct NewMember<'a> {
    job: i64,
    host: &'a str,
    issue: i64,
    fingerprint: String,
}

const INSERT: Sql = Sql::Differs {
    pg: "with made as (
             insert into jobs (number, kind, request, coalescing_key, host, issue, priority, state, not_before,
                 attempts, asked_at, deadline, rank, needs, lanes)
             select number, kind, request, key, host, issue, priority, 'queued', not_before, 0, at, deadline, rank,
                 needs, lanes
             from json_to_recordset($1::json) as new (number bigint, kind text, request text, key text, host text,
                 issue bigint, priority bigint, not_before bigint, at bigint, deadline bigint, rank bigint,
                 needs text, lanes text)
             on conflict (coalescing_key) where state in ('queued', 'leased') do nothing returning number)
         select count(*) as count from made",
    lite: "insert into jobs (number, kind, request, coalescing_key, host, issue, priority, state, not_before,
             attempts, asked_at, deadline, rank, needs, lanes)
         select value ->> 'number', value ->> 'kind', value ->> 'request', value ->> 'key', value ->> 'host',
             value ->> 'issue', value ->> 'priority', 'queued', value ->> 'not_before', 0, value ->> 'at',
             value ->> 'deadline', value ->> 'rank', value ->> 'needs', value ->> 'lanes'
         from json_each($1) where true
         on conflict (coalescing_key) where state in ('queued', 'leased') do nothing returning 1 as count",
};

const INSERT_MEMBERS: Sql = Sql::Differs {
    pg: "insert into job_members (job, place, host, issue, fingerprint)
         select job, 0, host, issue, fingerprint
         from json_to_recordset($1::json) as new (job bigint, host text, issue bigint, fingerprint text)
         where exists (select 1 from jobs where number = job)",
    lite: "insert into job_members (job, place, host, issue, fingerprint)
         select value ->> 'job', 0, value ->> 'host', value ->> 'issue', value ->> 'fingerprint'
         from json_each($1) where exists (select 1 from jobs where number = (value ->> 'job'))",
};

/// Whether one of a JSON list of keys is asked already.
fn asked(postgres: bool, size: &str) -> Sql {
    let listed = listed(postgres);
    Sql::Built(format!(
        "select 1 as found from jobs where state in ('queued', 'leased') and coalescing_key {listed} limit 1 {size}"
    ))
}

/// What waits of the hosts of a JSON list.
fn of_hosts(postgres: bool, size: &str) -> Sql {
    let listed = listed(postgres);
    Sql::Built(format!(
        "select host, priority, count(*) as count from jobs where state = 'queued' and host {listed}
         group by host, priority {size}"
    ))
}

fn listed(postgres: bool) -> &'static str {
    if postgres {
        "= any(array(select json_array_elements_text($1::json)))"
    } else {
        "in (select value from json_each($1))"
    }
}

/// How many jobs of a host wait, of each priority.
type OfHosts = BTreeMap<String, BTreeMap<i64, i64>>;

struct OfHost {
    host: String,
    priority: i64,
    count: i64,
}

impl TryFrom<&Row> for OfHost {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            host: row.text("host")?,
            priority: row.int("priority")?,
            count: row.int("count")?,
        })
    }
}

impl Jobs<'_, Writing<'_>> {
    /// Queues many, in the order given; of each it says what became of it.
    ///
    /// # Errors
    /// Says why the store cannot be changed; a limit is said of the one that it refuses.
    pub async fn enqueue_many(
        &mut self,
        new: Vec<NewJob>,
        limits: &QueueLimits,
    ) -> Result<Became, StoreError> {
        let keys: Vec<String> = new.iter().map(NewJob::coalescing_key).collect();
        let sql = "select next as count from counters where name = 'job'";
        let size = of_size(self.count_of(sql.into(), args![]).await?);
        if !self.is_ordinary(&new, &keys, limits, &size).await? {
            return self.enqueue_each(new, limits).await;
        }
        let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
        let mut of_hosts = self.of_hosts(&new, &size).await?;
        let Some(ranks) = ranks(&new, &mut of_hosts, limits) else {
            return self.enqueue_each(new, limits).await;
        };
        let sql =
            "update counters set next = next + $1 where name = 'job' returning next - $1 as count";
        let first = self.count_of(sql.into(), args![count]).await?;
        let rows = rows(&new, &keys, &ranks, first);
        let made = self.count_of(INSERT, args![json_text(&rows)]).await?;
        let made = if made == count {
            None
        } else {
            Some(self.numbers(first, first + count).await?)
        };
        let members = members(&new, first);
        if !members.is_empty() {
            self.db
                .execute(
                    "jobs.enqueue_many",
                    INSERT_MEMBERS,
                    args![json_text(&members)],
                )
                .await?;
        }
        self.access.pending.wake();
        let mut became = Vec::with_capacity(new.len());
        for (number, new) in (first..).zip(new) {
            became.push(match &made {
                // Somebody queued the same since it was looked for.
                Some(made) if !made.contains(&number) => match self.enqueue(new, limits).await {
                    Ok(enqueued) => Ok(enqueued),
                    Err(EnqueueError::Refused(refused)) => Err(refused),
                    Err(EnqueueError::Store(error)) => return Err(error),
                },
                _ => Ok(made_job(number, new)),
            });
        }
        Ok(became)
    }

    async fn numbers(&mut self, from: i64, to: i64) -> Result<BTreeSet<i64>, StoreError> {
        let sql = "select number from jobs where number >= $1 and number < $2";
        let rows = self
            .db
            .all("jobs.enqueue_many", sql, args![from, to])
            .await?;
        let number = |row: &Row| {
            row.int("number")
                .map_err(|bad| row.named(bad, "jobs", "number").into())
        };
        rows.iter().map(number).collect()
    }

    async fn enqueue_each(
        &mut self,
        new: Vec<NewJob>,
        limits: &QueueLimits,
    ) -> Result<Became, StoreError> {
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

    /// Whether nobody waits for any of them, none is asked already or twice, and there is room for all.
    async fn is_ordinary(
        &mut self,
        new: &[NewJob],
        keys: &[String],
        limits: &QueueLimits,
        size: &str,
    ) -> Result<bool, StoreError> {
        let waited_for =
            |new: &NewJob| new.asked_by.is_some() || new.priority == Priority::Interactive;
        let distinct: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
        if new.len() < 2 || distinct.len() < keys.len() || new.iter().any(waited_for) {
            return Ok(false);
        }
        let more = i64::try_from(new.len()).unwrap_or(i64::MAX);
        let limit = i64::from(limits.waiting);
        if self
            .room_for(more, limit, Counted::WhereNeeded)
            .await?
            .is_err()
        {
            return Ok(false);
        }
        let sql = asked(self.db.is_postgres(), size);
        let args = args![json_text(keys)];
        Ok(self
            .db
            .first("jobs.enqueue_many", sql, args)
            .await?
            .is_none())
    }

    async fn of_hosts(&mut self, new: &[NewJob], size: &str) -> Result<OfHosts, StoreError> {
        let hosts: BTreeSet<&str> = new
            .iter()
            .filter_map(|new| new.request.host().map(|host| host.as_str()))
            .collect();
        let mut found = OfHosts::new();
        if hosts.is_empty() {
            return Ok(found);
        }
        let sql = of_hosts(self.db.is_postgres(), size);
        let rows = self
            .db
            .all("jobs.enqueue_many", sql, args![json_text(&hosts)]);
        for row in &rows.await? {
            let OfHost {
                host,
                priority,
                count,
            } = row.read("jobs", "host")?;
            found.entry(host).or_default().insert(priority, count);
        }
        Ok(found)
    }

    async fn count_of(&mut self, sql: Sql, args: Vec<crate::db::Arg>) -> Result<i64, StoreError> {
        let rows = self.db.all("jobs.enqueue_many", sql, args).await?;
        match rows.as_slice() {
            [one] => one
                .int("count")
                .map_err(|bad| one.named(bad, "jobs", "count").into()),
            rows => Ok(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        }
    }
}

/// The rank of each; none where a host has too many.
fn ranks(new: &[NewJob], of_hosts: &mut OfHosts, limits: &QueueLimits) -> Option<Vec<i64>> {
    let mut ranks = Vec::with_capacity(new.len());
    for new in new {
        let Some(host) = new.request.host() else {
            ranks.push(rank(new, 0));
            continue;
        };
        let of_host = of_hosts.entry(host.to_string()).or_default();
        if of_host.values().sum::<i64>() >= i64::from(limits.waiting_of_host) {
            return None;
        }
        let same = of_host.entry(new.priority.as_number()).or_default();
        ranks.push(rank(new, *same));
        *same += 1;
    }
    Some(ranks)
}

fn rows<'a>(new: &'a [NewJob], keys: &'a [String], ranks: &[i64], first: i64) -> Vec<NewRow<'a>> {
    let each = (first..).zip(new).zip(keys).zip(ranks);
    each.map(|(((number, new), key), rank)| NewRow {
        number,
        kind: new.request.kind(),
        request: json_text(&new.request),
        key,
        host: new.request.host().map(|host| host.as_str()),
        issue: new.request.issue().map(|number| number.0),
        priority: new.priority.as_number(),
        not_before: new.not_before.as_millis(),
        at: new.at.as_millis(),
        deadline: new.deadline.as_millis(),
        rank: *rank,
        needs: new.request.needs().as_str(),
        lanes: lanes_text(new.lanes.as_deref()),
    })
    .collect()
}

fn members(new: &[NewJob], first: i64) -> Vec<NewMember<'_>> {
    let each = (first..).zip(new);
    each.filter_map(|(job, new)| {
        let member = new.member.as_ref()?;
        Some(NewMember {
            job,
            host: member.host.as_str(),
            issue: member.issue.0,
            fingerprint: member.fingerprint.to_string(),
        })
    })
    .collect()
}

fn made_job(number: i64, new: NewJob) -> Enqueued {
    Enqueued::New(Job {
        number: JobNumber(number),
        request: new.request,
        priority: new.priority,
        attempts: 0,
        preempted: 0,
        asked_by: new.asked_by,
        last_error: None,
        asked_at: new.at,
        deadline: new.deadline,
        state: JobState::Queued {
            not_before: new.not_before,
        },
    })
}
