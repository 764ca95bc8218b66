//! The context: what does not fit is never sent, what a server refuses is told with its counts, and an answer from a
//! prompt that was cut is thrown away.

use serde_json::json;
use watchkeeper_llm::{ChatRequest, LlmError, Message, OutputLimit, ProviderKind, fit};
use watchkeeper_testkit::model_server::{FakeModel, ModelServer, Turn};

use crate::support::{ask, ask_when, in_every_protocol, provider_of, question};

in_every_protocol!(
    a_prompt_that_does_not_fit_is_never_sent,
    a_lane_that_promises_more_than_the_model_has_is_held_to_the_models_context,
    a_servers_refusal_of_a_long_prompt_says_what_it_counted,
    a_server_that_can_refuse_does,
    a_server_that_cuts_prompts_silently_is_found_out_by_its_count,
    an_answer_from_a_prompt_that_was_cut_is_thrown_away,
    the_estimate_learns_from_what_the_server_counts,
    an_answer_that_filled_the_context_says_so,
    a_request_may_ask_for_less_context_and_is_held_to_it,
);

/// The context that the ordinary model is run with: Ollama runs it with the lane's, the others with their own.
const fn context_of(kind: ProviderKind) -> u64 {
    match kind {
        ProviderKind::Ollama => 8192,
        _ => 32_768,
    }
}

fn long_question(words: usize) -> ChatRequest {
    let mut request = question();
    let text = "journal line ".repeat(words);
    request.messages.push(Message::user(text));
    request
}

async fn a_prompt_that_does_not_fit_is_never_sent(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let provider = provider_of(kind, &server);
    let request = long_question(5_000);
    let error = ask(&*provider, &request).await.expect_err("too long");
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
    assert_eq!(fit(&*provider, &request), Err(error));
    assert!(
        server.requests().is_empty(),
        "not even a question about the model"
    );
}

async fn a_lane_that_promises_more_than_the_model_has_is_held_to_the_models_context(
    kind: ProviderKind,
) {
    let server = ModelServer::start()
        .await
        .has(FakeModel::chat("small", 2048))
        .cuts_long_prompts_silently();
    let provider = provider_of(kind, &server);
    let mut request = question();
    request.model = "small".to_owned();
    request.max_tokens = 200;
    ask(&*provider, &request).await.expect("an answer");
    if kind == ProviderKind::Openai {
        // OpenAI does not say; what its prompts are cut to, the counts tell.
        assert_eq!(provider.context_of("small").await, Ok(None));
        return;
    }
    assert_eq!(provider.context_of("small").await, Ok(Some(2048)));
    assert_eq!(provider.measure(&request).room, 1848);
    request
        .messages
        .push(Message::user("journal line ".repeat(500)));
    let error = ask(&*provider, &request)
        .await
        .expect_err("too long for this model");
    assert!(
        matches!(error, LlmError::PromptTooLong { context: 2048, .. }),
        "{error:?}"
    );
    assert_eq!(server.generations().len(), 1);
}

