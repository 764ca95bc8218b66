//! Talks: who may say something, what is heard of its answer, and whose they are.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{Lane, Ollama};
use watchkeeper_model::Autonomy;
use watchkeeper_testkit::model_server::{Gate, MODEL, ModelServer, Turn};
use watchkeeper_watch::{LaneParts, Role};

use crate::bridge::{runbooks, settings_under};
use crate::house::{House, ann, ben, caller, get, send};
use crate::soon;

/// Gives the house one lane to this server.
pub(crate) fn has_a_lane(house: &House, server: &ModelServer) {
    let mut lane = Lane::new(MODEL);
    lane.url = server.url().parse().expect("an address");
    let provider = Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    house.bridge.watch.reload(
        settings_under(Autonomy::Suggest, "schema = 1"),
        runbooks(),
        vec![LaneParts { lane, provider }],
    );
}

/// Serves the lane until the test ends.
pub(crate) fn works(house: &House) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    house.tasks.spawn(watchkeeper_watch::work(
        house.bridge.watch.clone(),
        stop.clone(),
    ));
    stop.drop_guard()
}

/// Begins a talk of ann's.
pub(crate) async fn begin(house: &House, body: &Value) -> Value {
    house.post("/v1/conversations", body).await.json().await
}

#[tokio::test]
async fn what_is_said_is_answered_as_it_comes_and_kept() {
    let house = House::with_daemon().await;
    let server = ModelServer::start().await.always_replies("All is well.");
    has_a_lane(&house, &server);
    let _working = works(&house);
    let talk = begin(&house, &json!({ "kind": "chat" })).await;
    assert_eq!(
        (&talk["number"], &talk["person"]["name"]),
        (&json!(1), &json!("ann"))
    );
    let said = json!({ "text": "is all well?" });
    let events = house.post("/v1/conversations/1/said", &said).await.events();
    let events = events.rest().await;
    assert_eq!(events[0].0, "asked");
    assert_eq!(events[0].1["conversation"], 1);
    let text: String = events
        .iter()
        .filter(|(_, event)| event["event"] == "token")
        .filter_map(|(_, event)| event["text"].as_str())
        .collect();
    assert!(text.contains("All is well."), "{events:?}");
    let (_, last) = events.last().expect("an end");
    assert_eq!(
        (&last["event"], &last["result"]["seq"]),
        (&json!("done"), &json!(2))
    );
    let sheet = house.get("/v1/conversations/1").await.json().await;
    assert_eq!(sheet["said"].as_array().map(Vec::len), Some(2));
    let list = house.get("/v1/conversations?kind=chat").await.json().await;
    assert_eq!(list[0]["turns"], 2);
}

#[tokio::test]
async fn what_is_answered_in_a_talk_is_its_persons_own_as_a_job_too() {
    let house = House::with_daemon().await;
    let server = ModelServer::start()
        .await
        .always_replies("The safe is open.");
    has_a_lane(&house, &server);
    let _working = works(&house);
    begin(&house, &json!({ "kind": "chat" })).await;
    let said = json!({ "text": "is the safe shut?" });
    let events = house.post("/v1/conversations/1/said", &said).await.events();
    let events = events.rest().await;
    let job = format!("/v1/jobs/{}", events[0].1["job"]);
    let own = house.get(&job).await.json().await;
    assert_eq!(own["result"]["text"], "The safe is open.");
    for foreign in [ben(), caller("guest", 4_242, Role::Viewer)] {
        let seen = house.ask(&foreign, get(&job)).await.json().await;
        assert_eq!(seen["state"], "done", "that there is a job is no secret");
        assert!(!seen.to_string().contains("safe"), "{seen:#}");
        let events = house.ask(&foreign, get(&format!("{job}/events"))).await;
        assert_eq!(events.problem().await["title"], "conversation 1 is ann's");
    }
    let own = house
        .get(&format!("{job}/events"))
        .await
        .events()
        .rest()
        .await;
    assert!(own.last().is_some_and(|(_, last)| last["event"] == "done"));
}

