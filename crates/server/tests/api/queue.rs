//! The queue to the models over the API: one job followed to its end, and gone on with; taking back; pausing.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper_agent::Runbooks;
use watchkeeper_llm::{Lane, connect};
use watchkeeper_testkit::model_server::{MODEL, ModelServer};
use watchkeeper_watch::LaneParts;

use crate::bridge::{NGINX, settings};
use crate::house::House;

/// A house where a model is asked why nginx fails: job 1 waits.
pub(crate) async fn house(server: &ModelServer) -> (House, String) {
    let house = House::with_daemon().await;
    let mut lane = Lane::new(MODEL);
    lane.url = server.url().parse().expect("an address");
    let provider = connect(lane.clone(), None).expect("a lane");
    let none: [(&str, &str); 0] = [];
    let runbooks = Runbooks::load(&none).expect("no runbooks are fine");
    let lanes = vec![LaneParts { lane, provider }];
    house.bridge.watch.reload(settings(), runbooks, lanes);
    house.bridge.host().unit(NGINX).fails("exit-code");
    house.bridge.check().await;
    let queue = house.get("/v1/queue").await.json().await;
    let number = queue["jobs"][0]["number"].to_string();
    (house, format!("/v1/jobs/{number}"))
}

/// Serves the one job that waits.
pub(crate) async fn works(house: &House) {
    let stop = CancellationToken::new();
    let served = house.bridge.watch.work_once(0, &stop).await;
    assert!(served.expect("the store answers"), "there was a job");
}

fn kinds(events: &[(String, Value)]) -> Vec<&str> {
    events
        .iter()
        .map(|(name, event)| {
            assert_eq!(name, "job");
            event["event"].as_str().unwrap_or_default()
        })
        .collect()
}

#[tokio::test]
async fn a_job_is_followed_to_its_end_and_gone_on_with_from_any_place() {
    let server = ModelServer::start()
        .await
        .always_replies("It is not clear.");
    let (house, job) = house(&server).await;
    let mut waiting = house.get(&format!("{job}/events")).await.events();
    let (_, first) = waiting.next().await.expect("where it stands");
    assert_eq!(
        (&first["event"], &first["ahead"]),
        (&json!("waiting"), &json!(0))
    );
    works(&house).await;
    let rest = waiting.rest().await;
    let said = kinds(&rest);
    assert!(said.contains(&"started"), "{said:?}");
    assert_eq!(said.last(), Some(&"done"), "{said:?}");
    let ends = said.iter().filter(|kind| **kind == "done").count();
    assert_eq!(ends, 1);
    let last = &rest[rest.len() - 1].1["seq"];
    let again = house.get(&format!("{job}/events?after={last}")).await;
    let again = again.events().rest().await;
    assert_eq!(kinds(&again), ["done"], "the rest was seen");
    let whole = house
        .get(&format!("{job}/events"))
        .await
        .events()
        .rest()
        .await;
    assert_eq!(
        kinds(&whole),
        kinds(&rest),
        "and all of it can be seen again"
    );
}

#[tokio::test]
async fn what_is_taken_back_is_not_asked_and_what_is_over_cannot_be() {
    let server = ModelServer::start().await;
    let (house, job) = house(&server).await;
    let cancelled = house.post(&format!("{job}/cancel"), &json!({})).await;
    assert_eq!(cancelled.json().await["state"], "cancelled");
    let events = house
        .get(&format!("{job}/events"))
        .await
        .events()
        .rest()
        .await;
    assert_eq!(kinds(&events), ["cancelled"]);
    let again = house.post(&format!("{job}/cancel"), &json!({})).await;
    assert_eq!(again.problem().await["type"], "conflict");
    let retried = house.post(&format!("{job}/retry"), &json!({})).await;
    assert_eq!(retried.json().await["state"], "queued");
    for path in ["/v1/jobs/4711", "/v1/jobs/4711/events"] {
        let problem = house.get(path).await.problem().await;
        assert_eq!(problem["type"], "not_found", "{problem}");
    }
    let nobody = house
        .post("/v1/queue/pause", &json!({ "lane": "gpu7" }))
        .await;
    assert_eq!(nobody.problem().await["type"], "not_found");
    assert!(server.generations().is_empty());
}
