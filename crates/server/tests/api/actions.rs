//! Deciding about actions: what was seen is what is decided about, or it is a conflict that says so.

use http::Method;
use serde_json::{Value, json};

use crate::bridge::{MINUTE, NGINX};
use crate::house::{House, ann, send};

async fn conflict(house: &House, path: &str, body: &Value) -> String {
    let problem = house.post(path, body).await.problem().await;
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&json!("conflict"), &json!(409))
    );
    assert_eq!(problem["detail"], "look again, then decide again");
    problem["title"].as_str().expect("a title").to_owned()
}

#[tokio::test]
async fn what_waits_is_listed_and_shown() {
    let house = House::with_daemon().await.with_held_action().await;
    let lines = house.get("/v1/actions").await.json().await;
    assert_eq!(lines.as_array().map(Vec::len), Some(1));
    assert_eq!(lines[0]["number"], 0);
    assert_eq!(lines[0]["state"], "held");
    assert_eq!(lines[0]["host"], "web1");
    let none = house.get("/v1/actions?host=elsewhere").await.json().await;
    assert_eq!(none, json!([]));

    let sheet = house.get("/v1/actions/0").await.json().await;
    assert_eq!(sheet["action"]["state"]["state"], "held");
    assert_eq!(sheet["action"]["plan"]["steps"][0]["step"]["unit"], NGINX);

    let problem = house.get("/v1/actions/7").await.problem().await;
    assert_eq!(
        (&problem["type"], &problem["title"]),
        (&json!("not_found"), &json!("there is no action 7"))
    );
}

#[tokio::test]
async fn another_revision_or_digest_than_stands_approves_nothing() {
    let house = House::with_daemon().await.with_held_action().await;
    let decision = house.decision(0).await;

    let mut other = decision.clone();
    other["revision"] = json!(2);
    let title = conflict(&house, "/v1/actions/0/approve", &other).await;
    assert_eq!(
        title,
        "action 0 is at revision 1, and the approval is for revision 2"
    );

    let mut other = decision.clone();
    other["digest"] = json!("00".repeat(32));
    let title = conflict(&house, "/v1/actions/0/approve", &other).await;
    let digest = decision["digest"].as_str().expect("a digest");
    assert!(
        title.starts_with(&format!("action 0 has the digest {digest}")),
        "{title}"
    );
    assert!(title.contains("the approval is for 0000"), "{title}");

    for body in [
        json!({}),
        json!({ "revision": 1 }),
        json!({ "revision": 1, "digest": "abc" }),
        json!({ "revision": "1", "digest": digest }),
        json!({ "revision": 1, "digest": digest, "by": "root" }),
    ] {
        let problem = house
            .post("/v1/actions/0/approve", &body)
            .await
            .problem()
            .await;
        assert_eq!(problem["type"], "invalid", "{body}: {problem}");
    }
    assert_eq!(house.bridge.state(0).await, "held");
}

#[tokio::test]
async fn an_approval_is_recorded_with_who_gave_it_and_given_once() {
    let house = House::with_daemon().await.with_held_action().await;
    let mut decision = house.decision(0).await;
    decision["reason"] = json!("seen in the graphs, password=hunter22222");
    let sheet = house
        .post("/v1/actions/0/approve", &decision)
        .await
        .json()
        .await;
    let approval = &sheet["action"]["state"]["approval"];
    assert_eq!(
        approval["by"]["person"],
        json!({ "name": "ann", "uid": 1000 })
    );
    assert_eq!(approval["digest"], decision["digest"]);

    let title = conflict(&house, "/v1/actions/0/approve", &decision).await;
    assert!(title.contains("approved"), "{title}");

    let log = house
        .get("/v1/log?event=action.approved")
        .await
        .json()
        .await;
    assert_eq!(log["entries"].as_array().map(Vec::len), Some(1));
    let entry = &log["entries"][0];
    assert_eq!(
        entry["actor"],
        json!({ "kind": "person", "name": "ann", "uid": 1000 })
    );
    assert_eq!(entry["body"]["digest"], decision["digest"]);
    assert!(!entry.to_string().contains("hunter22222"), "{entry}");
}

#[tokio::test]
async fn two_approvals_at_one_moment_are_one_and_a_clear_refusal() {
    let house = House::with_daemon().await.with_held_action().await;
    let decision = house.decision(0).await;
    let (one, two) = tokio::join!(
        house.post("/v1/actions/0/approve", &decision),
        house.post("/v1/actions/0/approve", &decision)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_keeps_it() {
    let house = House::with_daemon().await.with_held_action().await;
    let problem = house
        .post("/v1/actions/0/reject", &json!({ "reason": " " }))
        .await
        .problem()
        .await;
    assert_eq!(problem["type"], "invalid", "{problem}");
    let problem = house
        .post("/v1/actions/0/reject", &json!({}))
        .await
        .problem()
        .await;
    assert_eq!(problem["type"], "invalid", "{problem}");

    let body = json!({ "reason": "it is migrated today" });
    let sheet = house.post("/v1/actions/0/reject", &body).await.json().await;
    assert_eq!(sheet["action"]["state"]["state"], "rejected");
    conflict(&house, "/v1/actions/0/reject", &body).await;
    conflict(&house, "/v1/actions/0/approve", &house.decision(0).await).await;
    house.bridge.clock.advance(MINUTE);
    house.bridge.check().await;
    let all = house.get("/v1/actions?all=true").await.json().await;
    assert_eq!(
        all.as_array().map(Vec::len),
        Some(1),
        "it is not proposed again"
    );
}

#[tokio::test]
async fn an_edit_is_a_new_revision_and_the_old_decision_is_void() {
    let house = House::with_daemon().await.with_held_action().await;
    let old = house.decision(0).await;
    let edit = json!({ "revision": 1, "steps": [{ "kind": "unit_start", "unit": NGINX }] });
    let ann = ann();
    let put = |body: &Value| house.ask(&ann, send(Method::PUT, "/v1/actions/0", body));

    let sheet = put(&edit).await.json().await;
    assert_eq!(sheet["action"]["revision"], 2);
    assert_eq!(
        sheet["action"]["proposer"],
        json!({ "kind": "person", "name": "ann" })
    );
    assert_ne!(sheet["action"]["digest"], old["digest"]);
    let title = conflict(&house, "/v1/actions/0/approve", &old).await;
    assert_eq!(
        title,
        "action 0 is at revision 2, and the approval is for revision 1"
    );

    let problem = put(&edit).await.problem().await;
    assert_eq!(
        problem["type"], "conflict",
        "an edit of an old revision: {problem}"
    );
    for steps in [
        json!([]),
        json!([{ "kind": "unit_start", "unit": "../etc" }]),
        json!([{ "kind": "format_disk" }]),
        json!([{ "kind": "shell", "script": "x".repeat(20_000) }]),
    ] {
        let problem = put(&json!({ "revision": 2, "steps": steps }))
            .await
            .problem()
            .await;
        assert_eq!(problem["type"], "invalid", "{problem}");
    }
    let forbidden = json!({ "revision": 2, "steps": [{ "kind": "shell", "script": "rm -rf /" }] });
    let sheet = put(&forbidden).await.json().await;
    assert_eq!(
        sheet["action"]["state"]["state"], "refused",
        "forbidden for every person"
    );
}
