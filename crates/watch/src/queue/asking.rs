//! The queue as people and other use cases handle it: asking, taking back, asking again, pausing lanes, and how it all
//! stands.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_llm::Lane;
use watchkeeper_model::{Job, JobNumber, JobState, LogRecord, Person, Priority, Timestamp};
use watchkeeper_store::{
    EVERY_LANE, EnqueueError, Enqueued, JobFilter, LaneSighting, NewJob, OutputPiece, PausedLane,
    Read, Tx,
};

use crate::queue::desk::about;
use crate::queue::lanes::{endpoint_name, models, offers};
use crate::queue::output::{PUT_BACK, TOKEN};
use crate::view::{JobLine, JobView, LaneState, LaneView, Paused, QueueView, Waiting, about_of};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// How long a lane counts as served after its worker was heard of.
pub(crate) const FRESH: Duration = Duration::from_secs(45);
/// How long a lane that nobody serves any more is remembered.
const REMEMBER: Duration = Duration::from_secs(86_400);
/// How long what jobs have said is kept after their end.
const KEEP_OUTPUT: Duration = Duration::from_secs(86_400);
/// Pieces in which old jobs are removed before something else is done; the next time it goes on.
const PRUNED_IN_A_ROW: usize = 40;
/// Jobs in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 50;
/// Names in `lanes` that are waited for by another.
const CLOSED: &str = "closed";

/// Which jobs are listed.
#[derive(Clone, Debug, Default)]
pub struct QueueQuery {
    /// Those that are over, too.
    pub all: bool,
    /// Those that were given up only.
    pub dead: bool,
    /// At most so many.
    pub limit: Option<i64>,
}

/// Why no lane can serve a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LaneTrouble {
    /// Nobody serves any that may have it.
    #[error("no worker serves {0} now")]
    NoWorker(String),
    /// What is wrong with each.
    #[error("no lane can answer now: {0}")]
    Lanes(String),
}

impl Watch {
    /// Queues a job.
    ///
    /// # Errors
    /// When the queue is full, or the store does not answer.
    pub async fn queue_job(&self, new: NewJob) -> Result<Enqueued, WatchError> {
        let mut tx = self.store().begin().await?;
        let queued = self.queue_job_in(&mut tx, new).await?;
        tx.commit().await?;
        Ok(queued)
    }

    /// Queues a job in a transaction with what it is about.
    ///
    /// # Errors
    /// When the queue is full, and then the transaction is good still; or when the store does not answer.
    pub(crate) async fn queue_job_in(
        &self,
        tx: &mut Tx,
        new: NewJob,
    ) -> Result<Enqueued, WatchError> {
        let limits = self.current().settings.asking.limits;
        tx.jobs()
            .enqueue(new, &limits)
            .await
            .map_err(|error| match error {
                EnqueueError::Refused(refused) => WatchError::QueueFull(refused),
                EnqueueError::Store(error) => WatchError::Store(error),
            })
    }

