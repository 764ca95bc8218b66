//! Replies of a host, read strictly: what is not exactly a reply says nothing at all. The bytes are the host's, and
//! anything may stand before the reply.

use std::str::FromStr;

use watchkeeper_model::{BootId, Digest};

use super::request::{ATTACH_BYTES, Nonce, checked_boot};

/// Why bytes are not a reply. Nothing is known then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// There is no line with the nonce of the request.
    #[error("there is no reply in {bytes} bytes")]
    Absent {
        /// How many bytes came.
        bytes: usize,
    },
    /// It was cut.
    #[error("the reply was cut")]
    Cut,
    /// It is not in the words of the protocol.
    #[error("the reply cannot be read: {word}")]
    Malformed {
        /// What was met, escaped and bounded.
        word: String,
    },
}

fn malformed(word: &str) -> ReplyError {
    ReplyError::Malformed {
        word: watchkeeper_model::visible(&watchkeeper_model::bounded(word, 80)).into_owned(),
    }
}

/// Why a host refused a request. The request has started and changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The header line is broken.
    #[error("the request's header is broken")]
    BadHeader,
    /// The id is not one.
    #[error("the step's id is not one")]
    BadId,
    /// The host was started anew since the claim.
    #[error("the host was rebooted since the run was claimed")]
    OtherBoot,
    /// The host does not say which boot it is.
    #[error("the host does not say which boot it is")]
    NoBoot,
    /// The login has no number.
    #[error("the host does not say who the login is")]
    NoId,
    /// The login has no home.
    #[error("the login has no home directory")]
    NoHome,
    /// The directory that holds the gates belongs to somebody else, or somebody else can write it.
    #[error("the directory of the runs is not private")]
    Parent,
    /// There is no room for the step's files.
    #[error("the host has no room for the step's files")]
    NoRoom,
    /// The host cannot compute a SHA-256.
    #[error("the host has neither sha256sum, openssl nor shasum")]
    NoSha256,
    /// The script did not arrive in time.
    #[error("the script did not arrive in time")]
    Upload,
    /// Another script arrived than was approved.
    #[error("the script that arrived is not the one that was approved")]
    Digest,
    /// The script is not one that the host's shell can read.
    #[error("the host's /bin/sh finds a syntax error in the script")]
    Syntax,
    /// The host lets this login do other steps as root, and not this one (the door to root of the NixOS module).
    #[error("the host's own configuration does not allow this step")]
    NotAllowed,
}

impl FromStr for Refusal {
    type Err = ReplyError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(match word {
            "bad-header" => Self::BadHeader,
            "bad-id" => Self::BadId,
            "other-boot" => Self::OtherBoot,
            "no-boot" => Self::NoBoot,
            "no-id" => Self::NoId,
            "no-home" => Self::NoHome,
            "parent" => Self::Parent,
            "no-room" => Self::NoRoom,
            "no-sha256" => Self::NoSha256,
            "upload" => Self::Upload,
            "digest" => Self::Digest,
            "syntax" => Self::Syntax,
            "not-allowed" => Self::NotAllowed,
            _ => return Err(malformed(word)),
        })
    }
}

/// By which way a step was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    /// As a transient unit of systemd.
    Unit,
    /// In a session of its own.
    Session,
    /// In the background.
    Plain,
}

/// What a host says to a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartReply {
    /// This request has started it.
    Started(Launch),
    /// Another request has started it, or cancelled it.
    Already,
    /// It was launched, and has not begun yet.
    Pending,
    /// This request has not started it.
    Refused(Refusal),
}

/// What a host says to a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReply {
    /// It has not started, and never will in this boot.
    Cancelled,
    /// It has started.
    TooLate,
    /// Nothing was done.
    Refused(Refusal),
}

/// What a host says to a wipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WipeReply {
    /// Nothing is left.
    Wiped,
    /// The step still runs: nothing was removed.
    Busy,
    /// Nothing was done.
    Refused(Refusal),
}

/// What a host says about its boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootReply {
    /// This one.
    Boot(BootId),
    /// It cannot say.
    Refused(Refusal),
}

