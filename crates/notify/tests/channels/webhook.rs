//! A webhook, and what its receiver can check.

use serde_json::Value;
use watchkeeper_model::Timestamp;
use watchkeeper_notify::{Again, ChannelKind, sign};
use watchkeeper_testkit::push::{Fault, Hook};

use super::{NOON, message, way};

#[tokio::test]
async fn what_arrives_is_signed_over_its_time_and_its_very_bytes() {
    let server = Hook::start().await;
    let url = format!("{}/in/watch", server.url());
    let way = way(ChannelKind::Webhook, &url, "the key", |_| ());
    way.channel
        .send(&message("nginx.service has failed"), NOON)
        .await
        .expect("it is taken");
    let received = &server.received()[0];
    assert_eq!(received.path, "/in/watch");
    assert_eq!(
        received.headers["watchkeeper-id"],
        "4f0c1f8e6a5b4c3d2e1f00998877aa01"
    );
    let seconds: i64 = received.headers["watchkeeper-timestamp"]
        .parse()
        .expect("seconds");
    let expect = sign(
        b"the key",
        Timestamp::from_millis(seconds * 1_000),
        &received.body,
    );
    assert_eq!(received.headers["watchkeeper-signature"], expect.header);
    let body: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert_eq!(body["version"], 1);
    assert_eq!(body["id"], "4f0c1f8e6a5b4c3d2e1f00998877aa01");
    assert_eq!(body["urgency"], "critical");
    assert_eq!(body["notices"][0]["event"], "opened");
    assert_eq!(body["notices"][0]["issue"], 12);
    assert_eq!(body["notices"][0]["host"], "web1");
}

#[tokio::test]
async fn a_body_is_never_longer_than_receivers_take_and_leaves_nothing_out_unsaid() {
    let server = Hook::start().await;
    let way = way(ChannelKind::Webhook, &server.url(), "the key", |_| ());
    let long = |title: &str, text: &str| {
        let mut long = message(title);
        long.notices[0].text = text.to_owned();
        long.notices = vec![long.notices[0].clone(); 100];
        long
    };
    for (message, kept) in [
        (long("short", &"ü".repeat(2_000)), 100),
        (long(&"ü".repeat(800), ""), 25),
    ] {
        way.channel.send(&message, NOON).await.expect("it is taken");
        let received = server.received().pop().expect("it came");
        assert!(received.body.len() <= 64 * 1024, "{}", received.body.len());
        let body: Value = serde_json::from_slice(&received.body).expect("JSON");
        assert_eq!(body["notices"].as_array().map(Vec::len), Some(kept));
        assert_eq!(body["more"], 100 - kept);
    }
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let server = Hook::start().await;
    let way = way(ChannelKind::Webhook, &server.url(), "the key", |_| ());
    for (fault, again) in [
        (Fault::Status(500), Again::Later(None)),
        (Fault::Status(401), Again::WhenMended),
        (Fault::Status(422), Again::Never),
    ] {
        server.fails(fault.clone());
        let sent = way.channel.send(&message("x"), NOON).await;
        assert_eq!(sent.expect_err("it fails").again(), again, "{fault:?}");
    }
}
