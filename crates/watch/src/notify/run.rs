//! The loop that tells people: reads what is new, and has each channel sent what is due by a task of its own, so that a
//! slow one delays no other and nothing delays the watch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use watchkeeper_model::{DeliveryState, Timestamp};
use watchkeeper_store::DeliveryFilter;

use super::CLOCK_SLACK;
use super::send::Eagerness;
use super::settings::Notifying;
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
/// How long deliveries that have ended are kept.
const KEEP: Duration = Duration::from_secs(30 * 86_400);
/// How long those that were given up can be sent again.
const KEEP_GIVEN_UP: Duration = Duration::from_secs(365 * 86_400);

/// Tells people until told to stop.
pub(crate) async fn notifying(watch: Watch, stop: CancellationToken) {
    let mut sending: JoinSet<()> = JoinSet::new();
    let mut busy: BTreeMap<Id, String> = BTreeMap::new();
    let mut reminded = None;
    let mut told_by: Option<Arc<Notifying>> = None;
    while !stop.is_cancelled() {
        while let Some(ended) = sending.try_join_next_with_id() {
            let id = match ended {
                Ok((id, ())) => id,
                Err(error) => {
                    tracing::error!(error = %error, "a task that sends broke down; its lease runs out");
                    error.id()
                }
            };
            busy.remove(&id);
        }
        let now_by = watch.channels();
        if !told_by.is_some_and(|before| Arc::ptr_eq(&before, &now_by))
            && let Err(error) = watch.forget_gone_channels().await
        {
            tracing::warn!(
                error = chain(&error),
                "channels that are gone are still kept"
            );
        }
        told_by = Some(now_by);
        if let Err(error) = watch.make_notices(&mut reminded).await {
            pause_after("people could not be told", &error, &stop).await;
            continue;
        }
        for name in watch.channels().names() {
            if busy.values().any(|sent_to| *sent_to == name) {
                continue;
            }
            let task = sending.spawn(serve(watch.clone(), name.clone()));
            busy.insert(task.id(), name);
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

/// Sends to one channel what is due.
async fn serve(watch: Watch, name: String) {
    if let Err(error) = watch.deliver(&name).await {
        tracing::error!(
            channel = name,
            error = chain(&error),
            "a channel could not be served"
        );
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
        let names = self.channels().names();
        let sends = names
            .iter()
            .map(|name| self.deliver_as(name, Eagerness::Leaving));
        for sent in futures::future::join_all(sends).await {
            sent?;
        }
        Ok(())
    }

    /// Removes deliveries that ended long ago, and gives up what waits for channels that are gone.
    pub(crate) async fn prune_deliveries(&self) -> Result<(), WatchError> {
        self.pass_over_unheard().await?;
        let (now, notifying) = (self.now(), self.channels());
        let mut tx = self.store().begin().await?;
        tx.deliveries()
            .prune(now.before(KEEP), now.before(KEEP_GIVEN_UP))
            .await?;
        for (channel, state, _) in tx.deliveries().unsent().await? {
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
