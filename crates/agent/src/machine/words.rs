//! What goes into the machine and what comes out: events, effects, and the lines that are said to a model.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchkeeper_model::HostName;

use super::Conclusion;
use crate::tools::Tool;

/// Which of a lane's models is asked. Where a lane has none of its own for a role, its driver asks the main one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRole {
    /// The one that investigates and answers.
    #[default]
    Main,
    /// The small one that sorts.
    Triage,
    /// The one that doubts.
    Critic,
}

/// Something that is to be done outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Ask a model; answer with [`Event::Answered`] or [`Event::NoAnswer`]. There is never more than one at a time.
    Ask(Ask),
    /// Use a tool; answer with [`Event::Seen`]. There may be several at a time, in any order.
    Use(Use),
    /// It is over; nothing follows.
    Finish(Box<Conclusion>),
}

/// One question to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Which model.
    pub role: ModelRole,
    /// What is said to it, the system's line first.
    pub messages: Vec<Line>,
    /// The tools it may call; empty: none.
    pub tools: Vec<ToolSpec>,
    /// The JSON schema its answer must be of.
    pub schema: Option<Value>,
}

impl Ask {
    /// How long the prompt is in tokens, estimated as `llm` estimates it and not corrected.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        super::fitting::tokens(self)
    }
}

/// A tool as it is told to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON schema of its arguments.
    pub parameters: Value,
}

/// One line of what is said to a model and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Line {
    /// The standing instructions.
    System {
        /// The text.
        text: String,
    },
    /// What is asked, or told.
    User {
        /// The text.
        text: String,
    },
    /// What the model said.
    Assistant {
        /// The text.
        text: String,
        /// The tools it called; every one of them is followed by its [`Line::Tool`].
        calls: Vec<RawCall>,
    },
    /// What came of a call.
    Tool {
        /// Which call.
        call: CallId,
        /// The tool's name, as the model wrote it.
        name: String,
        /// The label of what was seen, where something was.
        label: Option<String>,
        /// The text.
        text: String,
    },
}

impl Line {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::System { text }
            | Self::User { text }
            | Self::Assistant { text, .. }
            | Self::Tool { text, .. } => text,
        }
    }
}

/// Names a call in one investigation. The machine gives these out itself: what a server gives may come twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub String);

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tool that is to be used. It has been read, bounded and found to be for a host that may be looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// Names the use.
    pub call: CallId,
    /// Where; none only for a tool that reads the store, where no host is meant.
    pub host: Option<HostName>,
    /// What.
    pub tool: Tool,
    /// The label under which what is seen is to be kept, whole: `E3`.
    pub label: String,
}

/// Something that has happened outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The model answered.
    Answered(Answer),
    /// It did not. A driver whose queue tries again keeps the checkpoint instead of telling this.
    NoAnswer(NoAnswer),
    /// A tool was used.
    Seen(Seen),
    /// So much more time has passed; the sum of all of these is the time spent.
    Elapsed(Duration),
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Which model it was, for those who ask who said so.
    pub model: String,
    /// Its text.
    pub text: String,
    /// The tools it called, in its own words.
    pub calls: Vec<RawCall>,
    /// Tokens of the prompt; 0: not counted, then they are estimated.
    pub prompt_tokens: u64,
    /// Tokens of the answer; 0: not counted, then they are estimated.
    pub output_tokens: u64,
}

/// A call in the model's own words: it may fit no tool and no schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RawCall {
    /// The server's id, or ours in a [`Line`].
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Value,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// The prompt does not fit; it was not sent.
    TooLong {
        /// How many tokens a prompt may have.
        room: u64,
    },
    /// The model failed for good.
    Failed(String),
}

/// What came of the use of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Which use.
    pub call: CallId,
    /// What was seen, or in one sentence why nothing was.
    pub outcome: Result<Look, String>,
}

/// What a tool has shown. The text is hostile; it is redacted by the driver, and made visible, bounded and fenced here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The text, whole as far as it was read.
    pub text: String,
    /// How many bytes there were, read or not.
    pub bytes: u64,
    /// How long it took.
    pub took_ms: u64,
    /// What to add to the tool's own words about where it comes from, such as `exit status 1`.
    pub label_hint: Option<String>,
}

impl Look {
    /// What was seen whole, with nothing to add.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            bytes: text.len() as u64,
            text,
            ..Self::default()
        }
    }
}
