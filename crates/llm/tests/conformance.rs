//! What a provider must do with what servers really send, case by case, over real HTTP against the scripted server.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{
    ChatEvent, ChatRequest, KeepAlive, Lane, LlmError, Message, Ollama, OutputLimit, Provider,
    Reply, Span, StopReason, Think, TimeLimit, Tool, ToolCall,
};
use watchkeeper_testkit::model_server::{FakeModel, Gate, MODEL, ModelServer, Turn};

/// A limit that no case but those about it may reach.
const LONG: Span = Span::minutes(2);
/// A limit that is there to be reached.
const SHORT: Span = Span(Duration::from_millis(250));
/// The same for a whole exchange, which must have begun before, also on a machine that is busy.
const SHORT_TOTAL: Span = Span(Duration::from_millis(900));

fn lane_to(url: &str) -> Lane {
    let mut lane = Lane::new(MODEL);
    lane.url = url.parse().expect("a server's URL is an address");
    lane.timeouts.first_byte = LONG;
    lane.timeouts.idle = LONG;
    lane.timeouts.total = LONG;
    lane
}

fn provider_of(server: &ModelServer) -> Ollama {
    Ollama::new(lane_to(&server.url())).expect("a valid lane")
}

fn question(provider: &Ollama) -> ChatRequest {
    provider.lane().request(vec![
        Message::system("Be short."),
        Message::user("What is wrong?"),
    ])
}

async fn ask(provider: &Ollama, request: &ChatRequest) -> Result<Reply, LlmError> {
    provider
        .chat(request, &mut |_| {}, &CancellationToken::new())
        .await
}

/// Asks a server that does this, with an ordinary question.
async fn ask_when(turn: Turn) -> Result<Reply, LlmError> {
    let server = ModelServer::start().await.does(turn);
    let provider = provider_of(&server);
    let answered = ask(&provider, &question(&provider)).await;
    assert_eq!(server.unused_turns(), 0, "the turn was meant to be taken");
    answered
}

// Text.

#[tokio::test]
async fn a_character_split_over_chunks_is_not_lost() {
    let text = "größer als 80 % — 磁盘已满 \u{1f6a8} ende";
    for size in [1, 2, 3, 5, 7] {
        let reply = ask_when(Turn::replies(text).in_chunks_of(size))
            .await
            .expect("an answer");
        assert_eq!(reply.text, text, "in chunks of {size}");
    }
}

#[tokio::test]
async fn every_place_to_split_a_line_gives_the_same_text() {
    let text = "ä€\u{1f680}";
    for offset in 60..140 {
        let reply = ask_when(Turn::tokens([text]).split_at(&[offset]))
            .await
            .expect("an answer");
        assert_eq!(reply.text, text, "split at {offset}");
    }
}

#[tokio::test]
async fn pieces_arrive_in_order_while_the_answer_is_still_being_written() {
    let gate = Gate::closed();
    let turn = Turn::tokens(["one ", "two ", "three"]).pausing_after(2, &gate);
    let server = ModelServer::start().await.does(turn);
    let provider = provider_of(&server);
    let (seen, mut pieces) = tokio::sync::mpsc::unbounded_channel();
    let request = question(&provider);
    let cancel = CancellationToken::new();
    let mut on_event = move |event| {
        let _ = seen.send(event);
    };
    let asking = provider.chat(&request, &mut on_event, &cancel);
    let watching = async {
        let first = [pieces.recv().await, pieces.recv().await];
        gate.open();
        first
    };
    let (reply, first) = tokio::join!(asking, watching);
    assert_eq!(
        first,
        ["one ", "two "].map(|text| Some(ChatEvent::Token(text.to_owned())))
    );
    assert_eq!(
        pieces.recv().await,
        Some(ChatEvent::Token("three".to_owned()))
    );
    let reply = reply.expect("an answer");
    assert_eq!(pieces.recv().await, Some(ChatEvent::Done(reply.done)));
    assert_eq!(reply.text, "one two three");
    assert_eq!(reply.done.reason, StopReason::Finished);
}

