//! What other orders would have led to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, Decision, HostName, RiskLevel, Timestamp};

/// What the actions of the last days would have got under other orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// How many days were looked back.
    pub days: u32,
    /// How many actions were asked about.
    pub actions: usize,
    /// Whether there were more, older ones than are asked about.
    pub left_out: bool,
    /// Those that would have got another decision, the oldest first.
    pub changes: Vec<Replayed>,
    /// Hosts of actions that are not in the inventory any more: nothing is said about them.
    pub gone: BTreeSet<HostName>,
}

/// One action that would have got another decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// Which.
    pub number: ActionNumber,
    /// Where.
    pub host: HostName,
    /// What it does, in a few words.
    pub what: String,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// Its risk by the tables of today.
    pub risk: RiskLevel,
    /// What it got.
    pub was: Decision,
    /// What it would have got.
    pub would: Decision,
    /// Why.
    pub because: Vec<String>,
    /// By which orders.
    pub orders: Vec<String>,
}
