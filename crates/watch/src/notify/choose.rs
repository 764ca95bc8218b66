//! What of all that is due is sent next: what somebody asks for, then the most urgent. What waited for too long is given
//! up, what is too much is folded into one, and what does not hold any more is not told.

use std::time::Duration;

use serde_json::json;
use watchkeeper_model::{About, ActionState, DeliveryNumber, DeliveryState, IssueState};
use watchkeeper_notify::{
    Allowance, Event, LONGEST_PAUSE, Notice, Urgency, Waiting, fold, gather, urgency_of,
};
use watchkeeper_store::{ChannelState, Deliveries, Delivery, NewDelivery, Tx};

use super::fares::REFUSED_PAUSE;
use super::place::read_notices;
use super::send::{Eagerness, Sending};
use crate::WatchError;
use crate::watch::{Watch, with};

/// How often a channel must have failed at least before anything is given up.
const TRIES_BEFORE_GIVING_UP: i64 = 10;
/// The time over which messages are counted against a channel's allowance.
const HOUR: Duration = Duration::from_secs(3_600);

/// For what there is room now: in quiet hours, and when much was sent, for what is critical only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Everything,
    OnlyCritical,
    Nothing,
}

impl Room {
    /// Whether only what is critical may go; none where nothing may.
    pub(super) const fn only_critical(self) -> Option<bool> {
        match self {
            Self::Everything => Some(false),
            Self::OnlyCritical => Some(true),
            Self::Nothing => None,
        }
    }
}

impl Watch {
    /// How many messages a channel has taken within the hour.
    pub(super) async fn sent_lately<A>(
        &self,
        deliveries: &mut Deliveries<'_, A>,
        name: &str,
    ) -> Result<u32, WatchError> {
        let now = self.now();
        let sent = deliveries.sent_between(name, now.before(HOUR), now).await?;
        Ok(u32::try_from(sent).unwrap_or(u32::MAX))
    }

    pub(super) fn room(&self, sending: &Sending<'_>, sent: u32) -> Room {
        let allowance = Allowance {
            per_hour: sending.channel.settings().per_hour,
            sent,
        };
        let quiet = sending.notifying.quiet.as_ref();
        if !allowance.allows(Urgency::Critical) {
            Room::Nothing
        } else if !allowance.allows(Urgency::Attention)
            || quiet.is_some_and(|quiet| quiet.are_at(self.now()))
        {
            Room::OnlyCritical
        } else {
            Room::Everything
        }
    }

    /// The next delivery, with those of its notices that hold.
    pub(super) async fn choose(
        &self,
        tx: &mut Tx,
        sending: &Sending<'_>,
    ) -> Result<Option<(Delivery, Vec<Notice>)>, WatchError> {
        let mut order = self.asked_for(tx, sending).await?;
        let sent = self
            .sent_lately(&mut tx.deliveries(), sending.name())
            .await?;
        if let Some(only_critical) = self.room(sending, sent).only_critical() {
            let due = tx
                .deliveries()
                .due(sending.name(), sending.until, only_critical)
                .await?;
            self.remember_corrupt(&due.corrupt);
            let mut due = due.rows;
            due.retain(|delivery| !sending.eagerness.asks_for(delivery));
            let due = self.still_worth(tx, sending, due).await?;
            let most = sending.notifying.fold_above;
            order.extend(self.folded(tx, most, &due).await?);
        }
        for delivery in order {
            if let Some(notices) = self.holding(tx, &delivery).await? {
                return Ok(Some((delivery, notices)));
            }
        }
        Ok(None)
    }

    /// What somebody waits for.
    async fn asked_for(
        &self,
        tx: &mut Tx,
        sending: &Sending<'_>,
    ) -> Result<Vec<Delivery>, WatchError> {
        let Eagerness::Asked(numbers) = sending.eagerness else {
            return Ok(Vec::new());
        };
        let mut asked = Vec::new();
        for number in numbers {
            let found = self.or_absent(tx.deliveries().get(*number).await)?;
            asked.extend(
                found.filter(|one| {
                    one.channel == sending.name() && one.state == DeliveryState::Queued
                }),
            );
        }
        Ok(asked)
    }

