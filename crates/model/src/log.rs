//! The log: what happened, in order, each entry bound to the one before it by its hash, so that a change, a
//! removal or an insertion shows. Writing an entry together with the change it tells of is `store`'s work.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ActionNumber, ControllerId, Digest, DigestWriter, HostName, IssueNumber, Person, Proposer,
    RunId, Timestamp,
};

/// Who did what an entry tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    Person(Person),
    /// The watch itself.
    Watch {
        /// Which controller.
        controller: ControllerId,
    },
    /// A runbook or a model, as the source of a proposal.
    Proposer(ProposerActor),
}

/// A proposer in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposerActor {
    /// Who.
    pub proposer: Proposer,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "{}", crate::visible(&person.name)),
            Self::Watch { controller } => write!(f, "watch {controller}"),
            Self::Proposer(actor) => actor.proposer.fmt(f),
        }
    }
}

/// What an entry is about. All of them may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The host.
    pub host: Option<HostName>,
    /// The issue.
    pub issue: Option<IssueNumber>,
    /// The action.
    pub action: Option<ActionNumber>,
    /// The run.
    pub run: Option<RunId>,
}

/// An entry before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When it happened, by the controller's clock.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What happened: a noun and a verb, e.g. `action.approved`.
    pub event: String,
    /// What it is about.
    pub about: About,
    /// The particulars, as JSON; at most [`LogRecord::MAX_BODY_BYTES`].
    pub body: serde_json::Value,
}

impl LogRecord {
    /// Longest body of an entry, as JSON text.
    pub const MAX_BODY_BYTES: usize = 64 * 1024;
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its place, from 1, without gaps.
    pub seq: i64,
    /// What it tells.
    #[serde(flatten)]
    pub record: LogRecord,
    /// The hash of the entry before it; [`LogEntry::genesis`] for the first.
    pub previous: Digest,
    /// Its own hash.
    pub hash: Digest,
}

impl LogEntry {
    /// What stands before the first entry.
    #[must_use]
    pub fn genesis() -> Digest {
        DigestWriter::new("watchkeeper log genesis 1").finish()
    }

    /// The hash of an entry over the texts that are stored for it (`actor` and `body` as JSON text), so that
    /// verifying needs no parser to agree with itself over time.
    #[must_use]
    pub fn hash_of(
        seq: i64,
        at: Timestamp,
        actor_json: &str,
        event: &str,
        about: &About,
        body_json: &str,
        previous: Digest,
    ) -> Digest {
        DigestWriter::new("watchkeeper log 1")
            .field(previous.as_bytes())
            .number(seq)
            .number(at.as_millis())
            .field(actor_json)
            .field(event)
            .maybe(about.host.as_ref())
            .maybe(about.issue.map(|number| number.0.to_be_bytes()))
            .maybe(about.action.map(|number| number.0.to_be_bytes()))
            .maybe(about.run.as_ref())
            .field(body_json)
            .finish()
    }
}
