//! Following a job to its end, wherever its worker runs: first where it stands and how long that takes about, then what
//! it says as it comes, then how it ended.
//!
//! Signals are for speed and the store is the truth: a follower listens first and reads then, so that nothing falls
//! between. It reads one page at a time and only when it is asked for the next event, so a slow reader holds nothing
//! up and keeps nothing but that page. Whoever was cut off goes on after the place that they saw last.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use watchkeeper_model::{Job, JobNumber, JobState};
use watchkeeper_store::{OutputPiece, Read};

use crate::WatchError;
use crate::queue::asking::LaneTrouble;
use crate::queue::ears::Listening;
use crate::queue::estimate::estimate;
use crate::queue::output::{PUT_BACK, STARTED, Started, THINKING, TOKEN};
use crate::view::{Followed, JobEvent, Place};
use crate::watch::Watch;

/// How often a follower looks where no signal comes.
const POLL: Duration = Duration::from_secs(1);
/// The shortest time between two looks: every commit is a signal, and most are about something else.
const PAUSE: Duration = Duration::from_millis(5);

/// How long a worker that begins may take to tell of its lanes.
const WORKER_COMES: Duration = Duration::from_secs(3);
/// The kind of a remark about lanes that cannot serve.
const LANES: &str = "lanes";

/// What becomes of a job when its follower goes away before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLeaving {
    /// It goes on: somebody may follow it again.
    Stay,
    /// It is cancelled: nobody else waits for it.
    Cancel,
}

/// One who follows a job.
pub struct Following {
    watch: Watch,
    number: JobNumber,
    seq: i64,
    events: VecDeque<Followed>,
    listening: Option<Listening>,
    place: Option<Place>,
    /// Why no lane can serve it, as it was told last.
    trouble: Option<LaneTrouble>,
    /// Since when it is known to wait.
    waits_since: Option<Instant>,
    /// The last look found something, so that there may be more already.
    again: bool,
    over: bool,
    on_leaving: OnLeaving,
}

impl std::fmt::Debug for Following {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Following")
            .field("number", &self.number)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

impl Watch {
    /// Follows a job from a place in what it says; 0 is its beginning.
    #[must_use]
    pub fn follow_job(&self, number: JobNumber, after: i64, on_leaving: OnLeaving) -> Following {
        Following {
            watch: self.clone(),
            number,
            seq: after,
            events: VecDeque::new(),
            listening: None,
            place: None,
            trouble: None,
            waits_since: None,
            again: false,
            over: false,
            on_leaving,
        }
    }
}

impl Following {
    /// The next event; none after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When there is no such job, or the store does not answer: it may be asked again.
    pub async fn next(&mut self) -> Result<Option<Followed>, WatchError> {
        loop {
            if let Some(followed) = self.events.pop_front() {
                self.seq = followed.seq;
                if followed.event.is_last() {
                    self.over = true;
                    self.events.clear();
                }
                return Ok(Some(followed));
            }
            if self.over {
                return Ok(None);
            }
            if !std::mem::take(&mut self.again) {
                self.wait().await;
            }
            self.look().await?;
        }
    }

    /// Lets the job go on when this is dropped.
    pub fn stay(&mut self) {
        self.on_leaving = OnLeaving::Stay;
    }

    async fn wait(&mut self) {
        let (ears, store) = (self.watch.ears(), self.watch.store());
        match &mut self.listening {
            None => self.listening = Some(ears.listen(store).await),
            Some(listening) => {
                tokio::time::sleep(PAUSE).await;
                listening.wait(ears, store, POLL).await;
            }
        }
    }

