//! Answering what a person said. The agent looks and answers; then one transaction keeps the answer, takes what it
//! proposes the one way there is, and ends the job.

use serde_json::Value;
use watchkeeper_agent::{ActionBrief, Conclusion, ConverseTask, EarlierLook, Task};
use watchkeeper_llm::Lane;
use watchkeeper_model::{
    Action, ActionState, Conversation, ConversationKind, ConversationNumber, JobRequest, Person,
    Proposer, Revision, Said, Speaker, bounded,
};
use watchkeeper_store::{KeptLook, NewSaid, Read, Tx};

use crate::actions::{Case, Edit, EditTerms, Proposed};
use crate::cycle::chain;
use crate::investigate::Investigate;
use crate::queue::{Desk, JobError};
use crate::talk::begin::about;
use crate::view::{Answer, ClaimLine, LookLine, ProposedLine, what_it_does};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// The most of a conversation that is told again: its end. The agent makes it fit.
const TOLD_AGAIN: u32 = 60;
/// Earlier looks that can be cited again.
const LOOKS_TOLD_AGAIN: u32 = 40;
/// Longest answer, in characters.
const MAX_ANSWER_CHARS: usize = 15_000;
/// Most claims, and most looks, that are listed with an answer.
const MAX_LISTED: usize = 40;
/// Longest of these, in characters.
const MAX_LISTED_CHARS: usize = 300;
/// Effects of an action that a model is told.
const EFFECTS_TOLD: usize = 8;
/// What stands for something that must not go to a lane.
const KEPT_BACK: &str = "(left out: it rests on a host whose text may not go to this lane)";

/// Something that was said and is to be answered.
struct Question {
    conversation: Conversation,
    said: Said,
    person: Person,
    action: Option<Action>,
    history: Vec<Said>,
    earlier: Vec<EarlierLook>,
}

/// What came of the proposal in an answer.
#[derive(Default)]
struct CameOf {
    action: Option<Action>,
    why_not: Option<String>,
}

impl Watch {
    /// Answers what a person said in a conversation.
    pub(crate) async fn serve_answer(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        let JobRequest::AnswerPerson { conversation, seq } = desk.job.request else {
            return Err(JobError::NotNeeded);
        };
        let question = self
            .question_of_person(conversation, seq, &desk.parts.lane)
            .await?;
        let question = question.ok_or(JobError::NotNeeded)?;
        let asked = Investigate {
            task: Task::Converse(self.converse(&question)),
            owner: owner(conversation),
            about: about(&question.conversation),
        };
        let conclusion = self.investigate(desk, asked).await?;
        self.take_answer(desk, &question, conclusion).await
    }

    async fn question_of_person(
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
        let before = read
            .conversations()
            .said(number, Some(seq), TOLD_AGAIN)
            .await?;
        self.remember_corrupt(&before.corrupt);
        let mut history = before.rows;
        let (earlier, all_may_go) = self.earlier_looks(&mut read, number, lane).await?;
        if !all_may_go {
            for said in history.iter_mut().filter(|said| said.by == Speaker::Model) {
                KEPT_BACK.clone_into(&mut said.text);
            }
        }
        let person = serde_json::from_value(said.body["person"].clone());
        Ok(Some(Question {
            person: person.unwrap_or_else(|_| conversation.person.clone()),
            conversation,
            said,
            action,
            history,
            earlier,
        }))
    }

    /// What was looked at in this conversation before, and whether all of it may go to this lane.
    async fn earlier_looks(
        &self,
        read: &mut Read,
        number: ConversationNumber,
        lane: &Lane,
    ) -> Result<(Vec<EarlierLook>, bool), JobError> {
        let kept = read
            .looked_at()
            .last(&owner(number), LOOKS_TOLD_AGAIN)
            .await?;
        self.remember_corrupt(&kept.corrupt);
        let may_go = |look: &KeptLook| {
            look.host
                .as_ref()
                .is_none_or(|host| self.may_leave([host], lane).is_ok())
        };
        let all = kept.rows.iter().all(may_go);
        let look = |look: KeptLook| EarlierLook {
            shown: if may_go(&look) {
                look.shown
            } else {
                KEPT_BACK.to_owned()
            },
            label: look.label,
            title: look.input,
        };
        Ok((kept.rows.into_iter().map(look).collect(), all))
    }

    fn converse(&self, question: &Question) -> ConverseTask {
        let conversation = &question.conversation;
        let hosts = if conversation.hosts.is_empty() {
            self.fleet().hosts()
        } else {
            conversation.hosts.clone()
        };
        ConverseTask {
            kind: conversation.kind,
            host: match hosts.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
            hosts,
            action: question.action.as_ref().map(brief),
            history: question.history.clone(),
            question: question.said.text.clone(),
            earlier: question.earlier.clone(),
            known: Vec::new(),
        }
    }

    async fn take_answer(
        &self,
        desk: &Desk<'_>,
        question: &Question,
        conclusion: Conclusion,
    ) -> Result<(), JobError> {
        let number = question.conversation.number;
        let mut tx = self.store().begin().await?;
        let came = self.came_of(&mut tx, question, &conclusion).await?;
        let approved = came
            .action
            .as_ref()
            .is_some_and(|action| matches!(action.state, ActionState::Approved { .. }));
        let stands = tx.conversations().lock(number).await?;
        let stands = stands.ok_or(JobError::NotNeeded)?;
        let answer = answer(desk, &stands, conclusion, came);
        let result = serde_json::to_value(&answer).expect("an answer is data");
        desk.complete(&mut tx, &result).await?;
        let mut body = result;
        if let Value::Object(body) = &mut body {
            body.remove("text");
        }
        let said = NewSaid {
            by: Speaker::Model,
            at: self.now(),
            text: answer.text,
            body,
        };
        tx.conversations().say(number, said).await?;
        tx.commit().await?;
        if approved {
            self.something_was_approved();
        }
        Ok(())
    }

