//! Addresses: IPv6, path prefixes, credentials.

use watchkeeper_llm::{ProviderKind, connect};
use watchkeeper_testkit::model_server::{ModelServer, Turn};

use crate::support::{ask, in_every_protocol, lane_to, provider_of, provider_to, question};

in_every_protocol!(
    ipv6_and_a_path_prefix_are_spoken,
    credentials_go_to_the_server_and_into_no_error,
);

const fn path(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Ollama => "/models/local/api/chat",
        ProviderKind::OpenaiCompatible | ProviderKind::Openai => {
            "/models/local/v1/chat/completions"
        }
        ProviderKind::Anthropic => "/models/local/v1/messages",
    }
}

async fn ipv6_and_a_path_prefix_are_spoken(kind: ProviderKind) {
    let server = ModelServer::start_on_ipv6().await;
    assert!(server.url().starts_with("http://[::1]:"));
    ask(&*provider_of(kind, &server), &question())
        .await
        .expect("an answer");

    let server = ModelServer::start()
        .await
        .at(path(kind), Turn::replies("behind a proxy"));
    for prefix in ["/models/local/", "/models/local"] {
        let provider = provider_to(lane_to(kind, &format!("{}{prefix}", server.url())));
        let reply = ask(&*provider, &question()).await.expect("an answer");
        assert_eq!(reply.text, "behind a proxy");
    }
}

async fn credentials_go_to_the_server_and_into_no_error(kind: ProviderKind) {
    let server = ModelServer::start().await.does(Turn::refuses(500, "no"));
    let url = server.url().replace("//", "//hal:open%20doors@");
    let provider = connect(lane_to(kind, &url), None).expect("a valid lane");
    let refused = ask(&*provider, &question()).await.expect_err("refused");
    // base64 of `hal:open doors`.
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some("Basic aGFsOm9wZW4gZG9vcnM=")
    );
    drop(server);
    tokio::task::yield_now().await;
    let unreachable = ask(&*provider, &question())
        .await
        .expect_err("nobody listens");
    for shown in [
        format!("{refused} {refused:?}"),
        format!("{unreachable} {unreachable:?}"),
        format!("{provider:?}"),
    ] {
        assert!(
            !shown.contains("doors") && !shown.contains("hal:"),
            "{shown}"
        );
    }
}
