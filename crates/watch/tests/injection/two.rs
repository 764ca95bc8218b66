//! A second host, whose text may go to no model, and for which nothing may be proposed.

use std::sync::Arc;

use watchkeeper_model::GroupName;
use watchkeeper_store::Store;
use watchkeeper_testkit::model_server::ModelServer;
use watchkeeper_testkit::ssh_host::SshHost;
use watchkeeper_watch::{LaneParts, Settings};

use crate::bridge::{Bridge, NGINX, Rig, accept_keys, build_watch, entries, settings};
use crate::rig::lane;

/// The group of the second host.
const VAULT: &str = "vault";

/// Adds the host.
pub(crate) async fn with_a_host_that_may_not_be_told(bridge: &mut Bridge) {
    bridge.hosts.push(SshHost::start().await);
    let mut entries = entries(&bridge.hosts);
    entries[1].groups = vec![GroupName::new(VAULT).expect("a group")];
    accept_keys(&bridge.hosts, bridge.dir.path());
    bridge.watch = build_watch(
        Rig {
            name: "bridge",
            store: Store::open(&bridge.url).await.expect("a store"),
            dir: bridge.dir.path(),
            clock: Arc::clone(&bridge.clock),
            entries,
            settings: settings(),
            lanes: Vec::new(),
        },
        |engines| engines,
    );
}

/// A lane elsewhere. It leads to this machine and is no address of it: what is told apart here is the rule, not the wire.
pub(crate) fn elsewhere(server: &ModelServer) -> LaneParts {
    let elsewhere = server.url().replace("127.0.0.1", "0.0.0.0");
    lane(server, |lane| {
        lane.name = "cloud".to_owned();
        lane.private = true;
        lane.url = elsewhere.parse().expect("an address");
    })
}

/// What the second host says goes to no lane elsewhere.
pub(crate) fn tells_nobody_of_the_vault(settings: &mut Settings) {
    settings
        .asking
        .egress
        .rules
        .insert(VAULT.to_owned(), Vec::new());
}

/// Whether a model had the second host looked at: the probe never asks for one unit by its name.
pub(crate) fn was_asked(bridge: &Bridge) -> bool {
    let calls = bridge.hosts[1].calls("systemctl");
    calls
        .iter()
        .any(|call| call.starts_with("status") && call.contains(NGINX))
}
