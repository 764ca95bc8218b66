//! Errors the server tells: before it begins to answer, and in the middle.

use std::time::Duration;

use watchkeeper_llm::{LlmError, ProviderKind};
use watchkeeper_testkit::model_server::{ModelServer, Turn};

use crate::support::{ask, ask_when, in_every_protocol, provider_of, question};

in_every_protocol!(
    an_error_inside_a_stream_is_an_error,
    an_unknown_model_is_named,
    a_busy_server_says_when_to_come_again,
    other_refusals_keep_status_and_words,
    an_account_with_nothing_left_is_not_asked_again,
    the_body_of_a_refusal_is_bounded,
);

async fn an_error_inside_a_stream_is_an_error(kind: ProviderKind) {
    for pieces in [0, 2] {
        let turn = Turn::replies("the disk is full")
            .failing_after(pieces, "llama runner process has terminated: exit status 2");
        let error = ask_when(kind, turn)
            .await
            .expect_err("the server broke off");
        assert!(
            matches!(&error, LlmError::ErrorInStream { message, .. } if message.contains("has terminated")),
            "after {pieces}: {error:?}"
        );
        assert!(error.retryable() && error.blames_the_lane());
    }
}

async fn an_unknown_model_is_named(kind: ProviderKind) {
    let server = ModelServer::start().await.has_no_models();
    let error = ask(&*provider_of(kind, &server), &question())
        .await
        .expect_err("there is no model");
    assert!(
        matches!(&error, LlmError::NoSuchModel { model, .. } if model == "fake:1b"),
        "{error:?}"
    );
    assert!(!error.retryable());
}

async fn a_busy_server_says_when_to_come_again(kind: ProviderKind) {
    for (status, header, expected) in [
        (503, "17", Some(Duration::from_secs(17))),
        (429, "17", Some(Duration::from_secs(17))),
        (529, "17", Some(Duration::from_secs(17))),
        (503, "99999999", Some(Duration::from_secs(600))),
        (503, "soon", None),
        (503, "-1", None),
    ] {
        let error = ask_when(kind, Turn::is_busy_with(status, header))
            .await
            .expect_err("the server is busy");
        assert!(matches!(error, LlmError::Busy { .. }), "{error:?}");
        assert!(error.retryable());
        assert_eq!(error.retry_after(), expected, "{status} {header}");
    }
}

async fn other_refusals_keep_status_and_words(kind: ProviderKind) {
    for (status, retryable) in [
        (400, false),
        (401, false),
        (404, false),
        (413, false),
        (500, true),
        (502, true),
    ] {
        let error = ask_when(kind, Turn::refuses(status, "no, \u{1b}[2Jbecause"))
            .await
            .expect_err("refused");
        let LlmError::Status { code, body, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((*code, body.as_str()), (status, "no, \\u{1b}[2Jbecause"));
        assert_eq!(error.retryable(), retryable, "{status}");
    }
}

async fn an_account_with_nothing_left_is_not_asked_again(kind: ProviderKind) {
    if kind == ProviderKind::Ollama {
        return; // It has no accounts, and no words for them.
    }
    let code = match kind {
        ProviderKind::Anthropic => "billing_error",
        _ => "insufficient_quota",
    };
    let turn = Turn::refuses_as(429, code, "You exceeded your current quota.");
    let error = ask_when(kind, turn).await.expect_err("refused");
    assert!(
        matches!(&error, LlmError::Status { code: 429, .. }),
        "{error:?}"
    );
    assert!(!error.retryable() && error.blames_the_lane());
}

async fn the_body_of_a_refusal_is_bounded(kind: ProviderKind) {
    let turn = Turn::sends(500, &[], vec![b'x'; 10_000_000]);
    let error = ask_when(kind, turn).await.expect_err("refused");
    let length = error.to_string().len();
    assert!(length < 1000, "{length}");
}
