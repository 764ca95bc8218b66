//! Actions: how a proposal becomes one, and what people decide about it. Whatever proposes (runbook, model,
//! person) takes this one way: plan, assessment, verdict, queue. Running is `runs`'.

use serde_json::json;

use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{
    About, Action, ActionNumber, ActionState, ApprovalTerms, Approver, Assessment,
    ConversationNumber, Decision as Verdicts, Digest, Evidence, Finding, InvalidTransition,
    IssueNumber, LogRecord, Person, Plan, Proposal, Proposer, Revision, Step, Verdict,
    Verification,
};
use watchkeeper_policy::{
    ApprovalNeed, Candidate, MayNotApprove, MayPropose, PastFix, Recent, approval_need, judge,
    may_approve, may_propose,
};
use watchkeeper_remedy::{LoginRights, fix_digest, plan};
use watchkeeper_risk::{HostFacts, Opinion, assess_on, raise};
use watchkeeper_store::{ActionFilter, FixMarks, NewAction, StoreError, Tx};

use crate::links::Through;
use crate::orders::PlannedSteps;
use crate::traits::traits_of;
use crate::view::what_it_does;
use crate::watch::{Watch, with};
use crate::{WatchError, settle};

/// Earlier actions with the same fix that are weighed before it is proposed again.
const HISTORY_WEIGHED: u32 = 100;
/// Longest reason of a person or a proposer, in characters.
const MAX_REASON_CHARS: usize = 2_000;

/// What a person approves: what they saw.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The revision that was seen.
    pub revision: Revision,
    /// The digest that was seen.
    pub digest: Digest,
    /// What they say about it.
    pub reason: Option<String>,
}

/// What a person puts in the place of a plan.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The revision that was edited.
    pub revision: Revision,
    /// What would run.
    pub steps: Vec<Step>,
    /// What puts things back.
    pub undo: Vec<Step>,
    /// Why; absent: as it was.
    pub reason: Option<String>,
}

/// What an edit in words brings beside the steps.
#[derive(Debug, Default)]
pub(crate) struct EditTerms {
    /// How it is told whether it worked; none: as before.
    pub(crate) verify: Option<Verification>,
    /// What a model thinks of its risk; it can only raise it.
    pub(crate) opinion: Option<Opinion>,
}

/// What is proposed, and why.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// What.
    pub(crate) proposal: Proposal,
    /// By whom.
    pub(crate) by: Proposer,
    /// For which finding.
    pub(crate) finding: Option<&'a Finding>,
    /// For which issue.
    pub(crate) issue: Option<IssueNumber>,
    /// What a model thinks of its risk; it can only raise it.
    pub(crate) opinion: Option<Opinion>,
    /// Whether a model wrote the steps, whoever wished for them.
    pub(crate) worded_by_model: bool,
}

/// What became of a proposal.
#[derive(Debug)]
pub(crate) enum Proposed {
    /// There is an action now.
    Created(Box<Action>),
    /// The same fix is not proposed again.
    NotAgain(MayPropose),
    /// It cannot be planned on this host.
    Unplannable(watchkeeper_remedy::PlanError),
}

/// Plan, risk and verdict of steps on one host.
struct Judged {
    plan: Plan,
    assessment: Assessment,
    verdict: Verdict,
}

