//! `daemon`: watches until told to stop. The list below is the order of its life; each part's own file says how.
//!
//! It stops softly at the first SIGTERM or SIGINT: no look and no run is begun any more, what is under way is brought
//! to where it can be left, and what runs on hosts goes on there and is found again. A second signal, or the grace
//! period's end, stops it at once, which loses nothing either: leases end, and the next start takes up what is there.

mod files;
mod ready;
mod reload;
mod service;
mod signals;

pub(super) use ready::{open_patiently, until_stopped};
pub(super) use signals::{Signals, Wake};

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watchkeeper_server::{
    Gate, ListenError, PageServing, Serving, bind, pages, router, serve, serve_pages,
};
use watchkeeper_watch::Loops;

use super::Ended;
use files::Files;

use crate::args::Common;
use crate::client::{Client, Reach};
use crate::compose::{self, House};
use crate::config::{Config, is_system};
use crate::failure::{CommandError, Kind};
use crate::log;
use crate::session::take_lock;
use crate::surroundings::Surroundings;

/// How long what is under way may take to come to rest. Below systemd's own 90 s.
const GRACE: Duration = Duration::from_secs(60);
/// How long answers under way may take at the end; streams that never end are cut then.
const LINGER: Duration = Duration::from_secs(2);
/// How long a command may keep the store until the daemon gives up starting.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// Watches until told to stop.
pub(super) fn run(common: &Common, around: &Surroundings) -> Ended {
    let files = Arc::new(Files::now(common, around));
    let loaded = Config::load(common, around)?;
    log::start(&loaded.config.log, around);
    let runtime = super::service_runtime()?;
    let ended = runtime.block_on(live(common, around, (loaded.config, files)));
    // Nothing is waited for any more: what was to be waited for has been.
    runtime.shutdown_background();
    ended
}

async fn live(
    common: &Common,
    around: &Surroundings,
    (config, files): (Config, Arc<Files>),
) -> Ended {
    let mut signals = Signals::listen().context("could not listen for signals")?;
    nobody_answers(&config.server.socket).await?;
    let Some(store) = until_stopped(&mut signals, open_patiently(&config)).await? else {
        return Ok(0);
    };
    let lock = take_lock(&store, &config, LOCK_PATIENCE).await?;
    let listener = listen(&config.server.socket, around).await?;
    let browsers = listen_to_browsers(&config).await?;
    let house = compose::build(&config, around, store.clone()).map_err(CommandError::usage)?;
    let schedule = compose::schedule(&config).map_err(CommandError::usage)?;
    let alone = config.store.url.sqlite_path().is_some();
    if alone {
        house.watch.end_left_looks().await?;
    }

    house.watch.reads_from(files.clone());
    let mut daemon = Daemon::start(
        &house,
        &config,
        around,
        (listener, browsers),
        Loops::new(house.watch.clone(), schedule, alone),
    );
    service::ready();
    tracing::info!(name = %config.name, socket = %config.server.socket.display(), store = %config.store.url, "the watch begins");
    reload::all_is_well(&house.watch).await;
    reload::note(&house.watch).await;

    let end = daemon
        .wait(&mut signals, (common, around, &files), &house, config)
        .await;
    service::stopping();
    let rest = daemon.drain(&mut signals).await;
    let _ = tokio::time::timeout(LINGER, house.fleet.close_all()).await;
    let _ = tokio::time::timeout(LINGER, store.close()).await;
    drop(lock);
    tracing::info!("the watch ends");
    end.and(rest)
}

/// Why a part of the daemon ended.
type Part = Result<&'static str, anyhow::Error>;

/// The parts that run, and what stops them.
struct Daemon {
    /// The loops and the watchdog: they end when `stop` says so.
    parts: JoinSet<Part>,
    /// The API, which answers until the loops have come to rest.
    api: JoinSet<Part>,
    answering: TaskTracker,
    socket: PathBuf,
    stop: CancellationToken,
    stop_api: CancellationToken,
}

impl Daemon {
    fn start(
        house: &House,
        config: &Config,
        around: &Surroundings,
        (listener, browsers): (UnixListener, Option<TcpListener>),
        loops: Loops,
    ) -> Self {
        let (stop, stop_api) = (CancellationToken::new(), CancellationToken::new());
        let (mut parts, mut api, answering) = (JoinSet::new(), JoinSet::new(), TaskTracker::new());
        let serving = Serving {
            watch: house.watch.clone(),
            tasks: answering.clone(),
            daemon: true,
        };
        let gate = Gate {
            operators_group: config.server.operators_group.clone(),
            daemon_uid: Some(around.uid),
        };
        house.watch.asks_roles_of(Arc::new(gate.clone()));
        if let Some(browsers) = browsers {
            serve_browsers(&mut api, house, config, &gate, browsers, &stop_api);
        }
        let until = stop_api.child_token();
        api.spawn(async move {
            serve(listener, router(serving), gate, until)
                .await
                .context("the API failed")?;
            Ok("the API")
        });
        let until = stop.child_token();
        parts.spawn(async move {
            loops.run(until).await;
            Ok("the loops")
        });
        service::keep_watchdog_fed(&mut parts, &stop);
        Self {
            parts,
            api,
            answering,
            socket: config.server.socket.clone(),
            stop,
            stop_api,
        }
    }

