//! The five requests over a connection. Each is safe to repeat; none tells more than its reply says.

use std::time::Duration;

use watchkeeper_fleet::{Connection, Exit, Limits, RemoteCommand};
use watchkeeper_model::{BootId, LookFailure, Privilege, bounded, visible};

use super::reply::{
    AttachReply, BootReply, CancelReply, Refusal, ReplyError, StartReply, WipeReply, attach_reply,
    boot_reply, cancel_reply, start_reply, wipe_reply,
};
use super::request::{ATTACH_BYTES, Nonce, Offsets, StepId, StepTicket};
use super::texts;

/// What a login may print before our reply.
const NOISE_BYTES: u64 = 256 * 1024;
/// Longest that a start takes on a host: the upload, systemd, the look for the gate, and some more.
const START_LIMIT: Duration = Duration::from_secs(100);
/// Longest that a request takes on a host apart from its own waiting.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// Nothing is known: no answer came, or none that can be read. A start may have started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingKnown {
    /// The command gave no result.
    #[error("the host was not asked, or did not answer")]
    Connection(#[source] LookFailure),
    /// The command ran, and its answer cannot be read.
    #[error("the host answered {said:?} ({exit:?})")]
    Reply {
        /// How it ended.
        exit: Exit,
        /// The first of what it printed as errors, escaped and bounded.
        said: String,
        /// What is wrong with the answer.
        #[source]
        source: ReplyError,
    },
}

/// Why the boot of a host could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootError {
    /// No answer.
    #[error(transparent)]
    NothingKnown(#[from] NothingKnown),
    /// It does not say.
    #[error("the host cannot run steps")]
    Refused(#[source] Refusal),
}

/// Which boot of the host this is, as a start with the same privilege will see it.
///
/// # Errors
/// When there is no answer, or the host cannot say.
pub async fn boot_id(conn: &dyn Connection, privilege: Privilege) -> Result<BootId, BootError> {
    let nonce = Nonce::random();
    let input = format!("wk1 {nonce}\n").into_bytes();
    let reply = ask(
        conn,
        texts::BOOT,
        privilege,
        input,
        limits(REQUEST_LIMIT),
        |bytes| boot_reply(nonce, bytes),
    )
    .await?;
    match reply {
        BootReply::Boot(boot) => Ok(boot),
        BootReply::Refused(why) => Err(BootError::Refused(why)),
    }
}

/// Starts a step at most once. May be repeated at will.
///
/// # Errors
/// When nothing is known: the step may have started.
pub async fn start(conn: &dyn Connection, ticket: &StepTicket) -> Result<StartReply, NothingKnown> {
    let nonce = Nonce::random();
    let input = ticket.start_input(nonce);
    ask(
        conn,
        texts::START,
        ticket.privilege,
        input,
        limits(START_LIMIT),
        |bytes| start_reply(nonce, bytes),
    )
    .await
}

/// Looks how a step stands, waiting at most `wait` for news, and takes what it printed since the offsets.
///
/// # Errors
/// When nothing is known.
pub async fn attach(
    conn: &dyn Connection,
    ticket: &StepTicket,
    from: Offsets,
    wait: Duration,
) -> Result<AttachReply, NothingKnown> {
    let nonce = Nonce::random();
    let tenths = u32::try_from(wait.as_millis() / 100)
        .unwrap_or(600)
        .min(600);
    let input = ticket.attach_input(from, tenths, nonce);
    let limits = Limits {
        time: REQUEST_LIMIT + wait,
        output_bytes: NOISE_BYTES + 2 * u64::from(ATTACH_BYTES),
    };
    ask(
        conn,
        texts::ATTACH,
        ticket.privilege,
        input,
        limits,
        |bytes| attach_reply(nonce, bytes),
    )
    .await
}

/// Sees to it that a step never starts in the boot it was claimed for, unless it has. Stops nothing.
///
/// # Errors
/// When nothing is known.
pub async fn cancel(
    conn: &dyn Connection,
    ticket: &StepTicket,
) -> Result<CancelReply, NothingKnown> {
    let nonce = Nonce::random();
    let input = ticket.cancel_input(nonce);
    ask(
        conn,
        texts::CANCEL,
        ticket.privilege,
        input,
        limits(REQUEST_LIMIT),
        |bytes| cancel_reply(nonce, bytes),
    )
    .await
}

/// Removes what a step left on the host. Only for a step whose outcome is stored.
///
/// # Errors
/// When nothing is known.
pub async fn wipe(
    conn: &dyn Connection,
    id: &StepId,
    privilege: Privilege,
) -> Result<WipeReply, NothingKnown> {
    let nonce = Nonce::random();
    let input = format!("wk1 {id} {nonce}\n").into_bytes();
    ask(
        conn,
        texts::WIPE,
        privilege,
        input,
        limits(REQUEST_LIMIT),
        |bytes| wipe_reply(nonce, bytes),
    )
    .await
}

const fn limits(time: Duration) -> Limits {
    Limits {
        time,
        output_bytes: NOISE_BYTES,
    }
}

async fn ask<R>(
    conn: &dyn Connection,
    script: &'static str,
    privilege: Privilege,
    input: Vec<u8>,
    limits: Limits,
    read: impl FnOnce(&[u8]) -> Result<R, ReplyError>,
) -> Result<R, NothingKnown> {
    let command = RemoteCommand::script(script).stdin(input).limits(limits);
    let command = match privilege {
        Privilege::Login => command,
        Privilege::Root => command.as_root(),
    };
    let output = conn.run(command).await.map_err(NothingKnown::Connection)?;
    read(&output.stdout).map_err(|source| {
        let said = String::from_utf8_lossy(&output.stderr);
        NothingKnown::Reply {
            exit: output.exit,
            said: visible(&bounded(said.trim(), 200)).into_owned(),
            source,
        }
    })
}
