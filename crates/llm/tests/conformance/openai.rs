//! What only OpenAI's protocol has, and what only single servers of it have: OpenAI, vLLM, llama.cpp, LM Studio.

use serde_json::{Value, json};
use watchkeeper_llm::{
    KeepAlive, LlmError, Message, ProviderKind, Reply, StopReason, Think, ToolCall,
};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn};

use crate::support::{ask, ask_when, df, provider_of, question, sent};

const COMPATIBLE: ProviderKind = ProviderKind::OpenaiCompatible;
const OPENAI: ProviderKind = ProviderKind::Openai;

/// What comes of a stream that is written out event by event.
async fn read(events: &[&str]) -> Result<Reply, LlmError> {
    let body: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    let headers = [("content-type", "text/event-stream")];
    ask_when(COMPATIBLE, Turn::sends(200, &headers, body)).await
}

#[tokio::test]
async fn nothing_is_left_to_the_servers_defaults() {
    let messages = json!([
        { "role": "system", "content": "Be short." },
        { "role": "user", "content": "What is wrong?" },
    ]);
    assert_eq!(
        sent(COMPATIBLE, |_| {}).await,
        json!({
            "model": MODEL, "messages": messages, "stream": true, "stream_options": { "include_usage": true },
            "temperature": 0.2, "max_tokens": 2048, "chat_template_kwargs": { "enable_thinking": false },
        })
    );
    assert_eq!(
        sent(OPENAI, |_| {}).await,
        json!({
            "model": MODEL, "messages": messages, "stream": true, "stream_options": { "include_usage": true },
            "temperature": 0.2, "max_completion_tokens": 2048, "store": false,
        })
    );
}

#[tokio::test]
async fn tools_calls_and_results_go_out_as_the_protocol_spells_them() {
    let body = sent(COMPATIBLE, |request| {
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
        json!({ "role": "assistant", "content": "", "tool_calls": [{
            "id": "call_a1", "type": "function",
            "function": { "name": "df", "arguments": "{\"path\":\"/\"}" },
        }] })
    );
    assert_eq!(
        body["messages"][3],
        json!({ "role": "tool", "content": "100 %", "tool_call_id": "call_a1" })
    );
    assert_eq!(body["tools"][0]["type"], "function");
    assert_eq!(body["tools"][0]["function"]["name"], "df");
}

#[tokio::test]
async fn the_schema_is_a_response_format_and_strict_where_it_may_be() {
    let closed = json!({
        "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"],
        "additionalProperties": false,
    });
    for (schema, strict) in [(closed, true), (json!({ "type": "object" }), true)] {
        let body = sent(OPENAI, |request| request.schema = Some(schema.clone())).await;
        assert_eq!(
            body["response_format"],
            json!({ "type": "json_schema", "json_schema": {
                "name": "answer", "schema": schema, "strict": strict && schema.get("properties").is_some(),
            } })
        );
    }
}

#[tokio::test]
async fn effort_is_said_where_thinking_is_asked_for() {
    for (think, effort, enabled) in [
        (Think::Off, Value::Null, false),
        (Think::On, json!("medium"), true),
        (Think::Low, json!("low"), true),
        (Think::High, json!("high"), true),
    ] {
        let body = sent(COMPATIBLE, |request| request.think = think).await;
        assert_eq!(body["reasoning_effort"], effort);
        assert_eq!(body["chat_template_kwargs"]["enable_thinking"], enabled);
        let body = sent(OPENAI, |request| request.think = think).await;
        assert_eq!(body["reasoning_effort"], effort);
        assert_eq!(body["temperature"].is_null(), think != Think::Off);
    }
}

#[tokio::test]
async fn counts_may_come_with_the_end_or_after_it_and_the_last_event_may_be_missing() {
    let text = r#"{"choices":[{"delta":{"content":"ok"}}],"usage":null}"#;
    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let counted = r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#;
    let counts = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#;
    for (events, prompt_tokens) in [
        (&[text, end, counts, "[DONE]"][..], Some(7)),
        (&[text, counted, "[DONE]"], Some(7)),
        (&[text, end, "[DONE]"], None),
        (&[text, counted], Some(7)),
    ] {
        let reply = read(events).await.expect("an answer");
        assert_eq!(
            (reply.text.as_str(), reply.done.prompt_tokens),
            ("ok", prompt_tokens)
        );
        assert_eq!(reply.done.reason, StopReason::Finished);
    }
}

#[tokio::test]
async fn what_a_filter_stops_is_declined_and_not_an_answer() {
    let refusal = r#"{"choices":[{"delta":{"refusal":"I cannot help with that."}}]}"#;
    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let error = read(&[refusal, end, "[DONE]"]).await.expect_err("declined");
    assert!(
        matches!(&error, LlmError::Declined { why, .. } if why == "I cannot help with that."),
        "{error:?}"
    );
    let filtered = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"content_filter"}]}"#;
    let error = read(&[filtered, "[DONE]"]).await.expect_err("declined");
    assert!(matches!(&error, LlmError::Declined { .. }), "{error:?}");
    assert!(!error.retryable() && !error.blames_the_lane());
}

