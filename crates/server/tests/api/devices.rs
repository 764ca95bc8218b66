//! Browsers and links, as commands ask for them. What is done with them in a browser is in the tests of the pages.

use serde_json::{Value, json};
use watchkeeper_watch::{Role, Web};

use crate::house::{House, caller, send};

/// From now on there are pages to which links can lead.
fn serves_pages(house: &House) {
    house.bridge.watch.use_web(Web {
        public_url: Some("https://watch.example.org".to_owned()),
        ..Web::default()
    });
}

/// What each route answers, in a house in which action 1 is held.
pub(crate) async fn answers(house: &House) -> Vec<(&'static str, Value)> {
    serves_pages(house);
    let added = house
        .post("/v1/devices", &json!({ "label": "phone" }))
        .await;
    let added = added.json().await;
    let url = added["url"].as_str().expect("an address");
    let token = url.rsplit('/').next().expect("a token");
    house
        .bridge
        .watch
        .add_device(token, None, "a browser")
        .await
        .expect("it is good once");
    let link = house.post("/v1/actions/1/link", &json!({})).await;
    let link = link.json().await;
    let list = house.get("/v1/devices").await.json().await;
    let removed = house.post("/v1/devices/1/remove", &json!({})).await;
    vec![
        ("POST /v1/devices", added),
        ("POST /v1/actions/{number}/link", link),
        ("GET /v1/devices", list),
        ("POST /v1/devices/{number}/remove", removed.json().await),
    ]
}

#[tokio::test]
async fn a_browser_is_asked_for_by_whose_it_is_or_by_root() {
    let house = House::with_daemon().await;
    serves_pages(&house);
    let own = house.post("/v1/devices", &json!({ "person": "ann" })).await;
    assert_eq!(own.json().await["person"], "ann");
    let of_root = house
        .post("/v1/devices", &json!({ "person": "root" }))
        .await;
    let problem = of_root.problem().await;
    assert_eq!(problem["type"], "forbidden", "{problem}");
    let root = caller("root", 0, Role::Operator);
    let ask = |name: &str| {
        let body = json!({ "person": name });
        send(http::Method::POST, "/v1/devices", &body)
    };
    let nobody = house.ask(&root, ask("no-such-account-here")).await;
    assert_eq!(nobody.problem().await["type"], "invalid");
    let known = house.ask(&root, ask("daemon")).await.json().await;
    assert_eq!(known["person"], "daemon");
    assert_eq!(house.bridge.log("device.asked").await.len(), 2);
}

#[tokio::test]
async fn without_pages_there_are_no_links_and_what_does_not_wait_has_none() {
    let house = House::with_daemon().await.with_held_action().await;
    for path in ["/v1/devices", "/v1/actions/0/link"] {
        let problem = house.post(path, &json!({})).await.problem().await;
        assert_eq!(problem["type"], "invalid", "{problem}");
        let title = problem["title"].as_str().expect("a title");
        assert!(title.contains("web.public_url"), "{title}");
    }
    serves_pages(&house);
    house.approve(0).await;
    let problem = house.post("/v1/actions/0/link", &json!({})).await;
    let problem = problem.problem().await;
    let title = problem["title"].as_str().expect("a title");
    assert!(title.contains("action 0 is approved"), "{title}");
    let problem = house.post("/v1/actions/7/link", &json!({})).await;
    assert_eq!(problem.problem().await["type"], "not_found");
    let problem = house.post("/v1/devices/7/remove", &json!({})).await;
    assert_eq!(problem.problem().await["type"], "not_found");
}
