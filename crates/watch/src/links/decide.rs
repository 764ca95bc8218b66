//! Deciding on a link: the first request gets a form, the second brings it back with the decision. Form, link, decision and
//! log entry are one transaction, so of two who decide at one moment one does.

use watchkeeper_model::{DeviceNumber, Person};
use watchkeeper_store::{LinkUse, Tx};

use super::refused::LinkRefused;
use super::secret::{Secret, shown};
use super::{Bearer, FORM_LIFE, Shown};
use crate::Decision;
use crate::watch::Watch;

/// On which device something was decided, and what had led there: for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Through {
    /// The device.
    pub(crate) device: DeviceNumber,
    /// What it is called.
    pub(crate) label: String,
    /// What carried the link.
    pub(crate) channel: String,
}

impl Bearer {
    fn through(&self) -> Through {
        Through {
            device: self.device.number,
            label: self.device.label.clone(),
            channel: self.link.channel.clone(),
        }
    }
}

impl Watch {
    /// Hands out the form without which nothing is decided, in the place of one before.
    ///
    /// # Errors
    /// Refuses what [`Self::open_link`] does.
    pub async fn ask_on_link(&self, bearer: &Bearer) -> Result<(Shown, String), LinkRefused> {
        let shown = self.open_link(bearer).await?;
        let form = Secret::new(self.chance());
        let expires_at = self.now().after(FORM_LIFE);
        let mut tx = self.store().begin().await?;
        tx.links()
            .hand_form(
                bearer.link.token,
                bearer.device.number,
                form.digest,
                expires_at,
            )
            .await?;
        tx.commit().await?;
        Ok((shown, form.text))
    }

    /// Approves what a link leads to, by the use case that a command takes.
    ///
    /// # Errors
    /// Refuses what [`Self::open_link`] does, another form than was handed out last, and what the use case refuses.
    pub async fn approve_on_link(
        &self,
        bearer: &Bearer,
        person: &Person,
        form: &str,
    ) -> Result<(), LinkRefused> {
        let decided = async {
            let mut tx = self.begin_on_link(bearer, form, "approve").await?;
            let decision = Decision {
                revision: bearer.link.revision,
                digest: bearer.link.digest,
                reason: None,
            };
            let (number, through) = (bearer.link.action, bearer.through());
            self.approve_in(&mut tx, number, person.clone(), decision, Some(&through))
                .await?;
            tx.commit().await?;
            Ok(())
        };
        self.or_what_stands(bearer, decided.await).await?;
        self.something_was_approved();
        Ok(())
    }

    /// Rejects what a link leads to, by the use case that a command takes.
    ///
    /// # Errors
    /// As [`Self::approve_on_link`], and without a reason.
    pub async fn reject_on_link(
        &self,
        bearer: &Bearer,
        person: &Person,
        form: &str,
        reason: &str,
    ) -> Result<(), LinkRefused> {
        if reason.trim().is_empty() {
            return Err(LinkRefused::NoReason);
        }
        let decided = async {
            let mut tx = self.begin_on_link(bearer, form, "reject").await?;
            let (number, through) = (bearer.link.action, bearer.through());
            let (person, reason) = (person.clone(), reason.to_owned());
            self.reject_in(&mut tx, number, person, reason, Some(&through))
                .await?;
            tx.commit().await?;
            Ok(())
        };
        self.or_what_stands(bearer, decided.await).await
    }

    /// Begins a transaction in which the form is taken back and the link used up, for the revision that it leads to.
    async fn begin_on_link(
        &self,
        bearer: &Bearer,
        form: &str,
        decision: &str,
    ) -> Result<Tx, LinkRefused> {
        let form = shown(form).ok_or(LinkRefused::NoForm)?;
        let (device, now) = (bearer.device.number, self.now());
        let mut tx = self.store().begin().await?;
        // Who decides about the action at the same moment is waited for; what they did to the link is read after that.
        let action = tx.actions().lock(bearer.link.action).await?;
        let action = action.ok_or(LinkRefused::NoSuchLink)?;
        let link = tx.links().get(bearer.link.token).await?;
        let link = link.ok_or(LinkRefused::NoSuchLink)?;
        self.stands(&link, &action)?;
        tx.links()
            .take_form(link.token, device, form, now)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    LinkRefused::NoForm
                } else {
                    error.into()
                }
            })?;
        let used = LinkUse {
            at: now,
            by: device,
            decision: decision.to_owned(),
        };
        tx.links().use_up(link.token, &used).await?;
        tx.devices().has_decided(device, now).await?;
        Ok(tx)
    }

    /// Where somebody else was first, what stands now says why; without the form, too: the same tap came twice.
    async fn or_what_stands(
        &self,
        bearer: &Bearer,
        decided: Result<(), LinkRefused>,
    ) -> Result<(), LinkRefused> {
        match decided {
            Err(refused) if refused.is_a_race() || matches!(refused, LinkRefused::NoForm) => {
                let link = self.link_now(bearer.link.token).await?;
                let sheet = self.action(link.action).await?;
                self.stands(&link, &sheet.action)?;
                Err(refused)
            }
            other => other,
        }
    }
}
