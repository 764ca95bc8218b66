//! What goes out, as OpenAI spells it. Other servers get some words more, which OpenAI itself would refuse.

use serde_json::{Map, Value, json};

use crate::{ChatRequest, Message, Think, Tool, ToolCall};

/// What the schema of an answer is called on the wire, where it must have a name.
const SCHEMA_NAME: &str = "answer";

/// Which words a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// OpenAI's own and no others.
    OpenAi,
    /// Those that all servers of the protocol take.
    Plain,
    /// The same, and settings for the template of the model: vLLM, llama.cpp, SGLang.
    Templates,
}

/// The body of a chat completion.
pub(super) fn chat_body(request: &ChatRequest, words: Words) -> Value {
    let mut body = json!({
        "model": request.model,
        "messages": request.messages.iter().map(message).collect::<Vec<_>>(),
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if !request.tools.is_empty() {
        body["tools"] = request.tools.iter().map(tool).collect();
    }
    if let Some(schema) = &request.schema {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": SCHEMA_NAME, "schema": schema, "strict": is_strict(schema) },
        });
    }
    let effort = effort(request.think);
    if let Some(effort) = effort {
        body["reasoning_effort"] = effort.into();
    }
    if words == Words::OpenAi {
        // Its models that think take no other temperature than their own.
        if effort.is_none() {
            body["temperature"] = request.written_temperature().into();
        }
        body["max_completion_tokens"] = request.max_tokens.into();
        body["store"] = false.into();
    } else {
        body["temperature"] = request.written_temperature().into();
        body["max_tokens"] = request.max_tokens.into();
        if words == Words::Templates {
            // What the templates of models that can do both ask for.
            body["chat_template_kwargs"] =
                json!({ "enable_thinking": request.think != Think::Off });
        }
    }
    body
}

const fn effort(think: Think) -> Option<&'static str> {
    match think {
        Think::Off => None,
        Think::On | Think::Medium => Some("medium"),
        Think::Low => Some("low"),
        Think::High => Some("high"),
    }
}

fn message(message: &Message) -> Value {
    match message {
        Message::System { content } => json!({ "role": "system", "content": content }),
        Message::User { content } => json!({ "role": "user", "content": content }),
        Message::Assistant {
            content,
            tool_calls,
        } => {
            let mut said = json!({ "role": "assistant", "content": content });
            if !tool_calls.is_empty() {
                said["tool_calls"] = tool_calls.iter().map(call).collect();
            }
            said
        }
        Message::Tool {
            call_id, content, ..
        } => json!({ "role": "tool", "tool_call_id": call_id, "content": content }),
    }
}

/// A call of before. Its arguments are text on this wire, as they came.
fn call(call: &ToolCall) -> Value {
    let arguments = match &call.arguments {
        Value::String(text) => text.clone(),
        arguments => arguments.to_string(),
    };
    json!({
        "id": call.id, "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    })
}

fn tool(tool: &Tool) -> Value {
    json!({ "type": "function", "function": tool })
}

/// Whether a schema may be enforced to the letter: OpenAI does that only where every object lists all its members as
/// required and allows no others.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => is_closed(members) && members.values().all(is_strict),
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    }
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return schema.get("type").is_none_or(|kind| kind != "object");
    };
    let required = schema.get("required").and_then(Value::as_array);
    let all_required = properties
        .keys()
        .all(|name| required.is_some_and(|required| required.iter().any(|word| word == name)));
    all_required && schema.get("additionalProperties") == Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_schema_that_leaves_nothing_open_is_strict() {
        let closed = json!({
            "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "array", "items": {
                "type": "object", "properties": {}, "additionalProperties": false, "required": [],
            } } },
            "required": ["a", "b"], "additionalProperties": false,
        });
        assert!(is_strict(&closed));
        for (pointer, value) in [
            ("/required", json!(["a"])),
            ("/additionalProperties", json!(true)),
            ("/properties/a", json!({ "type": "object" })),
            ("/properties/b/items/additionalProperties", json!(null)),
        ] {
            let mut open = closed.clone();
            *open.pointer_mut(pointer).expect(pointer) = value;
            assert!(!is_strict(&open), "{pointer}");
        }
    }
}
