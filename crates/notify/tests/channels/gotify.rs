//! Gotify.

use std::time::Duration;

use serde_json::json;
use watchkeeper_model::Span;
use watchkeeper_notify::{Again, ChannelKind, Message, SendError};
use watchkeeper_testkit::model_server::authority;
use watchkeeper_testkit::push::{Fault, Gotify};

use super::{HOSTILE, NOON, Way, message, way};

const TOKEN: &str = "Axyz.secret-token";

async fn server() -> (Gotify, Way) {
    let server = Gotify::start(TOKEN).await;
    let way = way(ChannelKind::Gotify, &server.url(), TOKEN, |settings| {
        settings.image = Some("https://watch.example.org/picture.png".to_owned());
        settings.timeout = Span::seconds(1);
    });
    (server, way)
}

async fn refused(way: &Way) -> SendError {
    let sent = way.channel.send(&message("down"), NOON).await;
    let error = sent.expect_err("it fails");
    assert!(!error.to_string().contains("secret-token"), "{error}");
    error
}

#[tokio::test]
async fn a_message_arrives_with_priority_markdown_click_and_picture() {
    let (server, way) = server().await;
    let message = Message {
        click: Some("https://watch.example.org/a/x".to_owned()),
        ..message("nginx.service has failed")
    };
    way.channel.send(&message, NOON).await.expect("it is taken");
    let messages = server.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].title.as_str(), messages[0].priority),
        ("critical: web1: nginx.service has failed", 8)
    );
    assert_eq!(
        messages[0].message,
        "Opened: `web1` `nginx.service has failed`  \n`exit code 1`  \nIssue 12: `watchkeeper issues show 12`"
    );
    assert_eq!(
        messages[0].extras,
        json!({
            "client::display": { "contentType": "text/markdown" },
            "client::notification": {
                "click": { "url": "https://watch.example.org/a/x" },
                "bigImageUrl": "https://watch.example.org/picture.png",
            },
        })
    );
    assert_eq!(
        way.channel.examine().await.expect("it answers"),
        Some(format!("Gotify 2.6.3 answers at {}", server.url()))
    );
}

#[tokio::test]
async fn what_hosts_write_is_one_visible_line_and_no_markdown() {
    let (server, way) = server().await;
    way.channel
        .send(&message(HOSTILE), NOON)
        .await
        .expect("it is taken");
    let taken = &server.messages()[0];
    assert!(!taken.title.contains(['\r', '\n', '\u{1b}', '\u{202e}']));
    let line = taken.message.lines().next().expect("a line");
    assert!(
        line.contains(
            "`a\\r\\nBcc: evil@example.org\\r\\n\\r\\n<img src=x onerror=y> [x](http://evil) 'b'"
        ),
        "{line}"
    );
    assert_eq!(
        line.matches('`').count(),
        4,
        "host and title are code: {line}"
    );
}

#[tokio::test]
async fn each_way_to_fail_says_whether_to_try_again() {
    let (server, way) = server().await;
    for (fault, again) in [
        (Fault::Down, Again::Later(None)),
        (Fault::Silent, Again::Later(None)),
        (Fault::CutInHalf, Again::Later(None)),
        (Fault::Status(500), Again::Later(None)),
        (Fault::Status(502), Again::Later(None)),
        (Fault::Status(404), Again::Later(None)),
        (Fault::Status(302), Again::Later(None)),
        (Fault::Status(503), Again::Later(None)),
        (
            Fault::TooMany(77),
            Again::Later(Some(Duration::from_secs(77))),
        ),
        (Fault::Status(401), Again::WhenMended),
        (Fault::Status(403), Again::WhenMended),
        (Fault::Status(400), Again::Never),
        (Fault::Status(413), Again::Never),
    ] {
        server.fails(fault.clone());
        let error = refused(&way).await;
        assert_eq!(error.again(), again, "{fault:?}: {error}");
    }
    server.fails(None);
    way.channel
        .send(&message("well again"), NOON)
        .await
        .expect("it is taken");
}

fn says(status: u16, headers: &[&str], body: &str) -> Fault {
    Fault::Says {
        status,
        headers: headers.iter().map(ToString::to_string).collect(),
        body: body.to_owned(),
    }
}

const JSON: &str = "Content-Type: application/json; charset=utf-8";

