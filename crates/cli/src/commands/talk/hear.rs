//! Saying one thing and hearing its answer to the end. Ctrl-C stops the answer. Where the daemon goes away meanwhile, the
//! question is not lost: it is a stored job, so the command waits for the daemon (`again.rs`), follows the job by its number
//! and goes on after the last piece that it has heard.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use http::Method;
use watchkeeper_model::{ConversationNumber, JobNumber, Span};
use watchkeeper_server::SayBody;
use watchkeeper_watch::view::{Answer, Asked, Followed, JobEvent};

use super::super::again::{Again, again, is_away};
use super::screen::Screen;
use crate::client::{Event, Events};
use crate::failure::{CommandError, Kind};
use crate::interrupts::Hears;
use crate::session::Session;

/// How long somebody may take to take up a question again that was put back.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a cancelled answer may take to end.
const CANCELLED_WITHIN: Duration = Duration::from_secs(5);

/// How often a line that stands is drawn anew.
const SECOND: Duration = Duration::from_secs(1);

/// What became of something that was said.
#[derive(Debug)]
pub(super) enum Heard {
    /// It was answered.
    Answered(Box<Answer>),
    /// The person stopped it.
    Stopped,
    /// There is no answer.
    Failed(String),
    /// It was not taken, or it is not known what becomes of it; with what to do.
    Refused(Box<CommandError>),
}

impl Heard {
    /// The answer, for a command that ends with it.
    pub(super) fn or_failed(self) -> Result<Answer, CommandError> {
        match self {
            Self::Answered(answer) => Ok(*answer),
            Self::Stopped => Err(
                CommandError::failed(anyhow!("stopped: nothing was answered"))
                    .kind(Kind::Interrupted),
            ),
            Self::Failed(why) => Err(no_answer(&why)),
            Self::Refused(error) => Err(*error),
        }
    }
}

fn no_answer(why: &str) -> CommandError {
    CommandError::failed(anyhow!("there is no answer: {why}")).hint("watchkeeper doctor")
}

/// Says one thing and hears the answer. An error is only that nobody reads any more.
pub(super) async fn say<'s>(
    session: &'s Session,
    number: ConversationNumber,
    body: &SayBody,
    screen: &mut Screen<'s>,
) -> Result<Heard, CommandError> {
    let path = format!("/v1/conversations/{number}/said");
    let mut hears = session.interrupts.hear();
    let events = tokio::select! {
        events = session.client.events(Method::POST, &path, Some(body)) => events,
        // A question that nobody listens to is taken back.
        () = hears.pressed() => return Ok(Heard::Stopped),
    };
    let heard = match events {
        Ok(events) => {
            let hearing = Hearing {
                session,
                screen,
                hears,
                events,
                job: None,
                seq: 0,
                put_back: None,
            };
            hearing.until_its_end().await
        }
        Err(error) => Err(error.into()),
    };
    match heard {
        Err(error) if error.kind != Kind::ReaderGone => Ok(Heard::Refused(Box::new(error))),
        heard => heard,
    }
}

/// An answer that is heard.
struct Hearing<'h, 's> {
    session: &'s Session,
    screen: &'h mut Screen<'s>,
    hears: Hears,
    events: Events,
    /// The job that answers, once it is known.
    job: Option<JobNumber>,
    /// The place of the last piece that was heard.
    seq: i64,
    put_back: Option<PutBack>,
}

/// That nobody is at it any more.
struct PutBack {
    why: String,
    until: Instant,
}

impl Hearing<'_, '_> {
    async fn until_its_end(mut self) -> Result<Heard, CommandError> {
        let mut second = tokio::time::interval(SECOND);
        loop {
            let next = tokio::select! {
                next = self.events.next() => next,
                _ = second.tick() => {
                    self.screen.tick();
                    continue;
                }
                () = self.hears.pressed() => {
                    self.stop().await;
                    return Ok(Heard::Stopped);
                }
                why = given_up(self.put_back.as_ref()) => {
                    self.stop().await;
                    return Ok(Heard::Failed(why));
                }
            };
            let heard = match (next, self.job) {
                (Ok(Some(event)), _) => self.hear(&event)?,
                (Ok(None), Some(job)) if self.has_daemon() => {
                    self.attach_again(job).await?;
                    None
                }
                (Err(error), Some(job)) if self.has_daemon() && is_away(&error) => {
                    self.attach_again(job).await?;
                    None
                }
                (Ok(None), _) => Some(Heard::Failed("the answer broke off".to_owned())),
                (Err(error), None) if is_away(&error) => {
                    self.screen.over();
                    return Err(not_known(error));
                }
                (Err(error), _) => {
                    self.screen.over();
                    return Err(error.into());
                }
            };
            if let Some(heard) = heard {
                self.screen.over();
                return Ok(heard);
            }
        }
    }