impl Watch {
    /// Approves one revision of an action, for exactly the digest that was seen.
    ///
    /// # Errors
    /// Refuses what is not held, another revision or digest, and a late decision; then nothing was changed.
    pub async fn approve(
        &self,
        number: ActionNumber,
        person: Person,
        decision: Decision,
    ) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        self.approve_in(&mut tx, number, person, decision, None)
            .await?;
        tx.commit().await?;
        self.something_was_approved();
        Ok(())
    }

    /// The same, in a transaction of the caller's, who wakes what runs it. Where it is refused, nothing was changed.
    pub(crate) async fn approve_in(
        &self,
        tx: &mut Tx,
        number: ActionNumber,
        person: Person,
        decision: Decision,
        through: Option<&Through>,
    ) -> Result<(), WatchError> {
        let now = self.now();
        let within = self.current().settings.policy.execute_within.0;
        let reason = decision
            .reason
            .map(|reason| settle::said(&reason, MAX_REASON_CHARS));
        let held = tx
            .actions()
            .lock(number)
            .await?
            .ok_or(WatchError::NoSuchAction { number })?;
        let by = Approver::Person {
            person: person.clone(),
            reason: reason.clone(),
        };
        let need = self.approval_need(&held)?;
        let terms = ApprovalTerms {
            execute_within: within,
            approvers: need.approvers,
        };
        let approved = held.clone().approve(by, decision.revision, now, terms)?;
        if decision.digest != held.digest {
            let (asked, current) = (decision.digest, held.digest);
            return Err(watchkeeper_model::ApprovalRefused::OtherDigest {
                number,
                asked,
                current,
            }
            .into());
        }
        self.may_approve_now(&need, &held, &person)?;
        tx.actions()
            .change(&held, &approved)
            .await
            .map_err(|error| lost_race(number, error))?;
        let text = reason.unwrap_or_else(|| what_it_does(&approved.plan.steps));
        let said = format!("approved revision {}", approved.revision);
        let told = self.tell_talk(tx, &approved, &person, said).await?;
        let record = self.record_by(person, "action.approved", about(&approved), text);
        let record = with_talk(with_device(record, through), told);
        let record = with(record, "digest", json!(approved.digest));
        tx.log()
            .append(with(record, "state", json!(approved.state.as_str())))?;
        Ok(())
    }

    fn may_approve_now(
        &self,
        need: &ApprovalNeed,
        held: &Action,
        person: &Person,
    ) -> Result<(), MayNotApprove> {
        let earlier = approvers_so_far(&held.state);
        may_approve(
            need,
            self.own_requests(),
            &held.proposer,
            &person.name,
            &earlier,
        )
    }

    /// Why a person may not approve an action under the orders that stand now; none where they may.
    pub(crate) fn may_not_approve(
        &self,
        action: &Action,
        person: &Person,
    ) -> Result<Option<MayNotApprove>, WatchError> {
        let need = self.approval_need(action)?;
        Ok(self.may_approve_now(&need, action, person).err())
    }

    /// Rejects an action. The same fix is not proposed again until the evidence changes.
    ///
    /// # Errors
    /// Refuses what is neither held nor approved, and an empty reason.
    pub async fn reject(
        &self,
        number: ActionNumber,
        person: Person,
        reason: String,
    ) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        self.reject_in(&mut tx, number, person, reason, None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same, in a transaction of the caller's. Where it is refused, nothing was changed.
    pub(crate) async fn reject_in(
        &self,
        tx: &mut Tx,
        number: ActionNumber,
        person: Person,
        reason: String,
        through: Option<&Through>,
    ) -> Result<(), WatchError> {
        let reason = settle::said(&reason, MAX_REASON_CHARS);
        if reason.is_empty() {
            return Err(WatchError::invalid("a rejection needs a reason"));
        }
        let from = tx
            .actions()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchAction { number })?;
        let to = from
            .clone()
            .reject(person.clone(), reason.clone(), self.now())?;
        tx.actions()
            .change(&from, &to)
            .await
            .map_err(|error| lost_race(number, error))?;
        self.learn_from(tx, &to).await?;
        let said = format!("rejected: {reason}");
        let told = self.tell_talk(tx, &to, &person, said).await?;
        let record = self.record_by(person, "action.rejected", about(&to), reason);
        tx.log()
            .append(with_talk(with_device(record, through), told))?;
        Ok(())
    }

    /// Puts other steps in the place of an action's. The new revision is judged again and waits for a person,
    /// whatever the autonomy; an approval of the old one is void.
    ///
    /// # Errors
    /// Refuses what is neither held nor approved, another revision than the one that stands, and steps that
    /// cannot be planned.
    pub async fn edit(
        &self,
        number: ActionNumber,
        person: Person,
        edit: Edit,
    ) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        self.edit_in(&mut tx, number, person, edit, EditTerms::default())
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same, in a transaction of the caller's. Where it is refused, nothing was changed.
    pub(crate) async fn edit_in(
        &self,
        tx: &mut Tx,
        number: ActionNumber,
        person: Person,
        edit: Edit,
        terms: EditTerms,
    ) -> Result<Action, WatchError> {
        let from = tx
            .actions()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchAction { number })?;
        may_edit(&from, &edit)?;
        let proposal = Proposal {
            host: from.plan.host.clone(),
            steps: edit.steps,
            reason: edit.reason.unwrap_or_else(|| from.reason.clone()),
            verify: terms.verify.unwrap_or_else(|| from.plan.verify.clone()),
            undo: edit.undo,
        };
        let by = Proposer::Person {
            name: person.name.clone(),
        };
        let judged = self
            .judged(tx, &proposal, (&by, false), terms.opinion.as_ref())
            .await?;
        let to = self.edited(&from, &person, &proposal, judged);
        let evidence = self.evidence_now(tx, &from).await?;
        let marks = FixMarks {
            fix: fix_digest(&to.plan),
            evidence,
        };
        tx.actions()
            .revise(&from, &to, &marks)
            .await
            .map_err(|error| lost_race(number, error))?;
        self.learn_from_edit(tx, &from, &to).await?;
        let text = format!("revision {}: {}", to.revision, what_it_does(&to.plan.steps));
        let told = self.tell_talk(tx, &to, &person, text.clone()).await?;
        let record = self.record_by(person, "action.edited", about(&to), text);
        let record = with_talk(record, told);
        tx.log().append(with(record, "digest", json!(to.digest)))?;
        Ok(to)
    }

    fn edited(
        &self,
        from: &Action,
        person: &Person,
        proposal: &Proposal,
        judged: Judged,
    ) -> Action {
        let now = self.now();
        let mut because = judged.verdict.because.clone();
        let state = match judged.verdict.decision {
            Verdicts::Refuse => ActionState::Refused { because },
            Verdicts::Run | Verdicts::Hold | Verdicts::Shadow => {
                because.push(format!(
                    "edited by {}: a person decides about the new revision",
                    person.name
                ));
                let approve_by = now.after(self.current().settings.policy.approve_within.0);
                ActionState::Held {
                    approvals: Vec::new(),
                    since: now,
                    because,
                    approve_by,
                }
            }
        };
        Action {
            revision: Revision(from.revision.0 + 1),
            proposer: Proposer::Person {
                name: person.name.clone(),
            },
            proposed_at: now,
            reason: settle::said(&proposal.reason, MAX_REASON_CHARS),
            digest: judged.plan.digest(),
            plan: judged.plan,
            assessment: judged.assessment,
            verdict: judged.verdict,
            state,
            ..from.clone()
        }
    }

    /// Takes a proposal the one way there is: plan, assessment, verdict, queue.
    pub(crate) async fn propose(
        &self,
        tx: &mut Tx,
        case: Case<'_>,
    ) -> Result<Proposed, WatchError> {
        let by = (&case.by, case.worded_by_model);
        let judged = self
            .judged(tx, &case.proposal, by, case.opinion.as_ref())
            .await;
        let judged = match judged {
            Ok(judged) => judged,
            Err(WatchError::Plan(error)) => return Ok(Proposed::Unplannable(error)),
            Err(error) => return Err(error),
        };
        let marks = FixMarks {
            fix: fix_digest(&judged.plan),
            evidence: case
                .finding
                .map_or_else(|| Digest::of_bytes(b""), Finding::evidence_digest),
        };
        if let Some(finding) = case.finding {
            let answer = self.may_propose(tx, finding, &marks).await?;
            if answer != MayPropose::Propose {
                return Ok(Proposed::NotAgain(answer));
            }
        }
        let action = self.create(tx, case, judged, marks).await?;
        Ok(Proposed::Created(Box::new(action)))
    }

    async fn may_propose(
        &self,
        tx: &mut Tx,
        finding: &Finding,
        marks: &FixMarks,
    ) -> Result<MayPropose, WatchError> {
        let current = self.current();
        let history = tx
            .actions()
            .list_by_fix(finding.fingerprint(), marks.fix, HISTORY_WEIGHED)
            .await?;
        self.remember_corrupt(&history.corrupt);
        // What became of an action whose row cannot be read is not known: the same is not done again beside it.
        if let Some(number) = history.corrupt.iter().find_map(|row| row.id.parse().ok()) {
            return Ok(MayPropose::OutcomeUnknown { number });
        }
        let past = |earlier: watchkeeper_store::EarlierFix| PastFix {
            number: earlier.number,
            state: earlier.state,
            evidence: earlier.evidence,
            at: earlier.proposed_at,
        };
        let history: Vec<PastFix> = history.rows.into_iter().map(past).collect();
        let autonomy = current.settings.autonomy(&*self.entry(&finding.host)?);
        let candidate = Candidate {
            evidence: marks.evidence,
            autonomy,
            at: self.now(),
        };
        Ok(may_propose(&current.settings.policy, &history, &candidate))
    }

    async fn create(
        &self,
        tx: &mut Tx,
        case: Case<'_>,
        judged: Judged,
        marks: FixMarks,
    ) -> Result<Action, WatchError> {
        let now = self.now();
        let policy = &self.current().settings.policy;
        let because = judged.verdict.because.clone();
        let state = match judged.verdict.decision {
            Verdicts::Refuse => ActionState::Refused { because },
            Verdicts::Shadow => ActionState::Shadow,
            Verdicts::Hold => ActionState::Held {
                approvals: Vec::new(),
                since: now,
                because,
                approve_by: now.after(policy.approve_within.0),
            },
            Verdicts::Run => self.approved_by_orders(&judged, because),
        };
        let seen: Vec<Evidence> = case
            .finding
            .map(|finding| finding.evidence.clone())
            .unwrap_or_default();
        let new = NewAction {
            issue: case.issue,
            fingerprint: case.finding.map(Finding::fingerprint),
            proposer: case.by.clone(),
            proposed_at: now,
            reason: settle::said(&case.proposal.reason, MAX_REASON_CHARS),
            seen: seen.into_iter().take(Evidence::MAX_PIECES).collect(),
            plan: judged.plan,
            assessment: judged.assessment,
            verdict: judged.verdict,
            state,
            marks,
        };
        let action = tx.actions().create(new).await?;
        let text = format!(
            "{} proposes: {} ({})",
            case.by,
            what_it_does(&action.plan.steps),
            action.assessment.level
        );
        let record = self.record("action.proposed", about(&action), text);
        let record = with(
            with(record, "digest", json!(action.digest)),
            "state",
            json!(action.state.as_str()),
        );
        tx.log()
            .append(with(record, "because", json!(action.verdict.because)))?;
        Ok(action)
    }

    fn approved_by_orders(&self, judged: &Judged, because: Vec<String>) -> ActionState {
        let now = self.now();
        let approval = watchkeeper_model::Approval {
            by: Approver::StandingOrders { because },
            at: now,
            revision: Revision(1),
            digest: judged.plan.digest(),
        };
        ActionState::Approved {
            approval,
            also: Vec::new(),
            execute_by: now.after(self.current().settings.policy.execute_within.0),
        }
    }

    async fn judged(
        &self,
        tx: &mut Tx,
        proposal: &Proposal,
        by: (&Proposer, bool),
        opinion: Option<&Opinion>,
    ) -> Result<Judged, WatchError> {
        let entry = self.entry(&proposal.host)?;
        let seen = self.or_absent(tx.observations().latest(&proposal.host).await)?;
        let traits = traits_of(seen.as_ref());
        let rights = LoginRights {
            login: self.login(&entry).await?,
            may_become_root: entry.become_root,
        };
        let plan = plan(proposal, &rights, &traits)?;
        let steps = PlannedSteps::from(&plan);
        let recent = Recent {
            wall_was_breached: self
                .wall_was_breached(&mut tx.issues(), &proposal.host)
                .await?,
            ..self.recent(&mut tx.runs(), &entry, &steps).await?
        };
        let (assessment, verdict) = self.assess_and_judge(&plan, by, opinion, recent)?;
        Ok(Judged {
            plan,
            assessment,
            verdict,
        })
    }

    /// Risk and verdict of a plan under the orders that stand now; `by` is who proposes it, and whether a model wrote its steps.
    pub(crate) fn assess_and_judge(
        &self,
        plan: &Plan,
        (proposer, worded_by_model): (&Proposer, bool),
        opinion: Option<&Opinion>,
        recent: Recent,
    ) -> Result<(Assessment, Verdict), WatchError> {
        let entry = self.entry(&plan.host)?;
        let steps = PlannedSteps::from(plan);
        let facts = self.host_facts(&plan.login);
        let mut assessment = assess_on(&steps.steps, &steps.undo, &facts);
        if let Some(opinion) = opinion {
            assessment = raise(assessment, opinion);
        }
        let current = self.current();
        let mut facts = current.facts(&entry, plan, &steps, proposer, (recent, self.now()));
        facts.worded_by_model |= worded_by_model;
        let mut verdict = judge(&current.rules(), &assessment, &facts);
        if !stands(Guard::Verdict) {
            verdict.decision = Verdicts::Run;
        }
        Ok((assessment, verdict))
    }

    /// What is known of a host, for telling risk.
    pub(crate) fn host_facts(&self, login: &str) -> HostFacts {
        HostFacts {
            login: Some(login.to_owned()),
            ..self.current().settings.risk.clone()
        }
    }

    /// What an approval of this action needs under the orders that stand now.
    pub(crate) fn approval_need(&self, action: &Action) -> Result<ApprovalNeed, WatchError> {
        let entry = self.entry(&action.plan.host)?;
        let steps = PlannedSteps::from(&action.plan);
        let current = self.current();
        let now = (Recent::default(), self.now());
        let facts = current.facts(&entry, &action.plan, &steps, &action.proposer, now);
        let orders = &current.settings.orders.orders;
        Ok(approval_need(orders, &action.assessment, &facts))
    }

    /// Withdraws what waits for an issue that is over.
    pub(crate) async fn withdraw_for(
        &self,
        tx: &mut Tx,
        issue: IssueNumber,
    ) -> Result<(), WatchError> {
        let filter = ActionFilter {
            states: vec!["held", "approved"],
            issue: Some(issue),
            ..ActionFilter::default()
        };
        for from in tx.actions().list(&filter, HISTORY_WEIGHED).await?.rows {
            let to = from
                .clone()
                .become_state(ActionState::Withdrawn { at: self.now() })?;
            match tx.actions().change(&from, &to).await {
                // Somebody has just decided about it, or claimed it: then it is theirs.
                Err(error) if error.is_conflict() => continue,
                changed => changed?,
            }
            tx.log()
                .append(self.record("action.withdrawn", about(&to), "its issue is over"))?;
        }
        Ok(())
    }

    /// Ends what waited too long: held past approve-by expires, approved past execute-by is stale. Returns how
    /// many it ended. A reconciler: it takes no input and may be called at any time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn expire_overdue(&self) -> Result<usize, WatchError> {
        const AT_ONCE: u32 = 100;
        let now = self.now();
        let due = self
            .store()
            .read()
            .await?
            .actions()
            .list_due(now, AT_ONCE)
            .await?;
        self.remember_corrupt(&due.corrupt);
        let mut ended = 0;
        for from in due.rows {
            let (state, text) = match &from.state {
                ActionState::Held { .. } => {
                    (ActionState::Expired { at: now }, "nobody decided in time")
                }
                ActionState::Approved { .. } => {
                    let why = "it was not started in time".to_owned();
                    (
                        ActionState::Stale { at: now, why },
                        "it was not started in time",
                    )
                }
                _ => continue,
            };
            let to = from.clone().become_state(state)?;
            let mut tx = self.store().begin().await?;
            match tx.actions().change(&from, &to).await {
                Err(error) if error.is_conflict() => continue,
                other => other?,
            }
            tx.log().append(self.record(
                &format!("action.{}", to.state.as_str()),
                about(&to),
                text,
            ))?;
            tx.commit().await?;
            ended += 1;
        }
        Ok(ended)
    }
}