#[tokio::test]
async fn thinking_is_kept_apart_from_the_answer() {
    let reply = ask_when(Turn::replies("full disk").thinking("hm, df says 100 %"))
        .await
        .expect("an answer");
    assert_eq!(
        (reply.text.as_str(), reply.thinking.as_str()),
        ("full disk", "hm, df says 100 %")
    );
}

#[tokio::test]
async fn counts_and_times_are_the_servers() {
    let reply = ask_when(Turn::replies("ok").counting(700, 40))
        .await
        .expect("an answer");
    assert_eq!(
        (reply.done.prompt_tokens, reply.done.output_tokens),
        (Some(700), Some(40))
    );
    assert_eq!(reply.done.times.output, Duration::from_millis(800));
    assert_eq!(reply.done.tokens_per_second(), Some(50.0));
    assert!(reply.estimated_prompt_tokens > 0);
}

// Tools.

#[tokio::test]
async fn two_tool_calls_keep_their_ids() {
    let calls = [
        ("call_a1", "unit_status", json!({ "unit": "nginx.service" })),
        ("call_b2", "unit_status", json!({ "unit": "sshd.service" })),
    ];
    let reply = ask_when(Turn::calls_tools(calls.clone()))
        .await
        .expect("an answer");
    let expected = calls.map(|(id, name, arguments)| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments,
    });
    assert_eq!(reply.tool_calls, expected);
}

#[tokio::test]
async fn tool_calls_without_ids_are_numbered() {
    let turn = Turn::calls_tools([("", "a", json!({})), ("", "b", json!({}))]);
    let reply = ask_when(turn).await.expect("an answer");
    let ids: Vec<&str> = reply
        .tool_calls
        .iter()
        .map(|call| call.id.as_str())
        .collect();
    assert_eq!(ids, ["call_0", "call_1"]);
}

#[tokio::test]
async fn tools_calls_and_results_go_out_as_the_protocol_spells_them() {
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    let mut request = question(&provider);
    let call = ToolCall {
        id: "call_a1".to_owned(),
        name: "df".to_owned(),
        arguments: json!({ "path": "/" }),
    };
    request.messages.push(Message::Assistant {
        content: String::new(),
        tool_calls: vec![call],
    });
    request.messages.push(Message::Tool {
        call_id: "call_a1".to_owned(),
        name: "df".to_owned(),
        content: "100 %".to_owned(),
    });
    request.tools = vec![Tool {
        name: "df".to_owned(),
        description: "How full a file system is.".to_owned(),
        parameters: json!({ "type": "object" }),
    }];
    ask(&provider, &request).await.expect("an answer");
    let sent = &server.generations()[0];
    assert_eq!(
        sent["messages"][2],
        json!({ "role": "assistant", "content": "", "tool_calls": [
            { "id": "call_a1", "function": { "name": "df", "arguments": { "path": "/" } } },
        ] })
    );
    assert_eq!(
        sent["messages"][3],
        json!({ "role": "tool", "content": "100 %", "tool_name": "df", "tool_call_id": "call_a1" })
    );
    assert_eq!(
        sent["tools"],
        json!([{ "type": "function", "function": {
            "name": "df", "description": "How full a file system is.", "parameters": { "type": "object" },
        } }])
    );
}

// On the wire.

/// What was sent for a request that was changed like this.
async fn sent(change: impl FnOnce(&mut ChatRequest)) -> Value {
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    let mut request = question(&provider);
    change(&mut request);
    ask(&provider, &request).await.expect("an answer");
    server.generations().remove(0)
}

