//! What only Anthropic's messages have.

use serde_json::{Value, json};
use watchkeeper_llm::{LlmError, ProviderKind, Reply};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};

use crate::support::{ask, ask_when, df, provider_of, question, sent};

const ANTHROPIC: ProviderKind = ProviderKind::Anthropic;

/// What comes of a stream that is written out event by event.
async fn read(events: &[Value]) -> Result<Reply, LlmError> {
    let body: String = events
        .iter()
        .map(|event| {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {event}\n\n")
        })
        .collect();
    let headers = [("content-type", "text/event-stream")];
    ask_when(ANTHROPIC, Turn::sends(200, &headers, body)).await
}

fn end(reason: &str) -> [Value; 2] {
    [
        json!({ "type": "message_delta", "delta": { "stop_reason": reason }, "usage": { "output_tokens": 5 } }),
        json!({ "type": "message_stop" }),
    ]
}

#[tokio::test]
async fn nothing_is_left_to_the_servers_defaults() {
    assert_eq!(
        sent(ANTHROPIC, |_| {}).await,
        json!({
            "model": MODEL, "system": "Be short.", "max_tokens": 2048, "temperature": 0.2, "stream": true,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "What is wrong?" }] }],
        })
    );
    let hot = sent(ANTHROPIC, |request| request.temperature = 1.7).await;
    assert_eq!(hot["temperature"], 1.0);
}

#[tokio::test]
async fn a_schema_is_asked_for_as_the_call_of_a_tool() {
    let schema = json!({ "type": "object", "properties": {} });
    let alone = sent(ANTHROPIC, |request| request.schema = Some(schema.clone())).await;
    assert_eq!(alone["tools"][0]["input_schema"], schema);
    assert_eq!(
        alone["tool_choice"],
        json!({ "type": "tool", "name": "give_answer" })
    );
    let among = sent(ANTHROPIC, |request| {
        request.schema = Some(schema.clone());
        request.tools = vec![df()];
    })
    .await;
    let names: Vec<&Value> = among["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .map(|tool| &tool["name"])
        .collect();
    assert_eq!(names, ["df", "give_answer"]);
    assert_eq!(among["tool_choice"], json!({ "type": "any" }));
}

#[tokio::test]
async fn among_tools_the_model_may_call_one_instead_of_answering() {
    let server = ModelServer::start().await.does(Turn::calls_tools([(
        "toolu_1",
        "df",
        json!({ "path": "/" }),
    )]));
    let mut request = question();
    request.schema = Some(json!({ "type": "object" }));
    request.tools = vec![df()];
    let reply = ask(&*provider_of(ANTHROPIC, &server), &request)
        .await
        .expect("an answer");
    assert_eq!((reply.text.as_str(), reply.tool_calls.len()), ("", 1));
}

#[tokio::test]
async fn what_was_read_from_a_cache_was_read_all_the_same() {
    let begin = json!({ "type": "message_start", "message": { "usage": {
        "input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000, "output_tokens": 1,
    } } });
    let [delta, stop] = end("end_turn");
    let reply = read(&[begin, delta, stop]).await.expect("an answer");
    assert_eq!(
        (reply.done.prompt_tokens, reply.done.output_tokens),
        (Some(3210), Some(5))
    );
}

#[tokio::test]
async fn events_that_are_not_known_are_passed_over() {
    let [delta, stop] = end("end_turn");
    let events = [
        json!({ "type": "ping" }),
        json!({ "type": "weather_report", "delta": { "sunny": true } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "redacted_thinking", "data": "x" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "signature_delta", "signature": "x" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "text_delta", "text": "ok" } }),
        json!({ "type": "content_block_stop", "index": 1 }),
        delta,
        stop,
    ];
    assert_eq!(read(&events).await.expect("an answer").text, "ok");
}

#[tokio::test]
async fn overload_in_the_middle_of_an_answer_is_a_busy_server() {
    let error = read(&[
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
    ])
    .await
    .expect_err("overloaded");
    assert!(matches!(error, LlmError::Busy { .. }), "{error:?}");
}

#[tokio::test]
async fn what_a_filter_stops_is_declined_and_not_an_answer() {
    let error = read(&end("refusal")).await.expect_err("declined");
    assert!(matches!(error, LlmError::Declined { .. }), "{error:?}");
}

#[tokio::test]
async fn models_are_listed_with_their_contexts() {
    let server = ModelServer::start().await;
    let provider = provider_of(ANTHROPIC, &server);
    let models = provider.models().await.expect("a list");
    assert_eq!(
        (models[0].name.as_str(), models[0].context),
        (MODEL, Some(32_768))
    );
    assert_eq!(
        provider.server().await.expect("an answer"),
        "Anthropic with 1 models"
    );
    let error = provider.context_of("absent").await.expect_err("not there");
    assert!(matches!(error, LlmError::NoSuchModel { .. }), "{error:?}");
}