async fn a_servers_refusal_of_a_long_prompt_says_what_it_counted(kind: ProviderKind) {
    let llama = json!({ "error": {
        "code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096,
        "message": "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    } });
    let plain = [("content-type", "application/json")];
    let turns = [
        Turn::sends(400, &plain, llama.to_string()),
        // Ollama passes it on inside its own.
        Turn::refuses(400, &llama.to_string()),
        Turn::refuses(400, "prompt is too long: 9000 tokens > 4096 maximum"),
        Turn::refuses_as(
            400,
            "context_length_exceeded",
            "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.",
        ),
    ];
    for turn in turns {
        let error = ask_when(kind, turn).await.expect_err("refused");
        let LlmError::PromptTooLong {
            estimated, context, ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!((*estimated, *context), (9000, 4096));
        assert!(!error.blames_the_lane());
    }
    let without_counts = Turn::refuses(400, "the input length exceeds the context length");
    let error = ask_when(kind, without_counts).await.expect_err("refused");
    assert!(
        matches!(error, LlmError::PromptTooLong { context: 8192, .. }),
        "{error:?}"
    );
}

/// A prompt that is too long for a model, of which the provider thinks that it fits: taught by low counts, and where
/// the server would say its context, that is kept from it.
async fn underestimated(kind: ProviderKind, server: &ModelServer) -> LlmError {
    let unsaid = json!({ "data": [{ "id": "fake:1b" }], "id": "fake:1b" });
    for path in ["/v1/models", "/v1/models/fake:1b"] {
        let json = [("content-type", "application/json")];
        server.at(path, Turn::sends(200, &json, unsaid.to_string()));
    }
    let provider = provider_of(kind, server);
    let mut request = question();
    request.max_tokens = 10;
    request.messages.push(Message::user("x".repeat(12_000)));
    let estimated = provider.measure(&request).tokens;
    for _ in 0..30 {
        server.does(Turn::replies("ok").counting(estimated / 3, 1));
        ask(&*provider, &request).await.expect("an answer");
    }
    request.messages.push(Message::user("disk ".repeat(4_700)));
    assert!(
        provider.measure(&request).fits(),
        "{:?}",
        provider.measure(&request)
    );
    ask(&*provider, &request)
        .await
        .expect_err("it does not fit")
}

async fn a_server_that_can_refuse_does(kind: ProviderKind) {
    let server = small_unless_ollama(kind).await;
    let error = underestimated(kind, &server).await;
    assert!(matches!(error, LlmError::PromptTooLong { .. }), "{error:?}");
}

async fn a_server_that_cuts_prompts_silently_is_found_out_by_its_count(kind: ProviderKind) {
    let server = small_unless_ollama(kind).await.cuts_long_prompts_silently();
    let error = underestimated(kind, &server).await;
    assert!(matches!(error, LlmError::PromptCut { .. }), "{error:?}");
}

/// A server whose only model has less context than the lane believes, where the lane does not set it.
async fn small_unless_ollama(kind: ProviderKind) -> ModelServer {
    let server = ModelServer::start().await;
    if kind == ProviderKind::Ollama {
        return server;
    }
    let small = FakeModel::chat("fake:1b", 3100);
    server.has_no_models().has(small)
}

async fn an_answer_from_a_prompt_that_was_cut_is_thrown_away(kind: ProviderKind) {
    if kind == ProviderKind::Openai {
        return; // It does not say what context it has, so only the share of the estimate tells, as above.
    }
    let context = context_of(kind);
    for (prompt, output) in [(context, 11), (context + 800, 1), (context - 12, 30)] {
        let error = ask_when(kind, Turn::replies("confident").counting(prompt, output))
            .await
            .expect_err("cut");
        assert!(
            matches!(error, LlmError::PromptCut { context: told, .. } if told == context),
            "{prompt}+{output}: {error:?}"
        );
        assert!(!error.retryable());
    }
    ask_when(kind, Turn::replies("right").counting(context - 192, 192))
        .await
        .expect("it just fits");
}

async fn the_estimate_learns_from_what_the_server_counts(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let provider = provider_of(kind, &server);
    let request = long_question(200);
    let before = provider.measure(&request).tokens;
    server.does(Turn::replies("ok").counting(before * 2, 1));
    let reply = ask(&*provider, &request).await.expect("an answer");
    assert_eq!(reply.estimated_prompt_tokens, before);
    assert_eq!(reply.done.prompt_tokens, Some(before * 2));
    assert_eq!(provider.measure(&request).tokens, before * 2);
}

async fn an_answer_that_filled_the_context_says_so(kind: ProviderKind) {
    if kind == ProviderKind::Openai {
        return; // It does not say what context it has.
    }
    let context = context_of(kind);
    let turn = Turn::replies("{")
        .counting(61, context - 61)
        .done_because("length");
    let server = ModelServer::start().await.does(turn);
    let mut request = question();
    request.schema = Some(json!({ "type": "object" }));
    let error = ask(&*provider_of(kind, &server), &request)
        .await
        .expect_err("cut");
    assert!(
        matches!(
            error,
            LlmError::OutputTooLong {
                limit: OutputLimit::Context(told),
                ..
            } if told == context
        ),
        "{error:?}"
    );
}

async fn a_request_may_ask_for_less_context_and_is_held_to_it(kind: ProviderKind) {
    let server = ModelServer::start().await;
    let provider = provider_of(kind, &server);
    let mut request = long_question(500);
    request.max_tokens = 100;
    ask(&*provider, &request).await.expect("it fits the lane");
    request.context_tokens = 1024;
    let error = ask(&*provider, &request).await.expect_err("too long");
    assert!(
        matches!(error, LlmError::PromptTooLong { context: 1024, .. }),
        "{error:?}"
    );
    request.context_tokens = 1_000_000;
    assert_eq!(provider.measure(&request).room, 8092);
}
