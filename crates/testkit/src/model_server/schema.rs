//! The smallest value of a JSON schema: what a model that is held to a grammar answers when it means nothing.

use serde_json::{Map, Value, json};

/// So deep schemas are followed; beyond it lies a schema that contains itself without end.
const MAX_DEPTH: usize = 32;

/// A value of the schema: first of an `enum`, required properties only, empty text and zero where nothing is said.
#[must_use]
pub fn conforming(schema: &Value) -> Value {
    value_of(schema, schema, 0)
}

fn value_of(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let below = |schema: &Value| value_of(schema, root, depth + 1);
    if let Some(target) = schema["$ref"]
        .as_str()
        .and_then(|path| root.pointer(path.strip_prefix('#')?))
    {
        return below(target);
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[choice]
            .as_array()
            .and_then(|choices| choices.first())
        {
            return below(first);
        }
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ => "null",
    };
    match kind {
        "object" => object(schema, below),
        "array" => {
            let count = schema["minItems"].as_u64().unwrap_or(0).min(16);
            (0..count).map(|_| below(&schema["items"])).collect()
        }
        "string" => {
            let length = schema["minLength"].as_u64().unwrap_or(0).min(1024);
            Value::String("x".repeat(usize::try_from(length).unwrap_or(0)))
        }
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(0)),
        "boolean" => json!(false),
        _ => Value::Null,
    }
}

fn object(schema: &Value, below: impl Fn(&Value) -> Value) -> Value {
    let required = schema["required"].as_array().into_iter().flatten();
    let members: Map<String, Value> = required
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), below(&schema["properties"][name])))
        .collect();
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_value_has_what_is_required() {
        let schema = json!({
            "type": "object",
            "required": ["cause", "confidence", "steps", "kind"],
            "properties": {
                "cause": { "type": "string", "minLength": 2 },
                "confidence": { "$ref": "#/$defs/Confidence" },
                "steps": { "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 3 } },
                "kind": { "oneOf": [{ "const": "unit_restart" }, { "const": "shell" }] },
                "note": { "type": ["string", "null"] },
            },
            "$defs": { "Confidence": { "enum": ["low", "high"] } },
        });
        let expected =
            json!({ "cause": "xx", "confidence": "low", "steps": [3], "kind": "unit_restart" });
        assert_eq!(conforming(&schema), expected);
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let _ = conforming(&json!({ "$ref": "#" }));
    }
}