#[tokio::test]
async fn a_talk_is_read_and_gone_on_with_by_its_own_person_only() {
    let house = House::with_daemon().await;
    let server = ModelServer::start().await.always_replies("yes");
    has_a_lane(&house, &server);
    begin(&house, &json!({ "kind": "chat" })).await;
    let said = json!({ "text": "and?" });
    let path = "/v1/conversations/1/said";
    let foreign = house.ask(&ben(), send(Method::POST, path, &said)).await;
    let problem = foreign.problem().await;
    assert_eq!(problem["type"], "forbidden");
    assert_eq!(problem["title"], "conversation 1 is ann's");
    let foreign = house.ask(&ben(), get("/v1/conversations/1")).await;
    assert_eq!(foreign.status, 403);
    let viewer = caller("guest", 4_242, Role::Viewer);
    let refused = house.ask(&viewer, send(Method::POST, path, &said)).await;
    assert_eq!(refused.status, 403);
    let listed = house.ask(&viewer, get("/v1/conversations")).await;
    assert_eq!(listed.json().await, json!([]));
    let absent = house.get("/v1/conversations/7").await.problem().await;
    assert_eq!(absent["title"], "there is no conversation 7");
}

#[tokio::test]
async fn where_nobody_could_answer_it_is_said_at_once() {
    let house = House::with_daemon().await;
    let body = json!({ "kind": "ask" });
    let problem = house.post("/v1/conversations", &body).await.problem().await;
    assert_eq!(problem["type"], "unavailable");
    assert_eq!(
        problem["title"],
        "no model is configured, so nobody can answer"
    );
    assert!(
        problem["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("[[lanes]]")
    );
}

#[tokio::test]
async fn who_does_not_listen_any_more_does_not_want_the_answer() {
    let house = House::with_daemon().await;
    let gate = Gate::closed();
    let server = ModelServer::start()
        .await
        .does(Turn::replies("All is well.").after(&gate));
    has_a_lane(&house, &server);
    let _working = works(&house);
    begin(&house, &json!({ "kind": "chat" })).await;
    let said = json!({ "text": "is all well?" });
    let mut events = house.post("/v1/conversations/1/said", &said).await.events();
    let (name, asked) = events.next().await.expect("what was asked");
    assert_eq!(name, "asked");
    soon("the question at the model", gate.is_reached()).await;
    drop(events);
    let job = asked["job"].as_i64().expect("a number");
    let over = async {
        loop {
            let job = house
                .bridge
                .watch
                .job(watchkeeper_model::JobNumber(job))
                .await;
            if job.expect("it is there").line.job.state.as_str() == "cancelled" {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("the job to be taken back", over).await;
    gate.open();
}

#[tokio::test]
async fn a_discussion_is_about_an_action_that_waits_and_is_read_by_all() {
    let house = House::with_daemon().await.with_held_action().await;
    let server = ModelServer::start()
        .await
        .always_replies("It restarts nginx.");
    has_a_lane(&house, &server);
    let body = json!({ "kind": "discuss", "action": 0 });
    let talk = begin(&house, &body).await;
    assert_eq!(
        (&talk["action"], &talk["hosts"]),
        (&json!(0), &json!(["web1"]))
    );
    let none = json!({ "kind": "discuss" });
    let problem = house.post("/v1/conversations", &none).await.problem().await;
    assert_eq!(problem["type"], "invalid");
    let read = house.ask(&ben(), get("/v1/conversations/1")).await;
    assert_eq!(read.status, 200);
    let sheet = house.get("/v1/actions/0").await.json().await;
    assert_eq!(sheet["conversations"][0]["number"], 1);
    house.approve(0).await;
    let sheet = house.get("/v1/conversations/1").await.json().await;
    assert_eq!(sheet["said"][0]["text"], "approved revision 1");
    let by = house
        .ask(&ann(), get("/v1/log?event=action.approved"))
        .await;
    let log = by.json().await;
    assert_eq!(log["entries"][0]["body"]["conversation"], 1, "{log:#}");
}
