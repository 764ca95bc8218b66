//! What is told to people over the API: said, tested, listed, sent again.

use serde_json::{Value, json};
use watchkeeper_model::Span;
use watchkeeper_notify::{ChannelKind, ChannelSettings, open};
use watchkeeper_testkit::push::{Fault, Gotify};
use watchkeeper_watch::Notifying;

use crate::house::House;

const TOKEN: &str = "Atoken.of-the-phone";

/// Gives a house a phone.
async fn has_a_phone(house: &House) -> Gotify {
    let gotify = Gotify::start(TOKEN).await;
    let token = house.bridge.dir.path().join("phone.token");
    std::fs::write(&token, TOKEN).expect("written");
    let settings = ChannelSettings {
        name: "phone".to_owned(),
        kind: ChannelKind::Gotify,
        url: gotify.url(),
        token_file: Some(token),
        topic: None,
        login: None,
        from: None,
        to: Vec::new(),
        person: None,
        image: None,
        ca_file: None,
        per_hour: 30,
        timeout: Span::seconds(5),
    };
    house.bridge.watch.use_channels(Notifying {
        channels: vec![open(settings).expect("a channel")],
        ..Notifying::default()
    });
    gotify
}

/// An answer of every route, for the promise of fields and the document.
pub(crate) async fn answers(house: &House) -> Vec<(&'static str, Value)> {
    let gotify = has_a_phone(house).await;
    gotify.fails(Fault::Status(400));
    let said = json!({ "title": "backup failed", "text": "disk 3 is full", "priority": 5 });
    let dead = house.post("/v1/deliveries", &said).await.json().await;
    assert_eq!(dead["deliveries"][0]["state"], "dead", "{dead}");
    gotify.fails(None);
    let number = &dead["deliveries"][0]["number"];
    let retried = house
        .post(&format!("/v1/deliveries/{number}/retry"), &json!({}))
        .await;
    let tested = house.post("/v1/deliveries/test", &json!({})).await;
    let said = house.post("/v1/deliveries", &said).await;
    let answers = vec![
        ("POST /v1/deliveries/{number}/retry", retried.json().await),
        ("POST /v1/deliveries/test", tested.json().await),
        ("POST /v1/deliveries", said.json().await),
        (
            "GET /v1/deliveries",
            house.get("/v1/deliveries?limit=1").await.json().await,
        ),
        ("GET /v1/status", house.get("/v1/status").await.json().await),
    ];
    house.bridge.watch.use_channels(Notifying::default());
    answers
}

#[tokio::test]
async fn what_is_said_arrives_and_what_cannot_be_is_told() {
    let house = House::with_daemon().await;
    let nobody = house
        .post("/v1/deliveries", &json!({ "title": "hello" }))
        .await;
    assert_eq!(nobody.status, 422, "there is no channel");
    let gotify = has_a_phone(&house).await;
    let said = house
        .post(
            "/v1/deliveries",
            &json!({ "title": "hello", "priority": 8 }),
        )
        .await;
    assert_eq!(said.json().await["deliveries"][0]["state"], "sent");
    assert_eq!(gotify.messages()[0].priority, 8);
    for (body, status) in [
        (json!({ "title": " " }), 422),
        (json!({ "title": "x", "priority": 11 }), 422),
        (json!({ "title": "x", "channel": "nowhere" }), 404),
        (json!({ "text": "x" }), 422),
    ] {
        let refused = house.post("/v1/deliveries", &body).await;
        assert_eq!(refused.status, status, "{body}");
    }
    let unknown = house.post("/v1/deliveries/77/retry", &json!({})).await;
    assert_eq!(unknown.status, 404);
    let listed = house.get("/v1/deliveries?state=sent").await.json().await;
    assert_eq!(listed["deliveries"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["channels"][0]["healthy"], true);
    assert_eq!(house.get("/v1/deliveries?state=lost").await.status, 422);
}
