//! How many tokens a text has, without a model's tokenizer: an estimate that errs on the long side. `llm` corrects it per
//! model by what servers count; `agent` measures its prompts with it.

/// Letters a token holds, at the least that is usual. Plain English has four to five, identifiers three.
const LETTERS_PER_TOKEN: u64 = 3;
/// Blanks in a row that make one token, beyond the one before a word, which is part of the word's token.
const BLANKS_PER_TOKEN: u64 = 4;

/// Tokens of a text, estimated: words by their letters, digits and signs one each (many vocabularies have no longer
/// ones), other scripts by their bytes.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let (mut tokens, mut letters, mut blanks) = (0, 0, 0);
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            letters += 1;
        } else {
            tokens += u64::div_ceil(letters, LETTERS_PER_TOKEN);
            letters = 0;
        }
        if c == ' ' {
            blanks += 1;
            continue;
        }
        tokens += u64::div_ceil(u64::saturating_sub(blanks, 1), BLANKS_PER_TOKEN);
        blanks = 0;
        if !c.is_ascii_alphabetic() {
            tokens += match c.len_utf8() {
                1 | 2 => 1,
                bytes => bytes as u64 - 1,
            };
        }
    }
    tokens + u64::div_ceil(letters, LETTERS_PER_TOKEN) + u64::div_ceil(blanks, BLANKS_PER_TOKEN)
}
