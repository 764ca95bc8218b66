//! Cancelling: before anything is sent, while waiting, while streaming, and by dropping the request. Each frees the
//! server's lane at once.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{LlmError, ProviderKind};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};

use crate::support::{ask, in_every_protocol, provider_of, question};

in_every_protocol!(
    cancelling_before_the_first_byte_frees_the_lane_at_once,
    cancelling_in_the_middle_of_an_answer_frees_the_lane_at_once,
    a_request_cancelled_before_it_begins_is_never_sent,
    dropping_the_request_frees_the_lane_too,
);

/// How long cancelling may take until the server has noticed, which is what preempting needs.
const AT_ONCE: Duration = Duration::from_millis(100);

async fn cancelled_at(kind: ProviderKind, turn: Turn, when: impl AsyncFnOnce(&ModelServer)) {
    let server = ModelServer::start().await.does(turn).replies("next");
    let provider = provider_of(kind, &server);
    let request = question();
    let cancel = CancellationToken::new();
    let mut ignore = |_| {};
    let asking = provider.chat(&request, &mut ignore, &cancel);
    let cancelling = async {
        when(&server).await;
        cancel.cancel();
        Instant::now()
    };
    let (answered, cancelled) = tokio::join!(asking, cancelling);
    assert_eq!(answered, Err(LlmError::Cancelled));
    server.sees_a_client_leave().await;
    let took = cancelled.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    let next = ask(&*provider, &request).await.expect("the lane is free");
    assert_eq!(next.text, "next");
}

async fn cancelling_before_the_first_byte_frees_the_lane_at_once(kind: ProviderKind) {
    let gate = Gate::closed();
    cancelled_at(kind, Turn::replies("never").after(&gate), async |_| {
        gate.is_reached().await;
    })
    .await;
}

async fn cancelling_in_the_middle_of_an_answer_frees_the_lane_at_once(kind: ProviderKind) {
    let gate = Gate::closed();
    let turn = Turn::replies("the disk is full").pausing_after(2, &gate);
    cancelled_at(kind, turn, async |_| gate.is_reached().await).await;
}

async fn a_request_cancelled_before_it_begins_is_never_sent(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let provider = provider_of(kind, &server);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let answered = provider.chat(&question(), &mut |_| {}, &cancel).await;
    assert_eq!(answered, Err(LlmError::Cancelled));
    assert!(server.requests().is_empty());
}

async fn dropping_the_request_frees_the_lane_too(kind: ProviderKind) {
    let gate = Gate::closed();
    let server = ModelServer::start()
        .await
        .replies("never")
        .once_open(&gate)
        .replies("next");
    let provider = provider_of(kind, &server);
    let request = question();
    tokio::select! {
        biased;
        _ = ask(&*provider, &request) => panic!("the gate is closed"),
        () = gate.is_reached() => {}
    }
    server.sees_a_client_leave().await;
    let next = ask(&*provider, &request).await.expect("the lane is free");
    assert_eq!(next.text, "next");
}
