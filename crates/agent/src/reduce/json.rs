//! JSON: its shape, with short values kept, long texts cut and lists shown by their first entries and a count.

use serde_json::Value;
use watchkeeper_model::bounded;

/// How much is shown, from much to little.
const DETAILS: [Detail; 4] = [
    Detail {
        entries: 8,
        keys: 60,
        chars: 160,
        depth: 8,
    },
    Detail {
        entries: 3,
        keys: 40,
        chars: 80,
        depth: 6,
    },
    Detail {
        entries: 1,
        keys: 25,
        chars: 40,
        depth: 4,
    },
    Detail {
        entries: 1,
        keys: 12,
        chars: 20,
        depth: 2,
    },
];

#[derive(Clone, Copy)]
struct Detail {
    entries: usize,
    keys: usize,
    chars: usize,
    depth: usize,
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The shape of it, in as much detail as fits; none where it is no JSON or nothing fits.
pub(super) fn shape(text: &str, room: usize) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    DETAILS
        .iter()
        .map(|detail| {
            let mut shown = String::new();
            write(&value, *detail, 0, &mut shown);
            shown.push('\n');
            shown
        })
        .find(|shown| shown.len() <= room)
}

fn write(value: &Value, detail: Detail, depth: usize, text: &mut String) {
    let indent = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Object(map) if map.is_empty() => text.push_str("{}"),
        Value::Array(list) if list.is_empty() => text.push_str("[]"),
        Value::Object(map) if depth >= detail.depth => {
            text.push_str(&format!("{{[{} keys]}}", map.len()));
        }
        Value::Array(list) if depth >= detail.depth => {
            text.push_str(&format!("[[{} entries]]", list.len()));
        }
        Value::Object(map) => {
            text.push('{');
            for (key, value) in map.iter().take(detail.keys) {
                indent(text, depth + 1);
                text.push_str(&format!("\"{}\": ", bounded(key, detail.chars)));
                write(value, detail, depth + 1, text);
            }
            if map.len() > detail.keys {
                indent(text, depth + 1);
                text.push_str(&format!("[{} more keys]", map.len() - detail.keys));
            }
            indent(text, depth);
            text.push('}');
        }
        Value::Array(list) => {
            text.push('[');
            for value in list.iter().take(detail.entries) {
                indent(text, depth + 1);
                write(value, detail, depth + 1, text);
            }
            if list.len() > detail.entries {
                indent(text, depth + 1);
                text.push_str(&format!("[{} more entries]", list.len() - detail.entries));
            }
            indent(text, depth);
            text.push(']');
        }
        Value::String(string) => {
            let short = Value::from(bounded(string, detail.chars).into_owned());
            text.push_str(&short.to_string());
        }
        other => text.push_str(&other.to_string()),
    }
}
