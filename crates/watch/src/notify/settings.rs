//! How people are told: the channels, the routes, and how long what waits.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_notify::{Channel, DailyAt, QuietHours, Route, Routing};

/// How people are told.
#[derive(Clone, Debug)]
pub struct Notifying {
    /// The ways there, in their order.
    pub channels: Vec<Arc<dyn Channel>>,
    /// What goes where.
    pub routes: Vec<Route>,
    /// When only what is critical is sent.
    pub quiet: Option<QuietHours>,
    /// How things stand, once a day.
    pub digest: Option<DailyDigest>,
    /// How long a message waits for others that belong to it.
    pub group_wait: Duration,
    /// How soon after one message the next about the same cause may follow.
    pub group_interval: Duration,
    /// How often a critical trouble that nobody has acknowledged is told again.
    pub repeat: Option<Duration>,
    /// How long a channel may fail before that is an issue.
    pub dead_after: Duration,
    /// How long a message may wait for a channel that fails before it is given up.
    pub give_up: Duration,
    /// How many messages may be due at once before they are told in one.
    pub fold_above: usize,
}

/// A message once a day that says how things stand.
#[derive(Clone, Debug)]
pub struct DailyDigest {
    /// When.
    pub at: DailyAt,
    /// Where; empty: to every channel.
    pub channels: Vec<String>,
}

impl Default for Notifying {
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            routes: Vec::new(),
            quiet: None,
            digest: None,
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(300),
            repeat: Some(Duration::from_secs(4 * 3_600)),
            dead_after: Duration::from_secs(600),
            give_up: Duration::from_secs(3 * 86_400),
            fold_above: 5,
        }
    }
}

impl Notifying {
    pub(crate) fn channel(&self, name: &str) -> Option<&Arc<dyn Channel>> {
        self.channels
            .iter()
            .find(|channel| channel.settings().name == name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.channels.iter().map(|one| &one.settings().name);
        names.cloned().collect()
    }

    pub(crate) fn routing(&self) -> Routing {
        Routing {
            channels: self.names(),
            routes: self.routes.clone(),
        }
    }
}