/// Where a step stands on its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepState {
    /// It has not started, and never will in this boot.
    Cancelled,
    /// Its traces were removed by order.
    Wiped,
    /// It has ended, and left a status.
    Done,
    /// The host stopped while it ran.
    Interrupted,
    /// It runs.
    Running,
    /// It lives no more, and left no status.
    Died,
    /// Its gate is there and nobody has come through it.
    Limbo,
    /// The host was rebooted since the claim, and nothing is left of the step, if there ever was anything.
    Unknown,
    /// Its runner lives and has not come to the gate yet.
    Starting,
    /// There is nothing of it.
    Absent,
}

impl FromStr for StepState {
    type Err = ReplyError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(match word {
            "cancelled" => Self::Cancelled,
            "wiped" => Self::Wiped,
            "done" => Self::Done,
            "interrupted" => Self::Interrupted,
            "running" => Self::Running,
            "died" => Self::Died,
            "limbo" => Self::Limbo,
            "unknown" => Self::Unknown,
            "starting" => Self::Starting,
            "absent" => Self::Absent,
            _ => return Err(malformed(word)),
        })
    }
}

/// The status that a step left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndStatus {
    /// Whether its time limit ended it.
    pub by_limit: bool,
    /// Its exit status as the shell gives it.
    pub code: u8,
    /// Whether children of it still hold its output.
    pub children_left: bool,
}

/// What an attach saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Where the step stands.
    pub state: StepState,
    /// The host's boot.
    pub boot: BootId,
    /// The digest of the script that lies on the host.
    pub digest: Option<Digest>,
    /// The status; there is one when it is done.
    pub end: Option<EndStatus>,
    /// What it printed since the offset.
    pub stdout: Vec<u8>,
    /// What it printed as errors since the offset.
    pub stderr: Vec<u8>,
    /// Where the front of stdout ends, if something is missing after it.
    pub stdout_cut: Option<u32>,
    /// Where the front of stderr ends, if something is missing after it.
    pub stderr_cut: Option<u32>,
}

/// What a host says to an attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachReply {
    /// What was seen.
    Seen(Box<Sighting>),
    /// Nothing was looked at.
    Refused(Refusal),
}

/// Reads the reply to a start.
///
/// # Errors
/// When it is none.
pub fn start_reply(nonce: Nonce, bytes: &[u8]) -> Result<StartReply, ReplyError> {
    let (words, _) = find(nonce, bytes)?;
    match words.as_slice() {
        ["started", "unit"] => Ok(StartReply::Started(Launch::Unit)),
        ["started", "session"] => Ok(StartReply::Started(Launch::Session)),
        ["started", "plain"] => Ok(StartReply::Started(Launch::Plain)),
        ["already"] => Ok(StartReply::Already),
        ["pending"] => Ok(StartReply::Pending),
        ["refused", why] => why.parse().map(StartReply::Refused),
        words => Err(malformed(&words.join(" "))),
    }
}

/// Reads the reply to a cancel.
///
/// # Errors
/// When it is none.
pub fn cancel_reply(nonce: Nonce, bytes: &[u8]) -> Result<CancelReply, ReplyError> {
    let (words, _) = find(nonce, bytes)?;
    match words.as_slice() {
        ["cancelled"] => Ok(CancelReply::Cancelled),
        ["too-late"] => Ok(CancelReply::TooLate),
        ["refused", why] => why.parse().map(CancelReply::Refused),
        words => Err(malformed(&words.join(" "))),
    }
}

/// Reads the reply to a wipe.
///
/// # Errors
/// When it is none.
pub fn wipe_reply(nonce: Nonce, bytes: &[u8]) -> Result<WipeReply, ReplyError> {
    let (words, _) = find(nonce, bytes)?;
    match words.as_slice() {
        ["wiped"] => Ok(WipeReply::Wiped),
        ["busy"] => Ok(WipeReply::Busy),
        ["refused", why] => why.parse().map(WipeReply::Refused),
        words => Err(malformed(&words.join(" "))),
    }
}

/// Reads the reply to the question for the boot.
///
/// # Errors
/// When it is none.
pub fn boot_reply(nonce: Nonce, bytes: &[u8]) -> Result<BootReply, ReplyError> {
    let (words, _) = find(nonce, bytes)?;
    match words.as_slice() {
        ["boot", boot] => checked_boot(boot)
            .map(BootReply::Boot)
            .map_err(|_| malformed(boot)),
        ["refused", why] => why.parse().map(BootReply::Refused),
        words => Err(malformed(&words.join(" "))),
    }
}

