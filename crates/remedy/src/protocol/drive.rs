//! One step followed to its end: start or attach, over lost connections, until there is an outcome or patience
//! ends. Giving up here is not an outcome: the run is kept, and asked about again later.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::Connection;
use watchkeeper_model::{LookFailure, StepOutcome};

use super::decide::{Next, Stance, decide};
use super::host::{NothingKnown, attach, cancel, start};
use super::output::Captured;
use super::reply::{AttachReply, CancelReply, Refusal, Sighting, StartReply, StepState};
use super::request::{ATTACH_BYTES, Offsets, StepTicket};

/// How a step is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing was ever sent for it.
    First,
    /// Something may have been sent for it; it shall run if it has not.
    Resume,
    /// Something may have been sent for it; it shall not run if it has not.
    GiveUp,
}

/// How long a host that does not answer is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The first pause; each following one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long without any answer before it is left for later.
    pub silence: Duration,
    /// How long an attach waits on the host for news.
    pub wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            silence: Duration::from_secs(180),
            wait: Duration::from_secs(5),
        }
    }
}

/// Most starts sent for one step while it is followed.
const MAX_STARTS: u32 = 5;
/// How long a launched step may take to begin.
const STARTING_LIMIT: Duration = Duration::from_secs(60);
/// How long beyond its own limit a step is watched: its end by force, and some more.
const OVERTIME: Duration = Duration::from_secs(60);
/// Least time between two looks at a step that keeps printing.
const LEAST_PERIOD: Duration = Duration::from_millis(200);

/// What is told while a step is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepEvent<'a> {
    /// The start is about to be sent. It is sent only after this was recorded.
    Asking,
    /// The host says how it stands, and that is new.
    Stands(StepState),
    /// It printed something.
    Output {
        /// Where.
        stream: Stream,
        /// What was printed before it, in bytes.
        offset: usize,
        /// What.
        bytes: &'a [u8],
    },
    /// No answer; it is asked again after a pause.
    Waiting {
        /// Why there is none.
        why: &'a NothingKnown,
        /// The pause.
        pause: Duration,
    },
}

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where progress is recorded. What is recorded is fenced by the lease under which the step is followed: once the run
/// has changed hands, even if it has come back since, recording fails. So must the recording of the outcome.
#[async_trait]
pub trait StepJournal: Send + Sync {
    /// Records an event.
    ///
    /// # Errors
    /// When it cannot, or the run is no longer this controller's: following ends there.
    async fn record(&mut self, event: StepEvent<'_>) -> Result<(), JournalLost>;
}

/// A record could not be made, or the run now belongs to another controller.
#[derive(Debug, thiserror::Error)]
#[error("the step's progress could not be recorded")]
pub struct JournalLost(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// The outcome.
    pub outcome: StepOutcome,
    /// What it printed.
    pub stdout: Captured,
    /// What it printed as errors.
    pub stderr: Captured,
}

/// Why there is no outcome yet. The run stays what it is, and the step is to be resumed later.
#[derive(Debug, thiserror::Error)]
pub enum NotYet {
    /// The host cannot be reached, or will not let us in.
    #[error("the host is not reached; the step may have run")]
    Unreachable(#[source] LookFailure),
    /// The host answers, and not in a way that tells.
    #[error("the host does not say how the step stands: {why}")]
    StillUnknown {
        /// What it does.
        why: String,
    },
    /// This controller is stopping.
    #[error("the controller stopped following the step")]
    Stopped,
    /// What was seen could not be recorded.
    #[error(transparent)]
    JournalLost(#[from] JournalLost),
}

/// Starts a step or takes it up again, and follows it to its end.
///
/// The token ends the following, never the step. What was printed is taken from its beginning each time.
///
/// # Errors
/// Says why there is no outcome yet.
pub async fn drive_step(
    conn: &dyn Connection,
    ticket: &StepTicket,
    entry: Entry,
    patience: Patience,
    journal: &mut dyn StepJournal,
    stop: &CancellationToken,
) -> Result<StepEnd, NotYet> {
    let now = Instant::now();
    let mut drive = Drive {
        conn,
        ticket,
        patience,
        journal,
        stop,
        stance: if entry == Entry::GiveUp {
            Stance::GiveUp
        } else {
            Stance::Start
        },
        in_doubt: entry != Entry::First,
        not_started: None,
        more: false,
        starts: 0,
        pause: patience.first_pause,
        heard: now,
        state: None,
        state_since: now,
        stdout: Captured::default(),
        stderr: Captured::default(),
    };
    let mut next = if entry == Entry::First {
        Next::Start
    } else {
        Next::AskAgain
    };
    loop {
        next = match next {
            Next::Start => drive.start().await?,
            Next::AskAgain => drive.look().await?,
            Next::Cancel => drive.cancel().await?,
            Next::End(outcome) => return drive.end(outcome).await,
        };
    }
}

struct Drive<'a> {
    conn: &'a dyn Connection,
    ticket: &'a StepTicket,
    patience: Patience,
    journal: &'a mut dyn StepJournal,
    stop: &'a CancellationToken,
    stance: Stance,
    /// Whether a start was sent that may still take effect. A connection does nothing twice by itself, so a start
    /// that was answered is over.
    in_doubt: bool,
    /// Why it is given up, if the host's refusals are the reason.
    not_started: Option<String>,
    /// Whether the last reply had no room for all that was printed.
    more: bool,
    starts: u32,
    pause: Duration,
    heard: Instant,
    state: Option<StepState>,
    state_since: Instant,
    stdout: Captured,
    stderr: Captured,
}

impl Drive<'_> {
    async fn start(&mut self) -> Result<Next, NotYet> {
        if self.stop.is_cancelled() {
            return Err(NotYet::Stopped);
        }
        if self.starts == MAX_STARTS {
            self.stance = Stance::GiveUp;
            self.not_started = Some(format!(
                "the host did not begin it after {MAX_STARTS} starts"
            ));
            return Ok(Next::Cancel);
        }
        self.starts += 1;
        self.journal.record(StepEvent::Asking).await?;
        match start(self.conn, self.ticket).await {
            Ok(StartReply::Started(_) | StartReply::Already | StartReply::Pending) => {
                self.in_doubt = true;
                self.answered();
            }
            // No other start is under way, so this is the last word.
            Ok(StartReply::Refused(why)) if !self.in_doubt => {
                return Ok(Next::End(StepOutcome::NotStarted {
                    why: why.to_string(),
                }));
            }
            Ok(StartReply::Refused(why)) => {
                self.answered();
                self.not_started = Some(why.to_string());
                self.stance = Stance::GiveUp;
            }
            Err(why) => {
                self.in_doubt = true;
                self.wait_after(why).await?;
            }
        }
        Ok(Next::AskAgain)
    }

