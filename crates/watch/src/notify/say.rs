//! What people do with notifications: say something, try a channel, send again what was given up.

use std::time::Duration;

use serde_json::json;
use watchkeeper_model::{About, DeliveryNumber, DeliveryState, Person, Severity};
use watchkeeper_notify::{Event, Notice, Urgency};

use super::send::Eagerness;
use crate::view::DeliveryLine;
use crate::watch::{Watch, with};
use crate::{WatchError, settle};

/// How long it is waited for what somebody else sends.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

/// What a person has to say.
#[derive(Clone, Debug)]
pub struct NewWords {
    /// One line.
    pub title: String,
    /// More.
    pub text: String,
    /// From 0 to 10, as Gotify has it.
    pub priority: u8,
    /// To this channel; none: as the routes say.
    pub channel: Option<String>,
}

impl Watch {
    /// Sends what a person says, and tells how that went.
    ///
    /// # Errors
    /// When it is empty, too long or goes nowhere, when there is no such channel, or the store does not answer.
    pub async fn tell_people(
        &self,
        person: Person,
        words: NewWords,
    ) -> Result<Vec<DeliveryLine>, WatchError> {
        let notice = self.worded(&words)?;
        let notifying = self.channels();
        let channels = match words.channel {
            Some(name) => vec![self.known_channel(&name)?],
            None => notifying.routing().channels_for(&notice, &[]),
        };
        if channels.is_empty() {
            return Err(WatchError::invalid(if notifying.channels.is_empty() {
                "there is no channel: add [[notify.channels]] to the configuration"
            } else {
                "no route leads to a channel: name one with --channel"
            }));
        }
        let mut tx = self.store().begin().await?;
        let mut numbers = Vec::new();
        for channel in &channels {
            let made = self
                .put_into(
                    &mut tx,
                    &notifying,
                    channel,
                    notice.clone(),
                    Some(words.priority),
                )
                .await?;
            numbers.push(made);
        }
        let text = format!("to {}: {}", channels.join(", "), notice.title);
        let record = self.record_by(person, "notice.said", About::default(), text);
        tx.log()
            .append(with(record, "priority", json!(words.priority)))?;
        tx.commit().await?;
        self.sent_now(&channels, &numbers, Eagerness::Due).await
    }

    fn worded(&self, words: &NewWords) -> Result<Notice, WatchError> {
        let title = settle::said(&words.title, Notice::MAX_TITLE_CHARS);
        if title.is_empty() {
            return Err(WatchError::invalid("the title is empty"));
        }
        for (what, text, most) in [
            ("title", &words.title, Notice::MAX_TITLE_CHARS),
            ("text", &words.text, Notice::MAX_TEXT_CHARS),
        ] {
            if text.trim().chars().count() > most {
                let why = format!("the {what} is longer than {most} characters");
                return Err(WatchError::invalid(why));
            }
        }
        if words.priority > 10 {
            return Err(WatchError::invalid("a priority lies between 0 and 10"));
        }
        let severity = match Urgency::of_priority(words.priority) {
            Urgency::Information => Severity::Info,
            Urgency::Attention => Severity::Warning,
            Urgency::Critical => Severity::Critical,
        };
        Ok(Notice {
            event: Event::Message,
            severity,
            at: self.now(),
            host: None,
            issue: None,
            action: None,
            cause: String::new(),
            title,
            text: settle::said(&words.text, Notice::MAX_TEXT_CHARS),
            of_channel: None,
        })
    }

    fn known_channel(&self, name: &str) -> Result<String, WatchError> {
        match self.channels().channel(name) {
            Some(_) => Ok(name.to_owned()),
            None => Err(WatchError::NoSuchChannel {
                name: settle::said(name, 80),
            }),
        }
    }

