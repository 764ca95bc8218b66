//! A worker at one place of one lane: claims a job, sits down with it, keeps the lease and listens for a word about it
//! while the handler works, and settles how it ended (`settle.rs`).
//!
//! A word is: somebody more urgent waits, the job was cancelled, its lease was lost, the watch stops. Then the answer
//! is broken off at once, which closes the connection to the server and so frees it.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::May;
use watchkeeper_model::{About, Job, JobNumber, Timestamp};
use watchkeeper_store::{Claimer, CorruptRow, LaneSighting, StoreError, Word};

use crate::WatchError;
use crate::cycle::chain;
use crate::queue::lanes::endpoint_name;
use crate::queue::output::{PUT_BACK, STARTED, Started};
use crate::queue::{Desk, JobError, Output};
use crate::watch::{LaneParts, Watch};

/// How long a handler may take to leave its desk after the answer was broken off; then it is left where it stands.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// How often a worker asks for a word where no signal comes.
const WORD_POLL: Duration = Duration::from_secs(1);
/// The shortest time between two such questions: every commit is a signal, and most are about something else.
const WORD_PAUSE: Duration = Duration::from_millis(8);
/// How long what is said is gathered before it is written down; the first of it is not.
const GATHER: Duration = Duration::from_millis(50);
/// The pause between two tries to write down how a job ended, where the store does not answer.
const SETTLE_PAUSE: Duration = Duration::from_millis(500);

/// What became of a look for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// One was served.
    Served,
    /// None waits for this lane.
    Nothing,
    /// The lane is left alone until then.
    NotBefore(Timestamp),
}

/// How a job left its desk.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its handler came to an end.
    Handled(Result<(), JobError>),
    /// Its handler broke down.
    BrokeDown,
    /// Somebody more urgent waits.
    Preempted,
    /// The watch stops.
    Stopped,
    /// It is not ours any more: cancelled, or its lease lost.
    Lost,
}

impl Watch {
    /// Serves one job on the first place of a lane, if one waits. True when there was one.
    ///
    /// # Errors
    /// When the store does not answer; the job's lease ends, and it is served again.
    pub async fn work_once(
        &self,
        lane: usize,
        stop: &CancellationToken,
    ) -> Result<bool, WatchError> {
        let Some(parts) = self.current().lanes.get(lane).cloned() else {
            return Ok(false);
        };
        Ok(self.serve_next(&parts, 0, stop).await? == Next::Served)
    }

    /// Serves one job on a place of a lane, if one waits that the lane may have.
    pub(crate) async fn serve_next(
        &self,
        parts: &LaneParts,
        place: u32,
        stop: &CancellationToken,
    ) -> Result<Next, WatchError> {
        let lane = &parts.lane;
        if self.only_stands_by(lane).await? {
            return Ok(Next::Nothing);
        }
        let may = self.lane_book().may_try(lane, self.now());
        if let May::No { until } = may {
            return Ok(Next::NotBefore(until));
        }
        let claimed = self.claim_job(parts, place).await;
        if !matches!(claimed, Ok(Some(_))) && may == May::Probe {
            self.lane_book().gave_back(lane, self.now());
        }
        let (job, out) = match claimed {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return Ok(Next::Nothing),
            Err(WatchError::Store(StoreError::CorruptRow(row))) => {
                self.give_up_unread(row).await?;
                return Ok(Next::Served);
            }
            Err(error) => return Err(error),
        };
        self.serve(parts, place, &job, &out, stop).await?;
        Ok(Next::Served)
    }

    /// Leases the job that is to be served next, and says so to whoever follows it.
    async fn claim_job(
        &self,
        parts: &LaneParts,
        place: u32,
    ) -> Result<Option<(Job, Output)>, WatchError> {
        let lane = &parts.lane;
        let (book, now) = (self.lane_book(), self.now());
        let needs = book.offers(lane, now);
        let slot = LaneSighting::slot(&endpoint_name(lane, self.controller()), place);
        let claimer = Claimer {
            worker: self.controller(),
            lane: &lane.name,
            slot: Some(&slot),
            needs: &needs,
            takes: &lane.takes,
            order: book.order(lane, now),
        };
        let lease = self.current().settings.asking.lease;
        let mut tx = self.store().begin().await?;
        let Some(job) = tx.jobs().claim(&claimer, now, lease).await? else {
            return Ok(None);
        };
        let mut last = 0;
        let mut is_taken_back = true;
        if job.attempts > 1 || job.preempted > 0 {
            last = tx.jobs().last_said(job.number).await?;
            let piece = tx.jobs().said_since(job.number, last - 1).await?.rows.pop();
            is_taken_back = piece.is_none_or(|piece| piece.kind == PUT_BACK);
        }
        let out = Output::after(last);
        if !is_taken_back {
            // Its worker was lost in the middle of a sentence.
            out.note(PUT_BACK, "it is taken up again");
        }
        let started = Started {
            lane: lane.name.clone(),
            model: lane.model.clone(),
        };
        let started = serde_json::to_string(&started).expect("two texts are JSON");
        out.note(STARTED, &started);
        let pieces = out.unwritten();
        tx.jobs().say(job.number, &pieces).await?;
        tx.commit().await?;
        out.written(&pieces);
        Ok(Some((job, out)))
    }