    async fn look(&mut self) -> Result<Next, NotYet> {
        let Some(seen) = self.attach(self.patience.wait).await? else {
            return Ok(Next::AskAgain);
        };
        let stands_for = self.state_since.elapsed();
        let next = decide(&seen, self.ticket, self.stance, stands_for);
        if next == Next::AskAgain {
            self.check_patience(seen.state, stands_for)?;
        }
        Ok(next)
    }

    /// One attach, with what it brought taken in; nothing if there was no answer.
    async fn attach(&mut self, wait: Duration) -> Result<Option<Sighting>, NotYet> {
        let asked = Instant::now();
        let reply = tokio::select! {
            () = self.stop.cancelled() => return Err(NotYet::Stopped),
            reply = attach(self.conn, self.ticket, self.offsets(), wait) => reply,
        };
        let seen = match reply {
            Ok(AttachReply::Seen(seen)) => *seen,
            Ok(AttachReply::Refused(why)) => {
                return Err(NotYet::StillUnknown {
                    why: why.to_string(),
                });
            }
            Err(why) => {
                self.wait_after(why).await?;
                return Ok(None);
            }
        };
        self.answered();
        if self.state != Some(seen.state) {
            self.state = Some(seen.state);
            self.state_since = Instant::now();
            self.journal.record(StepEvent::Stands(seen.state)).await?;
        }
        self.take(&seen).await?;
        let follows = matches!(
            seen.state,
            StepState::Running | StepState::Starting | StepState::Limbo
        );
        if follows && asked.elapsed() < LEAST_PERIOD {
            self.sleep(LEAST_PERIOD).await?;
        }
        Ok(Some(seen))
    }

