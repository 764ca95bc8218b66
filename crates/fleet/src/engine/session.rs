//! One command on one channel: its line, its input, its output and its end, all at once and within its limits.

use std::sync::Arc;
use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use watchkeeper_model::LookFailure;

use super::link::{Link, NoSession};
use crate::rendered::{Capture, DRAIN, Rendered, excerpt};
use crate::{Exit, Output};

/// The kind of extended data that is standard error.
const STDERR: u32 = 1;
/// How long a host that is told to end a command is given to take the word.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Failed {
    /// The connection was gone before the line was sent: it may be sent over another.
    BeforeItWasSent,
    /// Anything else.
    For(LookFailure),
}

impl Failed {
    pub(super) fn into_failure(self) -> LookFailure {
        match self {
            Self::BeforeItWasSent => LookFailure::ConnectionLost {
                detail: "it ended as soon as it was made".to_owned(),
            },
            Self::For(failure) => failure,
        }
    }
}

/// Runs one command. When it is given up, or its output is too large, the host is told to end it.
pub(super) async fn converse(
    link: Arc<Link>,
    rendered: Arc<Rendered>,
    given_up: CancellationToken,
) -> Result<Output, Failed> {
    let waited_for = tokio::select! {
        opened = timeout(rendered.deadline(), link.session()) => opened,
        () = given_up.cancelled() => return Err(Failed::For(rendered.timed_out())),
    };
    let (channel, _place) = match waited_for {
        Ok(Ok(opened)) => opened,
        Ok(Err(NoSession::Lost)) => return Err(Failed::BeforeItWasSent),
        Ok(Err(NoSession::Refused(why))) => {
            let detail = format!("the server opens no session: {}", excerpt(why.as_bytes()));
            return Err(Failed::For(LookFailure::CommandRefused { detail }));
        }
        Err(_) => {
            link.discard();
            return Err(Failed::For(rendered.timed_out()));
        }
    };
    let (input, output) = channel.split();
    let talk = talk(&link, &rendered, input, &output);
    let result = tokio::select! {
        result = talk => result,
        () = given_up.cancelled() => Err(rendered.timed_out()),
    };
    if !matches!(result, Ok(_) | Err(LookFailure::ConnectionLost { .. })) {
        let _ = timeout(FAREWELL, output.signal(Sig::TERM)).await;
    }
    // Where the connection is lost there is nothing left to close.
    let _ = timeout(FAREWELL, output.close()).await;
    result.map_err(Failed::For)
}

/// How far a session has come.
#[derive(Default)]
struct Progress {
    exit: Option<Exit>,
    /// The server has taken the line, or refused it.
    taken: Option<bool>,
    eof: bool,
    closed: bool,
}

impl Progress {
    /// Whether nothing more is to come.
    fn is_over(&self) -> bool {
        self.closed || self.eof && self.exit.is_some()
    }
}

async fn talk(
    link: &Link,
    rendered: &Rendered,
    mut input: ChannelReadHalf,
    output: &ChannelWriteHalf<Msg>,
) -> Result<Output, LookFailure> {
    let lost = || LookFailure::ConnectionLost {
        detail: link.why_lost(),
    };
    let started = Instant::now();
    let deadline = started + rendered.deadline();
    let mut captured = rendered.capture();
    let mut progress = Progress::default();
    let mut feeding = true;
    let mut drained = deadline;
    let feed = feed(rendered, output);
    tokio::pin!(feed);
    while !progress.is_over() {
        tokio::select! {
            fed = &mut feed, if feeding => {
                feeding = false;
                if fed.is_err() && !link.is_alive() {
                    return Err(lost());
                }
            }
            heard = timeout_at(drained, input.wait()) => match heard {
                Ok(Some(message)) => {
                    take(message, &mut captured, &mut progress)?;
                    if progress.exit.is_some() {
                        // Slow output is waited for as long as it keeps coming.
                        drained = deadline.min(Instant::now() + DRAIN);
                    }
                }
                Ok(None) => break,
                Err(_) if progress.exit.is_some() => break,
                Err(_) => {
                    link.discard();
                    return Err(rendered.timed_out());
                }
            },
        }
        if progress.taken == Some(false) {
            let detail = "the server refuses to run commands".to_owned();
            return Err(LookFailure::CommandRefused { detail });
        }
    }
    let Progress { exit, closed, .. } = progress;
    match rendered.finish(captured, exit, started.elapsed()) {
        Err(LookFailure::ConnectionLost { .. }) if !closed => Err(lost()),
        judged => judged,
    }
}

/// Sends the line, then the input, as fast as the host takes it, then its end.
async fn feed(rendered: &Rendered, output: &ChannelWriteHalf<Msg>) -> Result<(), russh::Error> {
    output.exec(true, rendered.line.clone()).await?;
    if !rendered.stdin.is_empty() {
        output.data_bytes(rendered.stdin.clone()).await?;
    }
    output.eof().await
}

fn take(
    message: ChannelMsg,
    captured: &mut Capture,
    progress: &mut Progress,
) -> Result<(), LookFailure> {
    match message {
        ChannelMsg::Data { data } => captured.stdout(&data)?,
        ChannelMsg::ExtendedData { data, ext: STDERR } => captured.stderr(&data)?,
        ChannelMsg::ExitStatus { exit_status } => {
            progress.exit = Some(Exit::Code(i32::try_from(exit_status).unwrap_or(255)));
        }
        ChannelMsg::ExitSignal { signal_name, .. } => {
            progress.exit = Some(Exit::Signal(name(&signal_name)));
        }
        ChannelMsg::Success => progress.taken = Some(true),
        ChannelMsg::Failure => progress.taken = Some(false),
        ChannelMsg::Eof => progress.eof = true,
        ChannelMsg::Close => progress.closed = true,
        _ => {}
    }
    Ok(())
}

fn name(signal: &Sig) -> String {
    let name = match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(other) => return excerpt(other.as_bytes()),
    };
    name.to_owned()
}
