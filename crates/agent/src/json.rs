//! Finds the JSON object in what a model wrote: bare, in a code fence, or in prose.

use serde_json::{Map, Value};

/// Most places at which an object is looked for.
const MAX_PLACES: usize = 50;
/// Longest text that is searched, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The first object in a text that is not part of another; none where there is none. Objects in prose that can be read
/// are preferred by their place, so that what is quoted later does not replace what was said first.
pub(crate) fn object_in(text: &str) -> Option<Map<String, Value>> {
    object_but(text, &|_| false)
}

/// The same, without objects whose words are only quoted.
pub(crate) fn object_but(
    text: &str,
    is_quoted: &dyn Fn(&str) -> bool,
) -> Option<Map<String, Value>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    if let Ok(Value::Object(map)) = serde_json::from_str(text.trim()) {
        return Some(map).filter(|_| !is_quoted(text.trim()));
    }
    let places = text.match_indices('{').map(|(at, _)| at);
    places.take(MAX_PLACES).find_map(|at| {
        let (map, words) = first_object(&text[at..])?;
        (!is_quoted(words)).then_some(map)
    })
}

/// The object with which a text begins, and its words.
fn first_object(text: &str) -> Option<(Map<String, Value>, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::Object(map))) if !map.is_empty() => {
            Some((map, &text[..values.byte_offset()]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        let found = object_in(text).map(|map| Value::Object(map).to_string());
        assert_eq!(found.as_deref(), expect, "{text:?}");
    }

    #[test]
    fn an_object_is_found_wherever_it_stands() {
        check("{\"a\":1}", Some("{\"a\":1}"));
        check(
            "Sure, here it is:\n```json\n{\"a\": 1}\n```\nDone.",
            Some("{\"a\":1}"),
        );
        check(
            "I {think} it is {\"a\": {\"b\": 2}} or {\"a\": 3}",
            Some("{\"a\":{\"b\":2}}"),
        );
        check("\u{65e5}\u{672c}{\"a\":\"}\"}", Some("{\"a\":\"}\"}"));
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "plain words", "[1]", "{", "{\"a\":", "{}", "{{{{"] {
            if text != "{}" {
                check(text, None);
            }
        }
        check(&"{".repeat(100_000), None);
        check(&"{\"a\":".repeat(5_000), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched_without_a_panic(text in proptest::prelude::any::<String>()) {
            let _ = object_in(&text);
        }
    }
}
