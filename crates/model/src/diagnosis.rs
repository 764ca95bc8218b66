//! Diagnoses: what a runbook, the model or a person concluded about a finding, and what they propose.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{HostName, RunbookName, Step, Verification};

/// Who proposes an action or a diagnosis. Nothing here decides anything: a model's word can only raise a risk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proposer {
    /// A runbook.
    Runbook {
        /// Its name.
        name: RunbookName,
    },
    /// A model.
    Model {
        /// Its name.
        name: String,
    },
    /// A person.
    Person {
        /// Their account's name.
        name: String,
    },
}

impl fmt::Display for Proposer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runbook { name } => write!(f, "runbook {name}"),
            Self::Model { name } => write!(f, "model {}", crate::visible(name)),
            Self::Person { name } => write!(f, "{}", crate::visible(name)),
        }
    }
}

/// How sure a diagnosis is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The evidence does not tell; a legal and good answer.
    InsufficientEvidence,
    /// A guess.
    Low,
    /// Likely.
    Medium,
    /// The evidence says so.
    High,
}

/// What was concluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Who says so.
    pub by: Proposer,
    /// The cause, as text for a person.
    pub cause: String,
    /// How sure.
    pub confidence: Confidence,
    /// What is proposed; none is a good answer.
    pub proposal: Option<Proposal>,
}

/// A change that is asked for, not yet rendered, assessed or judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Where.
    pub host: HostName,
    /// What.
    pub steps: Vec<Step>,
    /// Why, as text for a person.
    pub reason: String,
    /// How it is told whether it worked.
    pub verify: Verification,
    /// What puts things back; empty: the inverse of each step where it has one.
    pub undo: Vec<Step>,
}
