//! The way from a finding to a diagnosis that cites what it rests on, and a proposal that is held.

use serde_json::json;
use watchkeeper_model::{IssueState, Proposer};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn};

use crate::bridge::{Bridge, MINUTE, NGINX};
use crate::on_both;
use crate::rig::{
    all_said, broken, calls, conclude, concludes, has, has_model, job_state, lane, nginx_sheet,
    propose, restart, sheet_of, told, tool_texts, work,
};

on_both! {
    three_looks_lead_to_a_proposal_that_cites_them_and_is_held;
    findings_alike_on_two_hosts_are_one_diagnosis_in_both_stories;
    a_script_is_proposed_on_the_host_it_was_thought_out_for_only;
}

pub(crate) async fn three_looks_lead_to_a_proposal_that_cites_them_and_is_held(bridge: Bridge) {
    let server = ModelServer::start().await;
    server.has(FakeModel::chat("tiny:1b", 32_768));
    // The small model has a word in it first.
    server.does(Turn::replies(
        json!({ "needed": true, "needs_main": true, "main": true, "why": "a service is down" })
            .to_string(),
    ));
    server.does(calls(&[
        ("unit_status", json!({ "unit": NGINX })),
        ("logs", json!({ "unit": NGINX, "since": "1h", "lines": 20 })),
        ("command", json!({ "command": "df -h /" })),
    ]));
    server.does(calls(&[
        propose(restart(), &["E1", "E2"]),
        conclude(
            "The unit nginx.service is failed [E1]. It could not bind port 80: address already in use [E2].",
            "high",
            &["E1", "E2"],
        ),
    ]));
    let parts = lane(&server, |lane| {
        lane.triage_model = Some("tiny:1b".to_owned());
    });
    has(&bridge, vec![parts], |_| ());
    broken(&bridge).await;
    work(&bridge).await;
    assert_eq!(server.unused_turns(), 0, "{:#?}", server.generations());
    let asked: Vec<String> = server
        .generations()
        .iter()
        .map(|body| body["model"].as_str().unwrap_or_default().to_owned())
        .collect();
    // What is critical goes to the main model at once; then the scripted word of the small one is an answer like any.
    assert!(asked.contains(&MODEL.to_owned()), "{asked:?}");

    let sheet = bridge.sheet(0).await;
    let by = Proposer::Model {
        name: MODEL.to_owned(),
    };
    assert_eq!(sheet.action.proposer, by);
    assert_eq!(sheet.action.state.as_str(), "held");
    let diagnosed = sheet.diagnosis.expect("the action shows its diagnosis");
    assert!(
        diagnosed.claims.iter().all(|claim| claim.supported),
        "{diagnosed:#?}"
    );

    let issue = nginx_sheet(&bridge).await;
    let diagnosed = issue.diagnosed.expect("the issue shows its diagnosis");
    let cited: Vec<&str> = diagnosed
        .cited()
        .iter()
        .map(|seen| seen.label.as_str())
        .collect();
    assert_eq!(cited, ["E1", "E2"]);
    let line = |label: &str| {
        let seen = diagnosed.looked_at.iter().find(|seen| seen.label == label);
        seen.map(|seen| seen.line.clone()).unwrap_or_default()
    };
    assert!(
        line("E2").contains("address already in use"),
        "{diagnosed:#?}"
    );
    assert_eq!(
        issue.issue.state,
        IssueState::Open,
        "a diagnosis resolves nothing"
    );
    assert_eq!(bridge.host().times("restart", NGINX), 0);
    bridge.log_is_intact().await;
}

/// One question, two hosts: one diagnosis in each story, and a typed repair for each host by itself.
pub(crate) async fn findings_alike_on_two_hosts_are_one_diagnosis_in_both_stories(
    mut bridge: Bridge,
) {
    bridge.add_host().await;
    let server = ModelServer::start().await;
    server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
    server.does(calls(&[
        propose(restart(), &["E1"]),
        conclude("The unit nginx.service is failed [E1].", "high", &["E1"]),
    ]));
    has_model(&bridge, &server);
    for host in &bridge.hosts {
        host.unit(NGINX).fails("exit-code");
    }
    bridge.check().await;
    work(&bridge).await;
    assert_eq!(server.generations().len(), 2, "one question for both");
    let (lead, other) = (
        sheet_of(&bridge, watchkeeper_model::IssueNumber(1)).await,
        sheet_of(&bridge, watchkeeper_model::IssueNumber(2)).await,
    );
    let on = |sheet: &watchkeeper_watch::view::IssueSheet| {
        let diagnosed = sheet.diagnosed.clone().expect("it is diagnosed");
        diagnosed.as_on
    };
    let as_on = [on(&lead), on(&other)];
    let named: Vec<_> = as_on.iter().flatten().collect();
    assert_eq!(named.len(), 1, "one of them was looked into: {as_on:?}");
    let hosts: Vec<String> = [bridge.sheet(0).await, bridge.sheet(1).await]
        .iter()
        .map(|sheet| sheet.action.plan.host.to_string())
        .collect();
    assert!(
        hosts.contains(&"web1".to_owned()) && hosts.contains(&"web2".to_owned()),
        "{hosts:?}"
    );
    assert_eq!(job_state(&bridge, 1).await, "done");
}

