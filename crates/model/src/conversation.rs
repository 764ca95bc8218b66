//! Conversations: what people and the watch said to each other. Nothing that is said is an approval.

use serde::{Deserialize, Serialize};

use crate::{ActionNumber, ConversationNumber, HostName, Person, Timestamp, UnknownWord};

/// What a conversation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// One question and its answer.
    Ask,
    /// A talk that goes on.
    Chat,
    /// A wish that is to become a proposed action.
    Do,
    /// About one action that waits for a decision.
    Discuss,
}

impl ConversationKind {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Chat => "chat",
            Self::Do => "do",
            Self::Discuss => "discuss",
        }
    }
}

impl std::str::FromStr for ConversationKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Ask, Self::Chat, Self::Do, Self::Discuss]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord::new("conversation kind", text))
    }
}

/// One conversation, without what was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its number.
    pub number: ConversationNumber,
    /// What it is for.
    pub kind: ConversationKind,
    /// What it is called: the beginning of the first question, or what its person named it.
    pub title: String,
    /// Whose it is.
    pub person: Person,
    /// The action it is about.
    pub action: Option<ActionNumber>,
    /// The hosts it is about; none: all of them.
    pub hosts: Vec<HostName>,
    /// The lane its person asked for.
    pub lane: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When something was said last.
    pub updated_at: Timestamp,
    /// How often something was said.
    pub turns: i64,
    /// How much was said, in bytes.
    pub bytes: i64,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// A person.
    Person,
    /// The model.
    Model,
    /// The watch: what was looked at, revised, decided.
    Watch,
}

impl Speaker {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Model => "model",
            Self::Watch => "watch",
        }
    }
}

impl std::str::FromStr for Speaker {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Person, Self::Model, Self::Watch]
            .into_iter()
            .find(|speaker| speaker.as_str() == text)
            .ok_or_else(|| UnknownWord::new("speaker", text))
    }
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its place in the conversation, from 1.
    pub seq: i64,
    /// Who said it.
    pub by: Speaker,
    /// When.
    pub at: Timestamp,
    /// What, redacted and without terminal escapes; at most [`Said::MAX_BYTES`].
    pub text: String,
    /// Particulars: which job answered, which evidence was cited, which action was proposed, how it ended.
    pub body: serde_json::Value,
}

impl Said {
    /// The longest text.
    pub const MAX_BYTES: usize = 64 * 1024;
}