    /// A job that cannot be read would be served first for ever, so it is given up.
    async fn give_up_unread(&self, row: CorruptRow) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        if let (Ok(number), "jobs") = (row.id.parse::<JobNumber>(), row.table) {
            match tx
                .jobs()
                .give_up(number, self.now(), &row.to_string())
                .await
            {
                Err(error) if error.is_conflict() => {}
                given_up => given_up?,
            }
            let text = format!("job {number}: {row}");
            tx.log()
                .append(self.record("job.failed", About::default(), text))?;
        }
        tx.commit().await?;
        self.remember_corrupt(&[row]);
        Ok(())
    }

    async fn serve(
        &self,
        parts: &LaneParts,
        place: u32,
        job: &Job,
        out: &Output,
        stop: &CancellationToken,
    ) -> Result<(), WatchError> {
        let (book, lane) = (self.lane_book(), &parts.lane);
        book.begins(lane, place, job.number, self.now());
        let cancel = CancellationToken::new();
        let desk = Desk::new(self, job, parts, out, &cancel);
        let ended = self.attend(&desk, stop).await;
        book.ends(lane, place, &desk.spent(), self.now());
        let begun = Instant::now();
        let lease = self.current().settings.asking.lease;
        loop {
            match self.settle_job(&desk, &ended).await {
                // The lease is ours still: a database that is restarted costs no try.
                Err(WatchError::Store(error)) if error.retryable() && begun.elapsed() < lease => {
                    let error = chain(&error);
                    tracing::warn!(job.id = %job.number, error, "how a job ended could not be written down; it is tried again");
                    tokio::time::sleep(SETTLE_PAUSE).await;
                }
                settled => return settled,
            }
        }
    }

    /// Has the job handled, until that is done or a word comes about it.
    async fn attend(&self, desk: &Desk<'_>, stop: &CancellationToken) -> Ended {
        let mut handling = pin!(AssertUnwindSafe(self.handle(desk)).catch_unwind());
        let called = tokio::select! {
            biased;
            handled = &mut handling => {
                return handled.map_or(Ended::BrokeDown, Ended::Handled);
            }
            word = self.until_a_word(desk.job) => word,
            () = stop.cancelled() => Ended::Stopped,
            never = self.write_down(desk) => match never {},
        };
        desk.cancel.cancel();
        match tokio::time::timeout(LEAVE_WITHIN, handling).await {
            // It was done just then.
            Ok(Ok(Ok(()))) if desk.is_complete() => Ended::Handled(Ok(())),
            _ => called,
        }
    }

    /// Keeps the lease, and returns when there is a word about the job.
    async fn until_a_word(&self, job: &Job) -> Ended {
        let lease = self.current().settings.asking.lease;
        let mut listening = self.ears().listen(self.store()).await;
        let mut kept = Instant::now();
        loop {
            match self.word(job).await {
                Ok(Word::Mine) => {}
                Ok(Word::PreemptAsked) => return Ended::Preempted,
                Ok(Word::Cancelled | Word::Lost) => return Ended::Lost,
                Err(error) => {
                    let error = chain(&error);
                    tracing::warn!(job.id = %job.number, error, "the store does not say whether a job is still wanted");
                }
            }
            if kept.elapsed() >= lease / 3 {
                match self.keep_lease(job, lease).await {
                    Ok(()) => kept = Instant::now(),
                    Err(WatchError::Store(error)) if error.is_conflict() => return Ended::Lost,
                    // Another may have it by now, and its lane serves one at a time.
                    Err(_) if kept.elapsed() >= lease => return Ended::Lost,
                    Err(error) => {
                        let error = chain(&error);
                        tracing::warn!(job.id = %job.number, error, "the lease of a job could not be renewed");
                    }
                }
            }
            tokio::time::sleep(WORD_PAUSE).await;
            let due = (lease / 3).saturating_sub(kept.elapsed());
            let at_most = due.clamp(WORD_PAUSE, WORD_POLL);
            listening.wait(self.ears(), self.store(), at_most).await;
        }
    }

    async fn word(&self, job: &Job) -> Result<Word, WatchError> {
        Ok(self.store().job_word(job.number, self.controller()).await?)
    }

    async fn keep_lease(&self, job: &Job, lease: Duration) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        tx.jobs()
            .heartbeat(job.number, self.controller(), self.now().after(lease))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes down what is said, for those who read along: the first at once, then what was gathered.
    async fn write_down(&self, desk: &Desk<'_>) -> Infallible {
        loop {
            desk.out.more().await;
            if let Err(error) = self.write_pieces(desk).await {
                // It keeps its place, and is written with what follows.
                tracing::debug!(job.id = %desk.job.number, error = chain(&error), "what a job says could not be written down");
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    async fn write_pieces(&self, desk: &Desk<'_>) -> Result<(), WatchError> {
        let pieces = desk.out.unwritten();
        if pieces.is_empty() {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        match tx
            .jobs()
            .watch_word(desk.job.number, self.controller())
            .await?
        {
            Word::Mine | Word::PreemptAsked => {}
            // Somebody else may be saying something by now, and every place is given out once.
            Word::Cancelled | Word::Lost => return Ok(()),
        }
        tx.jobs().say(desk.job.number, &pieces).await?;
        tx.commit().await?;
        desk.out.written(&pieces);
        Ok(())
    }
}
