//! What is shown of channels and deliveries.

use std::collections::BTreeSet;

use watchkeeper_model::{DeliveryNumber, DeliveryState};
use watchkeeper_notify::{Teller, compose};
use watchkeeper_store::{ChannelState, Delivery, DeliveryFilter, Read};

use super::place::read_notices;
use crate::WatchError;
use crate::settle;
use crate::view::{ChannelLine, DeliveryLine, NoticesView};
use crate::watch::Watch;

/// Deliveries in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 50;

impl Watch {
    /// The channels and what was sent to them, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn notices(
        &self,
        state: Option<DeliveryState>,
        limit: Option<i64>,
    ) -> Result<NoticesView, WatchError> {
        let mut read = self.store().read().await?;
        let channels = self.channel_lines(&mut read).await?;
        let filter = DeliveryFilter {
            states: state.into_iter().collect(),
            ..DeliveryFilter::default()
        };
        let limit = settle::page(limit, DEFAULT_PAGE);
        let found = read.deliveries().list(&filter, limit).await?;
        self.remember_corrupt(&found.corrupt);
        Ok(NoticesView {
            channels,
            deliveries: found.rows.iter().map(line).collect(),
        })
    }

    /// How each channel fares; then those that are not configured any more and were not sent everything.
    pub(crate) async fn channel_lines(
        &self,
        read: &mut Read,
    ) -> Result<Vec<ChannelLine>, WatchError> {
        let unsent = read.deliveries().unsent().await?;
        let count = |name: &str, wanted: DeliveryState| {
            let found = unsent
                .iter()
                .find(|(of, state, _)| of == name && *state == wanted);
            found.map_or(0, |(_, _, count)| *count)
        };
        let notifying = self.channels();
        let mut lines = Vec::new();
        for channel in &notifying.channels {
            let settings = channel.settings();
            let state = self.or_absent(read.channels().get(&settings.name).await)?;
            let state = state.unwrap_or_default();
            lines.push(ChannelLine {
                name: settings.name.clone(),
                kind: settings.kind.to_string(),
                person: settings.person.clone(),
                healthy: health(&state),
                gone: false,
                queued: count(&settings.name, DeliveryState::Queued),
                dead: count(&settings.name, DeliveryState::Dead),
                refused: state.refused.is_some(),
                failing_since: state.failing_since,
                retry_at: state.retry_at,
                sent_at: state.sent_at,
                error: state.error,
            });
        }
        let names: BTreeSet<&String> = unsent.iter().map(|(name, ..)| name).collect();
        let gone = names
            .into_iter()
            .filter(|name| notifying.channel(name).is_none());
        lines.extend(gone.map(|name| ChannelLine {
            name: name.clone(),
            gone: true,
            queued: count(name, DeliveryState::Queued),
            dead: count(name, DeliveryState::Dead),
            ..ChannelLine::default()
        }));
        Ok(lines)
    }

    /// Where these deliveries stand.
    pub(super) async fn delivery_lines(
        &self,
        numbers: &[DeliveryNumber],
    ) -> Result<Vec<DeliveryLine>, WatchError> {
        let mut read = self.store().read().await?;
        let mut lines = Vec::with_capacity(numbers.len());
        for number in numbers {
            let delivery = self.or_absent(read.deliveries().get(*number).await)?;
            lines.extend(delivery.as_ref().map(line));
        }
        Ok(lines)
    }
}

/// Whether a channel works: none where nothing was sent to it yet.
fn health(state: &ChannelState) -> Option<bool> {
    if state.failures > 0 || state.error.is_some() {
        return Some(false);
    }
    state.sent_at.map(|_| true)
}

fn line(delivery: &Delivery) -> DeliveryLine {
    let notices = read_notices(delivery).unwrap_or_default();
    let count = i64::try_from(notices.len()).unwrap_or(i64::MAX);
    let teller = Teller {
        watch: String::new(),
        id: delivery.id.clone(),
        at: delivery.made_at,
        priority: None,
        click: None,
    };
    let more = u64::try_from(delivery.more).unwrap_or(0);
    DeliveryLine {
        number: delivery.number,
        channel: delivery.channel.clone(),
        state: delivery.state,
        urgency: delivery.urgency.clone(),
        title: compose(teller, notices, more).title,
        notices: count.saturating_add(delivery.more),
        made_at: delivery.made_at,
        due_at: delivery.due_at,
        attempts: delivery.attempts,
        error: delivery.error.clone(),
        ended_at: delivery.ended_at,
        folded_into: delivery.folded_into,
    }
}
