//! How a talk begins.

use serde_json::json;
use watchkeeper_model::{
    About, Action, ActionNumber, ActionState, Conversation, ConversationKind, HostName, Person,
};
use watchkeeper_store::{NewConversation, Tx};

use crate::WatchError;
use crate::queue::FRESH;
use crate::talk::TalkRefused;
use crate::view::what_it_does;
use crate::watch::{Watch, with};

/// A talk that is to begin.
#[derive(Clone, Debug)]
pub struct NewTalk {
    /// What it is for.
    pub kind: ConversationKind,
    /// The hosts it is about; none: all of them.
    pub hosts: Vec<HostName>,
    /// The action it is about: a discussion has one, and nothing else has.
    pub action: Option<ActionNumber>,
    /// The lane that is to answer; none: any.
    pub lane: Option<String>,
}

impl Watch {
    /// Begins a talk. Nothing was said in it yet.
    ///
    /// # Errors
    /// Refuses hosts and lanes that there are not, an action that is over, and a discussion of nothing.
    pub async fn begin_conversation(
        &self,
        person: Person,
        new: NewTalk,
    ) -> Result<Conversation, WatchError> {
        self.known_hosts(&new.hosts)?;
        let mut tx = self.store().begin().await?;
        self.somebody_answers(&mut tx, new.lane.as_deref()).await?;
        let action = match (new.kind, new.action) {
            (ConversationKind::Discuss, Some(number)) => {
                let action = tx.actions().get(number).await?;
                Some(open(action.ok_or(WatchError::NoSuchAction { number })?)?)
            }
            (ConversationKind::Discuss, None) => return Err(TalkRefused::NoAction.into()),
            _ => None,
        };
        let title = action.as_ref().map_or_else(String::new, |action| {
            let what = what_it_does(&action.plan.steps);
            format!("action {}: {what} on {}", action.number, action.plan.host)
        });
        let hosts = match &action {
            Some(action) => vec![action.plan.host.clone()],
            None => new.hosts,
        };
        let conversation = NewConversation {
            kind: new.kind,
            title,
            person: person.clone(),
            action: action.as_ref().map(|action| action.number),
            hosts,
            lane: new.lane,
            at: self.now(),
        };
        let begun = tx.conversations().begin(conversation).await?;
        let text = format!("conversation {}: {}", begun.number, begun.kind.as_str());
        let record = self.record_by(person, "conversation.began", about(&begun), text);
        tx.log()
            .append(with(record, "conversation", json!(begun.number)))?;
        tx.commit().await?;
        Ok(begun)
    }

    /// Refuses where nobody could ever answer: no lane here, none heard of, or not the one that is wanted.
    pub(super) async fn somebody_answers(
        &self,
        tx: &mut Tx,
        lane: Option<&str>,
    ) -> Result<(), WatchError> {
        let mut known: Vec<String> = {
            let current = self.current();
            let own = current.lanes.iter();
            own.filter(|parts| parts.lane.answers())
                .map(|parts| parts.lane.name.clone())
                .collect()
        };
        let since = self.now().before(FRESH);
        let told = tx.lanes().seen_since(since).await?;
        self.remember_corrupt(&told.corrupt);
        // Where this process is alone, what another command told of has ended with it.
        let told = told.rows.into_iter().filter(|_| !self.is_alone());
        known.extend(told.map(|lane| lane.name));
        known.sort();
        known.dedup();
        match lane {
            _ if known.is_empty() => Err(TalkRefused::NoModel.into()),
            Some(lane) if !known.iter().any(|name| name == lane) => Err(TalkRefused::NoSuchLane {
                lane: watchkeeper_model::visible(lane).into_owned(),
                known: known.join(", "),
            }
            .into()),
            _ => Ok(()),
        }
    }
}

/// An action that may still be decided about.
pub(super) fn open(action: Action) -> Result<Action, TalkRefused> {
    match action.state {
        ActionState::Held { .. } | ActionState::Approved { .. } => Ok(action),
        ref state => Err(TalkRefused::Decided {
            number: action.number,
            state: state.as_str(),
        }),
    }
}

/// What an entry of the log about a conversation is about.
pub(super) fn about(conversation: &Conversation) -> About {
    About {
        host: match conversation.hosts.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        action: conversation.action,
        ..About::default()
    }
}
