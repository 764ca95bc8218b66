//! Where a notice goes, and into which delivery: one that waits and belongs to it, or a new one.

use std::time::Duration;

use serde_json::json;
use watchkeeper_model::{DeliveryNumber, DeliveryState, GroupName, HostName, Severity, Timestamp};
use watchkeeper_notify::{Class, Event, Notice, gather, urgency_of};
use watchkeeper_store::{Delivery, NewDelivery, ToldIssue, Tx};

use super::CLOCK_SLACK;
use super::settings::Notifying;
use crate::WatchError;
use crate::watch::Watch;

impl Watch {
    /// Puts a notice into a delivery to each channel that it goes to.
    pub(super) async fn place_notice(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        notice: Notice,
    ) -> Result<(), WatchError> {
        for channel in self.channels_of(tx, notifying, &notice).await? {
            self.put_into(tx, notifying, &channel, notice.clone(), None)
                .await?;
        }
        if notice.event == Event::Resolved
            && let Some(issue) = notice.issue
        {
            tx.told().forget(issue).await?;
        }
        Ok(())
    }

    /// The channels that a notice goes to. An end goes where the beginning went; a beginning goes nowhere twice.
    async fn channels_of(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        notice: &Notice,
    ) -> Result<Vec<String>, WatchError> {
        let told = match notice.issue {
            Some(issue) => {
                let told = tx.told().of_issue(issue).await?;
                self.remember_corrupt(&told.corrupt);
                told.rows
            }
            None => Vec::new(),
        };
        let groups = self.groups_at(notice.host.as_ref());
        let mut channels = notifying.routing().channels_for(notice, &groups);
        let is_end = notice.event == Event::Resolved
            || (notice.event == Event::Outcome && notice.severity == Severity::Info);
        if is_end {
            let (there, gone): (Vec<String>, Vec<String>) = told
                .into_iter()
                .map(|told| told.channel)
                .partition(|name| notifying.channel(name).is_some());
            // A channel that is gone may have another name now: the end goes where the routes lead, too.
            channels.retain(|name| !gone.is_empty() && !there.contains(name));
            return Ok([there, channels].concat());
        }
        if let Some(issue) = notice.issue
            && notice.event.opens()
        {
            let heard = |channel: &String| {
                told.iter()
                    .any(|told| told.channel == *channel && told.severity >= notice.severity)
            };
            channels.retain(|channel| !heard(channel));
            for channel in &channels {
                let told = ToldIssue {
                    issue,
                    channel: channel.clone(),
                    severity: notice.severity,
                    at: self.now(),
                };
                tx.told().tell(&told).await?;
            }
        }
        Ok(channels)
    }

    pub(super) fn groups_at(&self, host: Option<&HostName>) -> Vec<GroupName> {
        let entry = host.and_then(|host| self.fleet().entry(host));
        entry.map(|entry| entry.groups.clone()).unwrap_or_default()
    }

    /// Puts a notice into a delivery to one channel. Gives the delivery.
    pub(super) async fn put_into(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        channel: &str,
        notice: Notice,
        priority: Option<u8>,
    ) -> Result<DeliveryNumber, WatchError> {
        let (now, class) = (self.now(), notice.event.class());
        let mut due_at = match class {
            Class::Alone => now,
            _ => now.after(notifying.group_wait),
        };
        for joinable in joinable(class) {
            let key = notice.key_of(*joinable).to_string();
            let last = tx.deliveries().last_of_key(channel, &key).await;
            let Some(last) = self.or_absent(last)? else {
                continue;
            };
            if self.joins(tx, &last, &notice, *joinable).await? {
                return Ok(last.number);
            }
            if *joinable == class && !may_not_wait(notice.event) {
                due_at = due_at.max(not_before(&last, notifying.group_interval, now));
            }
        }
        let new = NewDelivery {
            id: self.chance().nonce(),
            channel: channel.to_owned(),
            key: notice.key().to_string(),
            urgency: notice.urgency().as_str().to_owned(),
            alone: class == Class::Alone,
            priority: priority.map(i64::from),
            notices: json!([notice]),
            more: 0,
            made_at: now,
            due_at,
        };
        let older = match notice.is_replaced() {
            true => tx.deliveries().last_of_key(channel, &new.key).await?,
            false => None,
        };
        let number = tx.deliveries().make(&new).await?;
        if let Some(older) = older {
            tx.deliveries().fold(older.number, number, now).await?;
        }
        Ok(number)
    }

    /// Has a delivery tell of one notice more, while nobody has tried it.
    async fn joins(
        &self,
        tx: &mut Tx,
        last: &Delivery,
        notice: &Notice,
        of: Class,
    ) -> Result<bool, WatchError> {
        if last.state != DeliveryState::Queued || last.attempts > 0 || last.alone {
            return Ok(false);
        }
        let Some(mut notices) = read_notices(last) else {
            return Ok(false);
        };
        // A trouble that is back joins the message about its own end, and no other.
        let thread = notice.thread();
        let is_back = of == Class::Over && notice.event.class() == Class::Trouble;
        if is_back && !notices.iter().any(|one| one.thread() == thread) {
            return Ok(false);
        }
        // What is told again and again while a channel is down is told once.
        if notice.event == Event::StillOpen {
            notices.retain(|one| one.event != Event::StillOpen || one.thread() != thread);
        }
        notices.push(notice.clone());
        let (notices, left_out) = gather(notices);
        let more = last
            .more
            .saturating_add(i64::try_from(left_out).unwrap_or(i64::MAX));
        let urgency = urgency_of(&notices).as_str();
        let joined = tx
            .deliveries()
            .extend(last, &json!(notices), more, urgency, last.due_at)
            .await?;
        Ok(joined)
    }
}

/// The messages that a notice may join while they wait: an end that about the beginning, a trouble that is back that about
/// its end, so that nobody is told of an end last that holds no more.
const fn joinable(class: Class) -> &'static [Class] {
    match class {
        Class::Trouble => &[Class::Trouble, Class::Over],
        Class::Reminder => &[Class::Trouble, Class::Reminder],
        Class::Over => &[Class::Trouble, Class::Over],
        Class::Alone => &[],
    }
}

/// Whether somebody is waited for, so that the next message does not wait for its turn.
const fn may_not_wait(event: Event) -> bool {
    matches!(event, Event::Held | Event::Worse)
}

/// When the next message about a cause may follow.
fn not_before(last: &Delivery, interval: Duration, now: Timestamp) -> Timestamp {
    let at = last.ended_at.unwrap_or(last.made_at);
    if at > now.after(CLOCK_SLACK) || now.since(at) >= interval {
        return now;
    }
    now.after(interval - now.since(at))
}

/// The notices of a delivery; none where they cannot be read.
pub(super) fn read_notices(delivery: &Delivery) -> Option<Vec<Notice>> {
    serde_json::from_value(delivery.notices.clone()).ok()
}