    /// Takes what the answer proposes the one way there is.
    async fn came_of(
        &self,
        tx: &mut Tx,
        question: &Question,
        conclusion: &Conclusion,
    ) -> Result<CameOf, JobError> {
        let about = question.conversation.kind;
        if about == ConversationKind::Discuss {
            return self.revised(tx, question, conclusion).await;
        }
        let Some(mut proposal) = conclusion.proposal.clone() else {
            return Ok(CameOf::default());
        };
        let by = if about == ConversationKind::Do {
            let model = &conclusion.model;
            proposal.reason = format!("{} (put into steps by {model})", proposal.reason.trim_end());
            Proposer::Person {
                name: question.person.name.clone(),
            }
        } else {
            Proposer::Model {
                name: conclusion.model.clone(),
            }
        };
        let case = Case {
            proposal,
            by,
            finding: None,
            issue: None,
            opinion: conclusion.opinion.clone(),
            worded_by_model: true,
        };
        Ok(match self.propose(tx, case).await {
            Ok(Proposed::Created(action)) => CameOf {
                action: Some(*action),
                why_not: None,
            },
            Ok(Proposed::Unplannable(error)) => why_not(&error),
            Ok(Proposed::NotAgain(_)) => CameOf::default(),
            Err(error) => refused(error)?,
        })
    }

    /// Other steps for the action that is discussed: an edit by the person who asked for them.
    async fn revised(
        &self,
        tx: &mut Tx,
        question: &Question,
        conclusion: &Conclusion,
    ) -> Result<CameOf, JobError> {
        let (Some(revised), Some(number)) = (&conclusion.revision, question.conversation.action)
        else {
            return Ok(CameOf::default());
        };
        // What the person spoke of is the revision that stood when they spoke.
        let Some(revision) = question.said.body["revision"].as_i64() else {
            return Ok(CameOf::default());
        };
        let edit = Edit {
            revision: Revision(revision),
            steps: revised.steps.clone(),
            undo: revised.undo.clone(),
            reason: Some(format!(
                "{} (put into steps by {})",
                revised.reason.trim_end(),
                conclusion.model
            )),
        };
        let terms = EditTerms {
            verify: revised.verify.clone(),
            opinion: conclusion.opinion.clone(),
        };
        let edited = self.edit_in(tx, number, question.person.clone(), edit, terms);
        Ok(match edited.await {
            Ok(action) => CameOf {
                action: Some(action),
                why_not: None,
            },
            Err(error) => refused(error)?,
        })
    }
}

/// What the looks of a conversation are kept under.
fn owner(number: ConversationNumber) -> String {
    format!("conversation {number}")
}

/// Why nothing came of a proposal that cannot be, or the error where it is the store's or a host's.
fn refused(error: WatchError) -> Result<CameOf, JobError> {
    match error {
        WatchError::Plan(_)
        | WatchError::NoSuchAction { .. }
        | WatchError::NoSuchHost { .. }
        | WatchError::Approval(_)
        | WatchError::Transition(_)
        | WatchError::LostRace { .. }
        | WatchError::Invalid { .. } => Ok(why_not(&error)),
        error => Err(error.into()),
    }
}

fn why_not(error: &dyn std::error::Error) -> CameOf {
    CameOf {
        action: None,
        why_not: Some(settle::said(&chain(error), MAX_LISTED_CHARS)),
    }
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

fn answer(desk: &Desk<'_>, stands: &Conversation, conclusion: Conclusion, came: CameOf) -> Answer {
    let short =
        |text: &str| bounded(&settle::said(text, MAX_LISTED_CHARS), MAX_LISTED_CHARS).into_owned();
    let claims = conclusion.claims.into_iter().take(MAX_LISTED);
    let looks = conclusion.looked_at.into_iter().rev().take(MAX_LISTED);
    let mut looked_at: Vec<LookLine> = looks
        .map(|look| LookLine {
            label: look.label,
            host: look.host,
            what: short(&look.input),
            took_ms: look.took_ms,
        })
        .collect();
    looked_at.reverse();
    Answer {
        conversation: stands.number,
        seq: stands.turns + 1,
        job: desk.job.number,
        lane: desk.parts.lane.name.clone(),
        model: conclusion.model,
        outcome: conclusion.outcome.as_str().to_owned(),
        text: settle::said(&conclusion.text, MAX_ANSWER_CHARS),
        confidence: Some(conclusion.confidence),
        claims: claims
            .map(|claim| ClaimLine {
                text: short(&claim.text),
                evidence: claim.evidence.into_iter().take(MAX_LISTED).collect(),
                supported: claim.supported,
            })
            .collect(),
        looked_at,
        objections: conclusion
            .objections
            .iter()
            .take(MAX_LISTED)
            .map(|objection| short(objection))
            .collect(),
        proposed: came.action.map(|action| ProposedLine {
            action: action.number,
            revision: action.revision,
            state: action.state.as_str().to_owned(),
            what: what_it_does(&action.plan.steps),
            host: action.plan.host,
        }),
        not_proposed: came.why_not,
    }
}
