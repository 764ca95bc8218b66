//! Talking with the watch: `ask`, `chat`, `do` and `approve discuss`. Here is what they share: how a talk begins, how one
//! thing is said and its answer heard. What is shown of it is the screen's (`screen`), what is typed comes from `lines`.

mod args;
mod ask;
mod chat;
mod decide;
mod discuss;
mod lines;
mod screen;
mod slash;
mod wish;

use std::io::Read as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use http::Method;
use serde::Serialize;
use watchkeeper_model::{Conversation, ConversationKind, ConversationNumber, JobNumber};
use watchkeeper_server::{SayBody, TalkBody};
use watchkeeper_watch::view::{Answer, Asked, Followed, JobEvent};

pub(crate) use args::{AskArgs, ChatArgs, DiscussArgs, DoArgs};
pub(super) use ask::run as ask;
pub(super) use chat::run as chat;
pub(super) use discuss::run as discuss;
use screen::Screen;
pub(super) use wish::run as wish;

use crate::failure::{CommandError, Kind};
use crate::session::Session;

/// Longest text that is read from standard input, in bytes.
const MAX_INPUT_BYTES: u64 = 64 * 1024;
/// How long somebody may take to take up a question again that was put back.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a cancelled answer may take to end.
const CANCELLED_WITHIN: Duration = Duration::from_secs(5);

/// What became of something that was said.
#[derive(Debug)]
enum Heard {
    /// It was answered.
    Answered(Box<Answer>),
    /// The person stopped it.
    Stopped,
    /// There is no answer.
    Failed(String),
}

impl Heard {
    /// The answer, for a command that ends with it.
    fn or_failed(self) -> Result<Answer, CommandError> {
        match self {
            Self::Answered(answer) => Ok(*answer),
            Self::Stopped => Err(
                CommandError::failed(anyhow!("stopped: nothing was answered"))
                    .kind(Kind::Interrupted),
            ),
            Self::Failed(why) => Err(no_answer(&why)),
        }
    }
}

fn no_answer(why: &str) -> CommandError {
    CommandError::failed(anyhow!("there is no answer: {why}")).hint("watchkeeper doctor")
}

/// Begins a talk.
async fn begin(session: &Session, body: TalkBody) -> Result<Conversation, CommandError> {
    session.serve_own_lanes();
    Ok(session.client.post("/v1/conversations", &body).await?)
}

fn new_talk(kind: ConversationKind, about: &args::AboutArgs) -> TalkBody {
    TalkBody {
        kind,
        hosts: about.host.clone(),
        action: None,
        lane: about.lane.clone(),
    }
}

/// Says one thing and hears the answer. Ctrl-C stops the answer.
async fn say(
    session: &Session,
    number: ConversationNumber,
    body: &SayBody,
    screen: &mut Screen<'_>,
) -> Result<Heard, CommandError> {
    let path = format!("/v1/conversations/{number}/said");
    let mut events = session
        .client
        .events(Method::POST, &path, Some(body))
        .await?;
    let mut job = None;
    let mut put_back: Option<PutBack> = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event?,
            stopped = tokio::signal::ctrl_c() => {
                stopped.context("could not listen for Ctrl-C")?;
                stop(session, events, job, screen).await;
                return Ok(Heard::Stopped);
            }
            why = given_up(put_back.as_ref()) => {
                stop(session, events, job, screen).await;
                return Ok(Heard::Failed(why));
            }
        };
        let Some(event) = event else {
            screen.over();
            return Ok(Heard::Failed("the answer broke off".to_owned()));
        };
        if event.name == "asked" {
            let asked: Asked = event.read()?;
            screen.asked(&asked);
            job = Some(asked.job);
            continue;
        }
        let followed: Followed = event.read()?;
        screen.heard(&followed.event)?;
        match &followed.event {
            JobEvent::PutBack { why } => {
                put_back = Some(PutBack {
                    why: why.clone(),
                    until: Instant::now() + PATIENCE,
                });
            }
            JobEvent::Started { .. } => put_back = None,
            _ => {}
        }
        if let Some(heard) = ended(followed.event)? {
            screen.over();
            return Ok(heard);
        }
    }
}

/// That nobody is at it any more.
struct PutBack {
    why: String,
    until: Instant,
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

/// Takes the question back and waits until nobody works at it any more, so that the lane is free.
async fn stop(
    session: &Session,
    mut events: crate::client::Events,
    job: Option<JobNumber>,
    screen: &mut Screen<'_>,
) {
    if let Some(job) = job {
        let path = format!("/v1/jobs/{job}/cancel");
        // It may be answered by now; then that is what is heard last.
        let _ = session
            .client
            .post::<serde_json::Value>(&path, &serde_json::json!({}))
            .await;
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
    screen.over();
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

/// The words of a question: as they were typed, or from standard input.
fn words(session: &Session, typed: &[String], what: &str) -> Result<String, CommandError> {
    let dash = typed.len() == 1 && typed[0] == "-";
    if !typed.is_empty() && !dash {
        return Ok(typed.join(" "));
    }
    if session.types && !dash {
        return Err(
            CommandError::usage(anyhow!("what is the {what}?")).hint(format!(
                "type it behind the command, or pipe it: echo … | {}",
                session.called.first_word()
            )),
        );
    }
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_INPUT_BYTES)
        .read_to_string(&mut text)
        .with_context(|| format!("the {what} is not text"))?;
    if text.trim().is_empty() {
        return Err(CommandError::usage(anyhow!("the {what} is empty")));
    }
    Ok(text)
}

/// One line of JSON, for talks that go on.
fn json_line(value: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_string(value)?;
    super::put(&(watchkeeper_model::visible_json(&json).into_owned() + "\n"))
}
