//! Text, thinking and counts of an answer, and answers of a given form.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{ChatEvent, LlmError, OutputLimit, ProviderKind, StopReason};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};

use crate::support::{ask, ask_when, in_every_protocol, provider_of, question};

in_every_protocol!(
    a_character_split_over_chunks_is_not_lost,
    wherever_the_bytes_are_split_the_text_is_the_same,
    pieces_arrive_in_order_while_the_answer_is_still_being_written,
    thinking_is_kept_apart_from_the_answer,
    counts_are_the_servers,
    counts_may_be_missing,
    an_answer_keeps_to_its_schema,
    an_answer_cut_at_its_length_is_told_apart,
    nonsense_in_good_form_is_an_answer,
);

async fn a_character_split_over_chunks_is_not_lost(kind: ProviderKind) {
    let text = "größer als 80 % — 磁盘已满 \u{1f6a8} ende";
    for size in [1, 2, 3, 5, 7] {
        let reply = ask_when(kind, Turn::replies(text).in_chunks_of(size))
            .await
            .expect("an answer");
        assert_eq!(reply.text, text, "in chunks of {size}");
    }
}

async fn wherever_the_bytes_are_split_the_text_is_the_same(kind: ProviderKind) {
    let text = "ä€\u{1f680}";
    for offset in (60..420).step_by(3) {
        let reply = ask_when(kind, Turn::tokens([text]).split_at(&[offset]))
            .await
            .expect("an answer");
        assert_eq!(reply.text, text, "split at {offset}");
    }
}

async fn pieces_arrive_in_order_while_the_answer_is_still_being_written(kind: ProviderKind) {
    let gate = Gate::closed();
    let turn = Turn::tokens(["one ", "two ", "three"]).pausing_after(2, &gate);
    let server = ModelServer::start().await.does(turn);
    let provider = provider_of(kind, &server);
    let (seen, mut pieces) = tokio::sync::mpsc::unbounded_channel();
    let request = question();
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

async fn thinking_is_kept_apart_from_the_answer(kind: ProviderKind) {
    let turn = Turn::replies("full disk").thinking("hm, df says 100 %");
    let reply = ask_when(kind, turn).await.expect("an answer");
    assert_eq!(
        (reply.text.as_str(), reply.thinking.as_str()),
        ("full disk", "hm, df says 100 %")
    );
}

async fn counts_are_the_servers(kind: ProviderKind) {
    let reply = ask_when(kind, Turn::replies("ok").counting(700, 40))
        .await
        .expect("an answer");
    assert_eq!(
        (reply.done.prompt_tokens, reply.done.output_tokens),
        (Some(700), Some(40))
    );
    assert!(reply.done.times.output > Duration::ZERO);
    assert!(reply.done.times.total >= reply.done.times.output);
    assert!(reply.done.tokens_per_second().is_some());
    assert!(reply.estimated_prompt_tokens > 0);
}

async fn counts_may_be_missing(kind: ProviderKind) {
    let reply = ask_when(kind, Turn::replies("the disk is full").counting_nothing())
        .await
        .expect("an answer");
    assert_eq!(reply.text, "the disk is full");
    assert_eq!(
        (reply.done.prompt_tokens, reply.done.output_tokens),
        (None, None)
    );
    assert_eq!(reply.done.tokens_per_second(), None);
}

async fn an_answer_keeps_to_its_schema(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let mut request = question();
    request.schema = Some(json!({
        "type": "object", "properties": { "cause": { "type": "string", "enum": ["disk", "memory"] } },
        "required": ["cause"], "additionalProperties": false,
    }));
    let reply = ask(&*provider_of(kind, &server), &request)
        .await
        .expect("an answer");
    let answer: Value = serde_json::from_str(&reply.text).expect("JSON");
    assert_eq!(answer, json!({ "cause": "disk" }));
    assert_eq!(
        reply.tool_calls,
        [],
        "the form is not a call of the model's own"
    );
}

async fn an_answer_cut_at_its_length_is_told_apart(kind: ProviderKind) {
    let server = ModelServer::start()
        .await
        .replies("one two three four")
        .replies("one two three four");
    let provider = provider_of(kind, &server);
    let mut request = question();
    request.max_tokens = 2;
    let reply = ask(&*provider, &request)
        .await
        .expect("free text may be cut");
    assert_eq!(
        (reply.text.as_str(), reply.done.reason),
        ("one two ", StopReason::Length)
    );
    request.schema = Some(json!({ "type": "object" }));
    let error = ask(&*provider, &request)
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

async fn nonsense_in_good_form_is_an_answer(kind: ProviderKind) {
    // Whether it makes sense is for whoever reads it; here nothing is wrong.
    let reply = ask_when(kind, Turn::replies("{\"wrong\": \"schema\""))
        .await
        .expect("an answer");
    assert_eq!(reply.text, "{\"wrong\": \"schema\"");
}