    /// Takes one event; says how it ended where it is the last.
    fn hear(&mut self, event: &Event) -> Result<Option<Heard>, CommandError> {
        if event.name == "asked" {
            let asked: Asked = event.read()?;
            self.screen.asked(&asked);
            self.job = Some(asked.job);
            return Ok(None);
        }
        let followed: Followed = event.read()?;
        self.seq = self.seq.max(followed.seq);
        self.screen.heard(&followed.event)?;
        match &followed.event {
            JobEvent::PutBack { why } => {
                self.put_back = Some(PutBack {
                    why: why.clone(),
                    until: Instant::now() + PATIENCE,
                });
            }
            JobEvent::Started { .. } => self.put_back = None,
            _ => {}
        }
        ended(followed.event)
    }

    /// Whether a daemon answers, which may go away and come back.
    const fn has_daemon(&self) -> bool {
        !self.session.works_itself()
    }

    /// Waits for the daemon and follows the job after what was heard of it.
    async fn attach_again(&mut self, job: JobNumber) -> Result<(), CommandError> {
        let within = self.session.daemon_back_within;
        let path = format!("/v1/jobs/{job}/events?after={}", self.seq);
        self.screen.daemon_is_away(job, within)?;
        match again(self.session, &path, &mut self.hears).await {
            Again::Back(events) => {
                self.events = events;
                self.put_back = None;
                self.screen.daemon_is_back(job);
                Ok(())
            }
            Again::Stopped => Err(stopped_waiting(job)),
            Again::Refused(error) => Err(error.into()),
            Again::NotBack(error) => Err(not_back(error, job, within)),
        }
    }

    /// Takes the question back and waits until nobody works at it any more, so that the lane is free.
    async fn stop(&mut self) {
        if let Some(job) = self.job {
            let path = format!("/v1/jobs/{job}/cancel");
            // It may be answered by now; then that is what is heard last.
            let _ = self
                .session
                .client
                .post::<serde_json::Value>(&path, &serde_json::json!({}))
                .await;
            let events = &mut self.events;
            let rest = async {
                while let Ok(Some(event)) = events.next().await {
                    let over = event
                        .read::<Followed>()
                        .is_ok_and(|followed| followed.event.is_last());
                    if over {
                        break;
                    }
                }
            };
            let _ = tokio::time::timeout(CANCELLED_WITHIN, rest).await;
        }
        self.screen.over();
    }
}

/// The daemon went away before it said whether it took the question.
fn not_known(error: anyhow::Error) -> CommandError {
    CommandError::failed(error.context("it is not known whether the question was taken"))
        .hint("watchkeeper queue")
}

fn stopped_waiting(job: JobNumber) -> CommandError {
    let error = anyhow!("stopped waiting for the daemon; job {job} goes on when it is back");
    CommandError::failed(error)
        .kind(Kind::Interrupted)
        .hint(format!("watchkeeper queue show {job}"))
        .hint(format!("watchkeeper queue cancel {job}"))
}

fn not_back(error: anyhow::Error, job: JobNumber, within: Duration) -> CommandError {
    let what = format!(
        "the daemon did not come back within {}; the question is kept as job {job} and answered when it does",
        Span(within)
    );
    CommandError::failed(error.context(what)).hint(format!("watchkeeper queue show {job}"))
}

/// Resolves when a question was put back and nobody has taken it up for so long that a person need not wait.
async fn given_up(put_back: Option<&PutBack>) -> String {
    match put_back {
        Some(PutBack { why, until }) => {
            tokio::time::sleep_until((*until).into()).await;
            why.clone()
        }
        None => std::future::pending().await,
    }
}

fn ended(event: JobEvent) -> Result<Option<Heard>, CommandError> {
    Ok(match event {
        JobEvent::Done { result } => {
            let answer = serde_json::from_value(result).context("could not read the answer")?;
            Some(Heard::Answered(Box::new(answer)))
        }
        JobEvent::Failed { why } => Some(Heard::Failed(why)),
        JobEvent::Cancelled => Some(Heard::Stopped),
        _ => None,
    })
}
