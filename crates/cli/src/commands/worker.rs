//! `worker`: answers questions to the models until told to stop, and does nothing else. For a machine with a model of
//! its own beside a store on Postgres; a daemon answers for its own lanes by itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::Lane;
use watchkeeper_model::visible;
use watchkeeper_server::Gate;
use watchkeeper_watch::work;

use super::Ended;
use super::daemon::{Signals, open_patiently, until_stopped};
use crate::args::Common;
use crate::compose;
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::log;
use crate::session::take_lock;
use crate::surroundings::Surroundings;

/// How long an answer under way may take to end; it is asked for again where it does not.
const GRACE: Duration = Duration::from_secs(30);
/// How long a command may keep the store until the worker gives up starting.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Which lanes are served.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Serve only this lane of the configuration; may be said several times
    #[arg(long = "lane", value_name = "NAME")]
    pub(crate) lanes: Vec<String>,
}

/// Answers until told to stop.
pub(super) fn run(common: &Common, around: &Surroundings, args: &WorkerArgs) -> Ended {
    let mut config = Config::load(common, around)?.config;
    if config.lanes.is_empty() {
        let error = anyhow!("no lane is configured, so there is no model to ask");
        return Err(
            CommandError::usage(error).hint("add [[lanes]] with a model to the configuration")
        );
    }
    only(&mut config.lanes, &args.lanes)?;
    log::start(&config.log, around);
    let runtime = super::service_runtime()?;
    let ended = runtime.block_on(live(around, config));
    runtime.shutdown_background();
    ended
}

/// Leaves the lanes that are named, or all where none is.
fn only(lanes: &mut Vec<Lane>, names: &[String]) -> Result<(), CommandError> {
    let unknown = |name: &&String| !lanes.iter().any(|lane| lane.name == **name);
    if let Some(name) = names.iter().find(unknown) {
        let known: Vec<_> = lanes.iter().map(|lane| visible(&lane.name)).collect();
        let error = anyhow!("there is no lane `{}`", visible(name));
        let hint = format!("the configuration has: {}", known.join(", "));
        return Err(CommandError::usage(error).hint(&hint));
    }
    if !names.is_empty() {
        lanes.retain(|lane| names.contains(&lane.name));
    }
    Ok(())
}

async fn live(around: &Surroundings, config: Config) -> Ended {
    let mut signals = Signals::listen().context("could not listen for signals")?;
    let Some(store) = until_stopped(&mut signals, open_patiently(&config)).await? else {
        return Ok(0);
    };
    let lock = take_lock(&store, &config, LOCK_PATIENCE)
        .await
        .map_err(|error| {
            error.hint("a daemon answers for its own lanes; a worker beside it needs Postgres")
        })?;
    let house = compose::build(&config, around, store.clone()).map_err(CommandError::usage)?;
    house.watch.asks_roles_of(Arc::new(Gate {
        operators_group: config.server.operators_group.clone(),
        daemon_uid: None,
    }));
    let stop = CancellationToken::new();
    let mut parts = JoinSet::new();
    parts.spawn(work(house.watch.clone(), stop.child_token()));
    tracing::info!(lanes = config.lanes.len(), store = %config.store.url, "the worker begins");
    let ended = tokio::select! {
        signal = signals.stop() => {
            tracing::info!(signal, "asked to stop; a second signal stops at once");
            Ok(0)
        }
        Some(ended) = parts.join_next() => Err(broken(ended)),
    };
    stop.cancel();
    let rest = tokio::select! {
        () = async { while parts.join_next().await.is_some() {} } => Ok(0),
        _ = signals.stop() => Err(at_once()),
        () = tokio::time::sleep(GRACE) => Err(at_once()),
    };
    store.close().await;
    drop(lock);
    tracing::info!("the worker ends");
    ended.and(rest)
}

fn broken(ended: Result<(), tokio::task::JoinError>) -> CommandError {
    let error = match ended {
        Ok(()) => anyhow!("the work ended unasked"),
        Err(error) => anyhow!(error).context("the work broke down"),
    };
    CommandError::failed(error)
}

fn at_once() -> CommandError {
    CommandError::failed(anyhow!(
        "stopped at once; the question is asked again when its lease ends"
    ))
    .kind(Kind::Interrupted)
}
