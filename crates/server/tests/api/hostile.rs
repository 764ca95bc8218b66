//! What should not be sent: whatever it is, the answer is a problem that says what is wrong with it.

use http::{Method, Request, header};
use serde_json::json;
use watchkeeper_server::{Body, ROUTES};

use crate::house::{House, ann, get, send};

const JSON: &str = "application/json";

fn raw(method: &str, path: &str, kind: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    request.body(body.into()).expect("a request")
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_a_problem() {
    let house = House::with_daemon().await;
    let long = "9".repeat(5_000);
    for (path, kind) in [
        ("/", "not_found"),
        ("/v1", "not_found"),
        ("/v2/status", "not_found"),
        ("/v1/status/", "not_found"),
        ("/v1/actions/0/undo", "not_found"),
        ("/v1/actions/x", "invalid"),
        ("/v1/actions/-1x", "invalid"),
        ("/v1/actions/99999999999999999999", "invalid"),
        ("/v1/actions/%ff", "invalid"),
        ("/v1/actions/%00", "invalid"),
        ("/v1/actions/0%2fapprove", "invalid"),
        ("/v1/actions/-1", "invalid"),
        ("/v1/actions/4000000000", "not_found"),
        ("/v1/issues/0", "not_found"),
        ("/v1/hosts/..%2f..%2fetc/key", "invalid"),
        ("/v1/hosts/-oProxyCommand=x/key", "invalid"),
        ("/v1/hosts/%1b%5b2J/key", "invalid"),
        ("/v1/log?limit=many", "invalid"),
        ("/v1/log?limit=1&limit=2", "invalid"),
        ("/v1/log?colour=red", "invalid"),
        ("/v1/log?since=yesterday", "invalid"),
        ("/v1/log?event=%00", "invalid"),
        ("/v1/log?event=%25", "invalid"),
        ("/v1/log?event=a'%20or%201=1--", "invalid"),
        ("/v1/log?host=a%20b", "invalid"),
        ("/v1/log/follow?event=%00", "invalid"),
        ("/v1/actions?all=maybe", "invalid"),
        ("/v1/issues?host=%00", "invalid"),
        (&format!("/v1/issues/{long}"), "invalid"),
        (&format!("/v1/log?event={}", "a".repeat(81)), "invalid"),
    ] {
        let problem = house.ask(&ann(), get(path)).await.problem().await;
        assert_eq!(problem["type"], kind, "{path}: {problem}");
        let text = problem.to_string();
        assert!(text.len() < 2_000, "{path}: bounded");
        assert!(!text.contains("\\u001b"), "{path}: {text}");
    }
}

#[tokio::test]
async fn numbers_out_of_range_are_held_to_it() {
    let house = House::with_daemon().await.with_held_action().await;
    for path in [
        "/v1/log?limit=-5",
        "/v1/log?limit=0",
        "/v1/log?limit=9223372036854775807",
        "/v1/log?after=-9223372036854775808",
        "/v1/log?after=9223372036854775807",
        "/v1/log?since=0001-01-01T00:00:00Z&until=9999-12-30T22:00:00Z",
        "/v1/actions?limit=-1",
        "/v1/issues?limit=9223372036854775807",
        "/v1/log?event=",
    ] {
        house.get(path).await.json().await;
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_used_is_a_problem() {
    let house = House::with_daemon().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = format!("{{\"title\":{deep}}}");
    let large = format!("{{\"title\":\"{}\"}}", "x".repeat(300 * 1024));
    for (kind, body, expected) in [
        (None, "{}", "unsupported_media_type"),
        (Some("text/plain"), "{}", "unsupported_media_type"),
        (
            Some("application/x-www-form-urlencoded"),
            "title=x",
            "unsupported_media_type",
        ),
        (
            Some("multipart/form-data; boundary=x"),
            "--x--",
            "unsupported_media_type",
        ),
        (Some(JSON), "", "invalid"),
        (Some(JSON), "{", "invalid"),
        (Some(JSON), "null", "invalid"),
        (Some(JSON), "[]", "invalid"),
        (Some(JSON), "{\"title\":\"\u{fffd}\"", "invalid"),
        (
            Some(JSON),
            "{\"title\":\"a\",\"title\":\"b\",\"severity\":\"info\"}",
            "invalid",
        ),
        (Some(JSON), &deep, "invalid"),
        (Some(JSON), &large, "too_large"),
    ] {
        let request = raw("POST", "/v1/issues", kind, body.to_owned());
        let problem = house.ask(&ann(), request).await.problem().await;
        let sent = body.get(..40).unwrap_or(body);
        assert_eq!(problem["type"], expected, "{kind:?} {sent}: {problem}");
    }
    let request = raw("POST", "/v1/issues", Some(JSON), vec![b'"', 0xff, b'"']);
    assert_eq!(
        house.ask(&ann(), request).await.problem().await["type"],
        "invalid"
    );
    assert_eq!(
        house.get("/v1/issues?all=true").await.json().await,
        json!([])
    );
}

#[tokio::test]
async fn a_method_that_is_not_for_a_path_is_a_problem_that_names_those_that_are() {
    let house = House::with_daemon().await;
    for path in ROUTES.iter().map(|route| route.path) {
        let own: Vec<&str> = ROUTES
            .iter()
            .filter(|route| route.path == path)
            .map(|route| route.method.as_str())
            .collect();
        let address = path.replace("{number}", "0").replace("{host}", "web1");
        for method in [
            "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW",
        ] {
            if own.contains(&method) {
                continue;
            }
            let answer = house
                .ask(&ann(), raw(method, &address, None, Body::empty()))
                .await;
            let allow = answer.headers.get(header::ALLOW).cloned();
            let problem = answer.problem().await;
            assert_eq!(problem["type"], "method_not_allowed", "{method} {path}");
            let allow = allow.expect("it says which are");
            let allow = allow.to_str().expect("text");
            assert!(
                own.iter()
                    .all(|own| allow.split(',').any(|one| one == *own)),
                "{path}: {allow}"
            );
        }
    }
}

#[tokio::test]
async fn texts_are_kept_as_texts() {
    let house = House::with_daemon().await;
    let title = "'; drop table issues; -- <script>alert(1)</script> {{x}} %s $(reboot) `reboot` \\";
    let body = json!({ "title": title, "severity": "info" });
    let sheet = house.post("/v1/issues", &body).await.json().await;
    assert_eq!(sheet["title"], title);
    let body = json!({ "title": "a\u{0}b\u{1b}[2Jc\u{202e}d\ne", "severity": "info" });
    let sheet = house.post("/v1/issues", &body).await.json().await;
    let kept = sheet["title"].as_str().expect("a title");
    assert!(
        !kept.contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{kept:?}"
    );
    let answer = house
        .ask(&ann(), send(Method::POST, "/v1/log/verify", &json!(null)))
        .await;
    assert_eq!(answer.json().await["log"], "intact");
}