#[tokio::test]
async fn nothing_is_left_to_the_servers_defaults() {
    let body = sent(|_| {}).await;
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
async fn the_schema_is_the_format_on_the_wire_and_the_answer_keeps_to_it() {
    let schema = json!({
        "type": "object", "properties": { "cause": { "type": "string", "enum": ["disk", "memory"] } },
        "required": ["cause"],
    });
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    let mut request = question(&provider);
    request.schema = Some(schema.clone());
    let reply = ask(&provider, &request).await.expect("an answer");
    assert_eq!(server.generations()[0]["format"], schema);
    assert_eq!(
        serde_json::from_str::<Value>(&reply.text).expect("JSON"),
        json!({ "cause": "disk" })
    );
}

#[tokio::test]
async fn keep_alive_and_think_are_sent_as_asked_and_the_context_stays_the_lanes() {
    let body = sent(|request| {
        request.context_tokens = 4096;
        request.keep_alive = KeepAlive::Forever;
        request.think = Think::High;
    })
    .await;
    assert_eq!(body["options"]["num_ctx"], 8192);
    assert_eq!(body["keep_alive"], -1);
    assert_eq!(body["think"], "high");
    let body = sent(|request| {
        request.keep_alive = KeepAlive::For(Span::seconds(0));
        request.think = Think::On;
    })
    .await;
    assert_eq!(body["keep_alive"], "0ms");
    assert_eq!(body["think"], true);
}

// Errors the server tells.

#[tokio::test]
async fn an_error_line_inside_a_stream_is_an_error() {
    let turn = Turn::replies("the disk is full")
        .failing_after(2, "llama runner process has terminated: exit status 2");
    let error = ask_when(turn).await.expect_err("the server broke off");
    assert!(
        matches!(&error, LlmError::ErrorInStream { message, .. } if message.contains("has terminated")),
        "{error:?}"
    );
    assert!(error.retryable());
}

#[tokio::test]
async fn an_unknown_model_is_named() {
    let server = ModelServer::start().await.has_no_models();
    let provider = provider_of(&server);
    let error = ask(&provider, &question(&provider))
        .await
        .expect_err("there is no model");
    assert!(
        matches!(&error, LlmError::NoSuchModel { model, .. } if model == MODEL),
        "{error:?}"
    );
    assert!(!error.retryable());
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_again() {
    let error = ask_when(Turn::is_busy("17"))
        .await
        .expect_err("the server is busy");
    assert!(error.retryable());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(17)));
    for (header, expected) in [
        ("99999999", Some(Duration::from_secs(600))),
        ("soon", None),
        ("-1", None),
    ] {
        let error = ask_when(Turn::is_busy(header))
            .await
            .expect_err("the server is busy");
        assert_eq!(error.retry_after(), expected, "{header}");
    }
}

