//! The whole way on a real host, over the built binary: nginx is killed, and it ends with a verified repair, or with
//! nothing done where nothing was to be done. What is asserted at the end is what the lab says, not what we believe.

use serde_json::Value;
use watchkeeper_testkit::model_server::{MODEL, ModelServer};
use watchkeeper_tests::binary::{Home, until_within};
use watchkeeper_tests::lab::Lab;

const NGINX: &str = "nginx.service";

fn enrolled(lab: &Lab, config: &str) -> Home {
    let home = Home::new().config(&lab.config(config));
    for host in &lab.hosts {
        home.run(&["enrol", &host.name, "--fingerprint", &host.fingerprint()])
            .ended_with(&[0]);
    }
    home
}

/// The only action there is, as JSON.
fn action(home: &Home, number: &str) -> Value {
    home.json(&["approve", "show", number], &[0])["action"].clone()
}

fn nginx_issue(home: &Home) -> Value {
    let issues = home.json(&["issues", "list", "--all"], &[0]);
    let found = issues
        .as_array()
        .expect("a list")
        .iter()
        .find(|issue| issue["title"].as_str().is_some_and(|t| t.contains(NGINX)));
    found.expect("an issue about nginx").clone()
}

#[test]
fn held_at_suggest_then_approved_executed_verified_and_resolved() {
    let lab = Lab::up(&["story-suggest"]);
    let home = enrolled(&lab, "[policy]\nautonomy = \"suggest\"\n");
    home.run(&["check"]).ended_with(&[0]);

    lab.hosts[0].fault(&["svc-crash"]);
    let seen = home.run(&["check"]);
    seen.ended_with(&[2]);
    assert!(
        seen.stdout().contains("approve show 0"),
        "{}",
        seen.stdout()
    );

    let shown = home.run(&["approve", "show", "0"]);
    shown.ended_with(&[0]);
    assert!(
        shown.stdout().contains("systemctl start nginx.service"),
        "{}",
        shown.stdout()
    );
    assert_eq!(action(&home, "0")["state"]["state"], "held");
    assert_eq!(
        lab.hosts[0].truth(),
        ["svc-crash"],
        "nothing was done before the approval"
    );

    let approved = home.run(&["approve", "0", "--reason", "it is only nginx"]);
    approved.ended_with(&[0]);
    assert!(approved.stdout().contains("fixed"), "{}", approved.stdout());
    assert_eq!(lab.hosts[0].truth(), Vec::<String>::new());
    assert_eq!(action(&home, "0")["state"]["state"], "fixed");
    assert_eq!(nginx_issue(&home)["state"], "resolved");

    let verified = home.run(&["log", "verify"]);
    verified.ended_with(&[0]);
    assert!(verified.stdout().contains("intact"));
    let log = home.run(&["logs", "--action", "0"]).stdout();
    for event in [
        "action.proposed",
        "action.approved",
        "action.running",
        "run.step_ended",
        "action.fixed",
    ] {
        assert!(log.contains(event), "{event} is missing:\n{log}");
    }
    home.run(&["approve", "0"]).ended_with(&[1]);
}

#[test]
fn at_auto_safe_it_is_repaired_without_a_person() {
    let lab = Lab::up(&["story-auto"]);
    let home = enrolled(
        &lab,
        "[policy]\nautonomy = \"auto-safe\"\n[watch]\ninterval = \"5s\"\njitter = \"0s\"\n",
    );
    let daemon = home.daemon();
    lab.hosts[0].fault(&["svc-crash"]);
    until_within(
        std::time::Duration::from_secs(90),
        "nginx is repaired",
        &mut || {
            let actions = home.json(&["approve", "list", "--all"], &[0]);
            actions
                .as_array()
                .is_some_and(|list| list.iter().any(|action| action["state"] == "fixed"))
        },
    );
    assert_eq!(
        lab.hosts[0].truth(),
        Vec::<String>::new(),
        "{}",
        daemon.log()
    );
    home.run(&["log", "verify"]).ended_with(&[0]);
}

#[test]
fn a_host_that_healed_itself_before_the_approval_is_left_alone() {
    let lab = Lab::up(&["story-stale"]);
    let home = enrolled(&lab, "[policy]\nautonomy = \"suggest\"\n");
    lab.hosts[0].fault(&["svc-crash"]);
    home.run(&["check"]).ended_with(&[2]);
    assert_eq!(action(&home, "0")["state"]["state"], "held");

    lab.hosts[0].heal(&["svc-crash"]);
    let started = lab.hosts[0].inside(&[
        "systemctl",
        "show",
        "-P",
        "ActiveEnterTimestampMonotonic",
        NGINX,
    ]);
    let approved = home.run(&["approve", "0"]);
    approved.ended_with(&[1]);
    assert!(approved.stdout().contains("stale"), "{}", approved.stdout());
    assert_eq!(action(&home, "0")["state"]["state"], "stale");
    let after = lab.hosts[0].inside(&[
        "systemctl",
        "show",
        "-P",
        "ActiveEnterTimestampMonotonic",
        NGINX,
    ]);
    assert_eq!(started, after, "nginx was not restarted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scripted_model_diagnoses_where_no_runbook_does() {
    let lab = Lab::up(&["story-model"]);
    let runbooks = tempfile::tempdir().expect("a directory can be made");
    let shipped = include_str!("../../runbooks/unit-failed.toml");
    let silenced = format!("enabled = false\n{shipped}");
    std::fs::write(runbooks.path().join("unit-failed.toml"), silenced)
        .expect("a file can be written");
    let reply = serde_json::json!({
        "host": "story-model",
        "cause": "nginx was killed by a signal",
        "confidence": "high",
        "evidence": ["F1"],
        "proposal": {
            "host": "story-model",
            "steps": [{ "kind": "unit_restart", "unit": NGINX }],
            "reason": "a restart brings it back"
        }
    });
    let server = ModelServer::start().await.replies(reply.to_string());
    let config = format!(
        "[policy]\nautonomy = \"suggest\"\n[watch]\ninterval = \"5s\"\njitter = \"0s\"\n\
         [runbooks]\ndir = \"{}\"\n[[lanes]]\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        runbooks.path().display(),
        server.url()
    );
    let home = enrolled(&lab, &config);
    let daemon = home.daemon();
    lab.hosts[0].fault(&["svc-crash"]);
    let held = || {
        let actions = home.json(&["approve", "list"], &[0]);
        actions
            .as_array()
            .is_some_and(|list| list.iter().any(|action| action["state"] == "held"))
    };
    until_within(
        std::time::Duration::from_secs(60),
        "the model's proposal waits",
        &mut || held(),
    );
    assert!(
        action(&home, "0")["proposer"]["kind"] == "model",
        "{}",
        daemon.log()
    );
    home.run(&["approve", "0"]).ended_with(&[0]);
    assert_eq!(lab.hosts[0].truth(), Vec::<String>::new());
}
