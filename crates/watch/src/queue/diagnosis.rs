//! A diagnosis in one question: the finding and its evidence go to the model, and what it answers is a diagnosis and
//! maybe a proposal, which takes the one way through `actions`.

use serde_json::json;
use watchkeeper_agent::{
    Attempt, Boundary, DiagnoseFinding, HostTraits, ModelReply, Prompt, PromptError, Prompts,
    SystemContext, parse_reply, reply_schema,
};
use watchkeeper_health::Facts;
use watchkeeper_llm::Message;
use watchkeeper_model::{
    Action, ActionState, Finding, Fingerprint, HostName, IssueNumber, JobRequest, Step,
};
use watchkeeper_store::ActionFilter;

use crate::WatchError;
use crate::diagnose::runbook_traits;
use crate::queue::{Desk, JobError};
use crate::tracking::Memory;
use crate::watch::Watch;

/// Earlier attempts that a model is told of.
const ATTEMPTS_TOLD: u32 = 5;

/// A question that still makes sense.
struct Question {
    finding: Finding,
    issue: IssueNumber,
    traits: HostTraits,
    attempts: Vec<Attempt>,
}

impl Watch {
    /// Has a model find the cause of a finding.
    pub(crate) async fn serve_diagnosis(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        let JobRequest::DiagnoseFinding {
            host,
            issue,
            fingerprint,
        } = &desk.job.request
        else {
            return Err(JobError::NotNeeded);
        };
        let Some(question) = self.question(host, *issue, *fingerprint).await? else {
            return Err(JobError::NotNeeded);
        };
        let prompt = self.prompt(&question)?;
        let mut request = desk.parts.lane.request(vec![
            Message::system(prompt.system),
            Message::user(prompt.user),
        ]);
        request.schema = Some(reply_schema());
        let reply = desk.ask(&request).await?;
        let reply = parse_reply(&reply.text, &question.finding, &request.model)?;
        self.take_reply(desk, &question, reply).await
    }

    async fn question(
        &self,
        host: &HostName,
        issue: IssueNumber,
        fingerprint: Fingerprint,
    ) -> Result<Option<Question>, WatchError> {
        let mut read = self.store().read().await?;
        let active = read
            .issues()
            .get(issue)
            .await?
            .is_some_and(|issue| issue.state.is_active());
        let finding = read
            .findings()
            .get(fingerprint)
            .await?
            .filter(|row| row.firing)
            .and_then(|row| row.finding);
        let (Some(finding), true) = (finding, active) else {
            return Ok(None);
        };
        let facts = read.observations().latest(host).await?;
        let facts = facts.and_then(|seen| serde_json::from_value::<Facts>(seen.body).ok());
        let filter = ActionFilter {
            fingerprint: Some(fingerprint),
            ..ActionFilter::default()
        };
        let actions = read.actions().list(&filter, ATTEMPTS_TOLD).await?;
        let attempts = actions.rows.iter().rev().map(attempt).collect();
        let traits = facts.as_ref().map(runbook_traits).unwrap_or_default();
        Ok(Some(Question {
            finding,
            issue,
            traits,
            attempts,
        }))
    }

    fn prompt(&self, question: &Question) -> Result<Prompt, PromptError> {
        let system = SystemContext {
            name: self.current().settings.name.clone(),
        };
        let boundary = Boundary::from_random(self.chance().bytes());
        let asked = DiagnoseFinding::new(
            &question.finding,
            &question.traits,
            &question.attempts,
            boundary,
        );
        Prompts::shipped().diagnose_finding(&system, &asked)
    }

    async fn take_reply(
        &self,
        desk: &Desk<'_>,
        question: &Question,
        reply: ModelReply,
    ) -> Result<(), JobError> {
        let mut tx = self.store().begin().await?;
        let result = json!({
            "model": desk.parts.lane.model, "diagnosis": reply.diagnosis, "evidence": reply.evidence,
        });
        desk.complete(&mut tx, &result).await?;
        let (finding, issue) = (&question.finding, question.issue);
        let row = tx.findings().get(finding.fingerprint()).await?;
        if let Some(mut row) = row.filter(|row| row.firing) {
            let mut memory: Memory = serde_json::from_value(row.memory).unwrap_or_default();
            self.take_diagnosis(
                &mut tx,
                &mut memory,
                finding,
                issue,
                reply.diagnosis,
                reply.opinion,
            )
            .await?;
            row.memory = serde_json::to_value(&memory).unwrap_or_default();
            tx.findings().upsert(&[row]).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn attempt(action: &Action) -> Attempt {
    let steps: Vec<Step> = action
        .plan
        .steps
        .iter()
        .map(|planned| planned.step.clone())
        .collect();
    let outcome = match &action.state {
        ActionState::Rejected { reason, .. } => format!("rejected: {reason}"),
        state => state.as_str().to_owned(),
    };
    Attempt::new(action.number, &steps, &outcome)
}
