//! The model doctor over real HTTP: what it says of a lane that is well, and what to type where it is not.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{
    DoctorLine, Lane, Provider, ProviderKind, Span, ToolsSwitch, connect, examine, examine_all,
};
use watchkeeper_testkit::model_server::{FakeModel, Gate, MODEL, ModelServer, Turn};

fn lane_to(url: &str) -> Lane {
    let mut lane = Lane::new(MODEL);
    lane.url = url.parse().expect("a server's URL is an address");
    lane.timeouts.first_byte = Span::minutes(2);
    lane
}

fn connected(lane: &Lane) -> Arc<dyn Provider> {
    connect(lane.clone(), None).expect("a valid lane")
}

async fn lines(lane: &Lane) -> Vec<DoctorLine> {
    examine(lane, &*connected(lane), &CancellationToken::new()).await
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
        let is_told = line.remedy.is_some() || line.detail == "not tried";
        assert!(line.ok || is_told, "{line:?}");
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

async fn shown(lane: &Lane) -> Vec<String> {
    lines(lane)
        .await
        .iter()
        .map(|line| format!("{}: {} {}", line.name, line.ok, line.detail))
        .collect()
}

#[tokio::test]
async fn a_lane_that_is_well_is_tried_in_every_way() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::embedding("fake-embed"));
    let mut lane = lane_to(&server.url());
    lane.embedding_model = Some("fake-embed".to_owned());
    lane.triage_model = Some(MODEL.to_owned());
    assert_eq!(
        shown(&lane).await,
        [
            format!("server: true {} is Ollama 0.12.6", server.url()),
            "model: true fake:1b is there (1.2 GiB)".to_owned(),
            "triage: true fake:1b is there (1.2 GiB)".to_owned(),
            "embedding: true fake-embed is there (1.2 GiB)".to_owned(),
            "context: true 8192 of its 32768".to_owned(),
            "schema: true the answer keeps to the JSON schema it was given".to_owned(),
            "speed: true 50 tokens per second, loaded in 0 s".to_owned(),
            "tools: true called with the arguments it was given".to_owned(),
            "vectors: true fake-embed: 64 numbers".to_owned(),
        ]
    );
    assert_eq!(server.generations().len(), 2);
}

#[tokio::test]
async fn lanes_of_every_protocol_are_tried_for_real() {
    for kind in [
        ProviderKind::OpenaiCompatible,
        ProviderKind::Openai,
        ProviderKind::Anthropic,
    ] {
        let server = ModelServer::start().await;
        let said = said(&server, |lane| lane.provider = kind).await;
        assert_eq!(
            names(&said, true),
            ["server", "model", "context", "schema", "speed", "tools"],
            "{kind}: {said:?}"
        );
    }
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
    let said = said(&server, |lane| {
        lane.triage_model = Some("qwen3:8b".to_owned());
    })
    .await;
    assert_eq!(names(&said, true), ["server", "model"]);
    assert_eq!(
        remedy_of(&said, "triage"),
        "watchkeeper models pull qwen3:8b --lane local"
    );
    assert!(server.generations().is_empty());
}

#[tokio::test]
async fn more_context_than_the_model_has_is_to_be_lowered() {
    for kind in [
        ProviderKind::Ollama,
        ProviderKind::OpenaiCompatible,
        ProviderKind::Anthropic,
    ] {
        let server = ModelServer::start()
            .await
            .has(FakeModel::chat("small", 4096));
        let said = said(&server, |lane| {
            lane.provider = kind;
            lane.model = "small".to_owned();
        })
        .await;
        assert_eq!(names(&said, false), ["context"], "{kind}");
        assert_eq!(
            remedy_of(&said, "context"),
            "set `context = 4096` for lane `local`"
        );
    }
}

/// A server that does not say what context it has.
async fn silent_about_its_context(context: u64) -> ModelServer {
    let unsaid = json!({ "data": [{ "id": MODEL }] });
    ModelServer::start()
        .await
        .has_no_models()
        .has(FakeModel::chat(MODEL, context))
        .at("/v1/models", Turn::sends(200, &[], unsaid.to_string()))
}

#[tokio::test]
async fn where_the_context_is_not_said_a_prompt_that_fills_it_tells() {
    let compatible = |lane: &mut Lane| lane.provider = ProviderKind::OpenaiCompatible;
    let whole = silent_about_its_context(8192).await;
    let said_of_whole = said(&whole, compatible).await;
    assert!(names(&said_of_whole, true).contains(&"context"));
    let refusing = silent_about_its_context(1024).await;
    let said_of_refusing = said(&refusing, compatible).await;
    assert_eq!(
        remedy_of(&said_of_refusing, "context"),
        "set `context = 1024` for lane `local`, or have the server run it with more"
    );
    let cutting = silent_about_its_context(1024)
        .await
        .cuts_long_prompts_silently();
    let said_of_cutting = said(&cutting, compatible).await;
    assert!(remedy_of(&said_of_cutting, "context").contains("`context`"));
}

