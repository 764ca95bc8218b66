//! Telling people.
//!
//! Notices come from the log. Every change writes its entry in its own transaction, so a reader of the log with a stored
//! cursor misses nothing, over crashes, restarts and days without a channel, and nothing else in `watch` needs to know
//! that people are told. `read` makes of each entry at most one notice; `place` puts it into a delivery to each channel
//! that it goes to, in the transaction that moves the cursor, which only one of several controllers can. What is to be
//! told again, and once a day, is `daily`'s.
//!
//! A delivery waits a little for others that belong to it, and is then sent by whoever has its channel leased (`send`).
//! The watch never waits for any of this: sending is a loop of its own, each channel a task of its own. What fails is a
//! matter of the channel, not of the message (`fares`): the whole channel is left alone for a growing pause, and then one
//! message is tried. Hours may lie between a notice and its message, so what does not hold any more is left out when it is
//! sent (`choose`). A crash between a channel's yes and the note of it sends a message twice, never not at all.
//!
//! Clocks are set forth and back. Whatever waits until a time knows how long it may wait at most, and counts as due when
//! its time lies further ahead than that.

mod choose;
mod daily;
mod fares;
mod known;
mod own;
mod place;
mod read;
mod run;
mod say;
mod send;
mod settings;
mod show;

pub(crate) use run::notifying;
pub use say::NewWords;
pub use settings::{DailyDigest, Notifying};

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::watch::Watch;

/// How far a clock may be off before it counts as set back.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_secs(120);

impl Watch {
    /// Says how people are told from now on.
    pub fn use_channels(&self, notifying: Notifying) {
        *self
            .notify_cell()
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(notifying);
    }

    /// Whether there is anybody to tell.
    #[must_use]
    pub fn tells_people(&self) -> bool {
        !self.channels().channels.is_empty()
    }

    pub(crate) fn channels(&self) -> Arc<Notifying> {
        Arc::clone(
            &self
                .notify_cell()
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
