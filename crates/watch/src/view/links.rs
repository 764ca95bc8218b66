//! Links and browsers as people see them. An address stands here once, when it was made: it is kept nowhere.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, DeviceNumber, Person, Revision, Timestamp};

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMade {
    /// What is opened.
    pub url: String,
    /// To which action it leads.
    pub action: ActionNumber,
    /// To which revision of it.
    pub revision: Revision,
    /// On whose browsers it counts.
    pub person: String,
    /// How long it is good.
    pub expires_at: Timestamp,
}

/// What makes a browser known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentMade {
    /// What is opened in the browser; absent where it was sent instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// As whose it is known then.
    pub person: String,
    /// How long the address is good.
    pub expires_at: Timestamp,
    /// Where it was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<EnrolmentSent>,
}

/// How an address was sent that makes a browser known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentSent {
    /// The channels that took it.
    pub to: Vec<String>,
    /// Those that did not, and why.
    pub not_to: Vec<String>,
    /// What is typed into the page that opens there.
    pub code: String,
}

/// What a browser is asked before it is made known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentAsked {
    /// As whose it would be known.
    pub person: Person,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// How long that is good.
    pub expires_at: Timestamp,
    /// As whose it is known now.
    pub known_as: Option<String>,
}

/// A browser that is known as a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLine {
    /// Its number.
    pub number: DeviceNumber,
    /// Whose.
    pub person: String,
    /// What it is called.
    pub label: String,
    /// Since when it is known.
    pub added_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it last decided something.
    pub decided_at: Option<Timestamp>,
}