    /// Takes back a job that waits or is being served: its lane is free within a moment.
    ///
    /// # Errors
    /// When there is no such job, or it is over.
    pub async fn cancel_job(&self, number: JobNumber, person: Person) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        let job = existing(&mut tx, number).await?;
        tx.jobs().cancel(number, self.now()).await?;
        let text = format!("job {number} is taken back");
        tx.log()
            .append(self.job_record(person, "job.cancelled", &job, text))?;
        tx.commit().await?;
        Ok(())
    }

    /// Queues a job once more that was given up or taken back.
    ///
    /// # Errors
    /// When there is no such job, or it is not over, or it was answered, or the same is asked by another job.
    pub async fn retry_job(&self, number: JobNumber, person: Person) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        existing(&mut tx, number).await?;
        let job = tx.jobs().retry(number, self.now()).await?;
        let text = format!("job {number} is asked again");
        tx.log()
            .append(self.job_record(person, "job.queued", &job, text))?;
        tx.commit().await?;
        Ok(())
    }

    fn job_record(&self, person: Person, event: &str, job: &Job, text: String) -> LogRecord {
        self.record_by(person, event, about(job), text)
    }

    /// Has a lane, or all with none named, take no further jobs. False where it took none before.
    ///
    /// # Errors
    /// When nobody knows of such a lane, or the store does not answer.
    pub async fn pause_lane(&self, lane: Option<&str>, person: Person) -> Result<bool, WatchError> {
        let name = self.lane_named(lane).await?;
        let mut tx = self.store().begin().await?;
        let changed = tx.lanes().pause(&name, &person.name, self.now()).await?;
        if changed {
            let text = format!("{} takes no further jobs", lane_words(&name));
            tx.log().append(self.record_by(
                person,
                "lane.paused",
                watchkeeper_model::About::default(),
                text,
            ))?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Has a lane, or all with none named, take jobs again. False where it took some before.
    ///
    /// # Errors
    /// When nobody knows of such a lane, or the store does not answer.
    pub async fn resume_lane(
        &self,
        lane: Option<&str>,
        person: Person,
    ) -> Result<bool, WatchError> {
        let name = self.lane_named(lane).await?;
        let mut tx = self.store().begin().await?;
        let changed = tx.lanes().resume(&name).await?;
        if changed {
            let text = format!("{} takes jobs again", lane_words(&name));
            tx.log().append(self.record_by(
                person,
                "lane.resumed",
                watchkeeper_model::About::default(),
                text,
            ))?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    async fn lane_named(&self, lane: Option<&str>) -> Result<String, WatchError> {
        let Some(name) = lane else {
            return Ok(EVERY_LANE.to_owned());
        };
        let ours = self
            .current()
            .lanes
            .iter()
            .any(|parts| parts.lane.name == name);
        let mut read = self.store().read().await?;
        let told = read.lanes().list().await?;
        let paused = read.lanes().paused().await?;
        let known = ours
            || told.rows.iter().any(|lane| lane.name == name)
            || paused.rows.iter().any(|lane| lane.name == name);
        if !known || name == EVERY_LANE {
            return Err(WatchError::NoSuchLane {
                name: settle::said(name, 200),
            });
        }
        Ok(name.to_owned())
    }

    /// How the queue stands.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn queue(&self, query: &QueueQuery) -> Result<QueueView, WatchError> {
        let now = self.now();
        let mut read = self.store().read().await?;
        let figures = read.jobs().figures(now).await?;
        let jobs = self.listed(&mut read, query).await?;
        let leased = self.jobs_in(&mut read, vec!["leased"], 1_000).await?;
        let paused = read.lanes().paused().await?.rows;
        let told = read.lanes().list().await?;
        self.remember_corrupt(&told.corrupt);
        let lanes = told
            .rows
            .iter()
            .map(|lane| lane_view(lane, &leased, &paused, now))
            .collect();
        let lanes = without_the_gone(lanes);
        Ok(QueueView {
            waiting: figures
                .waiting
                .iter()
                .map(|waiting| Waiting {
                    priority: waiting.priority,
                    count: waiting.count,
                    oldest: Some(waiting.oldest),
                })
                .collect(),
            serving: figures.leased,
            done_last_hour: figures.done,
            failed_last_hour: figures.failed,
            tokens_per_second: figures.tokens_per_second,
            paused: paused_as(&paused, EVERY_LANE),
            lanes,
            jobs: jobs.into_iter().map(line).collect(),
        })
    }

    async fn listed(&self, read: &mut Read, query: &QueueQuery) -> Result<Vec<Job>, WatchError> {
        let limit = settle::page(query.limit, DEFAULT_PAGE);
        if query.dead {
            return self.jobs_in(read, vec!["failed"], limit).await;
        }
        let mut jobs = self.jobs_in(read, vec!["leased"], limit).await?;
        let room = limit.saturating_sub(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        jobs.extend(self.jobs_in(read, vec!["queued"], room).await?);
        if query.all {
            let room = limit.saturating_sub(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
            let over = vec!["done", "failed", "cancelled"];
            jobs.extend(self.jobs_in(read, over, room).await?);
        }
        Ok(jobs)
    }

    async fn jobs_in(
        &self,
        read: &mut Read,
        states: Vec<&'static str>,
        limit: u32,
    ) -> Result<Vec<Job>, WatchError> {
        let filter = JobFilter {
            states,
            ..JobFilter::default()
        };
        let found = read.jobs().list(&filter, limit).await?;
        self.remember_corrupt(&found.corrupt);
        Ok(found.rows)
    }

    /// One job, whole.
    ///
    /// # Errors
    /// When there is no such job, or the store does not answer.
    pub async fn job(&self, number: JobNumber) -> Result<JobView, WatchError> {
        let mut read = self.store().read().await?;
        let found = read.jobs().get(number).await?;
        let job = found.ok_or(WatchError::NoSuchJob { number })?;
        let place = self.place_of(&mut read, &job).await?;
        let members = read.jobs().members(number).await?;
        self.remember_corrupt(&members.corrupt);
        let said = read.jobs().said_since(number, 0).await?;
        let result = read.jobs().result(number).await?;
        Ok(JobView {
            line: line(job),
            place,
            members: members.rows,
            said: said_last(&said.rows),
            result,
        })
    }
}

/// The text of the last try: what was taken back does not count.
fn said_last(pieces: &[OutputPiece]) -> String {
    let mut tries = pieces.rsplit(|piece| piece.kind == PUT_BACK);
    let last = tries.find(|pieces| !pieces.is_empty());
    let text = last.unwrap_or_default().iter();
    text.filter(|piece| piece.kind == TOKEN)
        .map(|piece| piece.text.as_str())
        .collect()
}

async fn existing(tx: &mut Tx, number: JobNumber) -> Result<Job, WatchError> {
    let found = tx.jobs().get(number).await?;
    found.ok_or(WatchError::NoSuchJob { number })
}

fn line(job: Job) -> JobLine {
    JobLine {
        about: about_of(&job),
        job,
    }
}

fn lane_words(name: &str) -> String {
    if name == EVERY_LANE {
        "every lane".to_owned()
    } else {
        format!("lane {name}")
    }
}

fn paused_as(paused: &[PausedLane], name: &str) -> Option<Paused> {
    let found = paused.iter().find(|lane| lane.name == name)?;
    Some(Paused {
        by: found.by.clone(),
        at: found.at,
    })
}

fn lane_view(
    lane: &LaneSighting,
    leased: &[Job],
    paused: &[PausedLane],
    now: Timestamp,
) -> LaneView {
    let job = leased.iter().find_map(|job| match &job.state {
        JobState::Leased {
            by,
            lane: on,
            since,
            ..
        } if *by == lane.controller && on.as_deref() == Some(&lane.name) => {
            Some((job.number, *since))
        }
        _ => None,
    });
    let paused = paused_as(paused, &lane.name).or_else(|| paused_as(paused, EVERY_LANE));
    let gone = now.since(lane.seen_at) > FRESH;
    let state = match (gone, job, &paused) {
        (true, _, _) => LaneState::Gone,
        (_, Some(_), _) => LaneState::Serving,
        (_, None, Some(_)) => LaneState::Paused,
        _ if lane.breaker != CLOSED => LaneState::Broken,
        _ if lane.standby => LaneState::Standby,
        _ => LaneState::Idle,
    };
    LaneView {
        name: lane.name.clone(),
        worker: lane.controller.to_string(),
        endpoint: lane.endpoint.clone(),
        models: lane.models.clone(),
        state,
        job: job.map(|(number, _)| number),
        busy_share: share(lane),
        served: lane.served,
        failed: lane.failed,
        tokens_per_second: rate(lane.output_tokens, lane.output_ms),
        breaker: lane.breaker.clone(),
        fault: lane.fault.clone(),
        paused,
        heard_at: lane.seen_at,
    }
}

/// Every command that serves its own lanes is a worker for a moment: of a lane that is served now those are left out, and of
/// one that is not, all but the last.
fn without_the_gone(mut lanes: Vec<LaneView>) -> Vec<LaneView> {
    let mut last: BTreeMap<String, (bool, Timestamp)> = BTreeMap::new();
    for lane in &lanes {
        let heard = (lane.state != LaneState::Gone, lane.heard_at);
        let last = last.entry(lane.name.clone()).or_insert(heard);
        *last = heard.max(*last);
    }
    let is_last = |lane: &LaneView| last[&lane.name] == (false, lane.heard_at);
    lanes.retain(|lane| lane.state != LaneState::Gone || is_last(lane));
    lanes
}

/// The share of its time that a lane was busy.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share for people; milliseconds of a process are far below 2^52"
)]
fn share(lane: &LaneSighting) -> f64 {
    let watched = lane.seen_at.since(lane.watched_since).as_millis() as f64;
    let places = f64::from(lane.places.max(1));
    if watched <= 0.0 {
        return 0.0;
    }
    (lane.busy_ms as f64 / (watched * places)).clamp(0.0, 1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for people; token counts are far below 2^52"
)]
fn rate(tokens: i64, ms: i64) -> Option<f64> {
    (ms > 0).then(|| tokens as f64 * 1e3 / ms as f64)
}

impl Watch {
    /// Why no lane can serve a job now, in words; none where one can.
    pub(crate) async fn lane_trouble(
        &self,
        read: &mut Read,
        job: &Job,
    ) -> Result<Option<LaneTrouble>, WatchError> {
        let fresh = read.lanes().seen_since(self.now().before(FRESH)).await?;
        let paused = read.lanes().paused().await?.rows;
        let may_have = read.jobs().lanes(job.number).await?;
        let serves = |lane: &&LaneSighting| {
            lane.needs.contains(&job.request.needs())
                && (lane.takes.is_empty() || lane.takes.contains(&job.priority))
                && may_have.as_ref().is_none_or(|may| may.contains(&lane.name))
        };
        let mut whys = Vec::new();
        for lane in fresh.rows.iter().filter(serves) {
            let is_paused =
                paused_as(&paused, &lane.name).or_else(|| paused_as(&paused, EVERY_LANE));
            if let Some(paused) = is_paused {
                whys.push(format!("{} is paused by {}", lane.name, paused.by));
            } else if !lane.is_well() {
                let fault = lane.fault.as_deref().unwrap_or("its server fails");
                whys.push(format!("{}: {fault}", lane.name));
            } else if lane.standby {
                whys.push(format!("{} only stands by for another", lane.name));
            } else {
                return Ok(None);
            }
        }
        whys.dedup();
        Ok(Some(match (whys.is_empty(), may_have) {
            (false, _) => LaneTrouble::Lanes(whys.join("; ")),
            (true, Some(lanes)) => LaneTrouble::NoWorker(lanes.join(" or ")),
            (true, None) => LaneTrouble::NoWorker("a lane".to_owned()),
        }))
    }
}

impl Watch {
    /// Tells the store what this process knows of its lanes, for those who look from elsewhere.
    pub(crate) async fn show_lanes(&self) -> Result<(), WatchError> {
        let (current, now) = (self.current(), self.now());
        if current.lanes.is_empty() {
            return Ok(());
        }
        let mut sightings = Vec::with_capacity(current.lanes.len());
        for parts in &current.lanes {
            let standby = self.only_stands_by(&parts.lane).await?;
            sightings.push(self.sighting(&parts.lane, standby, now));
        }
        let mut tx = self.store().begin().await?;
        for sighting in &sightings {
            tx.lanes().seen(sighting).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    fn sighting(&self, lane: &Lane, standby: bool, now: Timestamp) -> LaneSighting {
        let page = self.lane_book().page(lane, now);
        let full = page.serving.len() >= lane.parallel as usize;
        let first = page.serving.values().min_by_key(|(_, since)| *since);
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        LaneSighting {
            name: lane.name.clone(),
            controller: self.controller().clone(),
            endpoint: endpoint_name(lane, self.controller()),
            models: models(lane),
            needs: offers(lane),
            takes: lane.takes.clone(),
            places: lane.parallel,
            standby,
            seen_at: now,
            job: first.filter(|_| full).map(|(job, _)| *job),
            busy_since: first.map(|(_, since)| *since),
            watched_since: page.watched_since,
            busy_ms: ms(page.busy_until(now)),
            served: page.served,
            failed: page.failed,
            output_tokens: page.output_tokens,
            output_ms: ms(page.output),
            breaker: page.breaker.word().to_owned(),
            fault: page.fault().map(str::to_owned),
        }
    }

    /// Whether a lane has nothing to do because a lane that it stands by for is served and well.
    pub(crate) async fn only_stands_by(&self, lane: &Lane) -> Result<bool, WatchError> {
        if lane.standby_for.is_empty() {
            return Ok(false);
        }
        let mut read = self.store().read().await?;
        let fresh = read.lanes().seen_since(self.now().before(FRESH)).await?;
        Ok(fresh
            .rows
            .iter()
            .any(|told| lane.standby_for.contains(&told.name) && told.is_well()))
    }

    /// Removes what nobody asks for any more: what jobs that are over have said, lanes that are gone, and jobs that were
    /// over long ago. Each piece is a transaction of its own, so that nobody waits for all of it.
    pub(crate) async fn prune_queue(&self) -> Result<(), WatchError> {
        let (now, current) = (self.now(), self.current());
        let asking = &current.settings.asking;
        let mut tx = self.store().begin().await?;
        tx.jobs().prune_output(now.before(KEEP_OUTPUT)).await?;
        tx.lanes().forget(now.before(REMEMBER)).await?;
        tx.commit().await?;
        let (over, dead) = (now.before(asking.keep_jobs), now.before(asking.keep_dead));
        for _ in 0..PRUNED_IN_A_ROW {
            let mut tx = self.store().begin().await?;
            let gone = tx.jobs().prune(over, dead).await?;
            tx.commit().await?;
            if gone == 0 {
                break;
            }
        }
        Ok(())
    }

    /// A person who waited for a job has gone away.
    pub(crate) fn nobody_waits_for(&self, number: JobNumber) {
        self.left_jobs().push(number);
        self.ears().nudge();
    }

    /// Takes back the jobs that nobody waits for any more.
    pub(crate) async fn cancel_left_jobs(&self) -> Result<(), WatchError> {
        let left = std::mem::take(&mut *self.left_jobs());
        for (place, number) in left.iter().enumerate() {
            if let Err(error) = self.cancel_left(*number).await {
                self.left_jobs().extend(&left[place..]);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn cancel_left(&self, number: JobNumber) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        let Some(job) = tx.jobs().get(number).await? else {
            return Ok(());
        };
        if job.priority < Priority::Interactive {
            return Ok(());
        }
        match tx.jobs().cancel(number, self.now()).await {
            Err(error) if error.is_conflict() => return Ok(()),
            cancelled => cancelled?,
        }
        let text = format!("job {number} is taken back: who asked has gone away");
        tx.log()
            .append(self.record("job.cancelled", about(&job), text))?;
        tx.commit().await?;
        Ok(())
    }
}
