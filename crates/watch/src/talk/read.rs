//! Talks as people find them again. A talk is its person's own, but for one about an action, which everybody reads who
//! may look at the action.

use watchkeeper_model::{
    ActionNumber, Conversation, ConversationKind, ConversationNumber, JobNumber, JobRequest,
    Person, visible,
};
use watchkeeper_store::ConversationFilter;

use crate::talk::{TalkRefused, is_theirs};
use crate::view::{ConversationSheet, TalkedAbout};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// Conversations in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 50;
/// The most of a conversation that is shown: its end.
const SAID_SHOWN: u32 = 400;
/// Talks named on the sheet of an action.
const TALKS_SHOWN: u32 = 20;

/// Which talks are asked for.
#[derive(Clone, Debug, Default)]
pub struct TalkQuery {
    /// About this action, whoever's they are.
    pub action: Option<ActionNumber>,
    /// For this.
    pub kind: Option<ConversationKind>,
    /// At most so many.
    pub limit: Option<i64>,
}

impl Watch {
    /// One talk with what was said in it.
    ///
    /// # Errors
    /// When there is none of this number, or it is another's own; when the store does not answer.
    pub async fn conversation(
        &self,
        number: ConversationNumber,
        person: &Person,
    ) -> Result<ConversationSheet, WatchError> {
        let mut read = self.store().read().await?;
        let conversation = read.conversations().get(number).await?;
        let conversation = conversation.ok_or(TalkRefused::NoSuchConversation { number })?;
        readable(&conversation, person)?;
        let said = read.conversations().said(number, None, SAID_SHOWN).await?;
        self.remember_corrupt(&said.corrupt);
        Ok(ConversationSheet {
            conversation,
            said: said.rows,
        })
    }

    /// Talks, the newest first: those about an action, or a person's own.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn conversations(
        &self,
        person: &Person,
        query: &TalkQuery,
    ) -> Result<Vec<Conversation>, WatchError> {
        let filter = ConversationFilter {
            person: query.action.is_none().then(|| person.name.clone()),
            action: query.action,
            kinds: query.kind.into_iter().collect(),
            before: None,
        };
        let limit = settle::page(query.limit, DEFAULT_PAGE);
        let mut read = self.store().read().await?;
        let mut found = read.conversations().list(&filter, limit).await?;
        self.remember_corrupt(&found.corrupt);
        // An account may have the name of one that was there before it.
        let own = |talk: &Conversation| query.action.is_some() || talk.person == *person;
        found.rows.retain(own);
        Ok(found.rows)
    }

    /// Whether this person may read what a job says and returned: the answer in a talk is its person's own, as the talk is.
    ///
    /// # Errors
    /// Says whose it is; when there is no such job, or the store does not answer.
    pub async fn may_hear(&self, number: JobNumber, person: &Person) -> Result<(), WatchError> {
        let mut read = self.store().read().await?;
        let job = read.jobs().get(number).await?;
        let job = job.ok_or(WatchError::NoSuchJob { number })?;
        let JobRequest::AnswerPerson { conversation, .. } = job.request else {
            return Ok(());
        };
        let talk = read.conversations().get(conversation).await?;
        match talk {
            Some(talk) => readable(&talk, person),
            // It was removed, and what was said in it with it.
            None if person.uid == 0 => Ok(()),
            None => Err(TalkRefused::NoSuchConversation {
                number: conversation,
            }
            .into()),
        }
    }

    /// The talks about an action, the oldest first, for its sheet.
    pub(crate) async fn talks_about(
        &self,
        read: &mut watchkeeper_store::Read,
        action: ActionNumber,
    ) -> Result<Vec<TalkedAbout>, WatchError> {
        let filter = ConversationFilter {
            action: Some(action),
            ..ConversationFilter::default()
        };
        let found = read.conversations().list(&filter, TALKS_SHOWN).await?;
        self.remember_corrupt(&found.corrupt);
        let talk = |one: Conversation| TalkedAbout {
            number: one.number,
            person: one.person.name,
            turns: one.turns,
        };
        Ok(found.rows.into_iter().rev().map(talk).collect())
    }
}

/// Whether a person may read a talk.
fn readable(talk: &Conversation, person: &Person) -> Result<(), WatchError> {
    if talk.action.is_some() || is_theirs(talk, person) {
        return Ok(());
    }
    let (number, person) = (talk.number, visible(&talk.person.name).into_owned());
    Err(TalkRefused::OfAnother { number, person }.into())
}
