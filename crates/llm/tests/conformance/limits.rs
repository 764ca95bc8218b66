//! Answers without end, of 10 MB, and lines without end.

use watchkeeper_llm::{LlmError, OutputLimit, ProviderKind};
use watchkeeper_testkit::model_server::Turn;

use crate::support::{ask_when, in_every_protocol};

in_every_protocol!(
    an_answer_without_end_is_cut_off,
    an_answer_of_ten_megabytes_is_cut_off,
    ten_megabytes_in_one_piece_are_cut_off,
    a_line_without_end_is_cut_off,
);

fn is_too_long(error: &LlmError) -> bool {
    matches!(
        error,
        LlmError::OutputTooLong {
            limit: OutputLimit::Bytes(_),
            ..
        }
    )
}

async fn an_answer_without_end_is_cut_off(kind: ProviderKind) {
    let error = ask_when(kind, Turn::never_ends())
        .await
        .expect_err("it never ends");
    assert!(is_too_long(&error), "{error:?}");
    assert!(!error.retryable());
}

async fn an_answer_of_ten_megabytes_is_cut_off(kind: ProviderKind) {
    let pieces = std::iter::repeat_n("the disk is full ".repeat(600), 1000);
    let error = ask_when(kind, Turn::tokens(pieces).counting(10, 10))
        .await
        .expect_err("too long");
    assert!(is_too_long(&error), "{error:?}");
}

async fn ten_megabytes_in_one_piece_are_cut_off(kind: ProviderKind) {
    let error = ask_when(kind, Turn::tokens(["x".repeat(10_000_000)]))
        .await
        .expect_err("too long");
    assert!(
        is_too_long(&error) || matches!(error, LlmError::Protocol { .. }),
        "{error:?}"
    );
    assert!(error.to_string().len() < 1000);
}

async fn a_line_without_end_is_cut_off(kind: ProviderKind) {
    let error = ask_when(kind, Turn::never_ends_its_line())
        .await
        .expect_err("it never ends");
    let LlmError::Protocol { found, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(found.chars().count() <= 300, "{}", found.len());
}
