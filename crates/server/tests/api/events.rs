//! Following an action: state, steps and output in order, whoever comes when, and an end after the last state.

use http::Method;
use serde_json::{Value, json};
use watchkeeper_model::ActionNumber;
use watchkeeper_watch::Ran;

use crate::bridge::NGINX;
use crate::house::{House, ben, send};
use crate::soon;

/// An event in a few words.
fn words((name, event): &(String, Value)) -> String {
    assert_eq!(name, "run", "{event}");
    assert_eq!(event["number"], 0);
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    match event["event"].as_str().expect("a kind") {
        "state" if event["last"] == true => format!("{}, the last", text("state")),
        "state" => text("state"),
        "output" => format!(
            "{} {} prints {:?}",
            text("phase"),
            event["index"],
            text("text")
        ),
        "step_started" => format!("{} {} starts", text("phase"), event["index"]),
        "step_ended" => format!(
            "{} {} ends: {}",
            text("phase"),
            event["index"],
            event["outcome"]["code"]
        ),
        other => panic!("an event {other} that nobody knows"),
    }
}

fn all_words(events: &[(String, Value)]) -> Vec<String> {
    events.iter().map(words).collect()
}

/// Puts steps of the shell in the place of the action's.
async fn edit(house: &House, steps: &Value, undo: &Value) {
    let revision = house.get("/v1/actions/0").await.json().await["action"]["revision"].clone();
    let body = json!({ "revision": revision, "steps": steps, "undo": undo });
    let request = send(Method::PUT, "/v1/actions/0", &body);
    house.ask(&ben(), request).await.json().await;
}

async fn run(house: &House) -> Ran {
    let ran = soon(
        "the end of the run",
        house.bridge.watch.run_action(ActionNumber(0)),
    )
    .await;
    ran.expect("the store answers")
}

#[tokio::test]
async fn a_run_is_told_in_order_and_the_stream_ends_with_it() {
    let house = House::with_daemon().await.with_held_action().await;
    let steps = json!([
        { "kind": "shell", "script": "echo one; echo oops >&2" },
        { "kind": "unit_restart", "unit": NGINX },
    ]);
    edit(&house, &steps, &json!([])).await;
    house.approve(0).await;
    let events = house.get("/v1/actions/0/events").await.events();
    let (ran, events) = tokio::join!(run(&house), events.rest());
    assert_eq!(ran, Ran::Over("fixed"));
    let mut told = all_words(&events);
    // Which of the two is read first is the host's business.
    let printed = ["apply 0 prints \"one\\n\"", "apply 0 prints \"oops\\n\""];
    for line in printed {
        let at = told.iter().position(|told| told == line);
        assert_eq!(
            at.map(|at| (3..5).contains(&at)),
            Some(true),
            "{line} in {told:?}"
        );
    }
    told.retain(|told| !printed.contains(&told.as_str()));
    assert_eq!(
        told,
        [
            "approved",
            "running",
            "apply 0 starts",
            "apply 0 ends: 0",
            "apply 1 starts",
            "apply 1 ends: 0",
            "verifying",
            "fixed, the last",
        ]
    );
}

#[tokio::test]
async fn who_comes_late_hears_the_same_story() {
    let house = House::with_daemon().await.with_held_action().await;
    let steps = json!([{ "kind": "shell", "script": "echo one" }, { "kind": "unit_restart", "unit": NGINX }]);
    edit(&house, &steps, &json!([])).await;
    house.approve(0).await;
    run(&house).await;
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    assert_eq!(
        all_words(&events),
        [
            "apply 0 starts",
            "apply 0 prints \"one\\n\"",
            "apply 0 ends: 0",
            "apply 1 starts",
            "apply 1 ends: 0",
            "fixed, the last",
        ]
    );
}

#[tokio::test]
async fn who_comes_in_the_middle_hears_every_step_once() {
    let house = House::with_daemon().await.with_held_action().await;
    let steps = json!([
        { "kind": "shell", "script": "echo one" },
        { "kind": "unit_restart", "unit": NGINX },
        { "kind": "shell", "script": "echo three" },
    ]);
    edit(&house, &steps, &json!([])).await;
    house.approve(0).await;
    let mut first = house.get("/v1/actions/0/events").await.events();
    let follow = async {
        while words(&first.next().await.expect("an event")) != "apply 1 starts" {}
        house
            .get("/v1/actions/0/events")
            .await
            .events()
            .rest()
            .await
    };
    let (_, events) = tokio::join!(run(&house), follow);
    let mut told = all_words(&events);
    assert_eq!(told.last().map(String::as_str), Some("fixed, the last"));
    for step in 0..3 {
        for what in ["starts", "ends: 0"] {
            let line = format!("apply {step} {what}");
            assert_eq!(
                told.iter().filter(|told| **told == line).count(),
                1,
                "{line}: {told:?}"
            );
        }
    }
    told.retain(|told| told.starts_with("apply"));
    assert!(told.is_sorted_by_key(|told| told.as_bytes()[6]), "{told:?}");
}

