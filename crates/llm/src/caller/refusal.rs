//! What servers say when they refuse, in all the shapes they say it, brought to what it means: the model is not
//! there, the prompt is too long, there is too much to do.

use serde::Deserialize;
use serde_json::Value;

/// What a server said in a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its words.
    pub(crate) text: String,
    /// Its word for the kind of error, where it has one: `model_not_found`, `insufficient_quota`.
    pub(crate) code: String,
}

impl Said {
    /// Reads the body of a refusal: `{"error": text}`, `{"error": {"message": …, "type": …, "code": …}}`,
    /// `{"object": "error", "message": …}`, `{"detail": …}`. None where it is none of them.
    pub(crate) fn read(body: &str) -> Option<Self> {
        let body: Value = serde_json::from_str(body).ok()?;
        let error = [&body["error"], &body["detail"]]
            .into_iter()
            .find(|value| !value.is_null())
            .or_else(|| body["message"].is_string().then_some(&body))?;
        Some(Self::of(error))
    }

    /// Reads an `error` value, of a body or of a stream.
    pub(crate) fn of(error: &Value) -> Self {
        if let Value::String(text) = error {
            return Self {
                text: text.clone(),
                code: String::new(),
            };
        }
        let word = |key: &str| error[key].as_str().unwrap_or_default();
        let mut text = error["message"]
            .as_str()
            .map_or_else(|| error.to_string(), str::to_owned);
        if error["n_prompt_tokens"].is_u64() {
            // llama.cpp gives its counts beside the words.
            text = serde_json::json!({ "error": error }).to_string();
        }
        let code = [word("code"), word("type")]
            .into_iter()
            .find(|word| !word.is_empty())
            .unwrap_or_default();
        Self {
            text,
            code: code.to_owned(),
        }
    }

    /// Whether it says that the model is not there. A bare 404 comes from something that is no model server.
    pub(crate) fn names_a_missing_model(&self) -> bool {
        let text = self.text.to_lowercase();
        let is_missing = ["not found", "does not exist", "no such model", "not_found"]
            .iter()
            .any(|words| text.contains(words));
        self.code == "model_not_found"
            || (self.code == "not_found_error" && text.starts_with("model"))
            || (text.contains("model") && is_missing)
    }

    /// Whether an account has nothing left: no pause helps.
    pub(crate) fn speaks_of_money(&self) -> bool {
        matches!(
            self.code.as_str(),
            "insufficient_quota" | "billing_hard_limit_reached" | "billing_error"
        )
    }

    /// Whether too much is asked of the server just now.
    pub(crate) fn is_overload(&self) -> bool {
        matches!(
            self.code.as_str(),
            "overloaded_error" | "rate_limit_error" | "rate_limit_exceeded"
        )
    }
}

/// The server's refusal of a prompt that is longer than the context, with its counts where it gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overflow {
    pub(crate) prompt_tokens: Option<u64>,
    pub(crate) context: Option<u64>,
}

/// How servers word that refusal, and which of the numbers in it are prompt and context: first or second, counted
/// from one, zero where it is not said.
const OVERFLOW_WORDS: [(&str, usize, usize); 11] = [
    // Ollama.
    ("exceeds the context length", 0, 0),
    ("exceeds maximum context length", 0, 0),
    // llama.cpp, alone and inside Ollama: "request (2622 tokens) exceeds the available context size (512 tokens)".
    ("exceeds the available context", 1, 2),
    ("exceed_context_size_error", 0, 0),
    ("input is too large to process", 0, 0),
    // vLLM and OpenAI: "maximum context length is 4096 tokens. However, you requested 5000 tokens (…)".
    ("maximum context length is", 2, 1),
    ("context_length_exceeded", 0, 0),
    ("maximum input length", 0, 0),
    // Anthropic: "prompt is too long: 213462 tokens > 200000 maximum".
    ("prompt is too long", 1, 2),
    ("exceed context limit", 0, 0),
    // LM Studio.
    ("greater than the context length", 0, 0),
];

