//! Sending: who has a channel leased takes what is due, folds it where it is too much, and sends one message after the
//! other until the channel fails, has had enough, or nothing is left.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use watchkeeper_model::{About, DeliveryNumber, Timestamp};
use watchkeeper_notify::{
    Again, Allowance, Channel, Event, LONGEST_ASKED, MAX_BURST, Message, Notice, SendError, Teller,
    Urgency, Waiting, compose, fold, gather, pause_after,
};
use watchkeeper_store::{ChannelState, Delivery, NewDelivery, Tx};

use super::CLOCK_SLACK;
use super::own::key_of_channel;
use super::place::{read_notices, urgency_of};
use super::settings::Notifying;
use crate::WatchError;
use crate::cycle::chain;
use crate::watch::{Watch, with};

/// How much longer a lease lasts than one message may take.
const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// How soon a channel that refuses its secret is tried again though nothing was mended: the server may have been wrong.
const REFUSED_PAUSE: Duration = Duration::from_secs(6 * 3_600);
/// How often a channel must have failed before anything is given up: a clock that leaps gives up nothing.
const TRIES_BEFORE_GIVING_UP: i64 = 10;
/// The time over which messages are counted against a channel's allowance.
const HOUR: Duration = Duration::from_secs(3_600);

/// How eagerly something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eagerness {
    /// When it is due, and the channel's pause is over.
    Due,
    /// Also what waits for others that belong to it: nobody will be here later.
    Leaving,
    /// Also to a channel that failed lately: somebody wants to know.
    Asked,
}

/// What is sent next.
struct Next {
    delivery: Delivery,
    message: Message,
    stamp: String,
}

impl Watch {
    /// Sends to a channel what is due. Says how many messages it took.
    ///
    /// # Errors
    /// When the store does not answer. A channel that fails is no error: it is kept how it fares.
    pub async fn deliver(&self, channel: &str) -> Result<usize, WatchError> {
        self.deliver_as(channel, Eagerness::Due).await
    }

