//! Browsers that are known as a person's: asked for at a terminal, made known in the browser itself, removed again.

use serde_json::json;
use watchkeeper_model::{About, DeviceNumber, Digest, Person, Timestamp, bounded, visible};
use watchkeeper_store::{Device, Enrolment, NewDevice};

use super::make::no_pages;
use super::refused::LinkRefused;
use super::secret::{Secret, shown};
use crate::WatchError;
use crate::view::{DeviceLine, EnrolmentAsked, EnrolmentMade};
use crate::watch::{Watch, with};

/// How long what makes a browser known is good.
const ENROLMENT_LIFE: std::time::Duration = std::time::Duration::from_secs(10 * 60);
/// Browsers of one person.
const MAX_DEVICES: i64 = 20;
/// Browsers that are listed.
const MAX_LISTED: u32 = 1_000;
/// Longest name of a browser, in characters.
const MAX_LABEL_CHARS: usize = 60;

fn label(text: &str) -> String {
    bounded(&visible(text.trim()), MAX_LABEL_CHARS).into_owned()
}

fn line(device: &Device) -> DeviceLine {
    DeviceLine {
        number: device.number,
        person: device.person.name.clone(),
        label: device.label.clone(),
        added_at: device.added_at,
        expires_at: device.expires_at,
        decided_at: device.decided_at,
    }
}

