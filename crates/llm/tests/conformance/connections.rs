//! Connections that end, do not begin, or come back.

use watchkeeper_llm::{LlmError, ProviderKind};
use watchkeeper_testkit::model_server::{ModelServer, Turn};

use crate::support::{
    ask, ask_when, in_every_protocol, lane_to, provider_of, provider_to, question,
};

in_every_protocol!(
    a_connection_cut_before_the_end_is_no_answer,
    an_orderly_end_before_the_end_is_no_answer_either,
    a_server_that_closes_at_once_is_a_cut,
    an_empty_answer_is_a_cut,
    a_server_that_is_not_there_is_unreachable,
    a_server_that_was_away_is_found_again,
    a_name_that_does_not_resolve_is_unreachable,
);

async fn a_connection_cut_before_the_end_is_no_answer(kind: ProviderKind) {
    for pieces in 0..3 {
        let error = ask_when(kind, Turn::replies("the disk is full").cut_after(pieces))
            .await
            .expect_err("cut");
        assert!(
            matches!(error, LlmError::CutShort { .. }),
            "after {pieces}: {error:?}"
        );
        assert!(error.retryable());
    }
}

async fn an_orderly_end_before_the_end_is_no_answer_either(kind: ProviderKind) {
    for pieces in 0..3 {
        let error = ask_when(kind, Turn::replies("the disk is full").ended_after(pieces))
            .await
            .expect_err("cut");
        assert!(
            matches!(error, LlmError::CutShort { cause: None, .. }),
            "after {pieces}: {error:?}"
        );
    }
}

async fn a_server_that_closes_at_once_is_a_cut(kind: ProviderKind) {
    let error = ask_when(kind, Turn::slams_the_door())
        .await
        .expect_err("no answer");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
}

async fn an_empty_answer_is_a_cut(kind: ProviderKind) {
    let error = ask_when(kind, Turn::sends(200, &[], ""))
        .await
        .expect_err("nothing came");
    assert!(matches!(error, LlmError::CutShort { .. }), "{error:?}");
}

async fn a_server_that_is_not_there_is_unreachable(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let provider = provider_of(kind, &server);
    drop(server);
    tokio::task::yield_now().await;
    let error = ask(&*provider, &question())
        .await
        .expect_err("nobody listens");
    let LlmError::Unreachable { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(cause.to_string().contains("refused"), "{cause}");
    assert!(error.retryable());
}

async fn a_server_that_was_away_is_found_again(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let (address, provider) = (server.address(), provider_of(kind, &server));
    ask(&*provider, &question()).await.expect("an answer");
    drop(server);
    tokio::task::yield_now().await;
    ask(&*provider, &question())
        .await
        .expect_err("nobody listens");
    let _server = ModelServer::start_at(address).await;
    ask(&*provider, &question()).await.expect("an answer again");
}

async fn a_name_that_does_not_resolve_is_unreachable(kind: ProviderKind) {
    let mut lane = lane_to(kind, "http://no-such-host.invalid:11434");
    lane.private = true;
    lane.api_key_file = Some("/the/key".into());
    let error = ask(&*provider_to(lane), &question())
        .await
        .expect_err("no such host");
    assert!(matches!(error, LlmError::Unreachable { .. }), "{error:?}");
}