    /// What is too old for a channel that fails for so long is given up, and said to be.
    async fn still_worth(
        &self,
        tx: &mut Tx,
        sending: &Sending<'_>,
        due: Vec<Delivery>,
    ) -> Result<Vec<Delivery>, WatchError> {
        let (now, give_up) = (self.now(), sending.notifying.give_up);
        let state = self.or_absent(tx.channels().get(sending.name()).await)?;
        let fails_for_long = state.is_some_and(|state| {
            let since = state.failing_since;
            state.failures >= tries_within(give_up, &state)
                && since.is_some_and(|since| now.since(since) >= give_up)
        });
        if !fails_for_long {
            return Ok(due);
        }
        let (old, worth): (Vec<_>, Vec<_>) = due
            .into_iter()
            .partition(|one| now.since(one.made_at) >= give_up);
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
        let number = delivery.number;
        if tx.deliveries().give_up(number, why, self.now()).await? {
            let text = format!(
                "delivery {number} to {} was given up: {why}",
                delivery.channel
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
        most: usize,
        due: &[Delivery],
    ) -> Result<Vec<Delivery>, WatchError> {
        let mut waiting = Vec::with_capacity(due.len());
        for delivery in due {
            let urgency = urgency(delivery);
            let matters = due.len() > most && urgency == Urgency::Critical;
            waiting.push(Waiting {
                number: delivery.number.0,
                urgency,
                stands: !matters || self.still_stands(tx, delivery).await?,
                alone: delivery.alone,
            });
        }
        let folding = fold(&waiting, most);
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
            urgency: urgency_of(&notices).as_str().to_owned(),
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
        for notice in read_notices(delivery).unwrap_or_default() {
            if self
                .issue_state(tx, &notice)
                .await?
                .is_some_and(|state| state.is_active())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn issue_state(
        &self,
        tx: &mut Tx,
        notice: &Notice,
    ) -> Result<Option<IssueState>, WatchError> {
        let Some(issue) = notice.issue else {
            return Ok(None);
        };
        let issue = self.or_absent(tx.issues().get(issue).await)?;
        Ok(issue.map(|issue| issue.state))
    }

    /// The notices of a delivery that hold as things are now; none where nothing of it is to be told. Hours may lie
    /// between a notice and its message.
    async fn holding(
        &self,
        tx: &mut Tx,
        delivery: &Delivery,
    ) -> Result<Option<Vec<Notice>>, WatchError> {
        let Some(notices) = read_notices(delivery) else {
            let why = "what it tells of cannot be read";
            self.give_up_delivery(tx, delivery, why).await?;
            return Ok(None);
        };
        let mut holding = Vec::with_capacity(notices.len());
        for notice in notices {
            if self.holds(tx, &notice).await? {
                holding.push(notice);
            }
        }
        if !holding.is_empty() || delivery.more > 0 {
            return Ok(Some(holding));
        }
        let (number, why) = (delivery.number, "nothing of it holds any more");
        if tx.deliveries().drop_unsent(number, why, self.now()).await? {
            let text = format!(
                "delivery {number} to {} is not sent: {why}",
                delivery.channel
            );
            tx.log()
                .append(self.record("delivery.dropped", About::default(), text))?;
        }
        Ok(None)
    }

    /// Whether what a notice says is so: an end of what is back again is none, and nobody is asked for what was decided.
    async fn holds(&self, tx: &mut Tx, notice: &Notice) -> Result<bool, WatchError> {
        match notice.event {
            Event::Resolved => {
                let state = self.issue_state(tx, notice).await?;
                Ok(!state.is_some_and(|state| state.is_active()))
            }
            Event::StillOpen => {
                let state = self.issue_state(tx, notice).await?;
                Ok(state.is_none_or(|state| state == IssueState::Open))
            }
            Event::Held => {
                let Some(number) = notice.action else {
                    return Ok(true);
                };
                let action = self.or_absent(tx.actions().get(number).await)?;
                Ok(action.is_none_or(|action| matches!(action.state, ActionState::Held { .. })))
            }
            _ => Ok(true),
        }
    }
}

fn urgency(delivery: &Delivery) -> Urgency {
    delivery.urgency.parse().unwrap_or(Urgency::Attention)
}

/// How often a channel that is tried after each pause has failed by then, with room for a watch that does not always run.
/// The clock alone does not say for how long it has failed: it may have leapt.
fn tries_within(give_up: Duration, state: &ChannelState) -> i64 {
    let pause = match state.refused {
        Some(_) => REFUSED_PAUSE,
        None => LONGEST_PAUSE,
    };
    let tries = give_up.as_secs() / (2 * pause.as_secs());
    i64::try_from(tries)
        .unwrap_or(i64::MAX)
        .max(TRIES_BEFORE_GIVING_UP)
}
