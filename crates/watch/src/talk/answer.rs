//! Answering what a person said. The agent looks and answers; then one transaction keeps the answer, takes what it
//! proposes the one way there is, and ends the job. Who may not ask any more gets no answer, and who loses that while
//! it is answered gets nothing proposed.

use serde_json::Value;
use watchkeeper_agent::{Conclusion, Task};
use watchkeeper_model::{
    Action, ActionState, Conversation, ConversationKind, JobRequest, Proposer, Revision, Speaker,
    bounded,
};
use watchkeeper_policy::Operation;
use watchkeeper_store::{Gist, NewSaid, Summary, Tx};

use crate::actions::{Case, Edit, EditTerms, Proposed};
use crate::cycle::chain;
use crate::investigate::{Investigate, tells_of_several};
use crate::learn::Exchange;
use crate::queue::{Desk, JobError};
use crate::talk::begin::about;
use crate::talk::owner;
use crate::talk::question::Question;
use crate::talk::standing::NoLonger;
use crate::view::{Answer, ClaimLine, KnownLine, LookLine, ProposedLine, what_it_does};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// Longest answer, in characters.
const MAX_ANSWER_CHARS: usize = 15_000;
/// Most claims, and most looks, that are listed with an answer.
const MAX_LISTED: usize = 40;
/// Longest of these, in characters.
const MAX_LISTED_CHARS: usize = 300;

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
        self.may_still(&question.person, &question.said, Operation::Ask)
            .await
            .map_err(|no_longer| JobError::Impossible {
                why: no_longer.to_string(),
            })?;
        let asked = Investigate {
            task: Task::Converse(self.converse(&question)),
            owner: owner(conversation),
            about: about(&question.conversation),
        };
        let conclusion = self.investigate(desk, asked).await?;
        self.take_answer(desk, &question, conclusion).await
    }

    async fn take_answer(
        &self,
        desk: &Desk<'_>,
        question: &Question,
        conclusion: Conclusion,
    ) -> Result<(), JobError> {
        let number = question.conversation.number;
        let allowed = self.proposal_may_enter(question, &conclusion).await;
        let mut tx = self.store().begin().await?;
        let came = match allowed {
            Ok(()) => self.came_of(&mut tx, question, &conclusion).await?,
            Err(no_longer) => why_not(&no_longer),
        };
        let approved = came
            .action
            .as_ref()
            .is_some_and(|action| matches!(action.state, ActionState::Approved { .. }));
        let stands = tx.conversations().lock(number).await?;
        let stands = stands.ok_or(JobError::NotNeeded)?;
        let gist = self.gist_after(&mut tx, question, &conclusion).await?;
        tx.conversations().keep_gist(number, &gist).await?;
        let answer = answer(desk, &stands, question, conclusion, came);
        let result = serde_json::to_value(&answer).expect("an answer is data");
        desk.complete(&mut tx, &result).await?;
        let mut body = result;
        if let Value::Object(body) = &mut body {
            body.remove("text");
        }
        let exchange = Exchange {
            asked: &question.said.text,
            answered: &answer.text,
            model: &answer.model,
            rests_on: &gist.rests_on,
        };
        self.learn_from_talk(&mut tx, &stands, &exchange).await?;
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

    /// Whether what the answer proposes may still enter in the name of who asked. Looked up before the transaction: the
    /// system may take its time to say.
    async fn proposal_may_enter(
        &self,
        question: &Question,
        conclusion: &Conclusion,
    ) -> Result<(), NoLonger> {
        let operation = match (&conclusion.proposal, &conclusion.revision) {
            (_, Some(_)) => Operation::Approve,
            (Some(_), None) => Operation::Ask,
            (None, None) => return Ok(()),
        };
        self.may_still(&question.person, &question.said, operation)
            .await
    }

    /// What is kept for the next answer: on which hosts the talk rests now, and its older part in short. A summary that was
    /// made while something was kept back is for nobody else.
    async fn gist_after(
        &self,
        tx: &mut Tx,
        question: &Question,
        conclusion: &Conclusion,
    ) -> Result<Gist, JobError> {
        let number = question.conversation.number;
        let mut gist = tx.conversations().gist(number).await?.unwrap_or_default();
        let looked = conclusion.looked_at.iter();
        let looked = looked.filter_map(|look| look.host.as_ref());
        gist.rests_on
            .extend(question.rests_on().chain(looked).cloned());
        if (conclusion.looked_at.iter()).any(|look| tells_of_several(&look.tool)) {
            gist.rests_on.extend(self.fleet().hosts());
        }
        gist.rests_on.sort();
        gist.rests_on.dedup();
        if let Some(made) = &conclusion.summarised
            && question.is_whole
        {
            gist.summary = Some(Summary {
                through: made.through,
                text: made.text.clone(),
            });
        }
        Ok(gist)
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

fn answer(
    desk: &Desk<'_>,
    stands: &Conversation,
    question: &Question,
    conclusion: Conclusion,
    came: CameOf,
) -> Answer {
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
        known: question
            .known
            .iter()
            .map(|noted| KnownLine {
                label: noted.known.label.clone(),
                entry: noted.entry,
                title: short(&noted.known.title),
                from_where: short(&noted.known.from_where),
            })
            .collect(),
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
