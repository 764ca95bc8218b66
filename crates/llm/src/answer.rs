//! What has come of an answer so far, whatever the protocol: bounded, and passed on piece by piece.

use std::time::Instant;

use serde_json::Value;

use crate::{ChatEvent, OutputLimit, ToolCall};

/// So many bytes of an answer are kept: text, thinking and tool calls together.
const MAX_REPLY_BYTES: usize = 1024 * 1024;
/// So many tool calls of an answer are kept.
pub(crate) const MAX_TOOL_CALLS: usize = 64;

/// An answer that is being written.
pub(crate) struct Answer<'e> {
    pub(crate) text: String,
    pub(crate) thinking: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    /// When the first piece of it came.
    pub(crate) begun: Option<Instant>,
    bytes: usize,
    on_event: &'e mut (dyn FnMut(ChatEvent) + Send),
}

impl<'e> Answer<'e> {
    pub(crate) fn new(on_event: &'e mut (dyn FnMut(ChatEvent) + Send)) -> Self {
        Self {
            text: String::new(),
            thinking: String::new(),
            tool_calls: Vec::new(),
            begun: None,
            bytes: 0,
            on_event,
        }
    }

    /// Takes text of the answer.
    pub(crate) fn say(&mut self, text: String) -> Result<(), OutputLimit> {
        if text.is_empty() {
            return Ok(());
        }
        self.grow(text.len())?;
        self.text.push_str(&text);
        (self.on_event)(ChatEvent::Token(text));
        Ok(())
    }

    /// Takes text of its thinking.
    pub(crate) fn think(&mut self, text: String) -> Result<(), OutputLimit> {
        if text.is_empty() {
            return Ok(());
        }
        self.grow(text.len())?;
        self.thinking.push_str(&text);
        (self.on_event)(ChatEvent::Thinking(text));
        Ok(())
    }

    /// Takes a whole tool call; it is numbered where the server gives it no id.
    pub(crate) fn call(
        &mut self,
        id: Option<String>,
        name: String,
        arguments: Value,
    ) -> Result<(), OutputLimit> {
        if self.tool_calls.len() >= MAX_TOOL_CALLS {
            return Err(OutputLimit::ToolCalls(MAX_TOOL_CALLS));
        }
        let id = id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| format!("call_{}", self.tool_calls.len()));
        self.grow(id.len() + name.len() + arguments.to_string().len())?;
        let call = ToolCall {
            id,
            name,
            arguments,
        };
        self.tool_calls.push(call.clone());
        (self.on_event)(ChatEvent::ToolCall(call));
        Ok(())
    }

    /// Counts bytes that came, also of what is not whole yet.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), OutputLimit> {
        self.begun.get_or_insert_with(Instant::now);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_REPLY_BYTES {
            return Err(OutputLimit::Bytes(MAX_REPLY_BYTES));
        }
        Ok(())
    }

    /// Tells the end.
    pub(crate) fn end(&mut self, done: crate::Done) {
        (self.on_event)(ChatEvent::Done(done));
    }
}

/// The arguments of a tool call that came as text. What is no JSON is kept as the text it is: whoever reads the call
/// says what is wrong with it.
pub(crate) fn arguments(text: String) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