/// Reads the reply to an attach: the line, exactly as many bytes as it says, and the end line.
///
/// # Errors
/// When it is none.
pub fn attach_reply(nonce: Nonce, bytes: &[u8]) -> Result<AttachReply, ReplyError> {
    let (words, rest) = find(nonce, bytes)?;
    let [state, out, err, outcut, errcut, boot, digest, end] = words.as_slice() else {
        return match words.as_slice() {
            ["refused", why] => why.parse().map(AttachReply::Refused),
            words => Err(malformed(&words.join(" "))),
        };
    };
    let boot = value(boot, "boot")?;
    let digest = value(digest, "digest")?;
    let state = state.parse()?;
    let end = end_status(value(end, "end")?)?;
    if (state == StepState::Done) != end.is_some() {
        return Err(malformed(
            "a status without an end, or an end without a status",
        ));
    }
    let (stdout, rest) = take(rest, number(value(out, "out")?)?)?;
    let (stderr, rest) = take(rest, number(value(err, "err")?)?)?;
    if !rest.starts_with(format!("@{nonce} end\n").as_bytes()) {
        return Err(ReplyError::Cut);
    }
    Ok(AttachReply::Seen(Box::new(Sighting {
        state,
        boot: checked_boot(boot).map_err(|_| malformed(boot))?,
        digest: absent_or(digest, |text| text.parse().map_err(|_| malformed(text)))?,
        end,
        stdout: stdout.to_vec(),
        stderr: stderr.to_vec(),
        stdout_cut: absent_or(value(outcut, "outcut")?, number)?,
        stderr_cut: absent_or(value(errcut, "errcut")?, number)?,
    })))
}

/// The words of the line that begins with the nonce, and what follows it. Whatever a login prints before it may have
/// no line end.
fn find(nonce: Nonce, bytes: &[u8]) -> Result<(Vec<&str>, &[u8]), ReplyError> {
    let mark = format!("@{nonce} ");
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark.as_bytes());
    let at = at.ok_or(ReplyError::Absent { bytes: bytes.len() })?;
    let after = &bytes[at + mark.len()..];
    let end = after
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(ReplyError::Cut)?;
    let line =
        std::str::from_utf8(&after[..end]).map_err(|_| malformed("bytes that are no text"))?;
    Ok((line.split(' ').collect(), &after[end + 1..]))
}

fn value<'a>(word: &'a str, name: &str) -> Result<&'a str, ReplyError> {
    word.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or_else(|| malformed(word))
}

fn number(text: &str) -> Result<u32, ReplyError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| malformed(text))
}

fn absent_or<T>(
    text: &str,
    read: impl Fn(&str) -> Result<T, ReplyError>,
) -> Result<Option<T>, ReplyError> {
    if text == "-" {
        Ok(None)
    } else {
        read(text).map(Some)
    }
}

fn take(bytes: &[u8], count: u32) -> Result<(&[u8], &[u8]), ReplyError> {
    if count > ATTACH_BYTES {
        return Err(malformed("more output than was asked for"));
    }
    bytes
        .split_at_checked(count as usize)
        .ok_or(ReplyError::Cut)
}

/// `WHY:CODE:FROM:TO:OPEN`; the two times are the host's uptime, for a person who looks there.
fn end_status(text: &str) -> Result<Option<EndStatus>, ReplyError> {
    if text == "-" {
        return Ok(None);
    }
    let parts: Vec<_> = text.split(':').collect();
    let [why, code, _, _, open] = parts.as_slice() else {
        return Err(malformed(text));
    };
    let by_limit = match *why {
        "exit" => false,
        "limit" => true,
        _ => return Err(malformed(text)),
    };
    let children_left = match *open {
        "0" => false,
        "1" => true,
        _ => return Err(malformed(text)),
    };
    let code = number(code)?.try_into().map_err(|_| malformed(text))?;
    Ok(Some(EndStatus {
        by_limit,
        code,
        children_left,
    }))
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
