//! One diagnosis for one finding, or for all that are alike on several hosts: the first that still stands is looked into,
//! and what was concluded is written into the story of each. Everything that follows stands in one transaction with the
//! end of the job. What is proposed goes the one way through `actions`, for each host by itself; a script was thought out
//! on one host and is proposed there only.

use serde_json::json;
use watchkeeper_agent::{Attempt, Conclusion, DiagnoseTask, Outcome, Task};
use watchkeeper_health::Facts;
use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{
    About, Action, ActionState, Confidence, Finding, HostName, IssueNumber, JobMember, JobRequest,
    Proposal, Proposer, Step, Verification,
};
use watchkeeper_store::{ActionFilter, Tx};

use super::drive::Investigate;
use crate::actions::Case;
use crate::diagnose::runbook_traits;
use crate::queue::{Desk, JobError};
use crate::tracking::Memory;
use crate::view::{AsOn, DiagnosisView};
use crate::watch::{Watch, with};
use crate::{WatchError, settle};

/// Earlier attempts that a model is told of.
const ATTEMPTS_TOLD: u32 = 5;
/// Hosts that may be looked at for comparison.
const MAX_PEERS: usize = 20;
/// Longest cause that is kept, in characters.
const MAX_CAUSE_CHARS: usize = 2_000;

/// A finding that still stands, and its trouble.
struct Standing {
    finding: Finding,
    issue: IssueNumber,
}

/// The one that is looked into, and the others that are alike.
struct Question {
    lead: Standing,
    others: Vec<Standing>,
}

impl Watch {
    /// Finds the cause of a finding, and of those that are alike on other hosts.
    pub(crate) async fn serve_diagnosis(&self, desk: &Desk<'_>) -> Result<(), JobError> {
        let question = self.question(desk).await?;
        let owner = format!("job {}", desk.job.number);
        let task = self.diagnose_task(&question.lead, desk).await?;
        let asked = Investigate {
            task: Task::Diagnose(task),
            owner,
            about: about(&question.lead.finding, question.lead.issue),
        };
        let conclusion = self.investigate(desk, asked).await?;
        self.record_conclusion(desk, &question, conclusion).await
    }

    /// The findings of a job that still stand; the first whose host may be told of to this lane is looked into.
    async fn question(&self, desk: &Desk<'_>) -> Result<Question, JobError> {
        let mut standing = Vec::new();
        for member in self.members(desk).await? {
            standing.extend(self.standing(&member).await?);
        }
        if standing.is_empty() {
            return Err(JobError::NotNeeded);
        }
        let mut refused = None;
        let lead = standing.iter().position(|one: &Standing| {
            let may = self.may_leave([&one.finding.host], &desk.parts.lane);
            let is_allowed = may.is_ok();
            if let Err(why) = may {
                refused.get_or_insert(why);
            }
            is_allowed
        });
        let Some(lead) = lead else {
            return Err(refused.map_or(JobError::NotNeeded, JobError::Egress));
        };
        let lead = standing.remove(lead);
        Ok(Question {
            lead,
            others: standing,
        })
    }

    async fn members(&self, desk: &Desk<'_>) -> Result<Vec<JobMember>, JobError> {
        let listed = self
            .store()
            .read()
            .await?
            .jobs()
            .members(desk.job.number)
            .await?;
        self.remember_corrupt(&listed.corrupt);
        let mut members = listed.rows;
        if let (
            true,
            JobRequest::DiagnoseFinding {
                host,
                issue,
                fingerprint,
            },
        ) = (members.is_empty(), &desk.job.request)
        {
            members.push(JobMember {
                host: host.clone(),
                issue: *issue,
                fingerprint: *fingerprint,
            });
        }
        Ok(members)
    }

    async fn standing(&self, member: &JobMember) -> Result<Option<Standing>, JobError> {
        let mut read = self.store().read().await?;
        let issue = self.or_absent(read.issues().get(member.issue).await)?;
        let row = self.or_absent(read.findings().get(member.fingerprint).await)?;
        let finding = row
            .filter(|row| row.firing)
            .and_then(|row| row.finding)
            .filter(|_| issue.is_some_and(|issue| issue.state.is_active()));
        Ok(finding.map(|finding| Standing {
            finding,
            issue: member.issue,
        }))
    }

    async fn diagnose_task(
        &self,
        lead: &Standing,
        desk: &Desk<'_>,
    ) -> Result<DiagnoseTask, JobError> {
        let host = &lead.finding.host;
        let mut read = self.store().read().await?;
        let facts = self.or_absent(read.observations().latest(host).await)?;
        let facts = facts.and_then(|seen| serde_json::from_value::<Facts>(seen.body).ok());
        let filter = ActionFilter {
            fingerprint: Some(lead.finding.fingerprint()),
            ..ActionFilter::default()
        };
        let actions = read.actions().list(&filter, ATTEMPTS_TOLD).await?;
        drop(read);
        let attempts = actions.rows.iter().rev().map(attempt).collect();
        Ok(DiagnoseTask {
            issue: lead.issue,
            traits: facts.as_ref().map(runbook_traits).unwrap_or_default(),
            attempts,
            similar: self
                .known_of_finding(&lead.finding, &desk.parts.lane)
                .await?,
            peers: self.peers_of(host, desk),
            finding: lead.finding.clone(),
        })
    }

