//! What an entry may consist of. Every text is redacted and made visible where it enters; what is too long is refused,
//! never cut, because half a repair is worse than none.

use watchkeeper_agent::redact;
use watchkeeper_model::{Entry, visible, visible_block};
use watchkeeper_store::NewEntry;

use crate::WatchError;

/// Longest kind and label, in characters.
const MAX_WORD_CHARS: usize = 60;

/// An entry that may be kept, out of one that somebody brings.
pub(super) fn fit(new: NewEntry) -> Result<NewEntry, WatchError> {
    let title = visible(&redact(new.title.trim())).into_owned();
    let text = visible_block(&redact(new.text.trim())).into_owned();
    if title.is_empty() {
        return Err(WatchError::invalid("the topic is empty"));
    }
    if title.chars().count() > Entry::MAX_TITLE_CHARS {
        let limit = Entry::MAX_TITLE_CHARS;
        return Err(WatchError::invalid(format!(
            "the topic is longer than {limit} characters"
        )));
    }
    if text.is_empty() {
        return Err(WatchError::invalid("the text is empty"));
    }
    if text.len() > Entry::MAX_TEXT_BYTES {
        let limit = Entry::MAX_TEXT_BYTES / 1024;
        return Err(WatchError::invalid(format!(
            "the text is longer than {limit} KiB"
        )));
    }
    Ok(NewEntry {
        kind: word("kind", &new.kind)?,
        labels: labels(&new.labels)?,
        title,
        text,
        ..new
    })
}

/// Labels in small letters, in their order, each once.
pub(super) fn labels(labels: &[String]) -> Result<Vec<String>, WatchError> {
    let mut fit = labels
        .iter()
        .map(|label| word("label", label))
        .collect::<Result<Vec<_>, _>>()?;
    fit.sort();
    fit.dedup();
    if fit.len() > Entry::MAX_LABELS {
        let limit = Entry::MAX_LABELS;
        return Err(WatchError::invalid(format!(
            "there are more than {limit} labels"
        )));
    }
    Ok(fit)
}

/// A word to filter by, in small letters.
pub(super) fn word(what: &str, text: &str) -> Result<String, WatchError> {
    let word = text.trim().to_lowercase();
    let is_allowed =
        |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '@' | '/');
    if word.is_empty() || word.chars().count() > MAX_WORD_CHARS || !word.chars().all(is_allowed) {
        let shown = watchkeeper_model::bounded(&visible(text), MAX_WORD_CHARS).into_owned();
        return Err(WatchError::invalid(format!(
            "{shown:?} is no {what}: 1 to {MAX_WORD_CHARS} letters, digits and - _ . : @ / are"
        )));
    }
    Ok(word)
}