impl Watch {
    /// The browsers that are known now, by person.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn devices(&self) -> Result<Vec<DeviceLine>, WatchError> {
        let mut read = self.store().read().await?;
        let found = read.devices().known(self.now(), MAX_LISTED).await?;
        self.remember_corrupt(&found.corrupt);
        Ok(found.rows.iter().map(line).collect())
    }

    /// The browser that shows this secret, where it is known.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn device_of(&self, secret: &str) -> Result<Option<DeviceLine>, LinkRefused> {
        let mut read = self.store().read().await?;
        let device = self.device_in(&mut read, Some(secret)).await?;
        Ok(device.as_ref().map(line))
    }

    /// Asks for a browser to be made known as a person's. Who opens the address that is returned becomes that person
    /// there, so it is for their eyes only.
    ///
    /// # Errors
    /// When no pages are served, they have enough browsers, or the store does not answer.
    pub async fn ask_for_device(
        &self,
        person: Person,
        called: Option<&str>,
        asked_by: Person,
    ) -> Result<EnrolmentMade, WatchError> {
        let public_url = self.web().public_url.ok_or_else(no_pages)?;
        let secret = Secret::new(self.chance());
        let expires_at = self
            .keep_enrolment(&person, called, asked_by, secret.digest)
            .await?;
        Ok(EnrolmentMade {
            url: Some(format!("{public_url}/d/{}", secret.text)),
            person: person.name,
            expires_at,
            sent: None,
        })
    }

    /// Keeps that a browser may be made known as a person's. Says until when.
    pub(super) async fn keep_enrolment(
        &self,
        person: &Person,
        called: Option<&str>,
        asked_by: Person,
        secret: Digest,
    ) -> Result<Timestamp, WatchError> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        if tx.devices().count(&person.name, now).await? >= MAX_DEVICES {
            return Err(WatchError::invalid(format!(
                "{} has {MAX_DEVICES} browsers already: remove one first",
                person.name
            )));
        }
        let enrolment = Enrolment {
            person: person.clone(),
            label: called.map(label).filter(|label| !label.is_empty()),
            asked_by: asked_by.name.clone(),
            asked_at: now,
            expires_at: now.after(ENROLMENT_LIFE),
            used_at: None,
        };
        tx.devices().ask(secret, &enrolment).await?;
        let text = format!("a browser may be made known as {}'s", person.name);
        let record = self.record_by(asked_by, "device.asked", About::default(), text);
        tx.log()
            .append(with(record, "person", json!(person.name)))?;
        tx.commit().await?;
        Ok(enrolment.expires_at)
    }

    /// What a token would make known, and as whom the browser is known that shows this secret.
    ///
    /// # Errors
    /// Refuses what nobody asked for, what was used, and what is too old.
    pub async fn enrolment(
        &self,
        token: &str,
        secret: Option<&str>,
    ) -> Result<EnrolmentAsked, LinkRefused> {
        let token = shown(token).ok_or(LinkRefused::NoSuchLink)?;
        let mut read = self.store().read().await?;
        let enrolment = read.devices().enrolment(token).await?;
        let enrolment = enrolment.ok_or(LinkRefused::NoSuchLink)?;
        self.is_good(&enrolment)?;
        let device = self.device_in(&mut read, secret).await?;
        Ok(EnrolmentAsked {
            person: enrolment.person,
            asked_by: enrolment.asked_by,
            asked_at: enrolment.asked_at,
            expires_at: enrolment.expires_at,
            known_as: device.map(|device| device.person.name),
        })
    }

    /// Makes the browser known that shows this token. Returns the secret that it is to show from now on, and how long. A
    /// browser is one person's: the secret that it showed before is good for nothing any more.
    ///
    /// # Errors
    /// As [`Self::enrolment`]; of two who use it at one moment one does.
    pub async fn add_device(
        &self,
        token: &str,
        shown_before: Option<&str>,
        calls_itself: &str,
    ) -> Result<(DeviceLine, String), LinkRefused> {
        let token = shown(token).ok_or(LinkRefused::NoSuchLink)?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let enrolment = tx.devices().enrolment(token).await?;
        let enrolment = enrolment.ok_or(LinkRefused::NoSuchLink)?;
        self.is_good(&enrolment)?;
        tx.devices()
            .use_enrolment(token, now)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    LinkRefused::NoSuchLink
                } else {
                    error.into()
                }
            })?;
        let before = match shown_before.and_then(shown) {
            Some(secret) => tx.devices().by_secret(secret).await?,
            None => None,
        };
        let before = before.filter(|device| device.is_known(now));
        if let Some(device) = &before {
            tx.devices().remove(device.number, now).await?;
        }
        let person = enrolment.person;
        if tx.devices().count(&person.name, now).await? >= MAX_DEVICES {
            let (person, limit) = (person.name, MAX_DEVICES);
            return Err(LinkRefused::TooManyDevices { person, limit });
        }
        let secret = Secret::new(self.chance());
        let device = tx
            .devices()
            .add(NewDevice {
                person: person.clone(),
                label: enrolment.label.unwrap_or_else(|| label(calls_itself)),
                secret: secret.digest,
                added_at: now,
                expires_at: now.after(self.web().device_life),
            })
            .await?;
        let text = format!("device {}: {}", device.number, device.label);
        let record = self.record_by(person, "device.added", About::default(), text);
        let mut record = with(record, "asked_by", json!(enrolment.asked_by));
        if let Some(before) = before {
            record = with(record, "in_place_of", json!(before.number));
        }
        tx.log()
            .append(with(record, "device", json!(device.number)))?;
        tx.commit().await?;
        Ok((line(&device), secret.text))
    }

    /// Has a browser known no longer.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn remove_device(
        &self,
        number: DeviceNumber,
        by: Person,
    ) -> Result<DeviceLine, WatchError> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let device = tx.devices().get(number).await?;
        let device = device
            .filter(|device| device.is_known(now))
            .ok_or(WatchError::NoSuchDevice { number })?;
        tx.devices().remove(number, now).await?;
        let text = format!(
            "device {number} of {}: {}",
            device.person.name, device.label
        );
        let record = self.record_by(by, "device.removed", About::default(), text);
        tx.log().append(with(record, "device", json!(number)))?;
        tx.commit().await?;
        Ok(line(&device))
    }

    fn is_good(&self, enrolment: &Enrolment) -> Result<(), LinkRefused> {
        let at: Timestamp = enrolment.expires_at;
        if enrolment.used_at.is_some() || at <= self.now() {
            return Err(LinkRefused::Expired { action: None, at });
        }
        Ok(())
    }
}
