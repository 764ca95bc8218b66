//! The commands, one file each: what was typed becomes a request, the answer becomes text or JSON.

mod again;
mod approve;
mod backup;
mod check;
mod completions;
mod config;
mod configs;
mod daemon;
mod devices;
mod doctor;
mod edit;
mod editor;
mod enrol;
mod follow;
mod init;
mod issues;
mod knowledge;
mod knowledge_edit;
mod links;
mod log;
mod models;
mod notify;
mod orders;
mod queue;
mod risk;
mod status;
mod talk;
mod worker;

use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use watchkeeper_model::visible_json;

use crate::args::{Cli, Command, Common, Output};
use crate::called::Called;
use crate::failure::{CommandError, Kind};
use crate::session::Session;
use crate::surroundings::Surroundings;

pub(crate) use backup::{BackupArgs, RestoreArgs};
pub(crate) use completions::{CompletionsArgs, ManArgs};
pub(crate) use configs::ConfigsArgs;
pub(crate) use devices::DevicesArgs;
pub(crate) use init::InitArgs;
pub(crate) use knowledge::KnowledgeArgs;
pub(crate) use models::ModelsArgs;
pub(crate) use notify::NotifyArgs;
pub(crate) use queue::QueueArgs;
pub(crate) use talk::{AskArgs, ChatArgs, DiscussArgs, DoArgs};
pub(crate) use worker::WorkerArgs;

/// The exit status of a command that did what was asked.
pub(crate) type Ended = Result<u8, CommandError>;

/// Threads of a process that stays.
const SERVICE_THREADS: usize = 4;

/// Does what was typed.
pub(crate) fn run(cli: &Cli, around: &Surroundings, called: &Called) -> Ended {
    let common = &cli.common;
    let here = Here {
        common,
        around,
        called,
    };
    match &cli.command {
        Command::Check(args) => here.in_session(async |session| check::run(session, args).await),
        Command::Approve(args) => {
            here.in_session(async |session| approve::run(session, args).await)
        }
        Command::Ask(args) => here.in_session(async |session| talk::ask(session, args).await),
        Command::Chat(args) => here.in_session(async |session| talk::chat(session, args).await),
        Command::Do(args) => here.in_session(async |session| talk::wish(session, args).await),
        Command::Issues(args) => here.in_session(async |session| issues::run(session, args).await),
        Command::Systems => here.in_session(async |session| status::systems(session).await),
        Command::Status => here.in_session(async |session| status::status(session).await),
        Command::Risk(args) => risk::run(common, around, args),
        Command::Orders(args) => orders::run(&here, args),
        Command::Notify(args) => here.in_session(async |session| notify::run(session, args).await),
        Command::Queue(args) => here.in_session(async |session| queue::run(session, args).await),
        Command::Knowledge(args) => {
            here.in_session(async |session| knowledge::run(session, args).await)
        }
        Command::Configs(args) => {
            here.in_session(async |session| configs::run(session, args).await)
        }
        Command::Devices(args) => {
            here.in_session(async |session| devices::run(session, args).await)
        }
        Command::Logs(args) => here.in_session(async |session| log::logs(session, args).await),
        Command::Log(args) => here.in_session(async |session| log::log(session, args).await),
        Command::Enrol(args) => here.in_session(async |session| enrol::run(session, args).await),
        Command::Config(args) => config::run(common, around, args),
        Command::Doctor => command_runtime()?.block_on(doctor::run(common, around, called)),
        Command::Models(args) => command_runtime()?.block_on(models::run(common, around, args)),
        Command::Daemon => daemon::run(common, around),
        Command::Worker(args) => worker::run(common, around, args),
        Command::Links(args) => links::run(common, around, args),
        Command::Init(args) => command_runtime()?.block_on(init::run(common, around, called, args)),
        Command::Backup(args) => command_runtime()?.block_on(backup::run(common, around, args)),
        Command::Restore(args) => {
            command_runtime()?.block_on(backup::restore(common, around, args))
        }
        Command::Completions(args) => completions::completions(args),
        Command::Man(args) => completions::man(common, args),
    }
}

/// What every command is given.
struct Here<'h> {
    common: &'h Common,
    around: &'h Surroundings,
    called: &'h Called,
}

impl Here<'_> {
    /// Does something that needs the use cases, and waits for what it leaves under way.
    fn in_session(&self, does: impl AsyncFnOnce(&Session) -> Ended) -> Ended {
        let runtime = command_runtime()?;
        let ended = runtime.block_on(async {
            let session = Session::open(self.common, self.around, self.called).await?;
            let (interrupts, alone) = (Arc::clone(&session.interrupts), session.works_itself());
            let whole = async move {
                let ended = does(&session).await;
                session.close().await;
                ended
            };
            tokio::select! {
                ended = whole => ended,
                () = interrupts.unheard() => Err(stopped(alone)),
            }
        });
        // Who waits for a line of input may wait for ever.
        runtime.shutdown_background();
        ended
    }
}

/// Ctrl-C ended the command, wherever it stood.
fn stopped(alone: bool) -> CommandError {
    let error = if alone {
        anyhow!(
            "stopped; what was begun on a host goes on there, and the next command tells its outcome"
        )
    } else {
        anyhow!("stopped")
    };
    CommandError::failed(error).kind(Kind::Interrupted)
}

/// For a command that answers and ends: one thread starts quickest.
fn command_runtime() -> Result<Runtime, CommandError> {
    Ok(Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start")?)
}

/// For a process that stays.
fn service_runtime() -> Result<Runtime, CommandError> {
    let threads = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(2, SERVICE_THREADS);
    Ok(Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("could not start")?)
}

/// Writes text to standard output.
pub(crate) fn put(text: &str) -> Result<(), CommandError> {
    put_bytes(text.as_bytes())
}

/// Writes bytes to standard output. A reader that has gone away ends the command, and is no error worth a word.
pub(crate) fn put_bytes(bytes: &[u8]) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => CommandError::reader_gone(),
            _ => CommandError::failed(error),
        })
}

/// Writes an answer: as JSON, or as the text that `text` makes of it.
pub(crate) fn answer<T: Serialize>(
    output: Output,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), CommandError> {
    match output {
        Output::Json => {
            let json = serde_json::to_string_pretty(value)?;
            put(&(visible_json(&json).into_owned() + "\n"))
        }
        Output::Text => put(&text(value)),
    }
}
