//! What is said to a model and what it answers, in words of our own.
//! Text in an answer is the model's: anything may stand in it, and whoever shows it makes it visible first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::KeepAlive;

/// One request to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Which model.
    pub model: String,
    /// The conversation so far; never empty.
    pub messages: Vec<Message>,
    /// The tools the model may call.
    pub tools: Vec<Tool>,
    /// The JSON schema the answer must be of. An answer cut at a limit is then an error.
    pub schema: Option<serde_json::Value>,
    /// The context the model is to be run with: prompt and answer together.
    pub context_tokens: u32,
    /// The longest answer; its room is kept free in the context.
    pub max_tokens: u32,
    /// How freely it answers.
    pub temperature: f32,
    /// How long the model stays loaded afterwards.
    pub keep_alive: KeepAlive,
    /// Whether it thinks before it answers.
    pub think: Think,
}

impl ChatRequest {
    /// The temperature as a person writes it: 0.2 stays that in JSON.
    pub(crate) fn written_temperature(&self) -> f64 {
        let written = self.temperature.to_string();
        written.parse().unwrap_or(f64::from(self.temperature))
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Our standing instructions.
    System {
        /// The text.
        content: String,
    },
    /// What is asked, evidence included.
    User {
        /// The text.
        content: String,
    },
    /// What the model answered before.
    Assistant {
        /// The text.
        content: String,
        /// The tools it called.
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool it called has found.
    Tool {
        /// The id of the call.
        call_id: String,
        /// The tool's name.
        name: String,
        /// The text.
        content: String,
    },
}

impl Message {
    /// Our standing instructions.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self::System {
            content: content.into(),
        }
    }

    /// What is asked.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::User {
            content: content.into(),
        }
    }

    /// The text of the message.
    #[must_use]
    pub fn content(&self) -> &str {
        match self {
            Self::System { content }
            | Self::User { content }
            | Self::Assistant { content, .. }
            | Self::Tool { content, .. } => content,
        }
    }
}

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for, as told to the model.
    pub description: String,
    /// The JSON schema of its arguments.
    pub parameters: serde_json::Value,
}

/// A tool the model called. Name and arguments are its own words: they may fit no tool and no schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names the call in the conversation: the server's id, or `call_N` where it gives none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments.
    pub arguments: serde_json::Value,
}

/// Whether a model thinks before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    /// It answers at once.
    #[default]
    Off,
    /// It thinks. A model that cannot is refused by the server.
    On,
    /// A little, for models that know levels.
    Low,
    /// Some, for models that know levels.
    Medium,
    /// Much, for models that know levels.
    High,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// Text of the answer.
    Token(String),
    /// Text of its thinking.
    Thinking(String),
    /// A whole tool call.
    ToolCall(ToolCall),
    /// The end.
    Done(Done),
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It had said everything.
    Finished,
    /// It reached the longest answer it was allowed, or the end of the context.
    Length,
}

/// How an answer ended and what it took. Counts are the server's; a server that gives none leaves them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Why it stopped.
    pub reason: StopReason,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, thinking included.
    pub output_tokens: Option<u64>,
    /// Where the time went.
    pub times: Times,
}

/// Where the time of an answer went, as the server counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// In all.
    pub total: Duration,
    /// To load the model.
    pub load: Duration,
    /// To read the prompt.
    pub prompt: Duration,
    /// To write the answer.
    pub output: Duration,
}

impl Done {
    /// How fast the answer was written.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for people; token counts are far below 2^52"
    )]
    pub fn tokens_per_second(&self) -> Option<f64> {
        let tokens = self.output_tokens.filter(|count| *count > 0)?;
        (!self.times.output.is_zero()).then(|| tokens as f64 / self.times.output.as_secs_f64())
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// What it thought before.
    pub thinking: String,
    /// The tools it called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// How it ended.
    pub done: Done,
    /// How long the prompt was thought to be before it was sent; [`Done::prompt_tokens`] says how long it was.
    pub estimated_prompt_tokens: u64,
}
