//! What goes out, as Anthropic spells it: the standing instructions apart, everything else in turns of person and
//! model, each of them a list of blocks.

use serde_json::{Map, Value, json};

use crate::{ChatRequest, Message, Think, Tool, ToolCall};

/// The tool that an answer of a given form is asked for by.
pub(super) const ANSWER_TOOL: &str = "give_answer";
/// The least a model may think, in tokens.
const LEAST_THOUGHT: u32 = 1024;
/// Beyond this the interface takes no temperature.
const HOTTEST: f64 = 1.0;

/// The body of a message.
pub(super) fn body(request: &ChatRequest) -> Value {
    let mut body = json!({
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": turns(&request.messages),
        "stream": true,
    });
    let system = system(&request.messages);
    if !system.is_empty() {
        body["system"] = system.into();
    }
    let mut tools: Vec<Value> = request.tools.iter().map(tool).collect();
    if let Some(schema) = &request.schema {
        body["tool_choice"] = if tools.is_empty() {
            json!({ "type": "tool", "name": ANSWER_TOOL })
        } else {
            json!({ "type": "any" })
        };
        tools.push(json!({
            "name": ANSWER_TOOL,
            "description": "Gives the answer. Call it once, when you have the answer.",
            "input_schema": schema,
        }));
    }
    if !tools.is_empty() {
        body["tools"] = tools.into();
    }
    match thought(request) {
        Some(budget) => body["thinking"] = json!({ "type": "enabled", "budget_tokens": budget }),
        None => body["temperature"] = request.written_temperature().min(HOTTEST).into(),
    }
    body
}

/// How many tokens it may think. Not while it is held to a tool, and not after it has called one: then its thoughts
/// of before would have to be sent back, with a signature, and we keep none.
fn thought(request: &ChatRequest) -> Option<u32> {
    let has_called = request
        .messages
        .iter()
        .any(|message| matches!(message, Message::Tool { .. }));
    if request.schema.is_some() || has_called || request.max_tokens <= LEAST_THOUGHT {
        return None;
    }
    let budget = match request.think {
        Think::Off => return None,
        Think::Low => LEAST_THOUGHT,
        Think::On | Think::Medium => request.max_tokens / 2,
        Think::High => request.max_tokens / 4 * 3,
    };
    Some(budget.max(LEAST_THOUGHT))
}

fn system(messages: &[Message]) -> String {
    let parts = messages.iter().filter_map(|message| match message {
        Message::System { content } => Some(content.as_str()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("\n\n")
}

/// The turns: what follows one another from the same side is one.
fn turns(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { content } => ("user", vec![text(content)]),
            Message::Assistant {
                content,
                tool_calls,
            } => {
                let said = (!content.is_empty()).then(|| text(content));
                let calls = tool_calls.iter().map(call);
                ("assistant", said.into_iter().chain(calls).collect())
            }
            Message::Tool {
                call_id, content, ..
            } => (
                "user",
                vec![json!({ "type": "tool_result", "tool_use_id": call_id, "content": content })],
            ),
        };
        match turns.last_mut() {
            Some((last, of_last)) if *last == role => of_last.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    turns
        .into_iter()
        .filter(|(_, blocks)| !blocks.is_empty())
        .map(|(role, content)| json!({ "role": role, "content": content }))
        .collect()
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// A call of before. Its input must be an object; what the model had sent as broken JSON is told as that.
fn call(call: &ToolCall) -> Value {
    let input = if call.arguments.is_object() {
        call.arguments.clone()
    } else {
        Value::Object(Map::from_iter([(
            "not_an_object".to_owned(),
            call.arguments.clone(),
        )]))
    };
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

fn tool(tool: &Tool) -> Value {
    json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lane;

    #[test]
    fn turns_of_one_side_are_one_and_instructions_stand_apart() {
        let call = |id: &str| ToolCall {
            id: id.to_owned(),
            name: "df".to_owned(),
            arguments: json!({}),
        };
        let result = |id: &str| Message::Tool {
            call_id: id.to_owned(),
            name: "df".to_owned(),
            content: "100 %".to_owned(),
        };
        let messages = vec![
            Message::system("Be short."),
            Message::user("What is wrong?"),
            Message::Assistant {
                content: String::new(),
                tool_calls: vec![call("a"), call("b")],
            },
            result("a"),
            result("b"),
            Message::user("Well?"),
        ];
        let body = body(&Lane::new("m").request(messages));
        assert_eq!(body["system"], "Be short.");
        let turns = body["messages"].as_array().expect("turns");
        let shape: Vec<(&str, usize)> = turns
            .iter()
            .map(|turn| {
                let blocks = turn["content"].as_array().expect("blocks").len();
                (turn["role"].as_str().expect("a role"), blocks)
            })
            .collect();
        assert_eq!(shape, [("user", 1), ("assistant", 2), ("user", 3)]);
    }

    #[test]
    fn it_thinks_only_where_that_can_be() {
        let mut request = Lane::new("m").request(vec![Message::user("?")]);
        request.max_tokens = 8000;
        for (think, budget) in [
            (Think::Off, json!(null)),
            (Think::Low, json!(1024)),
            (Think::On, json!(4000)),
            (Think::High, json!(6000)),
        ] {
            request.think = think;
            let body = body(&request);
            assert_eq!(body["thinking"]["budget_tokens"], budget, "{think:?}");
            assert_eq!(body["temperature"].is_null(), think != Think::Off);
        }
        request.schema = Some(json!({ "type": "object" }));
        assert!(body(&request)["thinking"].is_null());
        request.schema = None;
        request.max_tokens = 1024;
        assert!(body(&request)["thinking"].is_null());
    }
}
