//! Sending: who has a channel leased sends one message after the other until the channel fails, has had enough, or nothing
//! is left. What is sent next is chosen in `choose`; how a try ended is kept in `fares`.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_model::{ControllerId, DeliveryNumber, Timestamp};
use watchkeeper_notify::{Again, Channel, Event, MAX_BURST, Message, Notice, Teller, compose_at};
use watchkeeper_store::{Delivery, Tx};

use super::fares::may_try;
use super::settings::Notifying;
use crate::WatchError;
use crate::watch::Watch;

/// How much longer a lease lasts than one message may take.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How eagerly something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eagerness<'n> {
    /// When it is due, and the channel's pause is over.
    Due,
    /// Also what waits for others that belong to it: nobody will be here later.
    Leaving,
    /// Also to a channel that failed lately, these first, whatever the hour: somebody wants to know.
    Asked(&'n [DeliveryNumber]),
}

impl Eagerness<'_> {
    /// Whether somebody waits for this delivery.
    pub(super) fn asks_for(self, delivery: &Delivery) -> bool {
        matches!(self, Self::Asked(numbers) if numbers.contains(&delivery.number))
    }
}

/// Who sends to which channel, and what counts as due.
pub(super) struct Sending<'s> {
    pub(super) notifying: &'s Notifying,
    pub(super) channel: &'s Arc<dyn Channel>,
    pub(super) eagerness: Eagerness<'s>,
    pub(super) until: Timestamp,
    /// A name of its own, so that of two tasks of one process one sends, too.
    sender: ControllerId,
}

impl Sending<'_> {
    pub(super) fn name(&self) -> &str {
        &self.channel.settings().name
    }
}

/// What is sent next.
pub(super) struct Next {
    pub(super) delivery: Delivery,
    pub(super) message: Message,
    /// What the channel's settings and its secret's file were.
    pub(super) stamp: String,
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
        eagerness: Eagerness<'_>,
    ) -> Result<usize, WatchError> {
        let notifying = self.channels();
        let Some(channel) = notifying.channel(name) else {
            return Ok(0);
        };
        let sending = Sending {
            notifying: &notifying,
            channel,
            eagerness,
            until: self.due_until(&notifying, eagerness),
            sender: self.sender(),
        };
        if !self.may_send_something(&sending).await? {
            return Ok(0);
        }
        let taken = self.send_what_is_due(&sending).await;
        let mut tx = self.store().begin().await?;
        tx.channels().release(name, &sending.sender).await?;
        tx.commit().await?;
        taken
    }

    /// A name for one who sends: a process may send for itself and for somebody who asks.
    fn sender(&self) -> ControllerId {
        let own = self.chance().nonce();
        ControllerId::new(format!("{}-{own}", self.controller()))
            .or_else(|_| ControllerId::new(own))
            .expect("letters and digits are a name")
    }

    /// Until when something counts as due.
    fn due_until(&self, notifying: &Notifying, eagerness: Eagerness<'_>) -> Timestamp {
        match eagerness {
            Eagerness::Due | Eagerness::Asked(_) => self.now(),
            Eagerness::Leaving => self
                .now()
                .after(notifying.group_wait + notifying.group_interval),
        }
    }

    /// Looks without changing anything whether there is something to do: most of the time there is not.
    async fn may_send_something(&self, sending: &Sending<'_>) -> Result<bool, WatchError> {
        if matches!(sending.eagerness, Eagerness::Asked(_)) {
            return Ok(true);
        }
        let name = sending.name();
        let mut read = self.store().read().await?;
        if !read.deliveries().is_due(name, sending.until, false).await? {
            return Ok(false);
        }
        let state = self.or_absent(read.channels().get(name).await)?;
        let sent = self.sent_lately(&mut read.deliveries(), name).await?;
        let room = self.room(sending, sent);
        let is_due = match room.only_critical() {
            None => false,
            Some(only_critical) => {
                let mut deliveries = read.deliveries();
                deliveries
                    .is_due(name, sending.until, only_critical)
                    .await?
            }
        };
        drop(read);
        let stamp = sending.channel.stamp().await;
        let may_try = state.is_none_or(|state| may_try(&state, &stamp, self.now()));
        Ok(is_due && may_try)
    }

    async fn send_what_is_due(&self, sending: &Sending<'_>) -> Result<usize, WatchError> {
        let mut taken = 0;
        for _ in 0..MAX_BURST {
            let Some(next) = self.next_for(sending).await? else {
                break;
            };
            let sent = sending.channel.send(&next.message, self.now()).await;
            let goes_on = !matches!(&sent, Err(error) if error.again() != Again::Never);
            taken += usize::from(sent.is_ok());
            self.settle_delivery(sending, &next, sent).await?;
            if !goes_on {
                break;
            }
        }
        Ok(taken)
    }

    /// Takes the next message in hand: claims the channel, chooses, counts the try.
    async fn next_for(&self, sending: &Sending<'_>) -> Result<Option<Next>, WatchError> {
        let (settings, now) = (sending.channel.settings(), self.now());
        let stamp = sending.channel.stamp().await;
        let mut tx = self.store().begin().await?;
        let lease = settings.timeout.0 + LEASE_MARGIN;
        let leased = tx
            .channels()
            .lease(&settings.name, &sending.sender, now, lease)
            .await?;
        if !leased {
            return Ok(None);
        }
        // Another one may have tried since it was looked.
        let state = self.or_absent(tx.channels().get(&settings.name).await)?;
        let asked = matches!(sending.eagerness, Eagerness::Asked(_));
        if !asked && state.is_some_and(|state| !may_try(&state, &stamp, now)) {
            tx.commit().await?;
            return Ok(None);
        }
        let Some((delivery, notices)) = self.choose(&mut tx, sending).await? else {
            tx.commit().await?;
            return Ok(None);
        };
        let begun = tx
            .deliveries()
            .begin_try(delivery.number, &sending.sender)
            .await?;
        if !begun {
            return Ok(None);
        }
        let click = self.click_for(&mut tx, sending.channel, &notices).await?;
        tx.commit().await?;
        Ok(Some(Next {
            message: self.message_of(&delivery, notices, click),
            delivery,
            stamp,
        }))
    }

    /// The page on which the person of a channel may decide about the action that a message tells of.
    async fn click_for(
        &self,
        tx: &mut Tx,
        channel: &Arc<dyn Channel>,
        notices: &[Notice],
    ) -> Result<Option<String>, WatchError> {
        let settings = channel.settings();
        let Some(person) = &settings.person else {
            return Ok(None);
        };
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

    fn message_of(
        &self,
        delivery: &Delivery,
        notices: Vec<Notice>,
        click: Option<String>,
    ) -> Message {
        let teller = Teller {
            watch: self.current().settings.name.clone(),
            id: delivery.id.clone(),
            at: delivery.made_at,
            priority: delivery
                .priority
                .map(|priority| u8::try_from(priority.clamp(0, 10)).unwrap_or(5)),
            click,
        };
        let more = u64::try_from(delivery.more).unwrap_or(0);
        compose_at(self.now(), teller, notices, more)
    }
}
