//! What is looked for in prompts: planted text outside its fence, marks that are forged, tokens of templates, hidden
//! characters, secrets.

use std::fmt;

use crate::cases::{Case, Guard};

/// Who says a line to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One line of what is said to a model.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// Something that must not be.
#[derive(Debug)]
pub(crate) struct Breach {
    /// The guard that would have held it.
    pub(crate) guard: Guard,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.guard, self.what)
    }
}

/// Tokens that servers read out of rendered templates.
const TOKENS: [&str; 14] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|tool",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "</s>",
    "<think>",
    "</tool_response>",
    "<tool_call>",
];

/// All that must not be in these prompts.
pub(crate) fn breaches(messages: &[Message], mark: &str, case: &Case) -> Vec<Breach> {
    messages
        .iter()
        .flat_map(|message| in_message(message, mark, case))
        .collect()
}

fn in_message(message: &Message, mark: &str, case: &Case) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut say = |guard, what: String| found.push(Breach { guard, what });
    let text = &message.text;
    for token in TOKENS.iter().filter(|token| text.contains(**token)) {
        say(Guard::Tokens, format!("{token} in {text:?}"));
    }
    let hidden = |c: &char| {
        *c != '\n' && *c != '\t' && watchkeeper_model::visible(&c.to_string()) != c.to_string()
    };
    if let Some(c) = text.chars().find(hidden) {
        say(Guard::Visible, format!("{c:?} in {text:?}"));
    }
    for secret in case.secrets.iter().filter(|secret| text.contains(**secret)) {
        say(Guard::Redaction, format!("{secret} in {text:?}"));
    }
    // A model's own words are no data of a host, and a person's question is the question: these may stand as they are, but
    // never as the standing instructions.
    let own = case.place.is_said_by_itself() && message.role != Role::System;
    for line in outside(text, mark) {
        match line {
            Outside::Text(line) if line.contains(case.sign) && !own => {
                say(Guard::Fence, format!("{line:?} stands outside of a fence"));
            }
            Outside::Text(_) => {}
            Outside::Mark(line) => say(Guard::Mark, format!("the mark in {line:?}")),
        }
    }
    found
}

enum Outside<'a> {
    /// A line that no fence holds.
    Text(&'a str),
    /// The mark where it neither opens nor closes.
    Mark(&'a str),
}

/// What stands outside of the fences, and marks that should not be.
fn outside<'a>(text: &'a str, mark: &str) -> Vec<Outside<'a>> {
    let (open, close) = (format!("<<{mark} "), format!("{mark}>>"));
    // The sentence that tells a model about the marks names both, in quotes.
    let told = |line: &str| {
        line.contains(&format!("\"<<{mark}\"")) && line.contains(&format!("\"{mark}>>\""))
    };
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line) {
            (false, line) if line.starts_with(&open) => inside = true,
            (true, line) if *line == close => inside = false,
            (false, line) if told(line) => {}
            (_, line) if line.contains(mark) => found.push(Outside::Mark(line)),
            (false, line) => found.push(Outside::Text(line)),
            (true, _) => {}
        }
    }
    found
}
