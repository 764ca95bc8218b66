//! What may not leave for a lane does not: the record of the scripted model shows every byte that reached it.

use std::sync::Arc;

use serde_json::json;
use watchkeeper_model::GroupName;
use watchkeeper_store::Store;
use watchkeeper_testkit::model_server::ModelServer;
use watchkeeper_testkit::ssh_host::SshHost;

use crate::bridge::{Bridge, NGINX, Rig, accept_keys, build_watch, entries, settings};
use crate::rig::{all_said, broken, calls, concludes, has, lane, tool_texts, work};

crate::on_one! {
    no_byte_of_a_host_reaches_a_lane_that_may_not_have_it;
}

mod cases {
    use super::*;

    pub(crate) async fn no_byte_of_a_host_reaches_a_lane_that_may_not_have_it(mut bridge: Bridge) {
        const MARK: &str = "mark-of-the-second-host";
        bridge.hosts.push(SshHost::start().await);
        let mut entries = entries(&bridge.hosts);
        let vault = GroupName::new("vault").expect("a group");
        entries[1].groups = vec![vault.clone()];
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
        let server = ModelServer::start().await;
        server.does(calls(&[
            ("unit_status", json!({ "host": "web2", "unit": NGINX })),
            (
                "compare",
                json!({ "what": "unit", "name": NGINX, "hosts": ["web2"] }),
            ),
            ("facts", json!({ "host": "web2" })),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        bridge.hosts[1].unit(NGINX).property("Description", MARK);
        let foreign = lane(&server, |lane| {
            lane.name = "cloud".to_owned();
            lane.private = true;
            // It leads to this machine and is no address of it: what is told apart here is the rule, not the wire.
            let elsewhere = server.url().replace("127.0.0.1", "0.0.0.0");
            lane.url = elsewhere.parse().expect("an address");
        });
        has(&bridge, vec![foreign], |settings| {
            settings
                .asking
                .egress
                .rules
                .insert(vault.to_string(), Vec::new());
        });
        broken(&bridge).await;
        let before = bridge.hosts[1].commands();
        work(&bridge).await;
        assert_eq!(bridge.hosts[1].commands(), before, "it was not even asked");
        let said = all_said(&server);
        assert!(!said.contains(MARK), "{said}");
        assert!(!tool_texts(&server.generations()[1]).is_empty());
    }
}