    /// Sends a test to a channel, or to each, whatever its pause, and tells how that went.
    ///
    /// # Errors
    /// When there is no such channel, or none at all, or the store does not answer.
    pub async fn test_channels(
        &self,
        person: Person,
        channel: Option<String>,
    ) -> Result<Vec<DeliveryLine>, WatchError> {
        let notifying = self.channels();
        let channels = match channel {
            Some(name) => vec![self.known_channel(&name)?],
            None => notifying.names(),
        };
        if channels.is_empty() {
            let why = "there is no channel: add [[notify.channels]] to the configuration";
            return Err(WatchError::invalid(why));
        }
        let notice = Notice {
            event: Event::Test,
            severity: Severity::Info,
            at: self.now(),
            host: None,
            issue: None,
            action: None,
            cause: String::new(),
            title: format!("{}: this is a test", self.current().settings.name),
            text: format!("{} wants to know whether this arrives.", person.name),
            of_channel: None,
        };
        let mut tx = self.store().begin().await?;
        let mut numbers = Vec::new();
        for channel in &channels {
            let made = self
                .put_into(&mut tx, &notifying, channel, notice.clone(), None)
                .await?;
            numbers.push(made);
        }
        let text = format!("tests {}", channels.join(", "));
        tx.log()
            .append(self.record_by(person, "notice.tested", About::default(), text))?;
        tx.commit().await?;
        let asked = Eagerness::Asked(&numbers);
        self.sent_now(&channels, &numbers, asked).await
    }

    /// Sends again what was given up, and tells how that went.
    ///
    /// # Errors
    /// When there is no such delivery, or it was not given up, or the store does not answer.
    pub async fn retry_delivery(
        &self,
        person: Person,
        number: DeliveryNumber,
    ) -> Result<DeliveryLine, WatchError> {
        let mut tx = self.store().begin().await?;
        let delivery = tx
            .deliveries()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchDelivery { number })?;
        self.known_channel(&delivery.channel)?;
        match delivery.state {
            DeliveryState::Dead => {
                tx.deliveries().retry(number, self.now()).await?;
            }
            DeliveryState::Queued => {}
            DeliveryState::Sent | DeliveryState::Folded => {
                let why = format!(
                    "delivery {number} is {}, so it waits for nothing",
                    delivery.state
                );
                return Err(WatchError::invalid(why));
            }
        }
        let text = format!("delivery {number} to {} is tried again", delivery.channel);
        tx.log()
            .append(self.record_by(person, "delivery.retried", About::default(), text))?;
        tx.commit().await?;
        let lines = self
            .sent_now(&[delivery.channel], &[number], Eagerness::Asked(&[number]))
            .await?;
        lines
            .into_iter()
            .next()
            .ok_or(WatchError::NoSuchDelivery { number })
    }

    /// Sends at once, or waits a little for who is sending; tells where the deliveries stand then.
    async fn sent_now(
        &self,
        channels: &[String],
        numbers: &[DeliveryNumber],
        eagerness: Eagerness<'_>,
    ) -> Result<Vec<DeliveryLine>, WatchError> {
        let begun = tokio::time::Instant::now();
        loop {
            let sends = channels.iter().map(|name| self.deliver_as(name, eagerness));
            for sent in futures::future::join_all(sends).await {
                sent?;
            }
            let mut lines = self.delivery_lines(numbers).await?;
            // What another one has begun to send is undecided, too.
            let undecided = lines
                .iter()
                .any(|line| line.state == DeliveryState::Queued && line.error.is_none());
            let waits = self.somebody_sends(channels).await?;
            if !undecided || !waits || begun.elapsed() >= PATIENCE {
                self.say_why_they_wait(&mut lines).await?;
                return Ok(lines);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What was not tried because its channel fails says so.
    async fn say_why_they_wait(&self, lines: &mut [DeliveryLine]) -> Result<(), WatchError> {
        let mut read = self.store().read().await?;
        for line in lines {
            if line.state == DeliveryState::Queued && line.error.is_none() {
                let state = self.or_absent(read.channels().get(&line.channel).await)?;
                line.error = state
                    .filter(|state| state.failures > 0)
                    .and_then(|state| state.error);
            }
        }
        Ok(())
    }

    /// Whether another one has one of these channels now.
    async fn somebody_sends(&self, channels: &[String]) -> Result<bool, WatchError> {
        let mut read = self.store().read().await?;
        let now = self.now();
        for name in channels {
            let state = self.or_absent(read.channels().get(name).await)?;
            let until = state.and_then(|state| state.leased_until);
            if until.is_some_and(|until| until > now) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
