//! The log: a page of it, as it grows, whole, and whether it is intact.

use http::{Method, header};
use serde_json::{Value, json};

use crate::house::{House, ann, send};

fn seqs(entries: &Value) -> Vec<i64> {
    let entries = entries.as_array().expect("a list");
    entries
        .iter()
        .map(|entry| entry["seq"].as_i64().expect("a place"))
        .collect()
}

#[tokio::test]
async fn a_page_is_the_newest_that_fit_or_what_follows_a_place() {
    let house = House::with_daemon().await.with_held_action().await;
    let all = house.get("/v1/log?limit=1000").await.json().await;
    let all = seqs(&all["entries"]);
    assert_eq!(
        all,
        (1..=i64::try_from(all.len()).expect("few")).collect::<Vec<_>>()
    );
    let newest = house.get("/v1/log?limit=2").await.json().await;
    assert_eq!(seqs(&newest["entries"]), all[all.len() - 2..]);
    let next = house.get("/v1/log?after=1&limit=2").await.json().await;
    assert_eq!(seqs(&next["entries"]), [2, 3]);
    let about = house
        .get("/v1/log?action=0&event=action.")
        .await
        .json()
        .await;
    assert!(
        about["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|entry| entry["about"]["action"] == 0)
    );
    let later = house
        .get("/v1/log?since=2100-01-01T00:00:00Z")
        .await
        .json()
        .await;
    assert_eq!(later["entries"], json!([]));
}

#[tokio::test]
async fn it_is_followed_from_now_and_from_a_place() {
    let house = House::with_daemon().await;
    let issue = |title: &str| json!({ "title": title, "severity": "info" });
    house
        .post("/v1/issues", &issue("before"))
        .await
        .json()
        .await;
    let mut from_now = house.get("/v1/log/follow?event=issue.").await.events();
    let mut from_the_start = house
        .get("/v1/log/follow?after=0&event=issue.")
        .await
        .events();
    house.post("/v1/issues", &issue("after")).await.json().await;
    house.post("/v1/issues", &issue("later")).await.json().await;

    for (events, expected) in [
        (&mut from_now, &["after", "later"][..]),
        (&mut from_the_start, &["before", "after", "later"][..]),
    ] {
        for text in expected {
            let (name, entry) = events.next().await.expect("an entry");
            assert_eq!(
                (name.as_str(), &entry["body"]["text"]),
                ("entry", &json!(text))
            );
        }
    }
    drop((from_now, from_the_start));
    house.tasks.close();
    crate::soon("the end of those who follow", house.tasks.wait()).await;
}

#[tokio::test]
async fn more_than_a_page_is_followed_to_its_end() {
    let house = House::with_daemon().await;
    for number in 0..25 {
        let body = json!({ "title": format!("trouble {number}"), "severity": "info" });
        house.post("/v1/issues", &body).await.json().await;
    }
    let mut events = house.get("/v1/log/follow?after=0&limit=10").await.events();
    for seq in 1..=25 {
        assert_eq!(events.next().await.expect("an entry").1["seq"], seq);
    }
}

#[tokio::test]
async fn an_export_holds_every_entry_and_its_hash_can_be_computed_from_it() {
    let house = House::with_daemon().await.with_held_action().await;
    for number in 0..120 {
        let body = json!({ "title": format!("trouble {number} ä"), "severity": "info" });
        house.post("/v1/issues", &body).await.json().await;
    }
    let answer = house.get("/v1/log/export").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/jsonl");
    let bytes = answer.bytes().await;
    let lines: Vec<Value> = std::str::from_utf8(&bytes)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let verdict = house
        .ask(&ann(), send(Method::POST, "/v1/log/verify", &json!(null)))
        .await
        .json()
        .await;
    assert_eq!(verdict["log"], "intact");
    assert_eq!(verdict["entries"], lines.len());
    assert_eq!(verdict["head"], lines.last().expect("a line")["hash"]);
    for pair in lines.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["hash"]);
    }
}

#[tokio::test]
async fn an_empty_log_is_exported_as_nothing() {
    let house = House::with_daemon().await;
    let answer = house.get("/v1/log/export").await;
    assert_eq!(answer.status, 200);
    assert!(answer.bytes().await.is_empty());
}

#[tokio::test]
async fn many_verifications_are_answered_one_after_the_other() {
    let house = House::with_daemon().await.with_held_action().await;
    let asked = (0..20).map(|_| house.post("/v1/log/verify", &json!(null)));
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.json().await["log"], "intact");
    }
}

/// A wait for changes costs a connection on Postgres, and a store has few: those who follow share one.
#[tokio::test]
async fn many_who_follow_keep_nobody_from_the_store() {
    let house = House::with_daemon_on_postgres().await;
    let mut following = Vec::new();
    for _ in 0..40 {
        following.push(house.get("/v1/log/follow").await.events());
    }
    let body = json!({ "title": "seen by all", "severity": "info" });
    house.post("/v1/issues", &body).await.json().await;
    house.get("/v1/status").await.json().await;
    for events in &mut following {
        let (_, entry) = events.next().await.expect("an entry");
        assert_eq!(entry["body"]["text"], "seen by all");
    }
}
