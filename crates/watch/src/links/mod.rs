//! Links that a message carries, and the browsers on which they count. A link is for one person, one action, one revision
//! and one digest, is good once, and ends with the time to decide. What it shows and asks is `server`'s; that it decides
//! nothing of its own is seen to here: it ends in the same use cases as a command.

use std::sync::PoisonError;
use std::time::Duration;

use watchkeeper_model::Action;
use watchkeeper_store::Tx;

use crate::WatchError;
use crate::watch::Watch;

/// Where pages are served, and how long what leads to them is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where browsers find the pages, without a slash at its end: `https://watch.example.org`. None: there are no links.
    pub public_url: Option<String>,
    /// How long a link is good, at most: the time to decide ends it, too.
    pub link_life: Duration,
    /// How long a browser is known.
    pub device_life: Duration,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            public_url: None,
            link_life: Duration::from_secs(24 * 3_600),
            device_life: Duration::from_secs(180 * 86_400),
        }
    }
}

impl Watch {
    /// Says where pages are served from now on.
    pub fn use_web(&self, web: Web) {
        *self
            .web_cell()
            .write()
            .unwrap_or_else(PoisonError::into_inner) = web;
    }

    /// Makes a link on which one person, named by their account, may decide about an action as it stands, for a message
    /// to one of their channels. None where no pages are served, or nothing waits for a decision.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn link_for(
        &self,
        _tx: &mut Tx,
        _action: &Action,
        _person: &str,
        _channel: &str,
    ) -> Result<Option<String>, WatchError> {
        Ok(None)
    }
}