    /// Reads what is new, as it stands at one moment.
    async fn look(&mut self) -> Result<(), WatchError> {
        let number = self.number;
        let mut read = self.watch.store().read().await?;
        let found = read.jobs().get(number).await?;
        let job = found.ok_or(WatchError::NoSuchJob { number })?;
        let pieces = read.jobs().said_since(number, self.seq).await?;
        self.watch.remember_corrupt(&pieces.corrupt);
        self.again = !pieces.rows.is_empty();
        let seq = pieces.rows.last().map_or(self.seq, |piece| piece.seq);
        self.events.extend(pieces.rows.into_iter().flat_map(events));
        if self.again && !matches!(job.state, JobState::Queued { .. }) {
            // What it says may go on beyond this page: its end is told once nothing follows.
            return Ok(());
        }
        if let Some(event) = self.standing(&mut read, &job).await? {
            self.events.push_back(Followed { seq, event });
        }
        if matches!(job.state, JobState::Queued { .. }) {
            self.tell_of_lanes(&mut read, &job, seq).await?;
        }
        Ok(())
    }

    /// What the state of a job tells, if it is news.
    async fn standing(
        &mut self,
        read: &mut Read,
        job: &Job,
    ) -> Result<Option<JobEvent>, WatchError> {
        Ok(match &job.state {
            JobState::Queued { .. } => {
                let place = self.watch.place_of(read, job).await?;
                let news = self.place != place;
                self.place = place;
                place.filter(|_| news).map(|place| JobEvent::Waiting {
                    ahead: place.ahead,
                    about_ms: place.about_ms,
                })
            }
            JobState::Leased { .. } => {
                self.place = None;
                self.trouble = None;
                self.waits_since = None;
                None
            }
            JobState::Done { .. } => {
                let result = read.jobs().result(job.number).await?;
                Some(JobEvent::Done {
                    result: result.unwrap_or_default(),
                })
            }
            JobState::Failed { why, .. } => Some(JobEvent::Failed { why: why.clone() }),
            JobState::Cancelled { .. } => Some(JobEvent::Cancelled),
        })
    }

    /// Tells who waits that no lane can serve it now, and why: else they would wait for nothing and not know it.
    async fn tell_of_lanes(
        &mut self,
        read: &mut Read,
        job: &Job,
        seq: i64,
    ) -> Result<(), WatchError> {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        let mut trouble = self.watch.lane_trouble(read, job).await?;
        if matches!(trouble, Some(LaneTrouble::NoWorker(_))) && since.elapsed() < WORKER_COMES {
            trouble = None;
        }
        if let Some(trouble) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            let event = JobEvent::Note {
                kind: LANES.to_owned(),
                text: trouble.to_string(),
            };
            self.events.push_back(Followed { seq, event });
        }
        self.trouble = trouble;
        Ok(())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if self.on_leaving == OnLeaving::Cancel && !self.over {
            self.watch.nobody_waits_for(self.number);
        }
    }
}

impl Watch {
    /// Where a job that waits stands.
    pub(crate) async fn place_of(
        &self,
        read: &mut Read,
        job: &Job,
    ) -> Result<Option<Place>, WatchError> {
        let position = read.jobs().position(job.number).await?;
        Ok(position.map(|position| estimate(&position, job.priority)))
    }
}

/// What a piece of output is for who follows.
fn events(piece: OutputPiece) -> Vec<Followed> {
    let OutputPiece { seq, kind, text } = piece;
    let one = |event| vec![Followed { seq, event }];
    match kind.as_str() {
        TOKEN => one(JobEvent::Token { text }),
        THINKING => one(JobEvent::Thinking { text }),
        PUT_BACK => one(JobEvent::PutBack {
            why: text.trim_end().to_owned(),
        }),
        STARTED => {
            let started = serde_json::from_str::<Started>(&text);
            started.map_or_else(
                |_| Vec::new(),
                |Started { lane, model }| one(JobEvent::Started { lane, model }),
            )
        }
        // Remarks that came together are kept as one, a line each.
        _ => text
            .lines()
            .map(|line| Followed {
                seq,
                event: JobEvent::Note {
                    kind: kind.clone(),
                    text: line.to_owned(),
                },
            })
            .collect(),
    }
}
