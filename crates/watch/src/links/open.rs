//! Opening a link: who shows it, whether they may, and what there is to decide. Nothing here changes anything.

use watchkeeper_model::{Action, ActionState, DeviceNumber, Digest, Person, Timestamp};
use watchkeeper_policy::MayNotApprove;
use watchkeeper_store::{Device, Link, Read};

use super::refused::LinkRefused;
use super::secret::shown;
use crate::view::ActionSheet;
use crate::watch::Watch;

/// Somebody who showed a link on a browser that is known as its person's. Whether that person has a role is to be seen to
/// before anything is shown or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub(super) link: Link,
    pub(super) device: Device,
}

impl Bearer {
    /// Who it is.
    #[must_use]
    pub const fn person(&self) -> &Person {
        &self.device.person
    }

    /// On which browser, by its number.
    #[must_use]
    pub const fn device(&self) -> DeviceNumber {
        self.device.number
    }

    /// On which browser, by what it is called.
    #[must_use]
    pub fn device_label(&self) -> &str {
        &self.device.label
    }

    /// How long the link is good.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.link.expires_at
    }
}

/// What is shown to who may decide.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The action with what was seen and done.
    pub sheet: ActionSheet,
    /// Why this person may not approve it, where that is known beforehand. They may reject it all the same.
    pub may_not: Option<MayNotApprove>,
    /// The time it was shown at.
    pub now: Timestamp,
}

impl Watch {
    /// Who shows this link: its token out of the address, and the secret of the browser, where it showed one.
    ///
    /// # Errors
    /// Refuses links that nobody made, and browsers that are not known as the person's.
    pub async fn bearer(&self, token: &str, secret: Option<&str>) -> Result<Bearer, LinkRefused> {
        let token = shown(token).ok_or(LinkRefused::NoSuchLink)?;
        let mut read = self.store().read().await?;
        let link = read.links().get(token).await?;
        let link = link.ok_or(LinkRefused::NoSuchLink)?;
        let device = self.device_in(&mut read, secret).await?;
        match device {
            Some(device) if device.person.name == link.person => Ok(Bearer { link, device }),
            other => Err(LinkRefused::NotThisBrowser {
                person: link.person,
                known_as: other.map(|device| device.person.name),
            }),
        }
    }

    /// The browser that shows this secret, where it is known.
    pub(super) async fn device_in(
        &self,
        read: &mut Read,
        secret: Option<&str>,
    ) -> Result<Option<Device>, LinkRefused> {
        let Some(secret) = secret.and_then(shown) else {
            return Ok(None);
        };
        let device = read.devices().by_secret(secret).await?;
        Ok(device.filter(|device| device.is_known(self.now())))
    }

    /// What a link leads to, while it can be decided.
    ///
    /// # Errors
    /// Refuses a link that was used or is too old, and an action that does not wait as the link has it.
    pub async fn open_link(&self, bearer: &Bearer) -> Result<Shown, LinkRefused> {
        let sheet = self.action(bearer.link.action).await?;
        self.stands(&bearer.link, &sheet.action)?;
        let may_not = self.may_not_approve(&sheet.action, bearer.person())?;
        Ok(Shown {
            sheet,
            may_not,
            now: self.now(),
        })
    }

    /// What became of the action that a link leads to.
    ///
    /// # Errors
    /// Refuses a link that was not used while the action waits for a decision.
    pub async fn after_link(&self, bearer: &Bearer) -> Result<Shown, LinkRefused> {
        let sheet = self.action(bearer.link.action).await?;
        let waits = matches!(sheet.action.state, ActionState::Held { .. });
        if waits && bearer.link.used.is_none() {
            self.stands(&bearer.link, &sheet.action)?;
            return Err(LinkRefused::NoForm);
        }
        Ok(Shown {
            sheet,
            may_not: None,
            now: self.now(),
        })
    }

    /// Whether a link can decide about an action as it stands now; the plainest reason if not.
    pub(super) fn stands(&self, link: &Link, action: &Action) -> Result<(), LinkRefused> {
        if let Some(used) = &link.used {
            return Err(LinkRefused::Used {
                action: link.action,
                at: used.at,
                decision: used.decision.clone(),
                by: used.by,
            });
        }
        let ActionState::Held { approve_by, .. } = &action.state else {
            return Err(LinkRefused::Over {
                action: Box::new(action.clone()),
            });
        };
        if (link.revision, link.digest) != (action.revision, action.digest) {
            return Err(LinkRefused::Edited {
                action: link.action,
                asked: link.revision,
                current: action.revision,
                by: action.proposer.clone(),
            });
        }
        if link.replaced {
            return Err(LinkRefused::Replaced {
                action: link.action,
                at: link.expires_at,
            });
        }
        if link.expires_at.min(*approve_by) <= self.now() {
            return Err(LinkRefused::Expired {
                action: Some(link.action),
                at: link.expires_at,
            });
        }
        Ok(())
    }

    /// The link as it is stored now: it may have been used since it was opened.
    pub(super) async fn link_now(&self, token: Digest) -> Result<Link, LinkRefused> {
        let link = self.store().read().await?.links().get(token).await?;
        link.ok_or(LinkRefused::NoSuchLink)
    }
}
