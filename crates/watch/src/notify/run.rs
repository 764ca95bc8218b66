//! The loop that tells people: reads what is new, and has each channel sent what is due by a task of its own, so that a
//! slow one delays no other and nothing delays the watch.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use watchkeeper_model::{DeliveryState, Timestamp};
use watchkeeper_store::DeliveryFilter;

use super::CLOCK_SLACK;
use super::send::Eagerness;
use crate::WatchError;
use crate::cycle::chain;
use crate::loops::pause_after;
use crate::watch::Watch;

/// How often the loop looks.
const POLL: Duration = Duration::from_secs(2);
/// How often it is looked for what is to be told again.
const REMIND_EVERY: Duration = Duration::from_secs(60);
/// How long messages under way may take to end when the watch ends.
const SENDS_END_WITHIN: Duration = Duration::from_secs(3);
/// Deliveries to channels that are gone that are given up at a time.
const GIVEN_UP_AT_ONCE: u32 = 1_000;
/// How long deliveries that have ended are kept; those that were given up stay.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// Tells people until told to stop.
pub(crate) async fn notifying(watch: Watch, stop: CancellationToken) {
    let mut sending: JoinSet<String> = JoinSet::new();
    let mut busy: BTreeSet<String> = BTreeSet::new();
    let mut reminded = None;
    while !stop.is_cancelled() {
        while let Some(ended) = sending.try_join_next() {
            settle(ended, &mut busy);
        }
        if let Err(error) = watch.make_notices(&mut reminded).await {
            pause_after("people could not be told", &error, &stop).await;
            continue;
        }
        for name in watch.channels().names() {
            if busy.insert(name.clone()) {
                let watch = watch.clone();
                sending.spawn(async move {
                    if let Err(error) = watch.deliver(&name).await {
                        tracing::error!(
                            channel = name,
                            error = chain(&error),
                            "a channel could not be served"
                        );
                    }
                    name
                });
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
    let ends = async { while sending.join_next().await.is_some() {} };
    if tokio::time::timeout(SENDS_END_WITHIN, ends).await.is_err() {
        // What was under way is sent once more when its lease has run out.
        sending.shutdown().await;
    }
}

fn settle(ended: Result<String, JoinError>, busy: &mut BTreeSet<String>) {
    match ended {
        Ok(name) => {
            busy.remove(&name);
        }
        Err(error) => {
            tracing::error!(error = %error, "a task that sends broke down; its lease runs out");
            busy.clear();
        }
    }
}

impl Watch {
    /// What is new, what is to be told again, and how things stand: makes deliveries of all that is due.
    async fn make_notices(&self, reminded: &mut Option<Timestamp>) -> Result<(), WatchError> {
        self.read_notices().await?;
        let now = self.now();
        let due = reminded.is_none_or(|at: Timestamp| {
            now.since(at) >= REMIND_EVERY || at > now.after(CLOCK_SLACK)
        });
        if due {
            self.remind().await?;
            self.make_digest().await?;
            *reminded = Some(now);
        }
        Ok(())
    }

    /// Tells what is to be told before this process ends: there is no daemon to do it later. What a channel does not take
    /// is kept for the next time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tell_before_leaving(&self) -> Result<(), WatchError> {
        self.read_notices().await?;
        for name in self.channels().names() {
            self.deliver_as(&name, Eagerness::Leaving).await?;
        }
        Ok(())
    }

    /// Removes deliveries that ended long ago, and gives up what waits for channels that are gone.
    pub(crate) async fn prune_deliveries(&self) -> Result<(), WatchError> {
        let (now, notifying) = (self.now(), self.channels());
        let mut tx = self.store().begin().await?;
        tx.deliveries().prune(now.before(KEEP)).await?;
        for (channel, state, _) in tx.deliveries().counts().await? {
            if state != DeliveryState::Queued || notifying.channel(&channel).is_some() {
                continue;
            }
            let waits = DeliveryFilter {
                channel: Some(channel),
                states: vec![state],
                before: None,
            };
            for delivery in tx.deliveries().list(&waits, GIVEN_UP_AT_ONCE).await?.rows {
                if now.since(delivery.made_at) >= notifying.give_up {
                    let why = "its channel is not configured any more";
                    self.give_up_delivery(&mut tx, &delivery, why).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
