//! Servers that are slow, silent, or one token a minute.

use std::time::Duration;

use watchkeeper_llm::{Lane, LlmError, ProviderKind, TimeLimit};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};

use crate::support::{
    SHORT, SHORT_TOTAL, ask, in_every_protocol, lane_to, provider_of, provider_to, question,
};

in_every_protocol!(
    a_server_that_accepts_and_says_nothing_reaches_the_first_byte_limit,
    headers_alone_are_not_a_first_byte,
    a_stream_that_falls_silent_reaches_the_idle_limit,
    one_token_a_minute_reaches_the_idle_limit_or_the_total_one,
    an_answer_that_is_not_complete_in_time_reaches_the_total_limit,
    a_slow_stream_within_the_limits_is_waited_for,
    a_slow_first_byte_within_the_limit_is_waited_for,
    a_second_request_waits_for_the_first_without_a_byte,
);

async fn too_slow(
    kind: ProviderKind,
    turn: Turn,
    limit: impl FnOnce(&mut Lane),
) -> (TimeLimit, Duration) {
    let server = ModelServer::start().await.does(turn);
    let mut lane = lane_to(kind, &server.url());
    limit(&mut lane);
    let error = ask(&*provider_to(lane), &question())
        .await
        .expect_err("too slow");
    assert!(error.retryable() && error.blames_the_lane());
    server.sees_a_client_leave().await;
    let LlmError::TooSlow { limit, after, .. } = error else {
        panic!("{error:?}")
    };
    (limit, after)
}

async fn a_server_that_accepts_and_says_nothing_reaches_the_first_byte_limit(kind: ProviderKind) {
    let limit = too_slow(kind, Turn::says_nothing(), |lane| {
        lane.timeouts.first_byte = SHORT;
    })
    .await;
    assert_eq!(limit, (TimeLimit::FirstByte, SHORT.0));
}

async fn headers_alone_are_not_a_first_byte(kind: ProviderKind) {
    let turn = Turn::replies("x").hanging_after(0);
    let limit = too_slow(kind, turn, |lane| lane.timeouts.first_byte = SHORT).await;
    assert_eq!(limit, (TimeLimit::FirstByte, SHORT.0));
}

async fn a_stream_that_falls_silent_reaches_the_idle_limit(kind: ProviderKind) {
    let turn = Turn::replies("the disk is full").hanging_after(2);
    let limit = too_slow(kind, turn, |lane| lane.timeouts.idle = SHORT).await;
    assert_eq!(limit, (TimeLimit::Idle, SHORT.0));
}

async fn one_token_a_minute_reaches_the_idle_limit_or_the_total_one(kind: ProviderKind) {
    let minute = Duration::from_secs(60);
    let turn = || Turn::replies("the disk is full").one_piece_every(minute);
    let limit = too_slow(kind, turn(), |lane| lane.timeouts.first_byte = SHORT).await;
    assert_eq!(limit, (TimeLimit::FirstByte, SHORT.0));
    // Just quick enough for the limit between two pieces, it is stopped by the one for the whole.
    let pace = Duration::from_millis(200);
    let endless = Turn::replies("a ".repeat(500)).one_piece_every(pace);
    let limit = too_slow(kind, endless, |lane| lane.timeouts.total = SHORT_TOTAL).await;
    assert_eq!(limit, (TimeLimit::Total, SHORT_TOTAL.0));
}

async fn an_answer_that_is_not_complete_in_time_reaches_the_total_limit(kind: ProviderKind) {
    // The limits of the first byte and between two pieces are far away; only the whole takes too long.
    let turn = Turn::replies("the disk is full").hanging_after(2);
    let limit = too_slow(kind, turn, |lane| lane.timeouts.total = SHORT_TOTAL).await;
    assert_eq!(limit, (TimeLimit::Total, SHORT_TOTAL.0));
}

async fn a_slow_stream_within_the_limits_is_waited_for(kind: ProviderKind) {
    let turn = Turn::replies("the disk is full").one_piece_every(Duration::from_millis(20));
    let server = ModelServer::start().await.does(turn);
    let reply = ask(&*provider_of(kind, &server), &question())
        .await
        .expect("an answer");
    assert_eq!(reply.text, "the disk is full");
}

async fn a_slow_first_byte_within_the_limit_is_waited_for(kind: ProviderKind) {
    let gate = Gate::closed();
    let server = ModelServer::start().await.replies("late").once_open(&gate);
    let provider = provider_of(kind, &server);
    let request = question();
    let opening = async {
        gate.is_reached().await;
        gate.open();
    };
    let (reply, ()) = tokio::join!(ask(&*provider, &request), opening);
    assert_eq!(reply.expect("an answer").text, "late");
}

async fn a_second_request_waits_for_the_first_without_a_byte(kind: ProviderKind) {
    let gate = Gate::closed();
    let server = ModelServer::start()
        .await
        .replies("first")
        .once_open(&gate)
        .replies("second");
    let provider = provider_of(kind, &server);
    let request = question();
    let both = |all: &[watchkeeper_testkit::model_server::Recorded]| {
        all.iter().filter(|request| request.is_generation()).count() == 2
    };
    let second = async {
        gate.is_reached().await;
        let (answered, ()) = tokio::join!(ask(&*provider, &request), async {
            server.until("both requests", both).await;
            gate.open();
        });
        answered
    };
    let (first, second) = tokio::join!(ask(&*provider, &request), second);
    assert_eq!(first.expect("an answer").text, "first");
    assert_eq!(second.expect("an answer").text, "second");
}