#[tokio::test]
async fn other_refusals_keep_status_and_words() {
    for (status, retryable) in [
        (400, false),
        (401, false),
        (404, false),
        (413, false),
        (500, true),
        (502, true),
    ] {
        let error = ask_when(Turn::refuses(status, "no, \u{1b}[2Jbecause"))
            .await
            .expect_err("refused");
        let LlmError::Status { code, body, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((*code, body.as_str()), (status, "no, \\u{1b}[2Jbecause"));
        assert_eq!(error.retryable(), retryable, "{status}");
    }
}

#[tokio::test]
async fn the_body_of_a_refusal_is_bounded() {
    let turn = Turn::sends(500, &[], vec![b'x'; 10_000_000]);
    let error = ask_when(turn).await.expect_err("refused");
    assert!(
        error.to_string().len() < 1000,
        "{}",
        error.to_string().len()
    );
}

// Connections that end or do not begin.

#[tokio::test]
async fn a_connection_cut_before_done_is_no_answer() {
    for lines in 0..3 {
        let error = ask_when(Turn::replies("the disk is full").cut_after(lines))
            .await
            .expect_err("cut");
        assert!(
            matches!(error, LlmError::CutShort { .. }),
            "after {lines}: {error:?}"
        );
        assert!(error.retryable());
    }
}

#[tokio::test]
async fn an_orderly_end_before_done_is_no_answer_either() {
    for lines in 0..3 {
        let error = ask_when(Turn::replies("the disk is full").ended_after(lines))
            .await
            .expect_err("cut");
        assert!(
            matches!(error, LlmError::CutShort { cause: None, .. }),
            "after {lines}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_line_is_a_cut_and_a_last_line_without_end_is_whole() {
    let ndjson = [("content-type", "application/x-ndjson")];
    let error = ask_when(Turn::sends(
        200,
        &ndjson,
        r#"{"message":{"content":"the di"#,
    ))
    .await
    .expect_err("cut");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
    let whole = r#"{"message":{"content":"ok"},"done":true,"done_reason":"stop"}"#;
    let reply = ask_when(Turn::sends(200, &ndjson, whole))
        .await
        .expect("an answer");
    assert_eq!(reply.text, "ok");
}

#[tokio::test]
async fn a_server_that_closes_at_once_is_a_cut() {
    let error = ask_when(Turn::slams_the_door())
        .await
        .expect_err("no answer");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    drop(server);
    tokio::task::yield_now().await;
    let error = ask(&provider, &question(&provider))
        .await
        .expect_err("nobody listens");
    let LlmError::Unreachable { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(cause.to_string().contains("refused"), "{cause}");
    assert!(error.retryable());
}

#[tokio::test]
async fn a_server_that_was_away_is_found_again() {
    let server = ModelServer::start().await;
    let (address, provider) = (server.address(), provider_of(&server));
    ask(&provider, &question(&provider))
        .await
        .expect("an answer");
    drop(server);
    tokio::task::yield_now().await;
    ask(&provider, &question(&provider))
        .await
        .expect_err("nobody listens");
    let _server = ModelServer::start_at(address).await;
    ask(&provider, &question(&provider))
        .await
        .expect("an answer again");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unreachable() {
    let provider = Ollama::new(lane_to("http://no-such-host.invalid:11434")).expect("a valid lane");
    let error = ask(&provider, &question(&provider))
        .await
        .expect_err("no such host");
    assert!(matches!(error, LlmError::Unreachable { .. }), "{error:?}");
}

// Time.

async fn too_slow(turn: Turn, limit: impl FnOnce(&mut Lane)) -> (TimeLimit, Duration) {
    let server = ModelServer::start().await.does(turn);
    let mut lane = lane_to(&server.url());
    limit(&mut lane);
    let provider = Ollama::new(lane).expect("a valid lane");
    let error = ask(&provider, &question(&provider))
        .await
        .expect_err("too slow");
    assert!(error.retryable());
    server.sees_a_client_leave().await;
    let LlmError::TooSlow { limit, after, .. } = error else {
        panic!("{error:?}")
    };
    (limit, after)
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_reaches_the_first_byte_limit() {
    let limit = too_slow(Turn::says_nothing(), |lane| {
        lane.timeouts.first_byte = SHORT;
    })
    .await;
    assert_eq!(limit, (TimeLimit::FirstByte, SHORT.0));
}

#[tokio::test]
async fn headers_alone_are_not_a_first_byte() {
    let turn = Turn::replies("x").hanging_after(0);
    let limit = too_slow(turn, |lane| lane.timeouts.first_byte = SHORT).await;
    assert_eq!(limit, (TimeLimit::FirstByte, SHORT.0));
}

#[tokio::test]
async fn a_stream_that_falls_silent_reaches_the_idle_limit() {
    let turn = Turn::replies("the disk is full").hanging_after(2);
    let limit = too_slow(turn, |lane| lane.timeouts.idle = SHORT).await;
    assert_eq!(limit, (TimeLimit::Idle, SHORT.0));
}

#[tokio::test]
async fn an_answer_that_is_not_complete_in_time_reaches_the_total_limit() {
    // The limits of the first byte and between two pieces are far away; only the whole takes too long.
    let turn = Turn::replies("the disk is full").hanging_after(2);
    let limit = too_slow(turn, |lane| lane.timeouts.total = SHORT_TOTAL).await;
    assert_eq!(limit, (TimeLimit::Total, SHORT_TOTAL.0));
}

#[tokio::test]
async fn a_slow_first_byte_within_the_limit_is_waited_for() {
    let gate = Gate::closed();
    let server = ModelServer::start().await.replies("late").once_open(&gate);
    let provider = provider_of(&server);
    let request = question(&provider);
    let opening = async {
        gate.is_reached().await;
        gate.open();
    };
    let (reply, ()) = tokio::join!(ask(&provider, &request), opening);
    assert_eq!(reply.expect("an answer").text, "late");
}

#[tokio::test]
async fn a_second_request_waits_for_the_first_without_a_byte() {
    let gate = Gate::closed();
    let server = ModelServer::start()
        .await
        .replies("first")
        .once_open(&gate)
        .replies("second");
    let provider = provider_of(&server);
    let request = question(&provider);
    let second = async {
        gate.is_reached().await;
        let (answered, ()) = tokio::join!(ask(&provider, &request), async {
            server.until("both requests", |all| all.len() == 2).await;
            gate.open();
        });
        answered
    };
    let (first, second) = tokio::join!(ask(&provider, &request), second);
    assert_eq!(first.expect("an answer").text, "first");
    assert_eq!(second.expect("an answer").text, "second");
}

// Cancelling.

async fn cancelled_at(turn: Turn, when: impl AsyncFnOnce(&ModelServer)) {
    let server = ModelServer::start().await.does(turn).replies("next");
    let provider = provider_of(&server);
    let request = question(&provider);
    let cancel = CancellationToken::new();
    let mut ignore = |_| {};
    let asking = provider.chat(&request, &mut ignore, &cancel);
    let cancelling = async {
        when(&server).await;
        cancel.cancel();
    };
    let (answered, ()) = tokio::join!(asking, cancelling);
    assert_eq!(answered, Err(LlmError::Cancelled));
    server.sees_a_client_leave().await;
    let next = ask(&provider, &request).await.expect("the lane is free");
    assert_eq!(next.text, "next");
}

#[tokio::test]
async fn cancelling_before_the_first_byte_frees_the_lane_at_once() {
    let gate = Gate::closed();
    cancelled_at(Turn::replies("never").after(&gate), async |_| {
        gate.is_reached().await;
    })
    .await;
}

#[tokio::test]
async fn cancelling_in_the_middle_of_an_answer_frees_the_lane_at_once() {
    let gate = Gate::closed();
    let turn = Turn::replies("the disk is full").pausing_after(2, &gate);
    cancelled_at(turn, async |_| gate.is_reached().await).await;
}

#[tokio::test]
async fn a_request_cancelled_before_it_begins_is_never_sent() {
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let answered = provider
        .chat(&question(&provider), &mut |_| {}, &cancel)
        .await;
    assert_eq!(answered, Err(LlmError::Cancelled));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn dropping_the_request_frees_the_lane_too() {
    let gate = Gate::closed();
    let server = ModelServer::start()
        .await
        .replies("never")
        .once_open(&gate)
        .replies("next");
    let provider = provider_of(&server);
    let request = question(&provider);
    tokio::select! {
        biased;
        _ = ask(&provider, &request) => panic!("the gate is closed"),
        () = gate.is_reached() => {}
    }
    server.sees_a_client_leave().await;
    assert_eq!(
        ask(&provider, &request)
            .await
            .expect("the lane is free")
            .text,
        "next"
    );
}

// Limits.

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let error = ask_when(Turn::never_ends())
        .await
        .expect_err("it never ends");
    assert!(
        matches!(
            error,
            LlmError::OutputTooLong {
                limit: OutputLimit::Bytes(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!error.retryable());
}

#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let error = ask_when(Turn::never_ends_its_line())
        .await
        .expect_err("it never ends");
    let LlmError::Protocol { found, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(found.chars().count() <= 300, "{}", found.len());
}

#[tokio::test]
async fn more_tool_calls_than_anybody_needs_are_refused() {
    let calls = (0..100).map(|_| ("x", "df", json!({})));
    let error = ask_when(Turn::calls_tools(calls))
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

// The context.

#[tokio::test]
async fn a_prompt_that_does_not_fit_is_never_sent() {
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    let mut request = question(&provider);
    request
        .messages
        .push(Message::user("journal line\n".repeat(5_000)));
    let error = ask(&provider, &request).await.expect_err("too long");
    let LlmError::PromptTooLong {
        estimated,
        context,
        reserved,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((context, reserved), (8192, 2048));
    assert!(estimated > 8192);
    assert!(
        server.requests().is_empty(),
        "not even a question about the model"
    );
}

#[tokio::test]
async fn a_lane_that_promises_more_than_the_model_has_is_held_to_the_models_context() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::chat("small", 2048))
        .cuts_long_prompts_silently();
    let provider = provider_of(&server);
    let mut request = question(&provider);
    request.model = "small".to_owned();
    request.max_tokens = 200;
    ask(&provider, &request).await.expect("an answer");
    assert_eq!(server.generations()[0]["options"]["num_ctx"], 2048);
    assert_eq!(provider.measure(&request).room, 1848);
    request
        .messages
        .push(Message::user("journal line ".repeat(500)));
    let error = ask(&provider, &request)
        .await
        .expect_err("too long for this model");
    assert!(
        matches!(error, LlmError::PromptTooLong { context: 2048, .. }),
        "{error:?}"
    );
    assert_eq!(server.generations().len(), 1);
}

#[tokio::test]
async fn a_servers_refusal_of_a_long_prompt_says_what_it_counted() {
    let nested = json!({ "error": {
        "code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096,
        "message": "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    } });
    let error = ask_when(Turn::refuses(400, &nested.to_string()))
        .await
        .expect_err("refused");
    let LlmError::PromptTooLong {
        estimated, context, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((*estimated, *context), (9000, 4096));
    let error = ask_when(Turn::refuses(
        400,
        "the input length exceeds the context length",
    ))
    .await
    .expect_err("refused");
    assert!(
        matches!(error, LlmError::PromptTooLong { context: 8192, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_from_a_prompt_that_was_cut_is_thrown_away() {
    for (prompt, output) in [(8192, 11), (9000, 1), (8180, 30)] {
        let error = ask_when(Turn::replies("confident").counting(prompt, output))
            .await
            .expect_err("cut");
        assert!(
            matches!(error, LlmError::PromptCut { context: 8192, .. }),
            "{prompt}+{output}: {error:?}"
        );
        assert!(!error.retryable());
    }
    ask_when(Turn::replies("right").counting(8000, 192))
        .await
        .expect("it just fits");
}

/// A prompt that is too long, of a model whose counts have taught the provider to think it short enough.
async fn underestimated(server: &ModelServer) -> LlmError {
    let provider = provider_of(server);
    let mut request = question(&provider);
    request.max_tokens = 10;
    request.messages.push(Message::user("x".repeat(12_000)));
    let estimated = provider.measure(&request).tokens;
    for _ in 0..30 {
        server.does(Turn::replies("ok").counting(estimated / 3, 1));
        ask(&provider, &request).await.expect("an answer");
    }
    request.messages.push(Message::user("x".repeat(22_000)));
    assert!(
        provider.measure(&request).fits(),
        "{:?}",
        provider.measure(&request)
    );
    ask(&provider, &request).await.expect_err("it does not fit")
}

#[tokio::test]
async fn a_server_that_cuts_prompts_silently_is_found_out_by_its_count() {
    let server = ModelServer::start().await.cuts_long_prompts_silently();
    let error = underestimated(&server).await;
    assert!(
        matches!(
            error,
            LlmError::PromptCut {
                read: 8193,
                context: 8192,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_can_refuse_is_asked_to_and_does() {
    let server = ModelServer::start().await;
    let error = underestimated(&server).await;
    assert!(
        matches!(error, LlmError::PromptTooLong { context: 8192, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_estimate_learns_from_what_the_server_counts() {
    let server = ModelServer::start().await;
    let provider = provider_of(&server);
    let mut request = question(&provider);
    request
        .messages
        .push(Message::user("journal line ".repeat(200)));
    let before = provider.measure(&request).tokens;
    server.does(Turn::replies("ok").counting(before * 2, 1));
    let reply = ask(&provider, &request).await.expect("an answer");
    assert_eq!(reply.estimated_prompt_tokens, before);
    assert_eq!(reply.done.prompt_tokens, Some(before * 2));
    assert_eq!(provider.measure(&request).tokens, before * 2);
}

#[tokio::test]
async fn an_answer_cut_at_its_length_is_told_apart() {
    let server = ModelServer::start()
        .await
        .replies("one two three four")
        .replies("one two three four");
    let provider = provider_of(&server);
    let mut request = question(&provider);
    request.max_tokens = 2;
    let reply = ask(&provider, &request)
        .await
        .expect("free text may be cut");
    assert_eq!(
        (reply.text.as_str(), reply.done.reason),
        ("one two ", StopReason::Length)
    );
    request.schema = Some(json!({ "type": "object" }));
    let error = ask(&provider, &request)
        .await
        .expect_err("half of a JSON value is none");
    assert!(
        matches!(
            error,
            LlmError::OutputTooLong {
                limit: OutputLimit::Tokens(2),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_that_filled_the_context_says_so() {
    let turn = Turn::replies("{").counting(61, 8131).done_because("length");
    let server = ModelServer::start().await.does(turn);
    let provider = provider_of(&server);
    let mut request = question(&provider);
    request.schema = Some(json!({ "type": "object" }));
    let error = ask(&provider, &request).await.expect_err("cut");
    assert!(
        matches!(
            error,
            LlmError::OutputTooLong {
                limit: OutputLimit::Context(8192),
                ..
            }
        ),
        "{error:?}"
    );
}

// Servers that are something else.

#[tokio::test]
async fn a_web_server_is_not_a_model_server() {
    let error = ask_when(Turn::speaks_html())
        .await
        .expect_err("not a model server");
    let LlmError::Protocol { found, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(found, "<!DOCTYPE html>");
    assert!(!error.retryable());
}

#[tokio::test]
async fn lines_that_are_not_of_the_protocol_are_refused() {
    for body in [
        "nonsense\n",
        "{\"message\":\n",
        "data: {\"choices\":[]}\n",
        "{}\n",
        "[]\n",
        "{\"done\":\"yes\"}\n",
        "{\"message\":{\"content\":5},\"done\":false}\n",
        "{\"message\":{\"tool_calls\":[{}]},\"done\":false}\n",
        "{\"done\":true,\"done_reason\":\"load\"}\n",
    ] {
        let error = ask_when(Turn::sends(200, &[], body)).await.expect_err(body);
        assert!(
            matches!(error, LlmError::Protocol { .. }),
            "{body}: {error:?}"
        );
    }
    let mut invalid = b"{\"message\":{\"content\":\"".to_vec();
    invalid.extend([0xff, 0xfe]);
    invalid.extend(b"\"},\"done\":false}\n");
    let error = ask_when(Turn::sends(200, &[], invalid))
        .await
        .expect_err("not UTF-8");
    assert!(matches!(error, LlmError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn an_empty_answer_is_a_cut() {
    let error = ask_when(Turn::sends(200, &[], ""))
        .await
        .expect_err("nothing came");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
}

#[tokio::test]
async fn nonsense_in_good_form_is_an_answer() {
    // Whether it makes sense is for whoever reads it; here nothing is wrong.
    let reply = ask_when(Turn::replies("{\"wrong\": \"schema\""))
        .await
        .expect("an answer");
    assert_eq!(reply.text, "{\"wrong\": \"schema\"");
}

#[tokio::test]
async fn a_redirect_is_refused_and_nothing_is_sent_there() {
    let elsewhere = ModelServer::start().await;
    let to = format!(
        "{}/api/chat?key=word",
        elsewhere.url().replace("//", "//user:word@")
    );
    let error = ask_when(Turn::redirects_to(&to))
        .await
        .expect_err("a redirect");
    let LlmError::Redirected { code, to, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (*code, to.clone()),
        (
            307,
            format!("{}/api/chat", elsewhere.url().replace("//", "//***@"))
        )
    );
    assert!(elsewhere.requests().is_empty());
    assert!(!error.to_string().contains("word"), "{error}");
    assert!(!error.retryable());
}

/// Something that greets every client in a protocol of its own, before or after it was spoken to.
async fn greeter(listener: tokio::net::TcpListener, waits: bool) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut clients = Vec::new();
    loop {
        let (mut client, _) = listener.accept().await.expect("a client");
        if waits {
            let _ = client.read(&mut [0; 4096]).await;
        }
        let _ = client.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        clients.push(client);
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_http_is_told_apart() {
    for waits in [true, false] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let provider = Ollama::new(lane_to(&url)).expect("a valid lane");
        let request = question(&provider);
        let answered = tokio::select! {
            answered = ask(&provider, &request) => answered,
            () = greeter(listener, waits) => unreachable!("it greets for ever"),
        };
        let error = answered.expect_err("not HTTP");
        assert!(
            matches!(
                error,
                LlmError::Protocol {
                    expected: "an HTTP answer",
                    ..
                }
            ),
            "{waits}: {error:?}"
        );
    }
}

// Addresses.

#[tokio::test]
async fn ipv6_and_a_path_prefix_are_spoken() {
    let server = ModelServer::start_on_ipv6().await;
    let provider = provider_of(&server);
    assert!(server.url().starts_with("http://[::1]:"));
    ask(&provider, &question(&provider))
        .await
        .expect("an answer");

    let server = ModelServer::start()
        .await
        .at("/models/local/api/chat", Turn::replies("behind a proxy"));
    let provider =
        Ollama::new(lane_to(&format!("{}/models/local/", server.url()))).expect("a valid lane");
    assert_eq!(
        ask(&provider, &question(&provider))
            .await
            .expect("an answer")
            .text,
        "behind a proxy"
    );
}

#[tokio::test]
async fn credentials_go_to_the_server_and_into_no_error() {
    let server = ModelServer::start().await.does(Turn::refuses(500, "no"));
    let url = server.url().replace("//", "//hal:open%20doors@");
    let provider = Ollama::new(lane_to(&url)).expect("a valid lane");
    let refused = ask(&provider, &question(&provider))
        .await
        .expect_err("refused");
    // base64 of `hal:open doors`.
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some("Basic aGFsOm9wZW4gZG9vcnM=")
    );
    drop(server);
    tokio::task::yield_now().await;
    let unreachable = ask(&provider, &question(&provider))
        .await
        .expect_err("nobody listens");
    for shown in [
        format!("{refused} {refused:?}"),
        format!("{unreachable} {unreachable:?}"),
        format!("{provider:?}"),
    ] {
        assert!(
            !shown.contains("doors") && !shown.contains("hal"),
            "{shown}"
        );
    }
}

// What the server says about itself.

#[tokio::test]
async fn models_are_listed_shown_and_seen_loaded() {
    let server = ModelServer::start()
        .await
        .has(FakeModel::embedding("embed:latest"));
    let provider = provider_of(&server);
    assert_eq!(provider.version().await.expect("a version"), "0.12.6");
    let models = provider.local_models().await.expect("a list");
    assert!(
        models.iter().any(|model| model.is(MODEL)) && models.iter().any(|model| model.is("embed"))
    );
    assert_eq!(
        provider.facts(MODEL).await.expect("facts").context_length,
        Some(32_768)
    );
    assert_eq!(provider.loaded().await.expect("a list"), []);
    ask(&provider, &question(&provider))
        .await
        .expect("an answer");
    let loaded = provider.loaded().await.expect("a list");
    assert_eq!((loaded.len(), loaded[0].context_length), (1, Some(8192)));
    let error = provider.facts("absent").await.expect_err("not there");
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
    let error = provider_of(&server)
        .local_models()
        .await
        .expect_err("it never ends");
    assert!(matches!(error, LlmError::Protocol { .. }), "{error:?}");
}