pub(crate) async fn a_script_is_proposed_on_the_host_it_was_thought_out_for_only(
    mut bridge: Bridge,
) {
    bridge.add_host().await;
    let server = ModelServer::start().await;
    let script = json!([{ "kind": "shell", "script": "rm -f /run/nginx.pid" }]);
    server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
    server.does(calls(&[
        propose(script, &["E1"]),
        conclude("The unit nginx.service is failed [E1].", "medium", &["E1"]),
    ]));
    has_model(&bridge, &server);
    for host in &bridge.hosts {
        host.unit(NGINX).fails("exit-code");
    }
    bridge.check().await;
    work(&bridge).await;
    assert_eq!(bridge.actions().await, 1);
    let sheets = [
        sheet_of(&bridge, watchkeeper_model::IssueNumber(1)).await,
        sheet_of(&bridge, watchkeeper_model::IssueNumber(2)).await,
    ];
    let remarks: Vec<String> = sheets
        .iter()
        .filter_map(|sheet| sheet.diagnosed.as_ref()?.remark.clone())
        .collect();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(
        remarks[0].contains("a script is not carried over"),
        "{remarks:?}"
    );
}

crate::on_one! {
    a_small_model_that_sorts_never_proposes;
    a_second_opinion_raises_the_risk_and_its_objection_is_shown;
    two_hosts_are_looked_at_side_by_side;
    what_is_not_there_is_shown_as_unsupported;
    a_person_is_called_where_the_model_says_so;
    more_of_an_output_is_had_by_its_label;
}

mod cases {
    use super::*;