#[tokio::test]
async fn somebody_else_who_says_yes_took_nothing() {
    let (server, way) = server().await;
    for (fault, words) in [
        (
            says(200, &["Content-Type: text/html"], "<h1>Log in</h1>"),
            "200 OK without JSON, so somebody else answers there",
        ),
        (
            says(200, &[JSON], "<<garbage>>"),
            "no message that Gotify has kept",
        ),
        (
            says(200, &[JSON], "{\"ok\":true}"),
            "no message that Gotify has kept",
        ),
        (says(204, &[], ""), "without JSON"),
        (
            says(
                301,
                &["Location: https://push.example.org/gotify/message?token=x#y"],
                "",
            ),
            "301 Moved Permanently: it leads to https://push.example.org/gotify/message; write into url where that is",
        ),
        (says(302, &["Location: /elsewhere"], ""), "302 Found"),
    ] {
        server.fails(fault.clone());
        let error = refused(&way).await;
        assert!(error.to_string().contains(words), "{fault:?}: {error}");
        assert_eq!(error.again(), Again::Later(None), "{fault:?}");
    }
    server.fails(says(200, &[JSON], "{\"status\":\"up\"}"));
    let examined = way.channel.examine().await;
    assert!(examined.is_err(), "{examined:?}");
}

#[tokio::test]
async fn what_was_taken_stays_taken_whatever_becomes_of_the_answer() {
    let (server, way) = server().await;
    for fault in [Fault::CutInBody, Fault::SilentInBody, Fault::Endless(200)] {
        server.fails(fault.clone());
        let sent = way.channel.send(&message("x"), NOON).await;
        assert_eq!(sent, Ok(()), "{fault:?}");
    }
    assert_eq!(server.messages().len(), 2);
}

#[tokio::test]
async fn an_answer_without_end_is_read_as_far_as_it_says_why() {
    let (server, way) = server().await;
    server.fails(Fault::Endless(500));
    let error = refused(&way).await.to_string();
    assert!(error.contains("500 Internal Server Error: xxx"), "{error}");
    assert!(error.len() < 1_000, "{error}");
}

#[tokio::test]
async fn patience_is_asked_for_in_seconds_or_until_a_date_by_the_servers_clock() {
    let (server, way) = server().await;
    let date = "Date: Sun, 15 Jun 2031 12:00:00 GMT";
    for (headers, wait) in [
        (vec!["Retry-After: 86400"], Some(86_400)),
        (
            vec![date, "Retry-After: Mon, 16 Jun 2031 12:00:00 GMT"],
            Some(86_400),
        ),
        (
            vec![date, "Retry-After: Sat, 14 Jun 2031 12:00:00 GMT"],
            None,
        ),
        (vec!["Retry-After: Mon, 16 Jun 2031 12:00:00 GMT"], None),
        (vec!["Retry-After: soon"], None),
        (vec!["Retry-After: -5"], None),
        (vec!["Retry-After: 99999999999999999999999"], None),
    ] {
        server.fails(says(429, &headers, ""));
        let asked = wait.map(Duration::from_secs);
        assert_eq!(
            refused(&way).await.again(),
            Again::Later(asked),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn over_tls_only_who_is_trusted_is_told_anything() {
    let server = Gotify::start_encrypted(TOKEN).await;
    let trusting = |url: &str, trusts: bool| {
        way(ChannelKind::Gotify, url, TOKEN, |settings| {
            settings.ca_file = trusts.then(authority);
        })
    };
    let trusted = trusting(&server.url(), true);
    let sent = trusted.channel.send(&message("x"), NOON).await;
    sent.expect("its authority is named");
    let error = refused(&trusting(&server.url(), false)).await;
    assert!(matches!(error, SendError::Untrusted { .. }), "{error}");
    assert!(error.advice().contains("ca_file"), "{}", error.advice());
    assert_eq!(error.again(), Again::Later(None));
    assert_eq!(server.messages().len(), 1);
}

#[tokio::test]
async fn a_wrong_token_is_told_in_gotifys_words_and_a_mended_file_is_used_at_once() {
    let (server, way) = server().await;
    let before = way.channel.stamp().await;
    server.forgets_applications();
    let error = refused(&way).await;
    assert!(
        error.to_string().ends_with(
            "refuses the secret (401 Unauthorized: you need to provide a valid access token or user credentials to access this api)"
        ),
        "{error}"
    );
    server.has_application("Another.token");
    assert_eq!(way.channel.stamp().await, before, "nothing was mended yet");
    std::fs::write(&way.secret, "Another.token").expect("written");
    assert_ne!(way.channel.stamp().await, before);
    way.channel
        .send(&message("x"), NOON)
        .await
        .expect("the new token is used");
    std::fs::remove_file(&way.secret).expect("removed");
    assert!(matches!(refused(&way).await, SendError::Secret { .. }));
}

#[tokio::test]
async fn nobody_there_is_told_and_costs_no_more_than_its_time() {
    let way = way(ChannelKind::Gotify, "http://127.0.0.1:1", TOKEN, |_| ());
    let error = refused(&way).await;
    assert!(matches!(error, SendError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn very_long_texts_are_bounded() {
    let (server, way) = server().await;
    way.channel
        .send(&message(&"long ".repeat(100_000)), NOON)
        .await
        .expect("it is taken");
    let taken = &server.messages()[0];
    assert!(taken.title.chars().count() <= 200);
    assert!(taken.message.len() <= 8_000);
}