    async fn take(&mut self, seen: &Sighting) -> Result<(), NotYet> {
        let limit = Captured::limit(self.ticket.max_output_bytes);
        self.more = false;
        for (stream, captured, bytes, cut) in [
            (
                Stream::Stdout,
                &mut self.stdout,
                &seen.stdout,
                seen.stdout_cut,
            ),
            (
                Stream::Stderr,
                &mut self.stderr,
                &seen.stderr,
                seen.stderr_cut,
            ),
        ] {
            let offset = captured.len();
            captured.add(bytes, cut, limit);
            self.more |= bytes.len() == ATTACH_BYTES as usize && captured.len() < limit;
            if captured.len() > offset {
                let event = StepEvent::Output {
                    stream,
                    offset,
                    bytes: &bytes[..captured.len() - offset],
                };
                self.journal.record(event).await?;
            }
        }
        Ok(())
    }

    async fn cancel(&mut self) -> Result<Next, NotYet> {
        match cancel(self.conn, self.ticket).await {
            Ok(CancelReply::Cancelled) => self.answered(),
            Ok(CancelReply::TooLate) => {
                self.answered();
                // It has started after all, so the refusal was another request's.
                self.not_started = None;
            }
            // After a reboot nothing can start any more, and the next look says what is left.
            Ok(CancelReply::Refused(Refusal::OtherBoot)) => self.answered(),
            Ok(CancelReply::Refused(why)) => {
                return Err(NotYet::StillUnknown {
                    why: why.to_string(),
                });
            }
            Err(why) => self.wait_after(why).await?,
        }
        Ok(Next::AskAgain)
    }

    /// Takes the rest of what it printed.
    async fn end(mut self, outcome: StepOutcome) -> Result<StepEnd, NotYet> {
        // What a look at an ended step does not bring is only what one reply has no room for.
        while self.more {
            self.attach(Duration::ZERO).await?;
        }
        let outcome = match (outcome, self.not_started) {
            (StepOutcome::Cancelled, Some(why)) => StepOutcome::NotStarted { why },
            (outcome, _) => outcome,
        };
        Ok(StepEnd {
            outcome,
            stdout: self.stdout,
            stderr: self.stderr,
        })
    }

    fn offsets(&self) -> Offsets {
        let offset = |captured: &Captured| u32::try_from(captured.len()).unwrap_or(u32::MAX);
        Offsets {
            stdout: offset(&self.stdout),
            stderr: offset(&self.stderr),
        }
    }

    fn check_patience(&self, state: StepState, stands_for: Duration) -> Result<(), NotYet> {
        let (limit, why) = match state {
            StepState::Running => {
                let limit = Duration::from_secs(self.ticket.limit_s.into()) + OVERTIME;
                (limit, "it still runs, long after its time limit")
            }
            StepState::Starting => (STARTING_LIMIT, "it was launched and does not begin"),
            _ => return Ok(()),
        };
        if stands_for > limit {
            return Err(NotYet::StillUnknown {
                why: why.to_owned(),
            });
        }
        Ok(())
    }

    fn answered(&mut self) {
        self.heard = Instant::now();
        self.pause = self.patience.first_pause;
    }

    async fn wait_after(&mut self, why: NothingKnown) -> Result<(), NotYet> {
        if !may_pass(&why) || self.heard.elapsed() >= self.patience.silence {
            return Err(match why {
                NothingKnown::Connection(failure) => NotYet::Unreachable(failure),
                NothingKnown::Reply { .. } => NotYet::StillUnknown {
                    why: why.to_string(),
                },
            });
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(self.patience.longest_pause);
        self.journal
            .record(StepEvent::Waiting { why: &why, pause })
            .await?;
        self.sleep(pause).await
    }

    async fn sleep(&self, pause: Duration) -> Result<(), NotYet> {
        tokio::select! {
            () = self.stop.cancelled() => Err(NotYet::Stopped),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

/// Whether asking again a moment later can help.
fn may_pass(why: &NothingKnown) -> bool {
    match why {
        NothingKnown::Reply { .. } => true,
        NothingKnown::Connection(failure) => matches!(
            failure,
            LookFailure::NameNotResolved { .. }
                | LookFailure::Unreachable { .. }
                | LookFailure::Silent { .. }
                | LookFailure::ClosedEarly { .. }
                | LookFailure::ConnectionLost { .. }
                | LookFailure::TimedOut { .. }
                | LookFailure::Unreadable { .. }
        ),
    }
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;
