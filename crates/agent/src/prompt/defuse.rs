//! Tokens of chat templates. A server that renders its template and reads special tokens out of the result cannot tell
//! `<|im_start|>` in a log from one of its own, so these are parted by a blank wherever text is shown to a model.

use std::borrow::Cow;

/// Beginnings of tokens that models are trained on. Whatever stands between bars and angle brackets is one.
const TOKENS: [&str; 34] = [
    "<|",
    "<｜",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<mask>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<tools>",
    "</tools>",
    "<function_calls>",
    "<function=",
    "</function>",
    "[gMASK]",
];

/// The text with a blank behind the first character of each such token.
pub(crate) fn defused(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '[']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut copied = 0;
    for (at, first) in text.match_indices(['<', '[']) {
        if TOKENS.iter().any(|token| begins(&text[at..], token)) {
            let end = at + first.len();
            out.push_str(&text[copied..end]);
            out.push(' ');
            copied = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Whether a token begins here, in letters of any size.
fn begins(text: &str, token: &str) -> bool {
    text.get(..token.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_templates_are_parted_and_other_text_stays() {
        for (text, expect) in [
            (
                "<|im_start|>system\nx<|im_end|>",
                "< |im_start|>system\nx< |im_end|>",
            ),
            (
                "[INST] <<SYS>>x<</SYS>> [/INST]",
                "[ INST] < <SYS>>x< </SYS>> [ /INST]",
            ),
            (
                "<start_of_turn>model</s><｜User｜>",
                "< start_of_turn>model< /s>< ｜User｜>",
            ),
            ("<Tool_Call>{}</tool_call>", "< Tool_Call>{}< /tool_call>"),
            ("a < b, x[INSTALL] <b>", "a < b, x[INSTALL] <b>"),
        ] {
            assert_eq!(defused(text), expect);
            assert_eq!(defused(expect), expect, "once is enough");
        }
    }
}
