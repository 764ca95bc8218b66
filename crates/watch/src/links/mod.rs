//! Links that a message carries, and the browsers on which they count. A link is for one person, one action, one revision
//! and one digest, is good for one decision, and ends with the time to decide, or when a newer one is made for the same
//! decision and the same channel. What pages show and ask is `server`'s.
//!
//! Two things must come together before anything is decided. The *link* says what is meant; it travels through chat
//! servers, mailboxes and previews, so by itself it opens nothing. The *device* says who decides: a browser that showed a
//! secret which was set there when the person made it known. A decision takes two requests that change something: the
//! first hands out a form for this link on this device, the second brings it back. Looking changes nothing, however
//! often. Then the link ends in the very use cases that a command does: the same rules, the same log.
//!
//! Of links, forms and devices the store has digests only. The account's number is kept with a device, so that an account
//! that was removed and made again is not the same person.

mod decide;
mod devices;
mod make;
mod open;
mod refused;
mod secret;
mod send;

pub(crate) use decide::Through;
pub use open::{Bearer, Shown};
pub use refused::LinkRefused;
pub use secret::{needs_code, with_code};

use std::sync::PoisonError;
use std::time::Duration;

use crate::WatchError;
use crate::watch::Watch;

/// How long a form is good once it was handed out.
pub(crate) const FORM_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long links and devices that are over can still be told of.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// Where pages are served, and how long what leads to them is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where browsers find the pages, without a slash at its end: `https://watch.example.org`, or a path of a site that
    /// others share, `https://home.example.org/watch`. None: there are no links.
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

    /// Where pages are served.
    #[must_use]
    pub fn web(&self) -> Web {
        self.web_cell()
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets links and devices that have been over for long.
    pub(crate) async fn prune_links(&self) -> Result<(), WatchError> {
        let before = self.now().before(KEEP);
        let mut tx = self.store().begin().await?;
        tx.links().prune(before).await?;
        tx.devices().prune(before).await?;
        tx.commit().await?;
        Ok(())
    }
}
