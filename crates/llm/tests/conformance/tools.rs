//! Tool calls: whole, in pieces, many, unknown and broken.

use serde_json::json;
use watchkeeper_llm::{LlmError, Message, OutputLimit, ProviderKind, ToolCall};
use watchkeeper_testkit::model_server::{ModelServer, Turn};

use crate::support::{ask, ask_when, df, in_every_protocol, provider_of, question};

in_every_protocol!(
    two_tool_calls_keep_their_ids_and_arguments,
    arguments_are_whole_however_their_bytes_are_cut,
    text_and_a_call_may_come_together,
    a_call_of_a_tool_that_does_not_exist_is_passed_on,
    arguments_that_are_no_json_are_kept_as_text,
    the_same_call_forty_times_is_forty_calls,
    more_tool_calls_than_anybody_needs_are_refused,
    calls_and_results_go_back_and_are_understood,
);

fn two() -> [(&'static str, &'static str, serde_json::Value); 2] {
    [
        ("call_a1", "unit_status", json!({ "unit": "nginx.service" })),
        (
            "call_b2",
            "unit_status",
            json!({ "unit": "größe-磁盘.service" }),
        ),
    ]
}

fn as_calls(calls: [(&str, &str, serde_json::Value); 2]) -> [ToolCall; 2] {
    calls.map(|(id, name, arguments)| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments,
    })
}

async fn two_tool_calls_keep_their_ids_and_arguments(kind: ProviderKind) {
    let reply = ask_when(kind, Turn::calls_tools(two()))
        .await
        .expect("an answer");
    assert_eq!(reply.tool_calls, as_calls(two()));
}

async fn arguments_are_whole_however_their_bytes_are_cut(kind: ProviderKind) {
    for size in [1, 3, 11] {
        let reply = ask_when(kind, Turn::calls_tools(two()).in_chunks_of(size))
            .await
            .expect("an answer");
        assert_eq!(reply.tool_calls, as_calls(two()), "in chunks of {size}");
    }
}

async fn text_and_a_call_may_come_together(kind: ProviderKind) {
    let turn = Turn::calls_tools([("a", "df", json!({}))]).saying("Let me look.");
    let reply = ask_when(kind, turn).await.expect("an answer");
    assert_eq!(
        (reply.text.as_str(), reply.tool_calls.len()),
        ("Let me look.", 1)
    );
}

async fn a_call_of_a_tool_that_does_not_exist_is_passed_on(kind: ProviderKind) {
    let server =
        ModelServer::start()
            .await
            .does(Turn::calls_tools([("a", "launch_rocket", json!([1, 2]))]));
    let mut request = question();
    request.tools = vec![df()];
    let reply = ask(&*provider_of(kind, &server), &request)
        .await
        .expect("whether it exists is for the caller to say");
    assert_eq!(reply.tool_calls[0].name, "launch_rocket");
    assert_eq!(reply.tool_calls[0].arguments, json!([1, 2]));
}

async fn arguments_that_are_no_json_are_kept_as_text(kind: ProviderKind) {
    for text in ["{\"path\": ", "df -h", "{\"a\":1}}"] {
        let turn = Turn::calls_tools([("a", "df", json!(text))]);
        let reply = ask_when(kind, turn).await.expect("an answer");
        assert_eq!(reply.tool_calls[0].arguments, json!(text));
    }
}

async fn the_same_call_forty_times_is_forty_calls(kind: ProviderKind) {
    let calls = (0..40).map(|_| ("", "df", json!({ "path": "/" })));
    let reply = ask_when(kind, Turn::calls_tools(calls))
        .await
        .expect("an answer");
    assert_eq!(reply.tool_calls.len(), 40);
    let ids: std::collections::BTreeSet<&str> = reply
        .tool_calls
        .iter()
        .map(|call| call.id.as_str())
        .collect();
    assert_eq!(ids.len(), 40, "each can be answered by its id");
}

async fn more_tool_calls_than_anybody_needs_are_refused(kind: ProviderKind) {
    let calls = (0..100).map(|_| ("", "df", json!({})));
    let error = ask_when(kind, Turn::calls_tools(calls))
        .await
        .expect_err("too many");
    assert!(
        matches!(
            error,
            LlmError::OutputTooLong {
                limit: OutputLimit::ToolCalls(_),
                ..
            }
        ),
        "{error:?}"
    );
}

async fn calls_and_results_go_back_and_are_understood(kind: ProviderKind) {
    let server = ModelServer::start().await.replies("it is full");
    let mut request = question();
    request.tools = vec![df()];
    let broken = ToolCall {
        id: "call_b2".to_owned(),
        name: "df".to_owned(),
        arguments: json!("{\"path\": "),
    };
    let whole = ToolCall {
        id: "call_a1".to_owned(),
        name: "df".to_owned(),
        arguments: json!({ "path": "/" }),
    };
    request.messages.push(Message::Assistant {
        content: String::new(),
        tool_calls: vec![whole, broken],
    });
    for (id, content) in [
        ("call_a1", "100 %"),
        ("call_b2", "the arguments are no JSON"),
    ] {
        request.messages.push(Message::Tool {
            call_id: id.to_owned(),
            name: "df".to_owned(),
            content: content.to_owned(),
        });
    }
    let reply = ask(&*provider_of(kind, &server), &request)
        .await
        .expect("an answer");
    assert_eq!(reply.text, "it is full");
    let sent = server.generations()[0]["messages"].to_string();
    for word in ["call_a1", "call_b2", "100 %", "the arguments are no JSON"] {
        assert!(sent.contains(word), "{word} in {sent}");
    }
}
