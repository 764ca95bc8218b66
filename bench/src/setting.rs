//! The watch as the daemon builds it, with a store, without a model, and with whatever way to its hosts is measured.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use watchkeeper_agent::Runbooks;
use watchkeeper_fleet::{Engines, Fleet, Routes, SshConfig, SshDefaults};
use watchkeeper_model::{Clock, ControllerId};
use watchkeeper_policy::PolicySettings;
use watchkeeper_store::Store;
use watchkeeper_watch::{
    Asking, Chance, LaneParts, Looking, Parts, Running, Settings, ThresholdLayers, Watch,
};

use crate::machine::MachineClock;

/// Real ways to hosts, by keys that stand in this file of known hosts. `home` is where `~/.ssh/config` is looked for.
pub(crate) fn engines(home: &Path, login: &str, known_hosts: &Path) -> Arc<Engines> {
    let defaults = SshDefaults {
        known_hosts: known_hosts.to_owned(),
        user_known_hosts: false,
        agent_socket: None,
        login: login.to_owned(),
    };
    let routes = Routes::new(SshConfig::new(home.to_owned(), None), defaults);
    Arc::new(Engines::new(routes, clock(), home.join("run")))
}

/// The watch over this fleet, with the default settings, the runbooks that ship and no model.
pub(crate) fn watch(
    store: Store,
    fleet: Fleet,
    engines: Arc<Engines>,
    parallel: usize,
) -> anyhow::Result<Watch> {
    watch_with(store, fleet, engines, parallel, Vec::new())
}

/// The same with these lanes.
pub(crate) fn watch_with(
    store: Store,
    fleet: Fleet,
    engines: Arc<Engines>,
    parallel: usize,
    lanes: Vec<LaneParts>,
) -> anyhow::Result<Watch> {
    let known_hosts = engines.routes().config().home().join("known_hosts");
    Ok(Watch::new(Parts {
        store,
        fleet,
        engines,
        local_login: "root".to_owned(),
        clock: clock(),
        chance: Chance::seeded(rand::random()),
        controller: ControllerId::new("bench").context("the name of the controller")?,
        settings: settings(parallel),
        runbooks: Runbooks::shipped(),
        lanes,
        known_hosts,
    }))
}

fn settings(parallel: usize) -> Settings {
    Settings {
        orders: Default::default(),
        risk: Default::default(),
        name: "watchkeeper".to_owned(),
        store_label: "bench".to_owned(),
        policy: PolicySettings::default(),
        thresholds: ThresholdLayers::default(),
        looking: Looking {
            parallel,
            ..Looking::default()
        },
        running: Running::default(),
        asking: Asking::default(),
        knowledge: watchkeeper_watch::Knowing::default(),
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(MachineClock)
}

/// A runtime: with `threads` of its own, or with none but the one it is built on.
pub(crate) fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        0 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder
        .enable_all()
        .build()
        .context("no runtime could be built")
}
