//! Keys: in the header of each protocol, in nothing that is shown, and never over a network in the clear.

use watchkeeper_llm::{ApiKey, LlmError, ProviderKind, connect};
use watchkeeper_testkit::model_server::ModelServer;

use crate::support::{KEY, ask, in_every_protocol, lane_to, provider_of, question};

in_every_protocol!(
    the_key_is_in_the_header_of_the_protocol,
    a_key_that_is_repeated_in_a_refusal_is_crossed_out,
    a_key_goes_over_no_network_in_the_clear,
    without_a_key_none_is_sent,
);

async fn the_key_is_in_the_header_of_the_protocol(kind: ProviderKind) {
    let server = ModelServer::start().await.wants_key(KEY);
    let provider = provider_of(kind, &server);
    ask(&*provider, &question()).await.expect("an answer");
    provider.models().await.expect("a list");
    for request in server.requests() {
        let expected = match kind {
            ProviderKind::Anthropic => {
                assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
                request.header("x-api-key") == Some(KEY)
            }
            _ => request.header("authorization") == Some(&format!("Bearer {KEY}")),
        };
        assert!(expected, "{request:?}");
        assert!(!request.path.contains(KEY) && !request.body.to_string().contains(KEY));
    }
    assert!(!format!("{provider:?}").contains("doors"));
}

async fn a_key_that_is_repeated_in_a_refusal_is_crossed_out(kind: ProviderKind) {
    let server = ModelServer::start().await.wants_key("another");
    let error = ask(&*provider_of(kind, &server), &question())
        .await
        .expect_err("the wrong key");
    let LlmError::Status { code, body, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (*code, body.as_str()),
        (401, "Incorrect API key provided: ***.")
    );
    assert!(!error.retryable() && error.blames_the_lane());
}

async fn a_key_goes_over_no_network_in_the_clear(kind: ProviderKind) {
    let key = || Some(ApiKey::new(KEY).expect("a key"));
    let mut lane = lane_to(kind, "http://gpu.example.org:8000");
    lane.api_key_file = Some("/the/key".into());
    let error = connect(lane.clone(), key()).expect_err("anybody could read it");
    assert!(error.to_string().contains("https"), "{error}");
    assert!(!error.to_string().contains("doors"), "{error}");
    lane.private = true;
    connect(lane.clone(), key()).expect("its owner says that the network is their own");
    lane.private = false;
    lane.url = "https://gpu.example.org".parse().expect("an address");
    connect(lane, key()).expect("it is encrypted");
}

async fn without_a_key_none_is_sent(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let provider = connect(lane_to(kind, &server.url()), None).expect("a valid lane");
    ask(&*provider, &question()).await.expect("an answer");
    for request in server.requests() {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("x-api-key"), None);
    }
}