#[tokio::test]
async fn thinking_has_one_of_two_names() {
    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    for name in ["reasoning_content", "reasoning"] {
        let thought = json!({ "choices": [{ "delta": { name: "hm" } }] }).to_string();
        let reply = read(&[&thought, end, "[DONE]"]).await.expect("an answer");
        assert_eq!((reply.thinking.as_str(), reply.text.as_str()), ("hm", ""));
    }
}

#[tokio::test]
async fn errors_of_single_servers_are_understood() {
    // llama.cpp names the event of an error; vLLM of older versions puts everything on top.
    let named = "error: {\"code\":500,\"message\":\"slot lost\",\"type\":\"server_error\"}\n\n";
    let error = ask_when(COMPATIBLE, Turn::sends(200, &[], named))
        .await
        .expect_err("an error");
    assert!(
        matches!(&error, LlmError::ErrorInStream { message, .. } if message == "slot lost"),
        "{error:?}"
    );
    let body = r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#;
    let error = ask_when(COMPATIBLE, Turn::sends(404, &[], body))
        .await
        .expect_err("not there");
    assert!(matches!(error, LlmError::NoSuchModel { .. }), "{error:?}");
    let loading = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
    let error = ask_when(COMPATIBLE, Turn::sends(503, &[], loading))
        .await
        .expect_err("loading");
    assert!(matches!(error, LlmError::Busy { .. }), "{error:?}");
}

/// A server that lists its model so, and says this at another path.
async fn said_context(listed: Value, path: &str, said: Value) -> (Option<u32>, String) {
    let list = json!({ "object": "list", "data": [listed] });
    let server = ModelServer::start()
        .await
        .at("/v1/models", Turn::sends(200, &[], list.to_string()))
        .at(path, Turn::sends(200, &[], said.to_string()));
    let provider = provider_of(COMPATIBLE, &server);
    let context = provider.context_of("m").await.expect("an answer");
    (context, provider.server().await.expect("an answer"))
}

#[tokio::test]
async fn the_context_is_read_where_each_server_says_it() {
    let vllm = json!({ "id": "m", "owned_by": "vllm", "max_model_len": 4096 });
    let (context, server) = said_context(vllm, "/none", json!({})).await;
    assert_eq!((context, server.as_str()), (Some(4096), "vLLM"));
    let llama = json!({ "id": "/models/x.gguf", "owned_by": "llamacpp", "meta": { "n_ctx_train": 32_768 } });
    let props = json!({ "default_generation_settings": { "n_ctx": 2048 }, "total_slots": 1 });
    let (context, server) = said_context(llama, "/props", props).await;
    assert_eq!((context, server.as_str()), (Some(2048), "llama.cpp"));
    let studio = json!({ "id": "m", "object": "model", "owned_by": "organization_owner" });
    let loaded = json!({ "data": [
        { "id": "m", "state": "loaded", "max_context_length": 131_072, "loaded_context_length": 8000 },
    ] });
    let (context, server) = said_context(studio, "/api/v0/models", loaded).await;
    assert_eq!((context, server.as_str()), (Some(8000), "LM Studio"));
    let unknown = json!({ "id": "m", "owned_by": "somebody" });
    assert_eq!(said_context(unknown, "/none", json!({})).await.0, None);
}

#[tokio::test]
async fn words_for_templates_go_only_to_servers_that_say_they_know_them() {
    for (owner, knows) in [
        ("vllm", true),
        ("llamacpp", true),
        ("organization_owner", false),
        ("somebody", false),
    ] {
        let listed = json!({ "id": MODEL, "owned_by": owner, "max_model_len": 8192 });
        let list = json!({ "object": "list", "data": [listed] });
        let server = ModelServer::start()
            .await
            .at("/v1/models", Turn::sends(200, &[], list.to_string()));
        let answered = ask(&*provider_of(COMPATIBLE, &server), &question()).await;
        answered.expect("an answer");
        let body = server.generations().remove(0);
        assert_eq!(body.get("chat_template_kwargs").is_some(), knows, "{owner}");
    }
}

#[tokio::test]
async fn models_are_listed_and_nothing_is_fetched_or_loaded() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::chat("other", 4096));
    let provider = provider_of(COMPATIBLE, &server);
    let models = provider.models().await.expect("a list");
    let listed: Vec<(&str, Option<u32>)> = models
        .iter()
        .map(|model| (model.name.as_str(), model.context))
        .collect();
    assert_eq!(listed, [(MODEL, Some(32_768)), ("other", Some(4096))]);
    let cancel = tokio_util::sync::CancellationToken::new();
    let pulled = provider.pull("x", &mut |_| {}, &cancel).await;
    assert!(matches!(pulled, Err(LlmError::NotOffered { .. })));
    let loaded = provider.preload(MODEL, KeepAlive::Forever).await;
    assert!(matches!(loaded, Err(LlmError::NotOffered { .. })));
    ask(&*provider, &question()).await.expect("an answer");
}