impl Overflow {
    /// Reads the refusal in an error's text, if it is one. Newer versions of Ollama pass on llama.cpp's own error as
    /// JSON in it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outer {
            error: Counts,
        }
        #[derive(Deserialize)]
        struct Counts {
            n_prompt_tokens: Option<u64>,
            n_ctx: Option<u64>,
        }
        let (_, prompt, context) = OVERFLOW_WORDS
            .iter()
            .find(|(words, ..)| text.contains(words))?;
        if let Ok(outer) = serde_json::from_str::<Outer>(text) {
            return Some(Self {
                prompt_tokens: outer.error.n_prompt_tokens,
                context: outer.error.n_ctx,
            });
        }
        let numbers = numbers(text);
        let nth = |place: usize| place.checked_sub(1).and_then(|at| numbers.get(at).copied());
        Some(Self {
            prompt_tokens: nth(*prompt),
            context: nth(*context),
        })
    }
}

/// The whole numbers in a text, in their order.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overflow(text: &str, prompt_tokens: Option<u64>, context: Option<u64>) {
        let expected = Overflow {
            prompt_tokens,
            context,
        };
        assert_eq!(Overflow::read(text), Some(expected), "{text}");
    }

    #[test]
    fn the_refusals_of_several_servers_are_recognised() {
        let nested = r#"{"error":{"code":400,"message":"request (2622 tokens) exceeds the available context size (512 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":2622,"n_ctx":512}}"#;
        overflow(nested, Some(2622), Some(512));
        overflow("the input length exceeds the context length", None, None);
        overflow("input length exceeds maximum context length", None, None);
        overflow(
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4488 in the \
             messages, 512 in the completion). Please reduce the length of the messages or completion.",
            Some(5000),
            Some(4096),
        );
        overflow(
            "prompt is too long: 213462 tokens > 200000 maximum",
            Some(213_462),
            Some(200_000),
        );
        assert_eq!(Overflow::read("illegal base64 data at input byte 0"), None);
    }

    #[test]
    fn an_error_is_read_in_every_shape_it_comes_in() {
        for (body, text, code) in [
            (
                r#"{"error":"model 'x' not found"}"#,
                "model 'x' not found",
                "",
            ),
            (
                r#"{"error":{"message":"no","type":"a","code":"b"}}"#,
                "no",
                "b",
            ),
            (
                r#"{"error":{"message":"no","type":"a","code":null}}"#,
                "no",
                "a",
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                "Overloaded",
                "overloaded_error",
            ),
            (
                r#"{"object":"error","message":"no","type":"NotFoundError","code":404}"#,
                "no",
                "NotFoundError",
            ),
            (r#"{"detail":"Not Found"}"#, "Not Found", ""),
        ] {
            let said = Said::read(body).expect(body);
            assert_eq!((said.text.as_str(), said.code.as_str()), (text, code));
        }
        assert_eq!(Said::read("<html>"), None);
        assert_eq!(Said::read("{}"), None);
        assert_eq!(Said::read("[]"), None);
    }

    #[test]
    fn a_missing_model_is_told_from_a_missing_page() {
        for (body, missing) in [
            (r#"{"error":"model 'x' not found"}"#, true),
            (
                r#"{"error":"model \"x\" not found, try pulling it first"}"#,
                true,
            ),
            (
                r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","code":404}}"#,
                true,
            ),
            (
                r#"{"error":{"message":"no access","type":"invalid_request_error","code":"model_not_found"}}"#,
                true,
            ),
            (
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#,
                true,
            ),
            (r#"{"detail":"Not Found"}"#, false),
            (
                r#"{"type":"error","error":{"type":"not_found_error","message":"Not found"}}"#,
                false,
            ),
        ] {
            let said = Said::read(body).expect(body);
            assert_eq!(said.names_a_missing_model(), missing, "{body}");
        }
    }
}
