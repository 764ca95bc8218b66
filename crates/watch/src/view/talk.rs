//! Conversations as people see them, and what an answer came to. An [`Answer`] is also the result of the job that gave
//! it, so whoever follows the job reads it at the end.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    ActionNumber, Confidence, Conversation, ConversationNumber, EntryNumber, HostName, JobNumber,
    Revision, Said,
};

/// A conversation with what was said in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSheet {
    /// The conversation.
    pub conversation: Conversation,
    /// What was said, oldest first: the last of it, where it is long.
    pub said: Vec<Said>,
}

/// That something was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// In which conversation.
    pub conversation: ConversationNumber,
    /// At which place.
    pub seq: i64,
    /// The job that answers.
    pub job: JobNumber,
    /// Whether something that looked like a secret was taken out of it before it was kept.
    pub redacted: bool,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// In which conversation.
    pub conversation: ConversationNumber,
    /// Its place there.
    pub seq: i64,
    /// The job that gave it.
    pub job: JobNumber,
    /// On which lane.
    pub lane: String,
    /// By which model.
    pub model: String,
    /// How it ended, as a word: `answered`, `insufficient_evidence`, `needs_person`, …
    pub outcome: String,
    /// What was said; redacted.
    pub text: String,
    /// How sure it is, where that was said.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// What is claimed, and what each claim rests on.
    #[serde(default)]
    pub claims: Vec<ClaimLine>,
    /// What was looked at for it.
    #[serde(default)]
    pub looked_at: Vec<LookLine>,
    /// What was known of the matter and told to the model.
    #[serde(default)]
    pub known: Vec<KnownLine>,
    /// What a second opinion has against it.
    #[serde(default)]
    pub objections: Vec<String>,
    /// What came of it: an action that was proposed, or one that was changed.
    #[serde(default)]
    pub proposed: Option<ProposedLine>,
    /// Why nothing came of what the model proposed.
    #[serde(default)]
    pub not_proposed: Option<String>,
}

/// One claim of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimLine {
    /// What is claimed.
    pub text: String,
    /// The labels of what it rests on.
    pub evidence: Vec<String>,
    /// Whether all of that exists.
    pub supported: bool,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookLine {
    /// The label by which it is cited.
    pub label: String,
    /// Where.
    pub host: Option<HostName>,
    /// What was looked at, in a few words.
    pub what: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// One entry of what is known, as it was told to the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLine {
    /// The label by which it is cited.
    pub label: String,
    /// Which entry.
    pub entry: EntryNumber,
    /// Its topic.
    pub title: String,
    /// Where it comes from.
    pub from_where: String,
}

/// An action that came of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedLine {
    /// Which.
    pub action: ActionNumber,
    /// The revision that came of it.
    pub revision: Revision,
    /// Where it stands.
    pub state: String,
    /// What it does.
    pub what: String,
    /// Where.
    pub host: HostName,
}

/// A talk that was about an action, for its sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkedAbout {
    /// Which.
    pub number: ConversationNumber,
    /// Whose.
    pub person: String,
    /// How often something was said.
    pub turns: i64,
}