    /// Waits for a reason to end; reloads in between.
    async fn wait(
        &mut self,
        signals: &mut Signals,
        (common, around, files): (&Common, &Surroundings, &Files),
        house: &House,
        mut config: Config,
    ) -> Ended {
        loop {
            tokio::select! {
                wake = signals.next() => match wake {
                    Wake::Stop(signal) => {
                        tracing::info!(signal, "asked to stop; a second signal stops at once");
                        return Ok(0);
                    }
                    Wake::Reload => config = reload::reload((common, around, files), house, config).await,
                },
                Some(ended) = self.parts.join_next() => return Err(broken(ended)),
                Some(ended) = self.api.join_next() => return Err(broken(ended)),
            }
        }
    }

    /// Brings everything to rest: first the loops, then the API, so that it can be asked meanwhile.
    async fn drain(&mut self, signals: &mut Signals) -> Ended {
        self.stop.cancel();
        let rest = tokio::select! {
            () = all(&mut self.parts) => Ok(0),
            wake = signals.stop() => Err(at_once(&format!("a second signal ({wake})"))),
            () = tokio::time::sleep(GRACE) => Err(at_once(&format!("{} s have passed", GRACE.as_secs()))),
        };
        if rest.is_err() {
            self.parts.abort_all();
        }
        // Taken away before it is closed, so that it cannot be the next daemon's.
        let _ = std::fs::remove_file(&self.socket);
        self.stop_api.cancel();
        self.answering.close();
        let answers = async {
            all(&mut self.api).await;
            self.answering.wait().await;
        };
        let _ = tokio::time::timeout(LINGER, answers).await;
        rest
    }
}

async fn all(parts: &mut JoinSet<Part>) {
    while parts.join_next().await.is_some() {}
}

fn at_once(why: &str) -> CommandError {
    CommandError::failed(anyhow!(
        "stopped at once, {why}; what was under way is taken up at the next start"
    ))
    .kind(Kind::Interrupted)
}

/// A part that ends unasked is a crash, whatever it says.
fn broken(ended: Result<Part, tokio::task::JoinError>) -> CommandError {
    let error = match ended {
        Ok(Ok(part)) => anyhow!("{part} ended unasked"),
        Ok(Err(error)) => error,
        Err(error) => anyhow!(error).context("a part of the daemon broke down"),
    };
    tracing::error!("a part of the daemon broke down; the rest is stopped");
    CommandError::failed(error)
}

/// Tells of another daemon before anything is waited for.
async fn nobody_answers(socket: &Path) -> Result<(), CommandError> {
    match Client::reach(socket).await {
        Reach::Answers => Err(taken(ListenError::Taken {
            path: socket.to_owned(),
        })),
        Reach::Nobody | Reach::Refused(_) => Ok(()),
    }
}

fn taken(error: ListenError) -> CommandError {
    CommandError::failed(error)
        .kind(Kind::Refused)
        .hint("watchkeeper status")
}

/// Listens for browsers, where pages are to be served.
async fn listen_to_browsers(config: &Config) -> Result<Option<TcpListener>, CommandError> {
    let Some(address) = config.web.listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("could not listen for browsers at {address}"))
        .map_err(|error| {
            CommandError::failed(error).hint("--set web.listen=127.0.0.1:8470, or another port")
        })?;
    Ok(Some(listener))
}

/// Serves pages, until the API is stopped.
fn serve_browsers(
    api: &mut JoinSet<Part>,
    house: &House,
    config: &Config,
    gate: &Gate,
    listener: TcpListener,
    stop: &CancellationToken,
) {
    let serving = PageServing {
        name: config.name.to_string(),
        watch: house.watch.clone(),
        accounts: Arc::new(gate.clone()),
        proxies: config.web.proxies.clone(),
    };
    let (proxies, until) = (config.web.proxies.clone(), stop.child_token());
    api.spawn(async move {
        serve_pages(listener, pages(serving), proxies, until)
            .await
            .context("the pages failed")?;
        Ok("the pages")
    });
}

/// Makes the socket, and the directory it lies in.
async fn listen(socket: &Path, around: &Surroundings) -> Result<UnixListener, CommandError> {
    if let Some(dir) = socket.parent().filter(|dir| !dir.exists()) {
        let mode = if is_system(around) { 0o755 } else { 0o700 };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(dir)
            .with_context(|| format!("could not make {}", dir.display()))
            .map_err(|error| {
                CommandError::failed(error).hint("as root, or --set server.socket=/path")
            })?;
    }
    bind(socket).await.map_err(|error| match error {
        ListenError::Taken { .. } => taken(error),
        _ => CommandError::failed(error).hint("--set server.socket=/path"),
    })
}