#[tokio::test]
async fn what_fails_is_undone_and_told_so() {
    let house = House::with_daemon().await.with_held_action().await;
    let steps = json!([{ "kind": "shell", "script": "echo no room >&2; exit 3" }]);
    let undo = json!([{ "kind": "shell", "script": "echo back" }]);
    edit(&house, &steps, &undo).await;
    house.approve(0).await;
    let events = house.get("/v1/actions/0/events").await.events();
    let (_, events) = tokio::join!(run(&house), events.rest());
    let told = all_words(&events);
    assert_eq!(
        told,
        [
            "approved",
            "running",
            "apply 0 starts",
            "apply 0 prints \"no room\\n\"",
            "apply 0 ends: 3",
            "failed",
            "undo 0 starts",
            "undo 0 prints \"back\\n\"",
            "undo 0 ends: 0",
            "undone, the last",
        ]
    );
    let late = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    assert_eq!(
        all_words(&late).last().map(String::as_str),
        Some("undone, the last")
    );
}

#[tokio::test]
async fn without_a_daemon_an_approval_runs_at_once_and_is_told_to_its_end() {
    let house = House::without_daemon().await.with_held_action().await;
    house.approve(0).await;
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    let told = all_words(&events);
    assert!(told.contains(&"apply 0 ends: 0".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("fixed, the last"));
}

#[tokio::test]
async fn without_a_daemon_a_host_out_of_reach_is_the_end() {
    let house = House::without_daemon().await.with_held_action().await;
    house.bridge.host().goes_down().await;
    house.approve(0).await;
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    let (last, before) = events.split_last().expect("an event");
    assert_eq!(words(last), "approved, the last");
    let why = last.1["text"].as_str().expect("a text");
    assert!(why.contains("web1 was not seen"), "{why}");
    assert!(
        before.iter().all(|event| words(event) == "approved"),
        "{before:?}"
    );

    // Who asks afterwards learns it too, and is not left waiting.
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    let last = events.last().expect("an event");
    assert_eq!(words(last), "approved, the last");
    assert_eq!(last.1["text"], why);
}

#[tokio::test]
async fn without_a_daemon_what_nobody_runs_is_the_end() {
    let house = House::without_daemon().await.with_held_action().await;
    house.bridge.approve(0).await;
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    let last = events.last().expect("an event");
    assert_eq!(words(last), "approved, the last");
    assert_ne!(last.1["text"], "");
}

#[tokio::test]
async fn with_a_daemon_a_host_out_of_reach_is_not_the_end() {
    let house = House::with_daemon().await.with_held_action().await;
    house.bridge.host().goes_down().await;
    house.approve(0).await;
    let mut events = house.get("/v1/actions/0/events").await.events();
    assert_eq!(words(&events.next().await.expect("an event")), "approved");
    assert!(matches!(run(&house).await, Ran::Later { .. }));
    let later = events.next().await.expect("it goes on");
    assert_eq!(words(&later), "approved");
    assert!(
        later.1["text"]
            .as_str()
            .is_some_and(|why| why.contains("was not seen")),
        "{later:?}"
    );

    house.bridge.host().comes_back().await;
    let (ran, rest) = tokio::join!(run(&house), events.rest());
    assert_eq!(ran, Ran::Over("fixed"));
    assert_eq!(
        all_words(&rest).last().map(String::as_str),
        Some("fixed, the last")
    );
}

#[tokio::test]
async fn another_controllers_run_is_followed_by_the_store() {
    let house = House::with_daemon().await.with_held_action().await;
    let other = house.bridge.another_controller("other").await;
    house.approve(0).await;
    let events = house.get("/v1/actions/0/events").await.events();
    let (ran, events) = tokio::join!(other.run_action(ActionNumber(0)), events.rest());
    assert_eq!(ran.expect("it runs"), Ran::Over("fixed"));
    let told = all_words(&events);
    assert!(told.contains(&"apply 0 ends: 0".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("fixed, the last"));
}

#[tokio::test]
async fn what_is_over_or_waits_for_a_person_ends_at_once() {
    let house = House::with_daemon().await.with_held_action().await;
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    assert_eq!(all_words(&events), ["held, the last"]);
    house
        .post("/v1/actions/0/reject", &json!({ "reason": "no" }))
        .await
        .json()
        .await;
    let events = house
        .get("/v1/actions/0/events")
        .await
        .events()
        .rest()
        .await;
    assert_eq!(all_words(&events), ["rejected, the last"]);
    assert_eq!(events[0].1["text"], "no");
    assert_eq!(
        house.get("/v1/actions/3/events").await.problem().await["type"],
        "not_found"
    );
}

#[tokio::test]
async fn a_follower_that_goes_leaves_nothing_behind() {
    let house = House::with_daemon().await.with_held_action().await;
    house.approve(0).await;
    let mut events = house.get("/v1/actions/0/events").await.events();
    events.next().await.expect("its state");
    assert_eq!(house.tasks.len(), 1);
    drop(events);
    house.tasks.close();
    soon("the end of the following", house.tasks.wait()).await;
}

/// A slow reader keeps nobody else waiting, and hears in the end how it went.
#[tokio::test]
async fn a_reader_who_falls_behind_hears_the_end() {
    let house = House::with_daemon().await.with_held_action().await;
    let steps = json!([
        { "kind": "shell", "script": "for n in 1 2 3 4 5; do echo $n; sleep 0.3; done" },
        { "kind": "unit_restart", "unit": NGINX },
    ]);
    edit(&house, &steps, &json!([])).await;
    house.approve(0).await;
    let asleep = house.get("/v1/actions/0/events").await.events();
    assert_eq!(
        run(&house).await,
        Ran::Over("fixed"),
        "nobody waits for the reader"
    );
    let told = all_words(&asleep.rest().await);
    assert_eq!(told.last().map(String::as_str), Some("fixed, the last"));
    assert!(told.contains(&"apply 1 ends: 0".to_owned()), "{told:?}");
}