    /// The small model says that nobody need look: there is a plain diagnosis, and no action whatever it says.
    pub(crate) async fn a_small_model_that_sorts_never_proposes(bridge: Bridge) {
        let server = ModelServer::start().await;
        server.has(FakeModel::chat("tiny:1b", 32_768));
        let sorted = json!({
            "needs_main": false, "kind": "disk", "cause": "The disk / is filling up [F1].", "evidence": ["F1"],
            "proposal": { "steps": [{ "kind": "package_cache_clean" }] },
        });
        server.always_replies(sorted.to_string());
        let parts = lane(&server, |lane| {
            lane.triage_model = Some("tiny:1b".to_owned());
        });
        has(&bridge, vec![parts], |_| ());
        bridge.host().disk("/", 91);
        for _ in 0..4 {
            bridge.check().await;
            bridge.clock.advance(MINUTE);
        }
        work(&bridge).await;
        let models: Vec<String> = server
            .generations()
            .iter()
            .map(|body| body["model"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(models, ["tiny:1b"], "the main model is not asked");
        assert_eq!(bridge.actions().await, 0);
        assert!(nginx_sheet(&bridge).await.diagnosed.is_some());
    }

    pub(crate) async fn a_second_opinion_raises_the_risk_and_its_objection_is_shown(
        bridge: Bridge,
    ) {
        let server = ModelServer::start().await;
        server.has(FakeModel::chat("critic:7b", 32_768));
        server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
        server.does(calls(&[
            propose(restart(), &["E1"]),
            conclude("The unit nginx.service is failed [E1].", "high", &["E1"]),
        ]));
        server.does(Turn::replies(
            json!({
                "agrees": false, "objection": "something else holds the port",
                "risk": { "level": "high", "reason": "it takes the site down" },
            })
            .to_string(),
        ));
        let parts = lane(&server, |lane| {
            lane.critic_model = Some("critic:7b".to_owned());
        });
        has(&bridge, vec![parts], |_| ());
        broken(&bridge).await;
        work(&bridge).await;
        let sheet = bridge.sheet(0).await;
        assert_eq!(
            sheet.action.assessment.level,
            watchkeeper_model::RiskLevel::High
        );
        let diagnosed = sheet.diagnosis.expect("a diagnosis");
        assert_eq!(diagnosed.second_opinion, "objected");
        assert_eq!(diagnosed.objections, ["something else holds the port"]);
    }

    /// Each host takes a second: together they take less than two.
    pub(crate) async fn two_hosts_are_looked_at_side_by_side(mut bridge: Bridge) {
        bridge.add_host().await;
        let server = ModelServer::start().await;
        let slow =
            "#!/bin/sh\necho \"$(date +%s%N) begins\"\nsleep 1\necho \"$(date +%s%N) ends\"\n";
        for host in &bridge.hosts {
            host.tool("uptime", slow);
        }
        server.does(calls(&[
            ("command", json!({ "host": "web1", "command": "uptime" })),
            ("command", json!({ "host": "web2", "command": "uptime" })),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let answers = tool_texts(&server.generations()[1]);
        let moment = |text: &str, what: &str| -> u128 {
            let line = text.lines().find(|line| line.ends_with(what));
            let digits = line.and_then(|line| line.split_whitespace().next());
            digits
                .and_then(|digits| digits.parse().ok())
                .expect("a moment")
        };
        assert!(
            moment(&answers[1], "begins") < moment(&answers[0], "ends"),
            "{answers:?}"
        );
    }

    /// Evidence, units and hosts that nobody has seen.
    pub(crate) async fn what_is_not_there_is_shown_as_unsupported(bridge: Bridge) {
        let server = ModelServer::start().await;
        server.does(calls(&[
            ("unit_status", json!({ "host": "web7", "unit": NGINX })),
            ("unit_status", json!({ "unit": "made-up.service" })),
        ]));
        server.does(concludes(
            "The unit made-up.service filled the disk to 99 percent [E9]. The unit nginx.service is failed [F1].",
            "high",
            &["E9"],
        ));
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let told = tool_texts(&server.generations()[1]);
        assert!(told[0].contains("no host web7"), "{told:?}");
        let diagnosed = nginx_sheet(&bridge).await.diagnosed.expect("a diagnosis");
        let invented = diagnosed
            .claims
            .iter()
            .find(|claim| claim.evidence.contains(&"E9".to_owned()));
        let invented = invented.expect("the claim is kept");
        assert!(!invented.supported, "{diagnosed:#?}");
        assert_eq!(bridge.actions().await, 0);
    }

    pub(crate) async fn a_person_is_called_where_the_model_says_so(bridge: Bridge) {
        let server = ModelServer::start().await;
        server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
        server.does(calls(&[(
            "conclude",
            json!({
                "cause": "The unit nginx.service is failed [E1].", "confidence": "medium", "evidence": ["E1"],
                "needs_person": "the disk must be replaced by hand",
            }),
        )]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let called = told(&bridge, "issue.escalated").await;
        assert_eq!(called.len(), 1, "{called:?}");
        let sheet = nginx_sheet(&bridge).await;
        let diagnosed = sheet.diagnosed.expect("a diagnosis");
        assert_eq!(diagnosed.outcome, "needs_person");
        assert!(!diagnosed.cited().is_empty(), "what was looked at is told");
    }

    /// The journal is long: the model is shown a part, the whole is kept, and a later line is had by the label.
    pub(crate) async fn more_of_an_output_is_had_by_its_label(bridge: Bridge) {
        let server = ModelServer::start().await;
        has_model(&bridge, &server);
        for number in 0..400 {
            let filler = format!("worker {number} is idle and waits for requests on its socket");
            bridge.host().journal(NGINX, 6, &filler);
        }
        server.does(calls(&[(
            "logs",
            json!({ "unit": NGINX, "since": "1h", "lines": 500 }),
        )]));
        server.does(calls(&[(
            "output",
            json!({ "label": "E1", "grep": "worker 217 " }),
        )]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        broken(&bridge).await;
        work(&bridge).await;
        assert_eq!(server.unused_turns(), 0, "{}", all_said(&server));
        let bodies = server.generations();
        assert!(!tool_texts(&bodies[1])[0].contains("worker 217 "));
        let more = tool_texts(&bodies[2]);
        assert!(more[1].contains("worker 217 is idle"), "{}", more[1]);
    }
}
