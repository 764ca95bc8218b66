//! Where a notice goes, and into which delivery: one that waits and belongs to it, or a new one.

use std::time::Duration;

use serde_json::json;
use watchkeeper_model::{DeliveryNumber, DeliveryState, Severity, Timestamp};
use watchkeeper_notify::{Class, Event, Notice, Teller, compose, gather};
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
        let is_end = notice.event == Event::Resolved
            || (notice.event == Event::Outcome && notice.severity == Severity::Info);
        if is_end {
            let there = told.into_iter().map(|told| told.channel);
            return Ok(there
                .filter(|name| notifying.channel(name).is_some())
                .collect());
        }
        let groups = notice
            .host
            .as_ref()
            .and_then(|host| self.fleet().entry(host))
            .map(|entry| entry.groups.clone())
            .unwrap_or_default();
        let mut channels = notifying.routing().channels_for(notice, &groups);
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

    /// Puts a notice into a delivery to one channel. Gives the delivery.
    pub(super) async fn put_into(
        &self,
        tx: &mut Tx,
        notifying: &Notifying,
        channel: &str,
        notice: Notice,
        priority: Option<u8>,
    ) -> Result<DeliveryNumber, WatchError> {
        let now = self.now();
        let alone = notice.event.class() == Class::Alone;
        let mut due_at = if alone {
            now
        } else {
            now.after(notifying.group_wait)
        };
        if !alone {
            // An end joins the message about the beginning while that still waits.
            for class in [Class::Trouble, notice.event.class()] {
                let key = notice.key_of(class).to_string();
                let last = tx.deliveries().last_of_key(channel, &key).await;
                let Some(last) = self.or_absent(last)? else {
                    continue;
                };
                if self.joins(tx, &last, &notice).await? {
                    return Ok(last.number);
                }
                if class == notice.event.class() && !may_not_wait(notice.event) {
                    due_at = due_at.max(not_before(&last, notifying.group_interval, now));
                }
            }
        }
        let new = NewDelivery {
            id: self.chance().nonce(),
            channel: channel.to_owned(),
            key: notice.key().to_string(),
            urgency: notice.urgency().as_str().to_owned(),
            alone,
            priority: priority.map(i64::from),
            notices: json!([notice]),
            more: 0,
            made_at: now,
            due_at,
        };
        Ok(tx.deliveries().make(&new).await?)
    }

    /// Has a delivery tell of one notice more, while nobody has tried it.
    async fn joins(
        &self,
        tx: &mut Tx,
        last: &Delivery,
        notice: &Notice,
    ) -> Result<bool, WatchError> {
        if last.state != DeliveryState::Queued || last.attempts > 0 || last.alone {
            return Ok(false);
        }
        let Some(mut notices) = read_notices(last) else {
            return Ok(false);
        };
        // What is told again and again while a channel is down is told once.
        if notice.event == Event::StillOpen {
            notices.retain(|one| one.event != Event::StillOpen || one.thread() != notice.thread());
        }
        notices.push(notice.clone());
        let (notices, left_out) = gather(notices);
        let more = last
            .more
            .saturating_add(i64::try_from(left_out).unwrap_or(i64::MAX));
        let urgency = urgency_of(&notices);
        let joined = tx
            .deliveries()
            .extend(last, &json!(notices), more, urgency, last.due_at)
            .await?;
        Ok(joined)
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

/// How much a message of these asks for.
pub(super) fn urgency_of(notices: &[Notice]) -> &'static str {
    let teller = Teller {
        watch: String::new(),
        id: String::new(),
        at: Timestamp::from_millis(0),
        priority: None,
        click: None,
    };
    compose(teller, notices.to_vec(), 0).urgency.as_str()
}