    pub(crate) async fn deliver_as(
        &self,
        name: &str,
        eagerness: Eagerness,
    ) -> Result<usize, WatchError> {
        let notifying = self.channels();
        let Some(channel) = notifying.channel(name).cloned() else {
            return Ok(0);
        };
        let until = self.due_until(&notifying, eagerness);
        let mut read = self.store().read().await?;
        let due = read.deliveries().due(name, until).await?;
        self.remember_corrupt(&due.corrupt);
        if due.rows.is_empty() {
            return Ok(0);
        }
        let state = self.or_absent(read.channels().get(name).await)?;
        drop(read);
        let stamp = channel.stamp().await;
        if eagerness != Eagerness::Asked
            && state.is_some_and(|state| !may_try(&state, &stamp, self.now()))
        {
            return Ok(0);
        }
        let mut taken = 0;
        for _ in 0..MAX_BURST {
            let Some(next) = self.next_for(&notifying, &channel, until).await? else {
                break;
            };
            let sent = channel.send(&next.message, self.now()).await;
            let goes_on = !matches!(&sent, Err(error) if error.again() != Again::Never);
            taken += usize::from(sent.is_ok());
            self.settle_delivery(&notifying, &channel, &next, sent)
                .await?;
            if !goes_on {
                break;
            }
        }
        let mut tx = self.store().begin().await?;
        tx.channels().release(name, self.controller()).await?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Until when something counts as due.
    fn due_until(&self, notifying: &Notifying, eagerness: Eagerness) -> Timestamp {
        match eagerness {
            Eagerness::Due | Eagerness::Asked => self.now(),
            Eagerness::Leaving => self
                .now()
                .after(notifying.group_wait + notifying.group_interval),
        }
    }

    /// Takes the next message in hand: claims the channel, folds what is too much, counts the try.
    async fn next_for(
        &self,
        notifying: &Notifying,
        channel: &Arc<dyn Channel>,
        until: Timestamp,
    ) -> Result<Option<Next>, WatchError> {
        let (settings, now) = (channel.settings(), self.now());
        let stamp = channel.stamp().await;
        let mut tx = self.store().begin().await?;
        let lease = settings.timeout.0 + LEASE_MARGIN;
        let leased = tx
            .channels()
            .lease(&settings.name, self.controller(), now, lease)
            .await?;
        if !leased {
            return Ok(None);
        }
        let due = tx.deliveries().due(&settings.name, until).await?.rows;
        let due = self
            .still_worth(&mut tx, notifying, &settings.name, due)
            .await?;
        let due: Vec<Delivery> = due
            .into_iter()
            .filter(|delivery| !waits_for_morning(notifying, delivery, now))
            .collect();
        let order = self.folded(&mut tx, notifying, &due).await?;
        let sent = tx
            .deliveries()
            .sent_between(&settings.name, now.before(HOUR), now)
            .await?;
        let allowance = Allowance {
            per_hour: settings.per_hour,
            sent: u32::try_from(sent).unwrap_or(u32::MAX),
        };
        let allowed = order
            .into_iter()
            .find(|delivery| allowance.allows(urgency(delivery)) || is_test(delivery));
        let Some(delivery) = allowed else {
            tx.commit().await?;
            return Ok(None);
        };
        if !tx
            .deliveries()
            .begin_try(delivery.number, self.controller())
            .await?
        {
            return Ok(None);
        }
        let click = self.click_for(&mut tx, channel, &delivery).await?;
        tx.commit().await?;
        Ok(Some(Next {
            message: self.message_of(&delivery, click),
            delivery,
            stamp,
        }))
    }

    /// What is too old for a channel that fails for so long is given up, and said to be.
    async fn still_worth(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        name: &str,
        due: Vec<Delivery>,
    ) -> Result<Vec<Delivery>, WatchError> {
        let now = self.now();
        let state = self.or_absent(tx.channels().get(name).await)?;
        let failing = state.is_some_and(|state| {
            state.failures >= TRIES_BEFORE_GIVING_UP
                && state
                    .failing_since
                    .is_some_and(|since| now.since(since) >= notifying.give_up)
        });
        if !failing {
            return Ok(due);
        }
        let (old, worth): (Vec<_>, Vec<_>) = due
            .into_iter()
            .partition(|one| now.since(one.made_at) >= notifying.give_up);
        for delivery in old {
            self.give_up_delivery(tx, &delivery, "its channel failed for too long")
                .await?;
        }
        Ok(worth)
    }

    pub(super) async fn give_up_delivery(
        &self,
        tx: &mut Tx,
        delivery: &Delivery,
        why: &str,
    ) -> Result<(), WatchError> {
        if tx
            .deliveries()
            .give_up(delivery.number, why, self.now())
            .await?
        {
            let text = format!(
                "delivery {} to {} was given up: {why}",
                delivery.number, delivery.channel
            );
            tx.log()
                .append(self.record("delivery.dead", About::default(), text))?;
        }
        Ok(())
    }

    /// What is sent, in its order, after what is too much was folded into one.
    async fn folded(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        due: &[Delivery],
    ) -> Result<Vec<Delivery>, WatchError> {
        let mut waiting = Vec::with_capacity(due.len());
        for delivery in due {
            waiting.push(Waiting {
                number: delivery.number.0,
                urgency: urgency(delivery),
                stands: due.len() <= notifying.fold_above
                    || self.still_stands(tx, delivery).await?,
                alone: delivery.alone,
            });
        }
        let folding = fold(&waiting, notifying.fold_above);
        let find = |number: &i64| due.iter().find(|one| one.number.0 == *number);
        let mut order: Vec<Delivery> = folding.alone.iter().filter_map(find).cloned().collect();
        if folding.together.is_empty() {
            return Ok(order);
        }
        let together: Vec<&Delivery> = folding.together.iter().filter_map(find).collect();
        let summary = self.summary(tx, &together).await?;
        let before = order
            .iter()
            .position(|one| urgency(one) < urgency(&summary))
            .unwrap_or(order.len());
        order.insert(before, summary);
        Ok(order)
    }

    /// One delivery that tells of all of these.
    async fn summary(&self, tx: &mut Tx, together: &[&Delivery]) -> Result<Delivery, WatchError> {
        let now = self.now();
        let notices = together.iter().filter_map(|one| read_notices(one));
        let (notices, left_out) = gather(notices.flatten().collect());
        let known: i64 = together.iter().map(|one| one.more).sum();
        let id = self.chance().nonce();
        let first = together[0];
        let new = NewDelivery {
            key: watchkeeper_model::Digest::of_bytes(id.as_bytes()).to_string(),
            id,
            channel: first.channel.clone(),
            urgency: urgency_of(&notices).to_owned(),
            alone: false,
            priority: None,
            notices: json!(notices),
            more: known.saturating_add(i64::try_from(left_out).unwrap_or(i64::MAX)),
            made_at: now,
            due_at: now,
        };
        let number = tx.deliveries().make(&new).await?;
        for delivery in together {
            tx.deliveries().fold(delivery.number, number, now).await?;
        }
        let text = format!(
            "{} messages to {} became one: delivery {number}",
            together.len(),
            first.channel
        );
        let record = self.record("delivery.folded", About::default(), text);
        tx.log()
            .append(with(record, "count", json!(together.len())))?;
        self.made(tx, number).await
    }

    async fn made(&self, tx: &mut Tx, number: DeliveryNumber) -> Result<Delivery, WatchError> {
        let found = tx.deliveries().get(number).await?;
        found.ok_or(WatchError::NoSuchDelivery { number })
    }

    /// Whether a trouble that it tells of is still there.
    async fn still_stands(&self, tx: &mut Tx, delivery: &Delivery) -> Result<bool, WatchError> {
        for issue in read_notices(delivery)
            .unwrap_or_default()
            .iter()
            .filter_map(|notice| notice.issue)
        {
            let issue = self.or_absent(tx.issues().get(issue).await)?;
            if issue.is_some_and(|issue| issue.state.is_active()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The page on which the person of a channel may decide about the action that a message tells of.
    async fn click_for(
        &self,
        tx: &mut Tx,
        channel: &Arc<dyn Channel>,
        delivery: &Delivery,
    ) -> Result<Option<String>, WatchError> {
        let settings = channel.settings();
        let Some(person) = &settings.person else {
            return Ok(None);
        };
        let notices = read_notices(delivery).unwrap_or_default();
        let held = notices
            .iter()
            .rev()
            .filter(|notice| notice.event == Event::Held)
            .find_map(|notice| notice.action);
        let Some(number) = held else { return Ok(None) };
        let Some(action) = self.or_absent(tx.actions().get(number).await)? else {
            return Ok(None);
        };
        self.link_for(tx, &action, person, &settings.name).await
    }

    fn message_of(&self, delivery: &Delivery, click: Option<String>) -> Message {
        let teller = Teller {
            watch: self.current().settings.name.clone(),
            id: delivery.id.clone(),
            at: delivery.made_at,
            priority: delivery
                .priority
                .map(|priority| u8::try_from(priority.clamp(0, 10)).unwrap_or(5)),
            click,
        };
        let notices: Vec<Notice> = read_notices(delivery).unwrap_or_default();
        compose(teller, notices, u64::try_from(delivery.more).unwrap_or(0))
    }

    /// Keeps how a try ended, for the delivery and for its channel.
    async fn settle_delivery(
        &self,
        notifying: &Notifying,
        channel: &Arc<dyn Channel>,
        next: &Next,
        sent: Result<(), SendError>,
    ) -> Result<(), WatchError> {
        let name = &channel.settings().name;
        let (now, number) = (self.now(), next.delivery.number);
        let mut tx = self.store().begin().await?;
        let state = self.or_absent(tx.channels().get(name).await)?;
        let state = state.unwrap_or_else(|| ChannelState {
            name: name.clone(),
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
                ChannelState {
                    error: Some(error.to_string()),
                    ..well(&state, now)
                }
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
        self.follow_channel(&mut tx, notifying, &after, &sent)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Opens the issue about a channel that is dead, and resolves it when a message was taken.
    async fn follow_channel(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        state: &ChannelState,
        sent: &Result<(), SendError>,
    ) -> Result<(), WatchError> {
        let key = key_of_channel(&state.name);
        let Err(error) = sent else {
            return self.clear_own_issue_in(tx, &key).await;
        };
        let for_long = state
            .failing_since
            .is_some_and(|since| self.now().since(since) >= notifying.dead_after);
        if for_long || matches!(error.again(), Again::WhenMended | Again::Never) {
            let title = format!("channel {} does not take messages", state.name);
            let detail = format!("{}; {}", chain(error), error.advice());
            self.raise_own_issue_in(tx, &key, None, (&title, &detail))
                .await?;
        }
        Ok(())
    }
}

/// A channel that has taken a message.
fn well(state: &ChannelState, now: Timestamp) -> ChannelState {
    ChannelState {
        failures: 0,
        failing_since: None,
        retry_at: None,
        refused: None,
        error: None,
        sent_at: Some(now),
        ..state.clone()
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
        refused,
        error: Some(error.to_string()),
        ..state.clone()
    }
}

/// Whether a channel may be tried: its pause is over, or what was refused was mended. A pause that ends later than any
/// could is of a clock that was set back since.
fn may_try(state: &ChannelState, stamp: &str, now: Timestamp) -> bool {
    let longest = match &state.refused {
        Some(refused) if refused != stamp => return true,
        Some(_) => REFUSED_PAUSE,
        None => LONGEST_ASKED,
    };
    let Some(retry_at) = state.retry_at else {
        return true;
    };
    retry_at <= now || retry_at > now.after(longest + CLOCK_SLACK)
}

fn urgency(delivery: &Delivery) -> Urgency {
    delivery.urgency.parse().unwrap_or(Urgency::Attention)
}

fn is_test(delivery: &Delivery) -> bool {
    let notices = read_notices(delivery).unwrap_or_default();
    notices.iter().any(|notice| notice.event == Event::Test)
}

/// Whether it is quiet, and this can wait.
fn waits_for_morning(notifying: &Notifying, delivery: &Delivery, now: Timestamp) -> bool {
    let quiet = notifying
        .quiet
        .as_ref()
        .is_some_and(|quiet| quiet.are_at(now));
    quiet && urgency(delivery) < Urgency::Critical && !is_test(delivery)
}

#[cfg(test)]
mod tests {
    use watchkeeper_testkit::clock::NOON;

    use super::*;

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
    fn a_clock_that_is_set_back_leaves_no_channel_alone_for_ever() {
        let state = failing(&ChannelState::default(), &down(), "one", NOON);
        assert!(!may_try(&state, "one", NOON));
        assert!(may_try(&state, "one", NOON.after(Duration::from_secs(10))));
        let long_ago = NOON.before(Duration::from_secs(365 * 86_400));
        assert!(may_try(&state, "one", long_ago));
        let again = failing(&state, &down(), "one", long_ago);
        assert_eq!(again.failing_since, Some(long_ago));
        assert_eq!(again.failures, 2);
        assert!(may_try(&well(&again, long_ago), "one", long_ago));
    }
}
