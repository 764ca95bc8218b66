//! Sending what makes a browser known to the channels of the person whose it will be. A message is read by more than that
//! person: servers, previews, whoever holds an old phone. So the address that is sent is half of a secret; the other half
//! stands at the terminal that asked, and is typed. Nothing of this waits in the store: it is sent now, or not at all.

use std::sync::Arc;

use watchkeeper_model::{Person, Severity, visible};
use watchkeeper_notify::{Channel, Event, Message, Notice, Teller, compose};

use super::make::no_pages;
use super::secret::InTwo;
use crate::WatchError;
use crate::cycle::chain;
use crate::view::{EnrolmentMade, EnrolmentSent};
use crate::watch::Watch;

impl Watch {
    /// Asks for a browser to be made known as a person's, and sends the address to that person's channels. What is
    /// returned is typed into the page that opens there.
    ///
    /// # Errors
    /// When no pages are served, they have enough browsers or no channel, no channel takes the message, or the store does
    /// not answer.
    pub async fn send_enrolment(
        &self,
        person: Person,
        called: Option<&str>,
        asked_by: Person,
    ) -> Result<EnrolmentMade, WatchError> {
        let public_url = self.web().public_url.ok_or_else(no_pages)?;
        let channels = self.channels_of_person(&person.name)?;
        let secret = InTwo::new(self.chance());
        let expires_at = self
            .keep_enrolment(&person, called, asked_by, secret.whole.digest)
            .await?;
        let click = format!("{public_url}/d/{}", secret.sent);
        let message = self.enrolment_message(&person, click);
        let (mut to, mut not_to) = (Vec::new(), Vec::new());
        for channel in &channels {
            let name = &channel.settings().name;
            match channel.send(&message, self.now()).await {
                Ok(()) => to.push(name.clone()),
                Err(error) => not_to.push(format!("{name}: {}", chain(&error))),
            }
        }
        if to.is_empty() {
            return Err(WatchError::invalid(format!(
                "it was not sent: {}",
                not_to.join("; ")
            )));
        }
        Ok(EnrolmentMade {
            url: None,
            person: person.name,
            expires_at,
            sent: Some(EnrolmentSent {
                to,
                not_to,
                code: secret.code,
            }),
        })
    }

    fn channels_of_person(&self, person: &str) -> Result<Vec<Arc<dyn Channel>>, WatchError> {
        let all = self.channels();
        let theirs = all.channels.iter().filter(|channel| {
            let whose = channel.settings().person.as_deref();
            whose == Some(person)
        });
        let theirs: Vec<_> = theirs.cloned().collect();
        if theirs.is_empty() {
            return Err(WatchError::invalid(format!(
                "no channel is {0}'s: say person = \"{0}\" at one of notify.channels",
                visible(person)
            )));
        }
        Ok(theirs)
    }

    fn enrolment_message(&self, person: &Person, click: String) -> Message {
        let now = self.now();
        let watch = self.current().settings.name.clone();
        let notice = Notice {
            event: Event::Message,
            severity: Severity::Warning,
            at: now,
            host: None,
            issue: None,
            action: None,
            cause: String::new(),
            title: format!("{watch}: make this browser yours, {}?", visible(&person.name)),
            text: "Open this message on the phone that is to decide about repairs, and type the code that the terminal shows. \
                   It is good once, for ten minutes. If nobody asked for it, do nothing: nothing happens."
                .to_owned(),
            of_channel: None,
        };
        let teller = Teller {
            watch,
            id: self.chance().nonce(),
            at: now,
            priority: None,
            click: Some(click),
        };
        compose(teller, vec![notice], 0)
    }
}
