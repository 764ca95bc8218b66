//! Looking at hosts, how the watch is doing, and whose keys it accepts.

use serde_json::json;

use crate::bridge::NGINX;
use crate::house::House;

#[tokio::test]
async fn a_check_tells_its_progress_and_then_reports() {
    let house = House::with_daemon().await;
    house.bridge.host().unit(NGINX).fails("exit-code");
    let events = house
        .post("/v1/checks", &json!({}))
        .await
        .events()
        .rest()
        .await;
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["progress", "report"]);
    let seen = json!({ "done": 1, "total": 1, "host": "web1", "seen": true });
    assert_eq!(events[0].1, seen);
    let report = &events[1].1;
    assert_eq!(report["hosts"][0]["host"], "web1");
    let line = report["hosts"][0]["results"]
        .as_array()
        .expect("results")
        .iter()
        .find(|line| line["subject"] == NGINX)
        .expect("nginx was found");
    assert_eq!(
        (&line["outcome"], &line["action"]["state"]),
        (&json!("found"), &json!("held"))
    );
    assert_eq!(report["waiting_actions"], 1);
}

#[tokio::test]
async fn a_check_of_what_is_not_watched_begins_nothing() {
    let house = House::with_daemon().await;
    let body = json!({ "hosts": ["web1", "nowhere"] });
    let problem = house.post("/v1/checks", &body).await.problem().await;
    assert_eq!(
        problem["title"],
        "there is no host nowhere in the inventory"
    );
    assert_eq!(house.bridge.host().commands(), 0);
}

#[tokio::test]
async fn a_check_goes_on_when_nobody_reads_of_it() {
    let house = House::with_daemon().await;
    drop(house.post("/v1/checks", &json!({})).await);
    house.tasks.close();
    crate::soon("the end of the check", house.tasks.wait()).await;
    let systems = house.get("/v1/systems").await.json().await;
    assert_ne!(systems[0]["state"], "not_looked_at");
}

#[tokio::test]
async fn status_and_systems_tell_what_is_known() {
    let house = House::with_daemon().await;
    let status = house.get("/v1/status").await.json().await;
    assert_eq!(
        (&status["daemon"], &status["hosts"]["not_looked_at"]),
        (&json!(true), &json!(1))
    );
    let house = house.with_held_action().await;
    let status = house.get("/v1/status").await.json().await;
    assert_eq!(
        (&status["waiting_actions"], &status["hosts"]["troubled"]),
        (&json!(1), &json!(1))
    );
    let systems = house.get("/v1/systems").await.json().await;
    assert_eq!(
        (&systems[0]["host"], &systems[0]["state"]),
        (&json!("web1"), &json!("troubled"))
    );
    let doctor = house.get("/v1/doctor").await.json().await;
    assert_eq!(doctor[0]["name"], "log");
    assert_eq!(doctor[1]["name"], "host web1");
}

#[tokio::test]
async fn a_key_is_accepted_by_the_fingerprint_that_was_compared_and_no_other() {
    let house = House::with_daemon().await;
    let key = house.get("/v1/hosts/web1/key").await.json().await;
    let (fingerprint, path) = (key["fingerprint"].clone(), "/v1/hosts/web1/enrol");
    assert_eq!(fingerprint, house.bridge.host().fingerprint());

    let wrong = json!({ "fingerprint": format!("SHA256:{}", "A".repeat(43)) });
    let problem = house.post(path, &wrong).await.problem().await;
    assert_eq!(problem["type"], "conflict", "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("do not accept it")),
        "{problem}"
    );
    assert!(house.bridge.log("host.enrolled").await.is_empty());

    house
        .post(path, &json!({ "fingerprint": fingerprint }))
        .await
        .json()
        .await;
    assert_eq!(house.bridge.log("host.enrolled").await.len(), 1);

    let fresh = house.bridge.host().changes_key();
    let body = json!({ "fingerprint": fresh });
    let problem = house.post(path, &body).await.problem().await;
    assert_eq!(
        problem["type"], "conflict",
        "another key is known: {problem}"
    );
    let body = json!({ "fingerprint": fresh, "replace": true });
    assert_eq!(
        house.post(path, &body).await.json().await["fingerprint"],
        fresh
    );
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_a_problem_with_that_host() {
    let house = House::with_daemon().await;
    house.bridge.host().goes_down().await;
    let problem = house.get("/v1/hosts/web1/key").await.problem().await;
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&json!("host"), &json!(502))
    );
    assert_ne!(problem["detail"], "");
    let problem = house.get("/v1/hosts/nowhere/key").await.problem().await;
    assert_eq!(problem["type"], "not_found");
}
