//! How an investigation ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Confidence, HostName, Proposal, Step, Verification};
use watchkeeper_risk::Opinion;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A cause was found that evidence supports.
    Diagnosed,
    /// What was seen does not tell.
    InsufficientEvidence,
    /// A person must look or decide.
    NeedsPerson,
    /// A person's question was answered, or asked back.
    Answered,
    /// Steps, tokens, time or context were used up before there was an answer.
    BudgetSpent,
    /// What was asked about is not there any more. The machine never says so; a driver may.
    Gone,
}

impl Outcome {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Diagnosed => "diagnosed",
            Self::InsufficientEvidence => "insufficient_evidence",
            Self::NeedsPerson => "needs_person",
            Self::Answered => "answered",
            Self::BudgetSpent => "budget_spent",
            Self::Gone => "gone",
        }
    }
}

/// The end of an investigation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conclusion {
    /// What came of it.
    pub outcome: Outcome,
    /// The cause, or the answer, as text for a person: redacted, visible and bounded. A claim without support is marked.
    pub text: String,
    /// How sure.
    pub confidence: Confidence,
    /// The sentences of the text, each with what it rests on.
    pub claims: Vec<Claim>,
    /// What is proposed, for an allowed host and still to be assessed and judged.
    pub proposal: Option<Proposal>,
    /// In a talk about an action: other steps for it, still to be assessed, judged and taken by a person.
    pub revision: Option<Revised>,
    /// What a model thinks of the risk; it can only raise it.
    pub opinion: Option<Opinion>,
    /// What the second opinion has against it.
    pub objections: Vec<String>,
    /// How the second opinion ended.
    pub second_opinion: SecondOpinion,
    /// What was looked at, the finding's own evidence first.
    pub looked_at: Vec<LookedAt>,
    /// What it took.
    pub spent: Spent,
    /// The model that concluded; empty where none did.
    pub model: String,
    /// What was said before, in short, where it had to be made shorter. Who keeps a talk may keep this too and give it next
    /// time in the place of what it sums up, so that it is not summarised again for every question.
    #[serde(default)]
    pub summarised: Option<Summarised>,
}

/// The older part of a talk, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summarised {
    /// The place ([`watchkeeper_model::Said::seq`]) of the last of what it sums up.
    pub through: i64,
    /// The summary, in a model's words.
    pub text: String,
}

/// How the second opinion ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondOpinion {
    /// None was asked for, or there was nothing to judge.
    #[default]
    NotAsked,
    /// It has nothing against it.
    Agreed,
    /// It objects.
    Objected,
    /// It was asked for and could not be had.
    NotHad,
}

/// One sentence of a conclusion and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// The labels it cites, whether they exist or not.
    pub evidence: Vec<String>,
    /// Whether what it cites exists and holds the names and numbers it gives.
    pub supported: bool,
    /// What is missing, where it is not supported.
    #[serde(default)]
    pub why_not: Option<String>,
}

/// Other steps for an action that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// The steps in place of the present ones.
    pub steps: Vec<Step>,
    /// What puts things back; empty: the inverse of each step where it has one.
    pub undo: Vec<Step>,
    /// How it is told whether it worked; none: as before.
    pub verify: Option<Verification>,
    /// Why.
    pub reason: String,
}

/// Something that was looked at, or was shown from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookedAt {
    /// What it is cited by: `F1…` for the finding's own evidence, `E1…` for what tools returned.
    pub label: String,
    /// Where, if on a host.
    pub host: Option<HostName>,
    /// The tool's name; `finding` for the finding's own evidence.
    pub tool: String,
    /// What was looked at, in words: `journal of nginx.service on web1`.
    pub input: String,
    /// What the model was shown of it: visible, and reduced where it was long. Empty where nothing was seen.
    pub shown: String,
    /// Why nothing was seen.
    #[serde(default)]
    pub failed: Option<String>,
    /// Whether it shows what somebody noted (past issues, knowledge) and not how things are. It supports no cause alone.
    #[serde(default)]
    pub is_note: bool,
    /// How many bytes there were.
    pub bytes: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// What an investigation took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Questions to models.
    pub asks: u32,
    /// Uses of tools that were run.
    #[serde(rename = "looks")]
    pub uses: u32,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Time, as far as it was told; written in whole milliseconds.
    #[serde(rename = "took_ms", with = "millis")]
    pub time: Duration,
}

/// A length of time as a number of milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

impl Spent {
    /// Tokens in all.
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.output_tokens)
    }
}
