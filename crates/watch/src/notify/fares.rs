//! How a try ended, and how its channel fares since: well, left alone for a growing pause, or dead, which is an issue of the
//! watch's own. What a channel that is not configured any more leaves behind is cleared away.

use std::time::Duration;

use watchkeeper_model::{About, Timestamp};
use watchkeeper_notify::{Again, SendError, pause_after};
use watchkeeper_store::{ChannelState, Tx};

use super::CLOCK_SLACK;
use super::own::key_of_channel;
use super::send::{Next, Sending};
use crate::WatchError;
use crate::cycle::chain;
use crate::watch::Watch;

/// How soon a channel that refuses its secret is tried again though nothing was mended: the server may have been wrong.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(6 * 3_600);

impl Watch {
    /// Keeps how a try ended, for the delivery and for its channel.
    pub(super) async fn settle_delivery(
        &self,
        sending: &Sending<'_>,
        next: &Next,
        sent: Result<(), SendError>,
    ) -> Result<(), WatchError> {
        let name = sending.name();
        let (now, number) = (self.now(), next.delivery.number);
        let mut tx = self.store().begin().await?;
        let state = self.or_absent(tx.channels().get(name).await)?;
        let state = state.unwrap_or_else(|| ChannelState {
            name: name.to_owned(),
            ..ChannelState::default()
        });
        let after = match &sent {
            Ok(()) => {
                if tx.deliveries().sent(number, now).await? {
                    let text = format!("{name} was told: {}", next.message.title);
                    tx.log()
                        .append(self.record("delivery.sent", About::default(), text))?;
                }
                well(&state, now)
            }
            Err(error) if error.again() == Again::Never => {
                self.give_up_delivery(&mut tx, &next.delivery, &error.to_string())
                    .await?;
                refuses_one(&state, error)
            }
            Err(error) => {
                tx.deliveries()
                    .try_failed(number, &error.to_string())
                    .await?;
                tracing::warn!(
                    channel = name,
                    error = chain(error),
                    "a message was not sent"
                );
                failing(&state, error, &next.stamp, now)
            }
        };
        tx.channels().fares(&after).await?;
        self.follow_channel(&mut tx, sending, &after, &sent).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Opens the issue about a channel that is dead, and resolves it when a message was taken.
    async fn follow_channel(
        &self,
        tx: &mut Tx,
        sending: &Sending<'_>,
        state: &ChannelState,
        sent: &Result<(), SendError>,
    ) -> Result<(), WatchError> {
        let key = key_of_channel(&state.name);
        let Err(error) = sent else {
            return self.clear_own_issue_in(tx, &key).await;
        };
        let for_long = state
            .failing_since
            .is_some_and(|since| self.now().since(since) >= sending.notifying.dead_after);
        if for_long || matches!(error.again(), Again::WhenMended | Again::Never) {
            let title = match error.again() {
                Again::Never => format!("channel {} refused a message", state.name),
                _ => format!("channel {} does not take messages", state.name),
            };
            let detail = format!("{}; {}", chain(error), error.advice());
            self.raise_own_issue_in(tx, &key, None, (&title, &detail))
                .await?;
        }
        Ok(())
    }

    /// Clears away how channels fared that are not configured any more: nobody will ever mend them. What waits for them is
    /// seen in `status` until it is given up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_gone_channels(&self) -> Result<(), WatchError> {
        let notifying = self.channels();
        let known = self.store().read().await?.channels().list().await?.rows;
        for state in known {
            if notifying.channel(&state.name).is_some() || state.leased_by.is_some() {
                continue;
            }
            let mut tx = self.store().begin().await?;
            tx.channels().forget(&state.name).await?;
            self.clear_own_issue_in(&mut tx, &key_of_channel(&state.name))
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// A channel that has taken a message.
fn well(state: &ChannelState, now: Timestamp) -> ChannelState {
    ChannelState {
        name: state.name.clone(),
        sent_at: Some(now),
        ..ChannelState::default()
    }
}

/// A channel that is there, and refused one message as such.
fn refuses_one(state: &ChannelState, error: &SendError) -> ChannelState {
    ChannelState {
        name: state.name.clone(),
        sent_at: state.sent_at,
        error: Some(error.to_string()),
        ..ChannelState::default()
    }
}

/// A channel that has failed once more.
fn failing(state: &ChannelState, error: &SendError, stamp: &str, now: Timestamp) -> ChannelState {
    let failures = state.failures.saturating_add(1);
    let (pause, refused) = match error.again() {
        Again::Later(asked) => {
            let count = u32::try_from(failures).unwrap_or(u32::MAX);
            (pause_after(count, asked), None)
        }
        Again::WhenMended | Again::Never => (REFUSED_PAUSE, Some(stamp.to_owned())),
    };
    // A beginning that lies ahead was kept by a clock that was set back since.
    let since = state.failing_since.map_or(now, |since| since.min(now));
    ChannelState {
        failures,
        failing_since: Some(since),
        retry_at: Some(now.after(pause)),
        tried_at: Some(now),
        tried_with: Some(stamp.to_owned()),
        refused,
        error: Some(error.to_string()),
        ..state.clone()
    }
}

/// Whether a channel may be tried: its pause is over, something was mended, or the pause began at a time that lies ahead,
/// by a clock that was set back since.
pub(super) fn may_try(state: &ChannelState, stamp: &str, now: Timestamp) -> bool {
    let (Some(retry_at), Some(tried_at)) = (state.retry_at, state.tried_at) else {
        return true;
    };
    let is_mended = state.tried_with.as_deref() != Some(stamp);
    is_mended || retry_at <= now || tried_at > now.after(CLOCK_SLACK)
}

#[cfg(test)]
mod tests {
    use watchkeeper_testkit::clock::NOON;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn refused() -> SendError {
        SendError::Refused {
            endpoint: "phone".to_owned(),
            said: "401".to_owned(),
        }
    }

    fn down() -> SendError {
        SendError::Unreachable {
            endpoint: "phone".to_owned(),
            why: "nobody there".to_owned(),
        }
    }

    #[test]
    fn a_refused_secret_is_tried_again_when_it_changes_and_hardly_else() {
        let state = failing(&ChannelState::default(), &refused(), "one", NOON);
        assert!(!may_try(&state, "one", NOON.after(HOUR)));
        assert!(may_try(&state, "two", NOON));
        assert!(may_try(&state, "one", NOON.after(REFUSED_PAUSE)));
    }

    #[test]
    fn a_pause_is_over_when_something_was_mended() {
        let state = failing(&ChannelState::default(), &down(), "one", NOON);
        assert!(!may_try(&state, "one", NOON));
        assert!(may_try(&state, "another address", NOON));
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_no_channel_alone_for_ever() {
        let state = failing(&ChannelState::default(), &down(), "one", NOON);
        assert!(!may_try(&state, "one", NOON));
        assert!(may_try(&state, "one", NOON.after(Duration::from_secs(10))));
        let long_ago = NOON.before(365 * 24 * HOUR);
        assert!(may_try(&state, "one", long_ago));
        let again = failing(&state, &down(), "one", long_ago);
        assert_eq!(again.failing_since, Some(long_ago));
        assert_eq!(again.failures, 2);
        assert!(may_try(&well(&again, long_ago), "one", long_ago));
        // Also while it was asked to be patient for a day, and by a few minutes only.
        let busy = SendError::Busy {
            endpoint: "phone".to_owned(),
            retry_after: Some(24 * HOUR),
            said: "429".to_owned(),
        };
        let state = failing(&ChannelState::default(), &busy, "one", NOON);
        assert!(!may_try(&state, "one", NOON.after(23 * HOUR)));
        assert!(may_try(
            &state,
            "one",
            NOON.before(Duration::from_secs(300))
        ));
    }

    #[test]
    fn one_refused_message_is_no_message_taken() {
        let state = refuses_one(&ChannelState::default(), &refused());
        assert_eq!((state.sent_at, state.failures), (None, 0));
        assert!(state.error.is_some());
    }
}