#[tokio::test]
async fn a_model_that_cannot_chat_is_told_apart() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::embedding("vectors"));
    let said = said(&server, |lane| lane.model = "vectors".to_owned()).await;
    assert_eq!(
        names(&said, false),
        ["context", "schema", "speed", "tools"],
        "{said:?}"
    );
    assert!(remedy_of(&said, "schema").contains("chat model"));
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
        assert!(names(&said, false).contains(&"schema"), "{text}");
        assert!(remedy_of(&said, "schema").contains("update Ollama"));
    }
}

#[tokio::test]
async fn a_model_that_calls_no_tool_is_told_and_one_that_need_not_is_fine() {
    let answers = || Turn::replies("{\"unit\":\"nginx.service\",\"failed\":true}");
    let server = ModelServer::start()
        .await
        .does(answers())
        .replies("I would call unit_status.");
    let without = said(&server, |_| {}).await;
    assert_eq!(names(&without, false), ["tools"]);
    assert_eq!(
        remedy_of(&without, "tools"),
        "set `tools = \"off\"` for lane `local`, or another `model`"
    );
    let called = Turn::calls_tools([("a", "unit_status", json!({ "unit": "nginx.service" }))]);
    let server = ModelServer::start().await.does(answers()).does(called);
    assert_eq!(names(&said(&server, |_| {}).await, false), [""; 0]);
    let server = ModelServer::start().await.does(answers());
    let off = said(&server, |lane| lane.tools = ToolsSwitch::Off).await;
    assert_eq!(names(&off, false), [""; 0]);
    assert_eq!(server.generations().len(), 1, "no tool was offered");
}

#[tokio::test]
async fn a_lane_without_vectors_where_some_are_wanted_is_told() {
    let server = ModelServer::start().await;
    let said_of_chat = said(&server, |lane| {
        lane.embedding_model = Some(MODEL.to_owned());
    })
    .await;
    assert!(remedy_of(&said_of_chat, "vectors").contains("one that makes vectors"));
    let said_of_none = said(&server, |lane| {
        lane.provider = ProviderKind::Anthropic;
        lane.embedding_model = Some("x".to_owned());
    })
    .await;
    assert!(remedy_of(&said_of_none, "vectors").contains("leave `embedding_model` out"));
}

#[tokio::test]
async fn a_slow_model_is_told() {
    // Tokens take 20 ms each in this server; one token a second is what a doctor must not call fine.
    let slow = r#"{"message":{"content":"{\"unit\":\"x\",\"failed\":true}"},"done":true,"done_reason":"stop","eval_count":10,"eval_duration":10000000000}"#;
    let server = ModelServer::start().await.does(Turn::sends(200, &[], slow));
    let said = said(&server, |_| {}).await;
    assert!(names(&said, false).contains(&"speed"));
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
async fn a_key_that_is_missing_or_wrong_is_told_with_its_file() {
    let server = ModelServer::start().await.wants_key("another");
    for (kind, file, remedy) in [
        (
            ProviderKind::OpenaiCompatible,
            None,
            "name the file of its key in `api_key_file` of lane `local`",
        ),
        (
            ProviderKind::Anthropic,
            Some("/the/key"),
            "put the right key into /the/key",
        ),
        (
            ProviderKind::Ollama,
            None,
            "put the user and password of the proxy into `url` of lane `local`",
        ),
    ] {
        let said = said(&server, |lane| {
            lane.provider = kind;
            lane.api_key_file = file.map(Into::into);
        })
        .await;
        assert_eq!(remedy_of(&said, "server"), remedy);
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_is_to_be_asked_in_its_log() {
    let server = ModelServer::start().await.replies("x").then_cuts_after(1);
    let said = said(&server, |_| {}).await;
    assert!(names(&said, false).starts_with(&["schema", "speed"]));
    assert!(remedy_of(&said, "schema").contains("journalctl -u ollama"));
}

#[tokio::test]
async fn a_cancelled_examination_ends_with_what_it_has() {
    let server = ModelServer::start().await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let lane = lane_to(&server.url());
    assert_eq!(examine(&lane, &*connected(&lane), &cancel).await, []);
}

#[tokio::test]
async fn lanes_are_tried_side_by_side_and_those_of_one_endpoint_one_after_the_other() {
    let gate = Gate::closed();
    let slow = ModelServer::start().await.replies("x").once_open(&gate);
    let quick = ModelServer::start().await;
    let lanes: Vec<_> = [&slow, &slow, &quick]
        .into_iter()
        .enumerate()
        .map(|(place, server)| {
            let mut lane = lane_to(&server.url());
            lane.name = format!("lane{place}");
            let provider = connected(&lane);
            (lane, provider)
        })
        .collect();
    let cancel = CancellationToken::new();
    let watching = async {
        gate.is_reached().await;
        // The other endpoint is through with everything while the first still waits for its answer.
        quick
            .until("both answers of the other", |all| {
                all.iter().filter(|request| request.is_generation()).count() == 2
            })
            .await;
        let asked = slow.requests();
        let versions = asked
            .iter()
            .filter(|request| request.path == "/api/version");
        assert_eq!(
            versions.count(),
            1,
            "the second lane of that endpoint waits"
        );
        gate.open();
    };
    let (found, ()) = tokio::join!(examine_all(&lanes, &cancel), watching);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|lines| lines.len() >= 6), "{found:?}");
}
