//! What follows from a look: every finding that is firing is diagnosed by a runbook, or a model is asked; what they
//! propose takes the one way through `actions`. Deciding again at every look makes it a reconciler: what a crash left
//! undone is done at the next look, and what was done is not done twice.

use serde_json::json;
use watchkeeper_agent::{HostTraits as RunbookTraits, Init as RunbookInit};
use watchkeeper_fleet::HostEntry;
use watchkeeper_health::Facts;
use watchkeeper_model::{
    About, ActionState, Confidence, Diagnosis, Finding, IssueNumber, JobMember, JobRequest,
    JobState, Priority, Severity,
};
use watchkeeper_policy::MayPropose;
use watchkeeper_remedy::Init;
use watchkeeper_risk::Opinion;
use watchkeeper_store::{ActionFilter, Enqueued, JobFilter, NewJob, Tx};

use crate::actions::{Case, Proposed};
use crate::cycle::chain;
use crate::look::Seen;
use crate::queue::{MayHave, coalescing_key};
use crate::tracking::{Memory, Tracked};
use crate::traits::of_facts;
use crate::watch::{Watch, with};
use crate::{WatchError, settle};

/// Longest cause of a diagnosis that is kept, in characters.
const MAX_CAUSE_CHARS: usize = 2_000;
/// A question that was given up is asked again after this, if the trouble is still there.
const ASK_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(3_600);
/// Actions of a finding that are counted before a model is asked again.
const ACTIONS_COUNTED: u32 = 50;