    /// Hosts that may be looked at beside this one, those of its groups first.
    fn peers_of(&self, host: &HostName, desk: &Desk<'_>) -> Vec<HostName> {
        let groups = self
            .entry(host)
            .map(|entry| entry.groups.clone())
            .unwrap_or_default();
        let inventory = self.fleet().inventory();
        let mut peers: Vec<(bool, HostName)> = inventory
            .entries()
            .filter(|entry| entry.name != *host)
            .filter(|entry| self.may_be_sent(&entry.name, &desk.parts.lane).is_ok())
            .map(|entry| {
                let shares = entry.groups.iter().any(|group| groups.contains(group));
                (!shares, entry.name.clone())
            })
            .collect();
        peers.sort();
        peers.truncate(MAX_PEERS);
        peers.into_iter().map(|(_, name)| name).collect()
    }

    /// Ends the job, writes the diagnosis into each story and proposes for each host, all at once.
    async fn record_conclusion(
        &self,
        desk: &Desk<'_>,
        question: &Question,
        conclusion: Conclusion,
    ) -> Result<(), JobError> {
        let view = DiagnosisView::of(&conclusion, desk.job.number, self.now());
        let mut tx = self.store().begin().await?;
        let members: Vec<String> = question
            .others
            .iter()
            .map(|other| other.finding.host.to_string())
            .collect();
        let result = json!({ "model": conclusion.model, "diagnosis": view, "also_on": members, "spent": conclusion.spent });
        desk.complete(&mut tx, &result).await?;
        let lead = &question.lead;
        for one in std::iter::once(lead).chain(&question.others) {
            let is_lead = one.issue == lead.issue;
            let mut view = view.clone();
            if !is_lead {
                view.as_on = Some(AsOn {
                    host: lead.finding.host.clone(),
                    issue: lead.issue,
                });
            }
            let proposal = proposal_for(&conclusion, lead, one);
            if proposal.is_none() && conclusion.proposal.is_some() {
                view.remark = Some(format!(
                    "what is proposed is for {} only: a script is not carried over to another host, nor what is done to another unit",
                    lead.finding.host
                ));
            }
            self.take_conclusion(&mut tx, one, &view, &conclusion, proposal)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn take_conclusion(
        &self,
        tx: &mut Tx,
        one: &Standing,
        view: &DiagnosisView,
        conclusion: &Conclusion,
        proposal: Option<Proposal>,
    ) -> Result<(), WatchError> {
        let (finding, issue) = (&one.finding, one.issue);
        let row = self.or_absent(tx.findings().get(finding.fingerprint()).await)?;
        let Some(mut row) = row.filter(|row| row.firing) else {
            return Ok(());
        };
        let mut memory: Memory = serde_json::from_value(row.memory).unwrap_or_default();
        let as_on = view.as_on.as_ref().map_or_else(String::new, |on| {
            format!(" (as on {}, issue {})", on.host, on.issue)
        });
        let cause = settle::said(&view.cause, MAX_CAUSE_CHARS);
        let text = format!("{}{as_on}: {cause}", view.by);
        let record = self.record("issue.diagnosed", about(finding, issue), text);
        let record = with(record, "confidence", json!(view.confidence));
        tx.log().append(with(record, "diagnosis", json!(view)))?;
        memory.diagnosed = Some(finding.evidence_digest());
        if conclusion.outcome == Outcome::NeedsPerson {
            self.call_person(tx, &mut memory, one, &cause)?;
        }
        if let Some(proposal) = proposal {
            let case = Case {
                proposal,
                by: Proposer::Model {
                    name: conclusion.model.clone(),
                },
                finding: Some(finding),
                issue: Some(issue),
                opinion: conclusion.opinion.clone(),
                worded_by_model: true,
            };
            self.take_proposal(tx, &mut memory, finding, issue, case)
                .await?;
        }
        row.memory = serde_json::to_value(&memory).unwrap_or_default();
        tx.findings().upsert(&[row]).await?;
        Ok(())
    }

    /// Tells a person, once for each cause, that the model wants one to look.
    fn call_person(
        &self,
        tx: &mut Tx,
        memory: &mut Memory,
        one: &Standing,
        why: &str,
    ) -> Result<(), WatchError> {
        let cause = one.finding.evidence_digest();
        if memory.escalated == Some(cause) {
            return Ok(());
        }
        let text = format!("a person must look: {why}");
        tx.log()
            .append(self.record("issue.escalated", about(&one.finding, one.issue), text))?;
        memory.escalated = Some(cause);
        Ok(())
    }
}

/// What is proposed for one of the findings: as it stands for the one that was looked into; for the others only typed
/// steps, on their own host, proved by their own check.
fn proposal_for(conclusion: &Conclusion, lead: &Standing, one: &Standing) -> Option<Proposal> {
    let proposal = conclusion.proposal.as_ref()?;
    // What the evidence does not tell is no ground for a change.
    if conclusion.confidence == Confidence::InsufficientEvidence {
        return None;
    }
    if one.issue == lead.issue {
        return Some(proposal.clone());
    }
    // A unit that is not the one in trouble may be one that the first host's text named.
    let is_about_it = |step: &Step| match step {
        Step::Shell { .. } => false,
        step => step.unit().is_none_or(|unit| {
            unit.as_str() == one.finding.subject || !stands(Guard::CarryingOver)
        }),
    };
    let about_it = proposal.steps.iter().chain(&proposal.undo).all(is_about_it);
    let alike = one.finding.check == lead.finding.check
        && one.finding.subject == lead.finding.subject
        && proposal.host == lead.finding.host;
    (about_it && alike).then(|| Proposal {
        host: one.finding.host.clone(),
        verify: match &proposal.verify {
            Verification::CheckPasses { settle_s, .. } => Verification::CheckPasses {
                check: one.finding.check.clone(),
                subject: one.finding.subject.clone(),
                settle_s: *settle_s,
            },
            other => other.clone(),
        },
        ..proposal.clone()
    })
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

fn about(finding: &Finding, issue: IssueNumber) -> About {
    About {
        host: Some(finding.host.clone()),
        issue: Some(issue),
        ..About::default()
    }
}
