//! Making links: for a message to somebody's channel, or for who asks for one at a terminal.

use watchkeeper_model::{Action, ActionNumber, ActionState, Person};
use watchkeeper_store::{Link, Tx};

use super::secret::Secret;
use crate::WatchError;
use crate::view::LinkMade;
use crate::watch::Watch;

/// What carried a link that a person asked for at a terminal.
const AT_A_TERMINAL: &str = "terminal";

impl Watch {
    /// Makes a link on which one person, named by their account, may decide about an action as it stands, for a message
    /// to one of their channels. None where no pages are served, or nothing waits for a decision.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn link_for(
        &self,
        tx: &mut Tx,
        action: &Action,
        person: &str,
        channel: &str,
    ) -> Result<Option<String>, WatchError> {
        let made = self.make_link(tx, action, person, channel).await?;
        Ok(made.map(|made| made.url))
    }

    /// Makes a link for the person who asks, about an action that waits.
    ///
    /// # Errors
    /// When there is no such action, it does not wait, no pages are served, or the store does not answer.
    pub async fn own_link(
        &self,
        number: ActionNumber,
        person: &Person,
    ) -> Result<LinkMade, WatchError> {
        if self.web().public_url.is_none() {
            return Err(no_pages());
        }
        let mut tx = self.store().begin().await?;
        // Two who ask at one moment get two links, and the second ends the first.
        let action = tx
            .actions()
            .lock(number)
            .await?
            .ok_or(WatchError::NoSuchAction { number })?;
        let made = self
            .make_link(&mut tx, &action, &person.name, AT_A_TERMINAL)
            .await?
            .ok_or_else(|| {
                let state = action.state.as_str();
                WatchError::invalid(format!(
                    "action {number} is {state}: nothing is to be decided"
                ))
            })?;
        tx.commit().await?;
        Ok(made)
    }

    async fn make_link(
        &self,
        tx: &mut Tx,
        action: &Action,
        person: &str,
        channel: &str,
    ) -> Result<Option<LinkMade>, WatchError> {
        let web = self.web();
        let (Some(public_url), ActionState::Held { approve_by, .. }) =
            (web.public_url, &action.state)
        else {
            return Ok(None);
        };
        let now = self.now();
        let expires_at = now.after(web.link_life).min(*approve_by);
        if expires_at <= now {
            return Ok(None);
        }
        let secret = Secret::new(self.chance());
        let link = Link {
            token: secret.digest,
            action: action.number,
            revision: action.revision,
            digest: action.digest,
            person: person.to_owned(),
            channel: channel.to_owned(),
            made_at: now,
            expires_at,
            replaced: false,
            used: None,
        };
        tx.links().make(&link).await?;
        Ok(Some(LinkMade {
            url: format!("{public_url}/a/{}", secret.text),
            action: action.number,
            revision: action.revision,
            person: person.to_owned(),
            expires_at,
        }))
    }
}

/// Why there are no links.
pub(super) fn no_pages() -> WatchError {
    WatchError::invalid(
        "no pages are served: set web.listen and web.public_url in the configuration",
    )
}