impl Watch {
    /// Diagnoses what is firing and proposes what helps.
    pub(crate) async fn consider(
        &self,
        entry: &HostEntry,
        seen: &Seen,
        tracked: &[Tracked],
    ) -> Result<(), WatchError> {
        let traits = seen
            .look
            .result
            .as_ref()
            .map(runbook_traits)
            .unwrap_or_default();
        let mut first_error = None;
        for subject in tracked.iter().filter(|subject| subject.firing()) {
            let (Some(finding), Some(issue)) = (subject.seen_now(), subject.issue) else {
                continue;
            };
            if let Err(error) = self
                .consider_finding(entry, subject, finding, issue, &traits)
                .await
            {
                // One finding that cannot be gone on with holds up none of the others.
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn consider_finding(
        &self,
        entry: &HostEntry,
        subject: &Tracked,
        finding: &Finding,
        issue: IssueNumber,
        traits: &RunbookTraits,
    ) -> Result<(), WatchError> {
        let diagnosis = self.current().runbooks.diagnose(finding, traits);
        // A runbook that only explains leaves room for a model's proposal; one that proposes does not.
        let open = diagnosis
            .as_ref()
            .is_none_or(|found| found.proposal.is_none() && finding.severity > Severity::Info);
        let asks_model = open && self.has_lanes().await?;
        if diagnosis.is_none() && !asks_model {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        let Some(mut row) = tx.findings().get(subject.fingerprint).await? else {
            return Ok(());
        };
        let mut memory: Memory = serde_json::from_value(row.memory.clone()).unwrap_or_default();
        let before = memory.clone();
        let active = tx
            .issues()
            .get(issue)
            .await?
            .is_some_and(|issue| issue.state.is_active());
        if !active || self.is_in_hand(&mut tx, finding).await? {
            return Ok(());
        }
        if let Some(diagnosis) = diagnosis {
            self.take_diagnosis(&mut tx, &mut memory, finding, issue, diagnosis, None)
                .await?;
        }
        if asks_model {
            self.ask_model(&mut tx, &mut memory, entry, finding, issue, traits)
                .await?;
        }
        if memory != before {
            row.memory = serde_json::to_value(&memory).unwrap_or_default();
            tx.findings().upsert(&[row]).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether an action for this finding waits, runs or is being verified.
    async fn is_in_hand(&self, tx: &mut Tx, finding: &Finding) -> Result<bool, WatchError> {
        let filter = ActionFilter {
            states: vec!["held", "approved", "running", "verifying"],
            fingerprint: Some(finding.fingerprint()),
            ..ActionFilter::default()
        };
        let found = tx.actions().list(&filter, 1).await?;
        self.remember_corrupt(&found.corrupt);
        // One that cannot be read may be under way all the same.
        Ok(!found.rows.is_empty() || !found.corrupt.is_empty())
    }

    /// Writes a diagnosis down once for each cause, and proposes what it asks for.
    pub(crate) async fn take_diagnosis(
        &self,
        tx: &mut Tx,
        memory: &mut Memory,
        finding: &Finding,
        issue: IssueNumber,
        diagnosis: Diagnosis,
        opinion: Option<Opinion>,
    ) -> Result<(), WatchError> {
        let cause = finding.evidence_digest();
        if memory.diagnosed != Some(cause) {
            let text = settle::said(&diagnosis.cause, MAX_CAUSE_CHARS);
            let record = self.record(
                "issue.diagnosed",
                about(finding, issue),
                format!("{}: {text}", diagnosis.by),
            );
            tx.log()
                .append(with(record, "confidence", json!(diagnosis.confidence)))?;
            memory.diagnosed = Some(cause);
        }
        let Some(proposal) = diagnosis.proposal else {
            return Ok(());
        };
        if diagnosis.confidence == Confidence::InsufficientEvidence {
            return Ok(());
        }
        let case = Case {
            proposal,
            by: diagnosis.by,
            finding: Some(finding),
            issue: Some(issue),
            opinion,
            worded_by_model: false,
        };
        self.take_proposal(tx, memory, finding, issue, case).await
    }

    /// Proposes, and tells a person once for each cause where the watch will not go on by itself.
    pub(crate) async fn take_proposal(
        &self,
        tx: &mut Tx,
        memory: &mut Memory,
        finding: &Finding,
        issue: IssueNumber,
        case: Case<'_>,
    ) -> Result<(), WatchError> {
        let cause = finding.evidence_digest();
        let why = match self.propose(tx, case).await? {
            Proposed::Created(action) => {
                if matches!(action.state, ActionState::Approved { .. }) {
                    self.something_was_approved();
                }
                memory.escalated = None;
                return Ok(());
            }
            Proposed::NotAgain(answer) if answer.escalates() => escalation(answer),
            Proposed::NotAgain(_) => return Ok(()),
            Proposed::Unplannable(error) => {
                format!("what is proposed cannot be done there: {}", chain(&error))
            }
        };
        if memory.escalated != Some(cause) {
            tx.log()
                .append(self.record("issue.escalated", about(finding, issue), why))?;
            memory.escalated = Some(cause);
        }
        Ok(())
    }

    /// Has a model asked, once for each cause, and again after an action that did not help.
    async fn ask_model(
        &self,
        tx: &mut Tx,
        memory: &mut Memory,
        entry: &HostEntry,
        finding: &Finding,
        issue: IssueNumber,
        traits: &RunbookTraits,
    ) -> Result<(), WatchError> {
        let filter = ActionFilter {
            fingerprint: Some(finding.fingerprint()),
            ..ActionFilter::default()
        };
        let tried = tx
            .actions()
            .list(&filter, ACTIONS_COUNTED)
            .await?
            .rows
            .len();
        let tried = u32::try_from(tried).unwrap_or(u32::MAX);
        let asked = (finding.evidence_digest(), tried);
        let current = self.current();
        if tried >= current.settings.policy.max_attempts_per_finding {
            return Ok(());
        }
        if memory.asked == Some(asked) && !self.may_ask_again(tx, issue).await? {
            return Ok(());
        }
        let lanes = match self.lanes_for(entry) {
            MayHave::Any => None,
            MayHave::These(lanes) => Some(lanes),
            MayHave::None(why) => {
                if memory.escalated != Some(asked.0) {
                    let text = format!("no model is asked: {why}");
                    tx.log()
                        .append(self.record("issue.escalated", about(finding, issue), text))?;
                    memory.escalated = Some(asked.0);
                }
                return Ok(());
            }
        };
        // What was tried on one host is no part of another's question.
        let key = if tried == 0 {
            coalescing_key(finding, traits, lanes.as_deref())
        } else {
            None
        };
        let job = self.diagnose_job(finding, issue, lanes, key);
        let queued = match self.queue_job_in(tx, job).await {
            // The next look asks again.
            Err(WatchError::QueueFull(refused)) => {
                tracing::warn!(issue.id = %issue, error = %refused, "a model is not asked about an issue");
                return Ok(());
            }
            queued => queued?,
        };
        let number = queued.job().number;
        let text = match &queued {
            Enqueued::New(_) => {
                format!("job {number}: no runbook is for it, so a model is asked")
            }
            Enqueued::Coalesced(_) => {
                format!("job {number}: a model is asked the same already, and answers for both")
            }
        };
        tx.log()
            .append(self.record("job.queued", about(finding, issue), text))?;
        memory.asked = Some(asked);
        Ok(())
    }

    /// The question about a finding.
    fn diagnose_job(
        &self,
        finding: &Finding,
        issue: IssueNumber,
        lanes: Option<Vec<String>>,
        key: Option<String>,
    ) -> NewJob {
        let (now, host, fingerprint) = (self.now(), finding.host.clone(), finding.fingerprint());
        let priority = match finding.severity {
            Severity::Critical => Priority::CriticalFinding,
            Severity::Warning | Severity::Info => Priority::Finding,
        };
        let request = JobRequest::DiagnoseFinding {
            host: host.clone(),
            issue,
            fingerprint,
        };
        let deadline = now.after(self.current().settings.asking.deadline);
        NewJob {
            key,
            lanes,
            member: Some(JobMember {
                host,
                issue,
                fingerprint,
            }),
            ..NewJob::new(request, priority, now, deadline)
        }
    }
}

impl Watch {
    /// Whether the last question about an issue was given up so long ago that a model may be back.
    async fn may_ask_again(&self, tx: &mut Tx, issue: IssueNumber) -> Result<bool, WatchError> {
        let filter = JobFilter {
            issue: Some(issue),
            ..JobFilter::default()
        };
        let last = tx.jobs().list(&filter, 1).await?;
        Ok(last.rows.first().is_some_and(|job| match job.state {
            JobState::Failed { at, .. } => self.now().since(at) > ASK_AGAIN_AFTER,
            _ => false,
        }))
    }
}

fn about(finding: &Finding, issue: IssueNumber) -> About {
    About {
        host: Some(finding.host.clone()),
        issue: Some(issue),
        ..About::default()
    }
}

fn escalation(answer: MayPropose) -> String {
    match answer {
        MayPropose::TriedTooOften { times } => {
            format!("a person must look: the repair ran {times} times and does not last")
        }
        MayPropose::OutcomeUnknown { number } => {
            format!(
                "a person must look: what became of action {number} cannot be told, and it is never run again by itself"
            )
        }
        _ => "a person must look".to_owned(),
    }
}

/// What runbooks may ask about a host.
pub(crate) fn runbook_traits(facts: &Facts) -> RunbookTraits {
    let traits = of_facts(facts);
    RunbookTraits {
        os: Some(traits.os).filter(|os| !os.is_empty()),
        init: match traits.init {
            Init::Systemd => Some(RunbookInit::Systemd),
            Init::Openrc => Some(RunbookInit::Openrc),
            Init::Other => None,
        },
    }
}
