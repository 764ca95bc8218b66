//! Vectors, in the protocols that make any.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{EmbedPurpose, LlmError, Provider, ProviderKind};
use watchkeeper_testkit::model_server::{FakeModel, Gate, ModelServer, Turn};

use crate::support::{in_every_protocol, provider_of};

in_every_protocol!(
    texts_that_share_words_lie_near_and_in_their_order,
    many_texts_go_in_batches,
    a_text_that_is_too_long_is_refused_and_not_cut,
    vectors_that_are_none_are_refused,
    a_model_that_makes_none_and_one_that_is_not_there_are_told,
    making_vectors_can_be_cancelled,
);

async fn server() -> ModelServer {
    ModelServer::start()
        .await
        .has(FakeModel::embedding("fake-embed"))
}

async fn embed(provider: &dyn Provider, texts: &[&str]) -> Result<Vec<Vec<f32>>, LlmError> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let cancel = CancellationToken::new();
    provider
        .embed("fake-embed", EmbedPurpose::Passage, &texts, &cancel)
        .await
}

/// Whether the protocol makes vectors; where it does not, that it says so.
async fn makes_vectors(kind: ProviderKind) -> bool {
    if kind != ProviderKind::Anthropic {
        return true;
    }
    let server = server().await;
    let error = embed(&*provider_of(kind, &server), &["x"])
        .await
        .expect_err("not offered");
    assert!(matches!(error, LlmError::NotOffered { .. }), "{error:?}");
    assert!(server.requests().is_empty());
    false
}

fn likeness(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

async fn texts_that_share_words_lie_near_and_in_their_order(kind: ProviderKind) {
    if !makes_vectors(kind).await {
        return;
    }
    let server = server().await;
    let provider = provider_of(kind, &server);
    let texts = [
        "nginx failed to bind its port",
        "the port of nginx: bind failed",
        "größe 磁盘 \u{1f6a8}",
    ];
    let vectors = embed(&*provider, &texts).await.expect("vectors");
    assert_eq!(vectors.len(), 3);
    assert!(vectors.iter().all(|vector| vector.len() == 64));
    assert!(likeness(&vectors[0], &vectors[1]) > likeness(&vectors[0], &vectors[2]));
    let alone = embed(&*provider, &texts[1..2]).await.expect("a vector");
    assert_eq!(alone[0], vectors[1]);
    assert_eq!(embed(&*provider, &[]).await, Ok(Vec::new()));
}

async fn many_texts_go_in_batches(kind: ProviderKind) {
    if !makes_vectors(kind).await {
        return;
    }
    let server = server().await;
    let texts: Vec<String> = (0..100).map(|number| format!("text {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let provider = provider_of(kind, &server);
    let vectors = embed(&*provider, &texts).await.expect("vectors");
    let last = embed(&*provider, &texts[99..]).await.expect("a vector");
    assert_eq!((vectors.len(), &vectors[99]), (100, &last[0]));
    let sizes: Vec<usize> = server
        .requests()
        .iter()
        .filter_map(|request| Some(request.body["input"].as_array()?.len()))
        .collect();
    assert_eq!(sizes, [32, 32, 32, 4, 1]);
}

async fn a_text_that_is_too_long_is_refused_and_not_cut(kind: ProviderKind) {
    if !makes_vectors(kind).await {
        return;
    }
    let server = server().await;
    let long = "journal line ".repeat(400);
    let error = embed(&*provider_of(kind, &server), &["short", &long])
        .await
        .expect_err("too long");
    assert!(matches!(error, LlmError::PromptTooLong { .. }), "{error:?}");
}

async fn vectors_that_are_none_are_refused(kind: ProviderKind) {
    if !makes_vectors(kind).await {
        return;
    }
    let of = |vectors: serde_json::Value| {
        let data: Vec<_> = vectors
            .as_array()
            .expect("a list")
            .iter()
            .enumerate()
            .map(|(index, vector)| json!({ "index": index, "embedding": vector }))
            .collect();
        match kind {
            ProviderKind::Ollama => json!({ "embeddings": vectors }),
            _ => json!({ "data": data }),
        }
    };
    for (answer, why) in [
        (of(json!([[1.0, 2.0]])), "one for two texts"),
        (of(json!([[1.0], [1.0, 2.0]])), "of two lengths"),
        (of(json!([[], []])), "of no length"),
        (of(json!([["a"], ["b"]])), "of no numbers"),
        (json!({}), "none at all"),
        (json!("<html>"), "not even an object"),
    ] {
        let server = server().await;
        for path in ["/api/embed", "/v1/embeddings"] {
            server.at(path, Turn::sends(200, &[], answer.to_string()));
        }
        let error = embed(&*provider_of(kind, &server), &["a", "b"])
            .await
            .expect_err(why);
        assert!(
            matches!(error, LlmError::Protocol { .. }),
            "{why}: {error:?}"
        );
    }
}

async fn a_model_that_makes_none_and_one_that_is_not_there_are_told(kind: ProviderKind) {
    if !makes_vectors(kind).await {
        return;
    }
    let server = ModelServer::start().await;
    let provider = provider_of(kind, &server);
    let error = embed(&*provider, &["x"]).await.expect_err("not there");
    assert!(matches!(error, LlmError::NoSuchModel { .. }), "{error:?}");
    let cancel = CancellationToken::new();
    let texts = ["x".to_owned()];
    let error = provider
        .embed("fake:1b", EmbedPurpose::Query, &texts, &cancel)
        .await
        .expect_err("it can only chat");
    assert!(
        matches!(&error, LlmError::Status { code: 400, .. }),
        "{error:?}"
    );
}

async fn making_vectors_can_be_cancelled(kind: ProviderKind) {
    if !makes_vectors(kind).await {
        return;
    }
    let gate = Gate::closed();
    let server = server().await;
    for path in ["/api/embed", "/v1/embeddings"] {
        server.at(path, Turn::sends(200, &[], "{}").after(&gate));
    }
    let provider = provider_of(kind, &server);
    let cancel = CancellationToken::new();
    let texts = ["x".to_owned()];
    let making = provider.embed("fake-embed", EmbedPurpose::Query, &texts, &cancel);
    let cancelling = async {
        gate.is_reached().await;
        cancel.cancel();
    };
    let (made, ()) = tokio::join!(making, cancelling);
    assert_eq!(made, Err(LlmError::Cancelled));
    server.sees_a_client_leave().await;
}
