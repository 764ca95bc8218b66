//! The model doctor over real HTTP: what it says of a lane that is well, and what to type where it is not.

use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{DoctorLine, Lane, Span, examine};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn};

fn lane_to(url: &str) -> Lane {
    let mut lane = Lane::new(MODEL);
    lane.url = url.parse().expect("a server's URL is an address");
    lane.timeouts.first_byte = Span::minutes(2);
    lane
}

async fn lines(lane: &Lane) -> Vec<DoctorLine> {
    examine(lane, &CancellationToken::new()).await
}

/// What the doctor says of a server: for each line its name, whether it is fine, and what to type.
async fn said(
    server: &ModelServer,
    change: impl FnOnce(&mut Lane),
) -> Vec<(&'static str, bool, String)> {
    let mut lane = lane_to(&server.url());
    change(&mut lane);
    let lines = lines(&lane).await;
    for line in &lines {
        assert!(
            !line.detail.is_empty() && !line.detail.contains('\n'),
            "{line:?}"
        );
        assert!(!(line.ok && line.remedy.is_some()), "{line:?}");
    }
    lines
        .into_iter()
        .map(|line| (line.name, line.ok, line.remedy.unwrap_or_default()))
        .collect()
}

fn names(said: &[(&'static str, bool, String)], ok: bool) -> Vec<&'static str> {
    said.iter()
        .filter(|line| line.1 == ok)
        .map(|line| line.0)
        .collect()
}

fn remedy_of<'a>(said: &'a [(&'static str, bool, String)], name: &str) -> &'a str {
    &said
        .iter()
        .find(|line| line.0 == name && !line.1)
        .unwrap_or_else(|| panic!("{name} is wrong in {said:?}"))
        .2
}

#[tokio::test]
async fn a_lane_that_is_well_is_tried_in_every_way() {
    let server = ModelServer::start().await;
    let lines = lines(&lane_to(&server.url())).await;
    let shown: Vec<String> = lines
        .iter()
        .map(|line| format!("{}: {} {}", line.name, line.ok, line.detail))
        .collect();
    assert_eq!(
        shown,
        [
            format!("server: true {} is Ollama 0.12.6", server.url()),
            "model: true fake:1b is there (1.2 GiB)".to_owned(),
            "context: true 8192 of the 32768 it was made for".to_owned(),
            "answer: true keeps to the JSON schema it was given".to_owned(),
            "speed: true 50 tokens per second, loaded in 0 s".to_owned(),
        ]
    );
    assert_eq!(server.generations().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_to_be_started() {
    let server = ModelServer::start().await;
    let lane = lane_to(&server.url());
    drop(server);
    tokio::task::yield_now().await;
    let lines = lines(&lane).await;
    assert_eq!(lines.len(), 5);
    assert!(
        lines.iter().all(|line| !line.ok),
        "what was not tried is not fine: {lines:?}"
    );
    assert!(lines[0].detail.contains("refused"), "{lines:?}");
    assert!(
        lines[0]
            .remedy
            .as_deref()
            .is_some_and(|text| text.contains("systemctl start ollama")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_missing_model_is_to_be_pulled() {
    let server = ModelServer::start().await;
    let said = said(&server, |lane| lane.model = "qwen3:8b".to_owned()).await;
    assert_eq!(names(&said, true), ["server"]);
    assert_eq!(remedy_of(&said, "model"), "`ollama pull qwen3:8b`");
    assert!(server.generations().is_empty());
}

#[tokio::test]
async fn more_context_than_the_model_has_is_to_be_lowered() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::chat("small", 4096));
    let said = said(&server, |lane| lane.model = "small".to_owned()).await;
    assert_eq!(names(&said, false), ["context"]);
    assert_eq!(
        remedy_of(&said, "context"),
        "set `context = 4096` for lane `local`"
    );
}

#[tokio::test]
async fn a_model_that_cannot_chat_is_told_apart() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::embedding("vectors"));
    let said = said(&server, |lane| lane.model = "vectors".to_owned()).await;
    assert_eq!(names(&said, false), ["context", "answer", "speed"]);
    assert!(remedy_of(&said, "context").contains("chat model"));
}

#[tokio::test]
async fn an_answer_that_ignores_the_schema_is_told() {
    for text in [
        "It is nginx.",
        "{\"unit\": 5, \"failed\": true}",
        "{\"unit\": \"x\", \"failed\": true, \"more\": 1}",
    ] {
        let server = ModelServer::start().await.replies(text);
        let said = said(&server, |_| {}).await;
        assert_eq!(names(&said, false), ["answer"], "{text}");
        assert!(remedy_of(&said, "answer").contains("update Ollama"));
    }
}

#[tokio::test]
async fn a_slow_model_is_told() {
    // Tokens take 20 ms each in this server; one token in 50 s is what a doctor must not call fine.
    let slow = r#"{"message":{"content":"{\"unit\":\"x\",\"failed\":true}"},"done":true,"done_reason":"stop","eval_count":10,"eval_duration":10000000000}"#;
    let server = ModelServer::start().await.does(Turn::sends(200, &[], slow));
    let said = said(&server, |_| {}).await;
    assert_eq!(names(&said, false), ["speed"]);
    assert!(remedy_of(&said, "speed").contains("smaller"));
}

#[tokio::test]
async fn something_that_is_not_ollama_is_an_address_to_correct() {
    for turn in [
        Turn::speaks_html(),
        Turn::redirects_to("https://example.org/"),
        Turn::sends(404, &[], "no"),
    ] {
        let server = ModelServer::start().await.at("/api/version", turn);
        let said = said(&server, |_| {}).await;
        assert!(names(&said, true).is_empty());
        assert!(
            remedy_of(&said, "server").starts_with("correct `url` of lane `local`"),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_is_to_be_asked_in_its_log() {
    let server = ModelServer::start().await.replies("x").then_cuts_after(1);
    let said = said(&server, |_| {}).await;
    assert_eq!(names(&said, false), ["answer", "speed"]);
    assert!(remedy_of(&said, "answer").contains("journalctl -u ollama"));
}

#[tokio::test]
async fn a_lane_that_is_configured_wrongly_is_told_before_anything_is_sent() {
    let server = ModelServer::start().await;
    let said = said(&server, |lane| lane.context = 3).await;
    assert_eq!(names(&said, false), ["lane"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_cancelled_examination_ends_with_what_it_has() {
    let server = ModelServer::start().await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert_eq!(examine(&lane_to(&server.url()), &cancel).await, []);
}
