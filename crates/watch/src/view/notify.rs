//! Channels and deliveries as they are shown.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{DeliveryNumber, DeliveryState, Timestamp};

/// The answer to `notify list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesView {
    /// The channels, in the order of the configuration.
    pub channels: Vec<ChannelLine>,
    /// Deliveries, the newest first.
    pub deliveries: Vec<DeliveryLine>,
}

/// How a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelLine {
    /// Its name.
    pub name: String,
    /// What is spoken there.
    pub kind: String,
    /// Whose it is.
    pub person: Option<String>,
    /// Whether it is not configured any more, and something was not sent to it.
    #[serde(default)]
    pub gone: bool,
    /// Whether it works; none where nothing was sent to it yet.
    pub healthy: Option<bool>,
    /// Messages that wait for it.
    pub queued: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// Whether its secret is refused.
    pub refused: bool,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// When it last took a message.
    pub sent_at: Option<Timestamp>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// One message to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryLine {
    /// Its number.
    pub number: DeliveryNumber,
    /// To which channel.
    pub channel: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How much it asks for.
    pub urgency: String,
    /// What stands in its title.
    pub title: String,
    /// Of how many notices it tells.
    pub notices: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it may be sent.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it was not sent at the last try.
    pub error: Option<String>,
    /// When it was sent, given up or folded.
    pub ended_at: Option<Timestamp>,
    /// The delivery that tells of it.
    pub folded_into: Option<DeliveryNumber>,
}