impl Watch {
    /// The digest of the cause an action was proposed for, as it stands now.
    async fn evidence_now(&self, tx: &mut Tx, action: &Action) -> Result<Digest, StoreError> {
        let tracked = match action.fingerprint {
            Some(fingerprint) => self.or_absent(tx.findings().get(fingerprint).await)?,
            None => None,
        };
        let finding = tracked.and_then(|tracked| tracked.finding);
        Ok(finding.map_or_else(
            || Digest::of_bytes(b""),
            |finding| finding.evidence_digest(),
        ))
    }
}

/// The names of those who have approved what waits for more.
fn approvers_so_far(state: &ActionState) -> Vec<&str> {
    let ActionState::Held { approvals, .. } = state else {
        return Vec::new();
    };
    approvals
        .iter()
        .filter_map(|approval| match &approval.by {
            Approver::Person { person, .. } => Some(person.name.as_str()),
            Approver::StandingOrders { .. } => None,
        })
        .collect()
}

/// What an entry of the log about this action is about.
pub(crate) fn about(action: &Action) -> About {
    About {
        host: Some(action.plan.host.clone()),
        issue: action.issue,
        action: Some(action.number),
        run: action.state.run().cloned(),
    }
}

/// Whether this edit is of what stands, and that may still be edited.
fn may_edit(from: &Action, edit: &Edit) -> Result<(), WatchError> {
    let number = from.number;
    if !matches!(
        from.state,
        ActionState::Held { .. } | ActionState::Approved { .. }
    ) {
        return Err(InvalidTransition {
            what: format!("action {number}"),
            from: from.state.as_str(),
            to: "edited",
        }
        .into());
    }
    if edit.revision != from.revision {
        let (asked, current) = (edit.revision, from.revision);
        return Err(watchkeeper_model::ApprovalRefused::OtherRevision {
            number,
            asked,
            current,
        }
        .into());
    }
    Ok(())
}

/// Says on which device something was decided, and what had led there.
fn with_device(record: LogRecord, through: Option<&Through>) -> LogRecord {
    let Some(Through {
        device,
        label,
        channel,
    }) = through
    else {
        return record;
    };
    let device = json!({ "number": device, "label": label, "channel": channel });
    with(record, "device", device)
}

/// Says in which talk something was decided.
fn with_talk(record: LogRecord, talk: Option<ConversationNumber>) -> LogRecord {
    match talk {
        Some(number) => with(record, "conversation", json!(number)),
        None => record,
    }
}

fn lost_race(number: ActionNumber, error: StoreError) -> WatchError {
    if error.is_conflict() {
        WatchError::LostRace {
            what: format!("action {number}"),
        }
    } else {
        error.into()
    }
}
