//! `docs/api.md` is held to what answers have: every route, every kind of problem, an example of every answer, and no
//! field that no answer has. And how an example is written there.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watchkeeper_server::{ProblemKind, ROUTES};

use crate::shape::{Shapes, fields};

/// What an example in the document names first, where it is there.
const NAMED_FIRST: [&str; 11] = [
    "event", "seq", "number", "revision", "digest", "host", "title", "state", "at", "actor",
    "about",
];

/// An example is written on one line where it fits into this.
const LINE: usize = 100;

/// An answer as an example of the document.
pub(crate) fn example(answer: &Value) -> String {
    written(&shortened(answer), "")
}

/// At most so much of an answer that its form is seen.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().take(1).map(shortened).collect(),
        Value::Object(object) => {
            let short = object
                .iter()
                .map(|(name, value)| (name.clone(), shortened(value)));
            Value::Object(short.collect())
        }
        Value::String(text) => json!(watchkeeper_model::bounded(text, 160)),
        other => other.clone(),
    }
}

/// A value as the document has it: what names a thing first, and on one line what fits into one.
fn written(value: &Value, indent: &str) -> String {
    let (open, close, parts) = match value {
        Value::Array(list) => (
            '[',
            ']',
            list.iter().map(|part| (String::new(), part)).collect(),
        ),
        Value::Object(object) => {
            let mut parts: Vec<_> = object.iter().collect();
            let rank = |name: &str| NAMED_FIRST.iter().position(|first| *first == name);
            parts.sort_by_key(|(name, _)| rank(name).unwrap_or(NAMED_FIRST.len()));
            let named = parts
                .into_iter()
                .map(|(name, part)| (format!("{}: ", json!(name)), part));
            ('{', '}', named.collect::<Vec<_>>())
        }
        other => return other.to_string(),
    };
    let within = format!("{indent}  ");
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(name, part)| name + &written(part, &within))
        .collect();
    let line = parts.join(", ");
    if line.contains('\n') || line.len() + indent.len() > LINE {
        let lines = parts.join(&format!(",\n{within}"));
        return format!("{open}\n{within}{lines}\n{indent}{close}");
    }
    format!("{open}{line}{close}")
}

/// Every example of the document: the heading it stands under, and its JSON.
fn examples(document: &str) -> Vec<(String, Value)> {
    let mut heading = String::new();
    let mut examples = Vec::new();
    let mut block: Option<String> = None;
    for line in document.lines() {
        if let Some(text) = &mut block {
            if line == "```" {
                let value = serde_json::from_str(text);
                examples.push((heading.clone(), value.expect("an example is JSON")));
                block = None;
            } else {
                text.push_str(line);
            }
        } else if let Some(text) = line.strip_prefix("#### ") {
            text.clone_into(&mut heading);
        } else if line == "```json answer" {
            block = Some(String::new());
        }
    }
    examples
}

/// Holds the document to the routes, the kinds of problem and the fields that answers have.
pub(crate) fn is_true(shapes: &Shapes) {
    let document = include_str!("../../../../docs/api.md");
    for route in &ROUTES {
        let line = format!(
            "| `{} {}` | {} |",
            route.method, route.path, route.operation
        );
        assert!(document.contains(&line), "docs/api.md lacks: {line}");
    }
    for kind in ProblemKind::ALL {
        let line = format!("| `{}` | {} |", kind.as_str(), kind.status().as_u16());
        assert!(document.contains(&line), "docs/api.md lacks: {line}");
    }
    let examples = examples(document);
    for what in shapes.0.keys() {
        assert!(
            examples.iter().any(|(heading, _)| heading == what),
            "docs/api.md has no example of: {what}"
        );
    }
    for (heading, example) in examples {
        let (known, _) = shapes
            .0
            .get(&heading)
            .unwrap_or_else(|| panic!("nothing is called {heading}"));
        let mut names = BTreeSet::new();
        fields(&example, "", &mut names);
        let unknown: Vec<_> = names.difference(known).collect();
        assert!(unknown.is_empty(), "{heading}: no answer has {unknown:?}");
    }
}
