//! The talk with one running command over three pipes: input in, output and errors out, all at once, until it has
//! ended. For the engines that have pipes; russh has channels and does the same in its own way.

use std::future::Future;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;
use watchkeeper_model::LookFailure;

use crate::rendered::{DRAIN, Rendered};
use crate::wrapper::exit_of_status;
use crate::{Exit, Output};

/// How much is read at a time.
const CHUNK_BYTES: usize = 32 * 1024;
/// Later than any command may run.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// The pipes of one command.
pub(crate) struct Pipes<I, O, E> {
    pub(crate) stdin: I,
    pub(crate) stdout: O,
    pub(crate) stderr: E,
}

/// Feeds and reads until the output is closed and `ended` says how the session ended; or, where something that the
/// command left running holds the output open, [`DRAIN`] after its last words. `ended` is only asked once the output is
/// closed: the control socket of ssh drops what is still on its way when it is asked earlier.
///
/// # Errors
/// When the output is larger than allowed, the time has passed, or the command gave no result.
pub(crate) async fn exchange<I, O, E>(
    rendered: &Rendered,
    pipes: Pipes<I, O, E>,
    ended: impl Future<Output = Option<Exit>>,
) -> Result<Output, LookFailure>
where
    I: AsyncWrite + Unpin,
    O: AsyncRead + Unpin,
    E: AsyncRead + Unpin,
{
    let started = Instant::now();
    let Pipes {
        stdin,
        mut stdout,
        mut stderr,
    } = pipes;
    let mut captured = rendered.capture();
    let (mut out, mut err) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let (mut out_open, mut err_open, mut feeding) = (true, true, true);
    let feed = feed(stdin, &rendered.stdin);
    let deadline = tokio::time::sleep(rendered.deadline());
    let drained = tokio::time::sleep(NEVER);
    tokio::pin!(feed, ended, deadline, drained);
    let exit = loop {
        tokio::select! {
            read = stdout.read(&mut out), if out_open => match read {
                Ok(0) | Err(_) => out_open = false,
                Ok(length) => captured.stdout(&out[..length])?,
            },
            read = stderr.read(&mut err), if err_open => match read {
                Ok(0) | Err(_) => err_open = false,
                Ok(length) => {
                    captured.stderr(&err[..length])?;
                    if captured.heard_last_words() {
                        drained.as_mut().reset(Instant::now() + DRAIN);
                    }
                }
            },
            () = &mut feed, if feeding => feeding = false,
            exit = &mut ended, if !out_open && !err_open => break exit,
            () = &mut drained => break None,
            () = &mut deadline => return Err(rendered.timed_out()),
        }
    };
    rendered.finish(captured, exit, started.elapsed())
}

/// Writes the input and closes it. A command that does not read it all is no error.
async fn feed(mut stdin: impl AsyncWrite + Unpin, bytes: &[u8]) {
    if stdin.write_all(bytes).await.is_ok() {
        // A pipe that is already closed on the other side says so here, which changes nothing.
        let _ = stdin.shutdown().await;
    }
    drop(stdin);
}

/// How a process of this machine ended.
pub(crate) fn exit_of_process(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => exit_of_status(128 + signal),
        (None, None) => Exit::Code(-1),
    }
}
