//! What a talk about an action is told when the action is decided about: the decision is kept with the talk that led to
//! it.

use serde_json::json;
use watchkeeper_model::{Action, ConversationKind, ConversationNumber, Person, Speaker};
use watchkeeper_store::{ConversationFilter, NewSaid, Tx};

use crate::WatchError;
use crate::watch::Watch;

impl Watch {
    /// Tells the last talk of this person about the action what they decided, in the decision's own transaction. Returns
    /// which talk that is, where there is one.
    pub(crate) async fn tell_talk(
        &self,
        tx: &mut Tx,
        action: &Action,
        person: &Person,
        text: String,
    ) -> Result<Option<ConversationNumber>, WatchError> {
        let filter = ConversationFilter {
            person: Some(person.name.clone()),
            action: Some(action.number),
            kinds: vec![ConversationKind::Discuss],
            before: None,
        };
        let found = tx.conversations().list(&filter, 1).await?;
        self.remember_corrupt(&found.corrupt);
        let Some(talk) = found.rows.first().filter(|talk| talk.person == *person) else {
            return Ok(None);
        };
        let said = NewSaid {
            by: Speaker::Watch,
            at: self.now(),
            text,
            body: json!({
                "action": action.number, "revision": action.revision, "digest": action.digest,
                "state": action.state.as_str(),
            }),
        };
        tx.conversations().say(talk.number, said).await?;
        Ok(Some(talk.number))
    }
}
