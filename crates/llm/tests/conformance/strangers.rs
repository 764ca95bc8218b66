//! Servers that are something else: web servers, other protocols, redirects, broken JSON.

use watchkeeper_llm::{LlmError, ProviderKind};
use watchkeeper_testkit::model_server::{ModelServer, Turn};

use crate::support::{ask, ask_when, in_every_protocol, lane_to, provider_to, question};

in_every_protocol!(
    a_web_server_is_not_a_model_server,
    frames_that_are_not_of_the_protocol_are_refused,
    what_is_not_utf_8_is_refused,
    a_redirect_is_refused_and_nothing_is_sent_there,
    a_server_that_speaks_no_http_is_told_apart,
);

async fn a_web_server_is_not_a_model_server(kind: ProviderKind) {
    let error = ask_when(kind, Turn::speaks_html())
        .await
        .expect_err("not a model server");
    let LlmError::Protocol { found, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(found, "<!DOCTYPE html>");
    assert!(!error.retryable() && error.blames_the_lane());
}

async fn frames_that_are_not_of_the_protocol_are_refused(kind: ProviderKind) {
    let ollama: &[&str] = &[
        "nonsense\n",
        "{\"message\":\n",
        "data: {\"choices\":[]}\n",
        "{}\n",
        "[]\n",
        "{\"done\":\"yes\"}\n",
        "{\"message\":{\"content\":5},\"done\":false}\n",
        "{\"message\":{\"tool_calls\":[{}]},\"done\":false}\n",
        "{\"done\":true,\"done_reason\":\"load\"}\n",
    ];
    let openai: &[&str] = &[
        "nonsense\n\n",
        "{\"choices\":[]}\n\n",
        "data: nonsense\n\n",
        "data: {\"choices\":\n\n",
        "data: {}\n\n",
        "data: []\n\n",
        "data: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":5}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":{}}}]}\n\n",
    ];
    let anthropic: &[&str] = &[
        "nonsense\n\n",
        "data: nonsense\n\n",
        "data: {\"type\":\n\n",
        "data: {}\n\n",
        "data: []\n\n",
        "data: {\"type\":\"message_stop\"}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"x\"}}\n\n",
        "data: {\"type\":\"content_block_start\"}\n\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\"}}\n\n",
    ];
    let bodies = match kind {
        ProviderKind::Ollama => ollama,
        ProviderKind::OpenaiCompatible | ProviderKind::Openai => openai,
        ProviderKind::Anthropic => anthropic,
    };
    for body in bodies {
        let error = ask_when(kind, Turn::sends(200, &[], *body))
            .await
            .expect_err(body);
        assert!(
            matches!(error, LlmError::Protocol { .. }),
            "{body}: {error:?}"
        );
    }
}

async fn what_is_not_utf_8_is_refused(kind: ProviderKind) {
    let (before, after): (&[u8], &[u8]) = match kind {
        ProviderKind::Ollama => (b"{\"message\":{\"content\":\"", b"\"},\"done\":false}\n"),
        ProviderKind::OpenaiCompatible | ProviderKind::Openai => (
            b"data: {\"choices\":[{\"delta\":{\"content\":\"",
            b"\"}}]}\n\n",
        ),
        ProviderKind::Anthropic => (
            b"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"",
            b"\"}}\n\n",
        ),
    };
    let body = [before, &[0xff, 0xfe], after].concat();
    let error = ask_when(kind, Turn::sends(200, &[], body))
        .await
        .expect_err("not UTF-8");
    assert!(matches!(error, LlmError::Protocol { .. }), "{error:?}");
}

async fn a_redirect_is_refused_and_nothing_is_sent_there(kind: ProviderKind) {
    let elsewhere = ModelServer::start().await;
    let to = format!(
        "{}/api/chat?key=word",
        elsewhere.url().replace("//", "//user:word@")
    );
    let error = ask_when(kind, Turn::redirects_to(&to))
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

async fn a_server_that_speaks_no_http_is_told_apart(kind: ProviderKind) {
    for waits in [true, false] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let provider = provider_to(lane_to(kind, &url));
        let request = question();
        let answered = tokio::select! {
            answered = ask(&*provider, &request) => answered,
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
