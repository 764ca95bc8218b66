//! Issues as people handle them.

use serde_json::{Value, json};

use crate::house::House;

async fn refused(house: &House, path: &str, body: &Value, kind: &str) -> Value {
    let problem = house.post(path, body).await.problem().await;
    assert_eq!(problem["type"], kind, "{path} {body}: {problem}");
    problem
}

#[tokio::test]
async fn an_issue_is_made_acknowledged_noted_resolved_and_closed() {
    let house = House::with_daemon().await;
    let new = json!({ "title": "the printer smells", "severity": "warning", "host": "web1", "note": "since noon" });
    let sheet = house.post("/v1/issues", &new).await.json().await;
    assert_eq!(
        (&sheet["title"], &sheet["state"]),
        (&json!("the printer smells"), &json!("open"))
    );
    let number = sheet["number"].as_i64().expect("a number");
    let path = |what: &str| format!("/v1/issues/{number}/{what}");

    for (what, state) in [
        ("ack", "acknowledged"),
        ("resolve", "resolved"),
        ("close", "closed"),
    ] {
        let sheet = house
            .post(&path(what), &json!({ "note": "seen to" }))
            .await
            .json()
            .await;
        assert_eq!(sheet["state"], state);
        refused(&house, &path(what), &json!({}), "conflict").await;
    }
    let sheet = house
        .post(&path("notes"), &json!({ "note": "it was the toner" }))
        .await
        .json()
        .await;
    let events: Vec<_> = sheet["timeline"]
        .as_array()
        .expect("a timeline")
        .iter()
        .map(|entry| entry["event"].as_str().expect("an event"))
        .collect();
    assert_eq!(
        events,
        [
            "issue.created",
            "issue.noted",
            "issue.acknowledged",
            "issue.resolved",
            "issue.closed",
            "issue.noted"
        ]
    );
    let actors = sheet["timeline"].as_array().expect("a timeline").iter();
    assert!(actors.clone().all(|entry| entry["actor"]["name"] == "ann"));

    assert_eq!(
        house.get("/v1/issues").await.json().await,
        json!([]),
        "it is over"
    );
    let all = house
        .get("/v1/issues?all=true&host=web1&limit=5")
        .await
        .json()
        .await;
    assert_eq!(all[0]["number"], number);
}

#[tokio::test]
async fn what_is_no_issue_is_refused() {
    let house = House::with_daemon().await;
    for body in [
        json!({}),
        json!({ "title": "", "severity": "warning" }),
        json!({ "title": "x".repeat(201), "severity": "warning" }),
        json!({ "title": "x", "severity": "dreadful" }),
        json!({ "title": "x", "severity": "info", "state": "closed" }),
        json!({ "title": "x", "severity": "info", "host": "not a name" }),
        json!({ "title": "x", "severity": "info", "note": " " }),
    ] {
        refused(&house, "/v1/issues", &body, "invalid").await;
    }
    let body = json!({ "title": "x", "severity": "info", "host": "nowhere" });
    refused(&house, "/v1/issues", &body, "not_found").await;
    refused(&house, "/v1/issues/99/ack", &json!({}), "not_found").await;
    refused(
        &house,
        "/v1/issues/99/notes",
        &json!({ "note": "x" }),
        "not_found",
    )
    .await;
    assert_eq!(
        house.get("/v1/issues/99").await.problem().await["title"],
        "there is no issue 99"
    );
    assert_eq!(
        house.get("/v1/issues?all=true").await.json().await,
        json!([]),
        "nothing was made"
    );
    assert_eq!(
        house.bridge.log("issue.").await,
        Vec::<String>::new(),
        "nor written down"
    );
}

#[tokio::test]
async fn a_note_says_something_and_not_too_much() {
    let house = House::with_daemon().await;
    let new = json!({ "title": "x", "severity": "info" });
    house.post("/v1/issues", &new).await.json().await;
    refused(&house, "/v1/issues/1/notes", &json!({}), "invalid").await;
    refused(
        &house,
        "/v1/issues/1/notes",
        &json!({ "note": "x".repeat(4_001) }),
        "invalid",
    )
    .await;
    let said = json!({ "note": "nul \u{0} bell \u{7} escape \u{1b}[2J\nand token=ghp_0123456789abcdefghijklmnopqrstuvwxyz" });
    let sheet = house.post("/v1/issues/1/notes", &said).await.json().await;
    let noted = sheet["timeline"][1]["body"]["text"]
        .as_str()
        .expect("a text");
    assert!(!noted.contains("ghp_0123456789"), "{noted}");
    assert!(!noted.contains(['\u{0}', '\u{7}', '\u{1b}']), "{noted:?}");
}
