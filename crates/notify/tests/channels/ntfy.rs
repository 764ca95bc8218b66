//! ntfy.

use serde_json::json;
use watchkeeper_notify::{Again, ChannelKind, Message, SendError};
use watchkeeper_testkit::push::{Fault, Ntfy};

use super::{HOSTILE, NOON, message, way};

#[tokio::test]
async fn a_message_arrives_at_its_topic_with_one_button_that_only_opens_a_page() {
    let server = Ntfy::start().await;
    server.wants_token("tk_secret");
    let way = way(ChannelKind::Ntfy, &server.url(), "tk_secret", |_| ());
    let message = Message {
        click: Some("https://watch.example.org/a/x".to_owned()),
        ..message("nginx.service has failed")
    };
    way.channel.send(&message, NOON).await.expect("it is taken");
    let taken = server.messages();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        taken[0].body,
        json!({
            "topic": "watch",
            "title": "critical: web1: nginx.service has failed",
            "message": "Opened: web1 nginx.service has failed\nexit code 1\nIssue 12: watchkeeper issues show 12",
            "priority": 5,
            "tags": ["rotating_light"],
            "sequence_id": "4f0c1f8e6a5b4c3d2e1f00998877aa01",
            "click": "https://watch.example.org/a/x",
            "actions": [{ "action": "view", "label": "Open", "url": "https://watch.example.org/a/x" }],
        })
    );
    assert!(way.channel.examine().await.expect("it answers").is_some());
}

#[tokio::test]
async fn long_texts_stay_messages_and_hostile_ones_stay_lines() {
    let server = Ntfy::start().await;
    let way = way(ChannelKind::Ntfy, &server.url(), "x", |settings| {
        settings.token_file = None;
    });
    let mut long = message(HOSTILE);
    for _ in 0..100 {
        long.notices.push(long.notices[0].clone());
        long.text
            .push(watchkeeper_notify::Line::theirs("ü".repeat(100)));
    }
    way.channel.send(&long, NOON).await.expect("it is taken");
    let taken = &server.messages()[0];
    assert!(!taken.became_a_file);
    let text = taken.body["message"].as_str().expect("a text");
    assert!(!text.contains(['\r', '\u{1b}']), "{text}");
}

#[tokio::test]
async fn a_text_that_json_makes_long_is_cut_and_not_lost() {
    let server = Ntfy::start().await;
    let way = way(ChannelKind::Ntfy, &server.url(), "x", |settings| {
        settings.token_file = None;
    });
    let mut long = message(&"\"ü\\".repeat(100));
    for _ in 0..100 {
        long.text
            .push(watchkeeper_notify::Line::ours("\\\"".repeat(50)));
    }
    way.channel.send(&long, NOON).await.expect("it is taken");
    let taken = &server.messages()[0].body;
    assert_eq!(taken["title"], long.title, "beyond ASCII, too");
    let text = taken["message"].as_str().expect("a text");
    assert!(text.len() > 2_000 && text.ends_with('…'), "{}", text.len());
}

#[tokio::test]
async fn the_address_of_a_topic_is_no_address_of_a_server() {
    let server = Ntfy::start().await;
    // ntfy takes the JSON for a text there, and says that all is well.
    let url = format!("{}/somewhere", server.url());
    let way = way(ChannelKind::Ntfy, &url, "x", |settings| {
        settings.token_file = None;
    });
    let error = way.channel.send(&message("x"), NOON).await;
    let error = error.expect_err("it went elsewhere").to_string();
    assert!(
        error.contains("not for this topic; url is the server alone"),
        "{error}"
    );
}

#[tokio::test]
async fn each_way_to_fail_says_whether_to_try_again() {
    let server = Ntfy::start().await;
    server.wants_token("tk_right");
    let way = way(ChannelKind::Ntfy, &server.url(), "tk_wrong", |_| ());
    let failed = async |fault: Option<Fault>| {
        server.fails(fault);
        let error = way.channel.send(&message("x"), NOON).await;
        error.expect_err("it fails")
    };
    let wrong = failed(None).await;
    assert!(matches!(wrong, SendError::Refused { .. }), "{wrong}");
    assert!(wrong.to_string().contains("unauthorized"), "{wrong}");
    let many = failed(Some(Fault::Status(429))).await;
    assert_eq!(many.again(), Again::Later(None), "{many}");
    let down = failed(Some(Fault::Down)).await;
    assert_eq!(down.again(), Again::Later(None), "{down}");
    let bad = failed(Some(Fault::Status(400))).await;
    assert_eq!(bad.again(), Again::Never, "{bad}");
}
