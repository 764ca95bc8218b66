//! What only Ollama has: its own words on the wire, context and memory, fetching, what it says of its models.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{
    EmbedPurpose, KeepAlive, LlmError, Message, Ollama, Provider, ProviderKind, Span, Think,
    ToolCall,
};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn};

use crate::support::{ask, ask_when, df, lane_to, question, sent};

const OLLAMA: ProviderKind = ProviderKind::Ollama;

fn ollama(server: &ModelServer) -> Ollama {
    Ollama::new(lane_to(OLLAMA, &server.url())).expect("a valid lane")
}

#[tokio::test]
async fn nothing_is_left_to_the_servers_defaults() {
    let body = sent(OLLAMA, |_| {}).await;
    let expected = json!({
        "model": MODEL,
        "messages": [
            { "role": "system", "content": "Be short." },
            { "role": "user", "content": "What is wrong?" },
        ],
        "options": { "num_ctx": 8192, "num_predict": 2048, "temperature": 0.2 },
        "keep_alive": "300000ms",
        "think": false,
        "stream": true,
        "truncate": false,
        "shift": false,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn tools_calls_and_results_go_out_as_the_protocol_spells_them() {
    let body = sent(OLLAMA, |request| {
        request.messages.push(Message::Assistant {
            content: String::new(),
            tool_calls: vec![ToolCall {
                id: "call_a1".to_owned(),
                name: "df".to_owned(),
                arguments: json!({ "path": "/" }),
            }],
        });
        request.messages.push(Message::Tool {
            call_id: "call_a1".to_owned(),
            name: "df".to_owned(),
            content: "100 %".to_owned(),
        });
        request.tools = vec![df()];
    })
    .await;
    assert_eq!(
        body["messages"][2],
        json!({ "role": "assistant", "content": "", "tool_calls": [
            { "id": "call_a1", "function": { "name": "df", "arguments": { "path": "/" } } },
        ] })
    );
    assert_eq!(
        body["messages"][3],
        json!({ "role": "tool", "content": "100 %", "tool_name": "df", "tool_call_id": "call_a1" })
    );
    let parameters = df().parameters;
    assert_eq!(
        body["tools"],
        json!([{ "type": "function", "function": {
            "name": "df", "description": "How full a file system is.", "parameters": parameters,
        } }])
    );
}

#[tokio::test]
async fn tool_calls_without_ids_are_numbered() {
    let turn = Turn::calls_tools([("", "a", json!({})), ("", "b", json!({}))]);
    let reply = ask_when(OLLAMA, turn).await.expect("an answer");
    let ids: Vec<&str> = reply
        .tool_calls
        .iter()
        .map(|call| call.id.as_str())
        .collect();
    assert_eq!(ids, ["call_0", "call_1"]);
}

#[tokio::test]
async fn the_schema_is_the_format_on_the_wire() {
    let schema = json!({ "type": "object", "properties": {} });
    let body = sent(OLLAMA, |request| request.schema = Some(schema.clone())).await;
    assert_eq!(body["format"], schema);
}

#[tokio::test]
async fn keep_alive_and_think_are_sent_as_asked() {
    for (keep_alive, think, sent_keep_alive, sent_think) in [
        (KeepAlive::Forever, Think::High, json!(-1), json!("high")),
        (
            KeepAlive::Forever,
            Think::Medium,
            json!(-1),
            json!("medium"),
        ),
        (KeepAlive::Forever, Think::Low, json!(-1), json!("low")),
        (
            KeepAlive::For(Span::seconds(0)),
            Think::On,
            json!("0ms"),
            json!(true),
        ),
    ] {
        let body = sent(OLLAMA, |request| {
            request.keep_alive = keep_alive;
            request.think = think;
        })
        .await;
        assert_eq!(body["keep_alive"], sent_keep_alive);
        assert_eq!(body["think"], sent_think);
    }
}

#[tokio::test]
async fn one_model_is_always_run_with_the_same_context() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::chat("small", 2048))
        .has(FakeModel::embedding("fake-embed"));
    let provider = ollama(&server);
    let mut request = question();
    for context in [8192, 4096, 1_000_000] {
        request.context_tokens = context;
        ask(&provider, &request).await.expect("an answer");
    }
    provider
        .preload(MODEL, KeepAlive::Forever)
        .await
        .expect("loaded");
    request.model = "small".to_owned();
    request.max_tokens = 100;
    ask(&provider, &request).await.expect("an answer");
    let texts = ["x".to_owned()];
    provider
        .embed(
            "fake-embed",
            EmbedPurpose::Query,
            &texts,
            &CancellationToken::new(),
        )
        .await
        .expect("a vector");
    let contexts: Vec<(String, u64)> = server
        .requests()
        .iter()
        .filter_map(|request| {
            let context = request.body["options"]["num_ctx"].as_u64()?;
            Some((request.body["model"].as_str()?.to_owned(), context))
        })
        .collect();
    let expected = [
        (MODEL, 8192),
        (MODEL, 8192),
        (MODEL, 8192),
        (MODEL, 8192),
        ("small", 2048),
        ("fake-embed", 512),
    ];
    let expected = expected.map(|(model, context)| (model.to_owned(), context));
    assert_eq!(contexts, expected);
}

#[tokio::test]
async fn a_model_is_loaded_and_unloaded_without_a_question() {
    let server = ModelServer::start().await;
    let provider = ollama(&server);
    provider
        .preload(MODEL, KeepAlive::Forever)
        .await
        .expect("loaded");
    assert_eq!(server.loaded().get(MODEL), Some(&8192));
    assert!(server.generations().is_empty(), "nothing was asked");
    provider
        .preload(MODEL, KeepAlive::For(Span::seconds(0)))
        .await
        .expect("unloaded");
    assert!(server.loaded().is_empty());
    let error = provider
        .preload("absent", KeepAlive::Forever)
        .await
        .expect_err("not there");
    assert!(matches!(error, LlmError::NoSuchModel { .. }), "{error:?}");
}

#[tokio::test]
async fn a_model_is_fetched_with_progress() {
    let server = ModelServer::start().await;
    let provider = ollama(&server);
    let mut seen = Vec::new();
    provider
        .pull(
            "qwen3:8b",
            &mut |progress| seen.push(progress),
            &CancellationToken::new(),
        )
        .await
        .expect("fetched");
    assert!(server.models().contains(&"qwen3:8b".to_owned()));
    let done: Vec<u64> = seen.iter().filter_map(|line| line.done).collect();
    assert!(done.is_sorted() && done.len() >= 2, "{done:?}");
    assert_eq!(
        seen.first().map(|line| line.status.as_str()),
        Some("pulling manifest")
    );
    assert_eq!(
        seen.last().map(|line| line.status.as_str()),
        Some("success")
    );
}

#[tokio::test]
async fn fetching_what_is_nowhere_cut_off_or_cancelled_is_an_error() {
    let server = ModelServer::start().await;
    let provider = ollama(&server);
    let pull = async |model: &str, cancel: &CancellationToken| {
        provider.pull(model, &mut |_| {}, cancel).await
    };
    let cancel = CancellationToken::new();
    let error = pull("no-such:1b", &cancel).await.expect_err("nowhere");
    assert!(matches!(error, LlmError::NoSuchModel { .. }), "{error:?}");
    let half = "{\"status\":\"pulling manifest\"}\n{\"status\":\"pulling x\",\"total\":10,\"comp";
    server.at("/api/pull", Turn::sends(200, &[], half));
    let error = pull("x", &cancel).await.expect_err("cut off");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
    server.at("/api/pull", Turn::sends(200, &[], "<html>\n"));
    let error = pull("x", &cancel).await.expect_err("not Ollama");
    assert!(matches!(error, LlmError::Protocol { .. }), "{error:?}");
    server.at("/api/pull", Turn::says_nothing());
    let pulling = pull("x", &cancel);
    let cancelling = async {
        let asked = |all: &[watchkeeper_testkit::model_server::Recorded]| {
            all.iter()
                .filter(|request| request.path == "/api/pull")
                .count()
                == 4
        };
        server.until("the request", asked).await;
        cancel.cancel();
    };
    let (pulled, ()) = tokio::join!(pulling, cancelling);
    assert_eq!(pulled, Err(LlmError::Cancelled));
    server.sees_a_client_leave().await;
}

#[tokio::test]
async fn times_are_the_servers() {
    let reply = ask_when(OLLAMA, Turn::replies("ok").counting(700, 40))
        .await
        .expect("an answer");
    assert_eq!(reply.done.times.output, Duration::from_millis(800));
    assert_eq!(reply.done.tokens_per_second(), Some(50.0));
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_line_is_a_cut_and_a_last_line_without_end_is_whole() {
    let ndjson = [("content-type", "application/x-ndjson")];
    let error = ask_when(
        OLLAMA,
        Turn::sends(200, &ndjson, r#"{"message":{"content":"the di"#),
    )
    .await
    .expect_err("cut");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
    let whole = r#"{"message":{"content":"ok"},"done":true,"done_reason":"stop"}"#;
    let reply = ask_when(OLLAMA, Turn::sends(200, &ndjson, whole))
        .await
        .expect("an answer");
    assert_eq!(reply.text, "ok");
}

#[tokio::test]
async fn models_are_listed_shown_and_seen_loaded() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::embedding("embed:latest"));
    let provider = ollama(&server);
    assert_eq!(provider.server().await.expect("a version"), "Ollama 0.12.6");
    let models = provider.models().await.expect("a list");
    assert!(models[0].is(MODEL) && models[1].is("embed"));
    assert!(models.iter().all(|model| model.loaded == Some(false)));
    assert_eq!(provider.context_of(MODEL).await, Ok(Some(32_768)));
    ask(&provider, &question()).await.expect("an answer");
    let models = provider.models().await.expect("a list");
    assert_eq!(
        (models[0].loaded, models[0].context),
        (Some(true), Some(8192))
    );
    let error = provider.context_of("absent").await.expect_err("not there");
    assert!(
        matches!(&error, LlmError::NoSuchModel { model, .. } if model == "absent"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_list_of_models_without_end_is_cut_off() {
    let server = ModelServer::start()
        .await
        .at("/api/tags", Turn::never_ends_its_line());
    let error = ollama(&server).models().await.expect_err("it never ends");
    assert!(matches!(error, LlmError::Protocol { .. }), "{error:?}");
}
