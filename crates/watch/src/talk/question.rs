//! What the agent is told when it answers a person: the question, what was said and looked at before, what is known of the
//! matter, and the action where it is about one. Nothing goes to a lane that a host's rules keep it from.

use serde_json::Value;
use watchkeeper_agent::{ActionBrief, ConverseTask, EarlierLook, Summarised};
use watchkeeper_llm::Lane;
use watchkeeper_model::{
    Action, Conversation, ConversationNumber, HostName, Person, Said, Speaker,
};
use watchkeeper_store::{Gist, KeptLook, Read};

use crate::queue::JobError;
use crate::talk::known::{Matter, Noted};
use crate::talk::owner;
use crate::watch::Watch;

/// The most of a conversation that is told again: its end. The agent makes it fit.
const TOLD_AGAIN: u32 = 60;
/// Earlier looks that can be cited again.
const LOOKS_TOLD_AGAIN: u32 = 40;
/// Effects of an action that a model is told.
const EFFECTS_TOLD: usize = 8;
/// What stands for something that must not go to a lane.
const KEPT_BACK: &str = "(left out: it rests on a host whose text may not go to this lane)";

/// Something that was said and is to be answered.
pub(super) struct Question {
    pub(super) conversation: Conversation,
    pub(super) said: Said,
    pub(super) person: Person,
    pub(super) action: Option<Action>,
    pub(super) gist: Gist,
    /// Whether everything that the talk rests on may go to the lane that answers.
    pub(super) is_whole: bool,
    pub(super) known: Vec<Noted>,
    history: Vec<Said>,
    earlier: Vec<EarlierLook>,
}

impl Watch {
    /// What is to be answered; none where it is not there any more.
    pub(super) async fn question_of_person(
        &self,
        number: ConversationNumber,
        seq: i64,
        lane: &Lane,
    ) -> Result<Option<Question>, JobError> {
        let mut read = self.store().read().await?;
        let conversation = read.conversations().get(number).await?;
        let said = read.conversations().said_at(number, seq).await?;
        let (Some(conversation), Some(said)) = (conversation, said) else {
            return Ok(None);
        };
        let action = match conversation.action {
            Some(number) => read.actions().get(number).await?,
            None => None,
        };
        // The rules may be others than when it was asked.
        let acted = action.iter().map(|action| &action.plan.host);
        self.may_leave(conversation.hosts.iter().chain(acted), lane)?;
        let gist = read.conversations().gist(number).await?.unwrap_or_default();
        let is_whole = self.may_leave(&gist.rests_on, lane).is_ok();
        let before = read
            .conversations()
            .said(number, Some(seq), TOLD_AGAIN)
            .await?;
        self.remember_corrupt(&before.corrupt);
        let earlier = self.earlier_looks(&mut read, number, lane).await?;
        drop(read);
        let labels = last_note(&before.rows);
        let history = told_again(before.rows, &gist, is_whole);
        let matter = Matter {
            conversation: &conversation,
            said: &said,
            action: action.as_ref(),
        };
        let known = self.known_of_talk(&matter, labels, lane).await?;
        let person = serde_json::from_value(said.body["person"].clone());
        Ok(Some(Question {
            person: person.unwrap_or_else(|_| conversation.person.clone()),
            conversation,
            said,
            action,
            gist,
            is_whole,
            known,
            history,
            earlier,
        }))
    }

    /// What was looked at in this conversation before.
    async fn earlier_looks(
        &self,
        read: &mut Read,
        number: ConversationNumber,
        lane: &Lane,
    ) -> Result<Vec<EarlierLook>, JobError> {
        let kept = read
            .looked_at()
            .last(&owner(number), LOOKS_TOLD_AGAIN)
            .await?;
        self.remember_corrupt(&kept.corrupt);
        let may_go = |look: &KeptLook| self.look_may_be_sent(look, lane).is_ok();
        let look = |look: KeptLook| EarlierLook {
            shown: if may_go(&look) {
                look.shown
            } else {
                KEPT_BACK.to_owned()
            },
            label: look.label,
            title: look.input,
        };
        Ok(kept.rows.into_iter().map(look).collect())
    }

    /// What the agent is asked.
    pub(super) fn converse(&self, question: &Question) -> ConverseTask {
        let conversation = &question.conversation;
        let hosts = if conversation.hosts.is_empty() {
            self.fleet().hosts()
        } else {
            conversation.hosts.clone()
        };
        let summary = question.gist.summary.as_ref();
        ConverseTask {
            kind: conversation.kind,
            host: match hosts.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
            hosts,
            action: question.action.as_ref().map(brief),
            summarised: summary
                .filter(|_| question.is_whole)
                .map(|summary| Summarised {
                    through: summary.through,
                    text: summary.text.clone(),
                }),
            history: question.history.clone(),
            question: question.said.text.clone(),
            earlier: question.earlier.clone(),
            known: question
                .known
                .iter()
                .map(|noted| noted.known.clone())
                .collect(),
        }
    }
}

impl Question {
    /// The hosts that an answer to it rests on, beside those that are looked at for it.
    pub(super) fn rests_on(&self) -> impl Iterator<Item = &HostName> {
        let acted = self.action.iter().map(|action| &action.plan.host);
        let told = self.known.iter().flat_map(|noted| &noted.rests_on);
        let named = self.conversation.hosts.iter();
        named.chain(acted).chain(told)
    }
}

/// What is told again of what was said before: what is not in the summary, and how much is left out. What a model said is
/// kept back where the talk rests on something that may not go to this lane; a summary of it, too.
fn told_again(mut history: Vec<Said>, gist: &Gist, is_whole: bool) -> Vec<Said> {
    let summed = gist.summary.as_ref().filter(|_| is_whole);
    let through = summed.map_or(0, |summary| summary.through);
    history.retain(|said| said.seq > through);
    if !is_whole {
        for said in history.iter_mut().filter(|said| said.by == Speaker::Model) {
            KEPT_BACK.clone_into(&mut said.text);
        }
    }
    let missing = history.first().map_or(0, |first| first.seq - 1 - through);
    if let Some(first) = history.first().filter(|_| missing > 0) {
        let told = Said {
            seq: first.seq - 1,
            by: Speaker::Watch,
            at: first.at,
            text: format!("({missing} earlier turns of this talk are left out here)"),
            body: Value::Null,
        };
        history.insert(0, told);
    }
    history
}

/// The greatest number of a note that earlier answers of the talk were told: a label means one note for ever.
fn last_note(history: &[Said]) -> usize {
    let told = history
        .iter()
        .filter(|said| said.by == Speaker::Model)
        .filter_map(|said| said.body["known"].as_array());
    let labels = told.flatten().filter_map(|known| known["label"].as_str());
    let numbers = labels.filter_map(|label| label.strip_prefix('K')?.parse().ok());
    numbers.max().unwrap_or(0)
}

/// The action as a model is told of it.
fn brief(action: &Action) -> ActionBrief {
    let effects = action.assessment.effects.iter().take(EFFECTS_TOLD);
    let effects: Vec<&str> = effects.map(|effect| effect.sentence.as_str()).collect();
    let seen: Vec<&str> = action
        .seen
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    ActionBrief {
        number: action.number,
        plan: action.plan.clone(),
        reason: action.reason.clone(),
        risk: format!("{}: {}", action.assessment.level, effects.join("; ")),
        state: format!(
            "{}: {}",
            action.state.as_str(),
            action.verdict.because.join("; ")
        ),
        finding: seen.join("; "),
    }
}
