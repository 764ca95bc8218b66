//! Actions: every revision of their plans, and where each stands. Which step may follow which is the model's to say;
//! here a step is one update that names the state and the revision it starts from, so that of two who take it one is
//! refused.

use watchkeeper_model::{
    Action, ActionNumber, ActionState, Assessment, Digest, Evidence, Fingerprint, HostName,
    IssueNumber, Plan, Proposer, Revision, Timestamp, Verdict,
};

use crate::access::Writing;
use crate::db::{Arg, BadColumn, Conn, Row, Sql, args, json_text};
use crate::query::Query;
use crate::{Listed, StoreError, counters};

/// What tells whether a fix was proposed before: the caller's digests, which mean nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixMarks {
    /// Of what would be done.
    pub fix: Digest,
    /// Of what was seen.
    pub evidence: Digest,
}

/// An action before it has a number.
#[derive(Clone, Debug)]
pub struct NewAction {
    /// The trouble it is for.
    pub issue: Option<IssueNumber>,
    /// The finding it is for.
    pub fingerprint: Option<Fingerprint>,
    /// Who proposes it.
    pub proposer: Proposer,
    /// When.
    pub proposed_at: Timestamp,
    /// Why.
    pub reason: String,
    /// What was seen.
    pub seen: Vec<Evidence>,
    /// What would run.
    pub plan: Plan,
    /// Its risk.
    pub assessment: Assessment,
    /// What the standing orders say.
    pub verdict: Verdict,
    /// Where it stands at first.
    pub state: ActionState,
    /// What tells whether it was proposed before.
    pub marks: FixMarks,
}

/// Which actions are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct ActionFilter {
    /// In one of these states, by their words.
    pub states: Vec<&'static str>,
    /// On this host.
    pub host: Option<HostName>,
    /// For this issue.
    pub issue: Option<IssueNumber>,
    /// For this finding.
    pub fingerprint: Option<Fingerprint>,
    /// With a smaller number than this, for the next page.
    pub before: Option<ActionNumber>,
}

/// What became of a fix that was proposed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierFix {
    /// The action.
    pub number: ActionNumber,
    /// Where it stands.
    pub state: ActionState,
    /// What was seen when it was proposed with this fix.
    pub evidence: Digest,
    /// When that was.
    pub proposed_at: Timestamp,
}

fn state(row: &Row) -> Result<ActionState, BadColumn> {
    let state: ActionState = row.json("state_data")?;
    let word = row.text("state")?;
    if state.as_str() == word {
        Ok(state)
    } else {
        Err(BadColumn::new(
            "state",
            format!("it says {word} where state_data says {}", state.as_str()),
        ))
    }
}

impl TryFrom<&Row> for Action {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let in_revision = |bad: BadColumn| bad.of("action_revisions");
        Ok(Self {
            number: ActionNumber(row.int("number")?),
            revision: Revision(row.int("revision")?),
            issue: row.maybe_int("issue")?.map(IssueNumber),
            fingerprint: row.maybe_parsed("fingerprint")?,
            proposer: row.json("proposer").map_err(in_revision)?,
            proposed_at: row.time("proposed_at").map_err(in_revision)?,
            reason: row.text("reason").map_err(in_revision)?,
            seen: row.json("seen").map_err(in_revision)?,
            plan: row.json("plan").map_err(in_revision)?,
            digest: row.parsed("digest").map_err(in_revision)?,
            assessment: row.json("assessment").map_err(in_revision)?,
            verdict: row.json("verdict").map_err(in_revision)?,
            state: state(row)?,
        })
    }
}

impl TryFrom<&Row> for EarlierFix {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: ActionNumber(row.int("number")?),
            state: state(row)?,
            evidence: row.parsed("evidence_digest")?,
            proposed_at: row.time("proposed_at")?,
        })
    }
}

/// An action with its current revision.
macro_rules! current {
    ($rest:literal) => {
        concat!(
            "select a.number, a.revision, a.issue, a.fingerprint, a.state, a.state_data,
                 r.proposer, r.proposed_at, r.reason, r.seen, r.plan, r.digest, r.assessment, r.verdict
             from actions a left join action_revisions r on r.number = a.number and r.revision = a.revision ",
            $rest
        )
    };
}

/// Actions.
pub struct Actions<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

impl<A> Actions<'_, A> {
    /// One action as it stands.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, number: ActionNumber) -> Result<Option<Action>, StoreError> {
        self.one(
            "actions.get",
            current!("where a.number = $1"),
            args![number.0],
        )
        .await
    }

    /// One action as a revision of it was, with the state it stands in now.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get_revision(
        &mut self,
        number: ActionNumber,
        revision: Revision,
    ) -> Result<Option<Action>, StoreError> {
        let sql = "select a.number, r.revision, a.issue, a.fingerprint, a.state, a.state_data,
                       r.proposer, r.proposed_at, r.reason, r.seen, r.plan, r.digest, r.assessment, r.verdict
                   from actions a join action_revisions r on r.number = a.number
                   where a.number = $1 and r.revision = $2";
        self.one("actions.get_revision", sql, args![number.0, revision.0])
            .await
    }

    /// Actions that fit the filter, newest first, at most `limit`.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &ActionFilter,
        limit: u32,
    ) -> Result<Listed<Action>, StoreError> {
        let mut query = Query::new(current!("where true"), args![]);
        query.any_of(" and a.state in", filter.states.iter().copied());
        query.filter(" and a.host = ", filter.host.as_ref());
        query.filter(" and a.issue = ", filter.issue.map(|number| number.0));
        query.filter(
            " and a.fingerprint = ",
            filter
                .fingerprint
                .map(|fingerprint| fingerprint.to_string()),
        );
        query.filter(" and a.number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by a.number desc", limit).finish();
        Ok(Listed::read(
            &self.db.all("actions.list", sql, args).await?,
            "actions",
            "number",
        ))
    }

    /// Actions whose clock has run out: to be approved by, to be executed by, to be looked at. Most overdue first.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list_due(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Listed<Action>, StoreError> {
        let sql = current!(
            "where a.due_at is not null and a.due_at <= $1 order by a.due_at, a.number limit $2"
        );
        let args = args![now, i64::from(limit.min(crate::MAX_PAGE))];
        Ok(Listed::read(
            &self.db.all("actions.list_due", sql, args).await?,
            "actions",
            "number",
        ))
    }

    /// When the next clock of an action runs out.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "select min(due_at) as due from actions where due_at is not null";
        let row = self.db.first("actions.next_due", sql, args![]).await?;
        let due = row.map(|row| {
            row.maybe_time("due")
                .map_err(|bad| row.named(bad, "actions", "due"))
        });
        Ok(due.transpose()?.flatten())
    }

    /// What became of the same fix for the same finding when it was proposed before, in any revision; newest first.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list_by_fix(
        &mut self,
        fingerprint: Fingerprint,
        fix: Digest,
        limit: u32,
    ) -> Result<Listed<EarlierFix>, StoreError> {
        let sql = "select a.number, a.state, a.state_data, r.evidence_digest, r.proposed_at
                   from actions a join action_revisions r on r.number = a.number
                   where a.fingerprint = $1 and r.fix_digest = $2
                   order by a.number desc, r.revision desc limit $3";
        let args = args![
            fingerprint.to_string(),
            fix.to_string(),
            i64::from(limit.min(crate::MAX_PAGE))
        ];
        Ok(Listed::read(
            &self.db.all("actions.list_by_fix", sql, args).await?,
            "actions",
            "number",
        ))
    }

    /// How many actions stand in each state, by its word.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn counts(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "select state, count(*) as count from actions group by state order by state";
        let rows = self.db.all("actions.counts", sql, args![]).await?;
        let count = |row: &Row| Ok((row.text("state")?, row.int("count")?));
        let counts = rows
            .iter()
            .map(|row| count(row).map_err(|bad| row.named(bad, "actions", "state").into()));
        counts.collect()
    }

    async fn one(
        &mut self,
        operation: &'static str,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Action>, StoreError> {
        let row = self.db.first(operation, sql, args).await?;
        Ok(row.map(|row| row.read("actions", "number")).transpose()?)
    }
}

impl Actions<'_, Writing<'_>> {
    /// Records an action at its first revision and gives it its number.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn create(&mut self, new: NewAction) -> Result<Action, StoreError> {
        let action = Action {
            number: ActionNumber(counters::next(&mut self.db, "action").await?),
            revision: Revision(1),
            issue: new.issue,
            fingerprint: new.fingerprint,
            proposer: new.proposer,
            proposed_at: new.proposed_at,
            reason: new.reason,
            seen: new.seen,
            digest: new.plan.digest(),
            plan: new.plan,
            assessment: new.assessment,
            verdict: new.verdict,
            state: new.state,
        };
        self.db
            .execute(
                "actions.create",
                "insert into actions (number, revision, issue, fingerprint, host, state, state_data, due_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                args![
                    action.number.0,
                    action.revision.0,
                    action.issue.map(|number| number.0),
                    action.fingerprint.map(|fingerprint| fingerprint.to_string()),
                    &action.plan.host,
                    action.state.as_str(),
                    json_text(&action.state),
                    due_at(&action.state),
                ],
            )
            .await?;
        self.insert_revision(&action, &new.marks).await?;
        self.access.pending.wake();
        Ok(action)
    }

    /// Moves an action on from one state to another, within a revision.
    ///
    /// # Errors
    /// It is a conflict when the action is not as in `from` any more, or when `to` is another action or revision.
    pub async fn change(&mut self, from: &Action, to: &Action) -> Result<(), StoreError> {
        if (to.number, to.revision, to.digest) != (from.number, from.revision, from.digest) {
            return Err(conflict(from));
        }
        self.update(from, to).await
    }

    /// Puts the next revision of an action in the place of the one before, which is kept.
    ///
    /// # Errors
    /// It is a conflict when the action is not as in `from` any more, or when `to` is not its next revision or is for
    /// another host.
    pub async fn revise(
        &mut self,
        from: &Action,
        to: &Action,
        marks: &FixMarks,
    ) -> Result<(), StoreError> {
        let next = (from.number, Revision(from.revision.0 + 1), &from.plan.host);
        if (to.number, to.revision, &to.plan.host) != next {
            return Err(conflict(from));
        }
        self.update(from, to).await?;
        self.insert_revision(to, marks).await
    }

    /// The action, locked until the transaction ends, if it is approved and nobody else has it: for `Action::claim`,
    /// then [`Self::change`] and the run's insertion in the same transaction.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn lock_approved(
        &mut self,
        number: ActionNumber,
    ) -> Result<Option<Action>, StoreError> {
        let sql = Sql::Differs {
            pg: current!(
                "where a.number = $1 and a.state = 'approved' for update of a skip locked"
            ),
            lite: current!("where a.number = $1 and a.state = 'approved'"),
        };
        self.one("actions.lock_approved", sql, args![number.0])
            .await
    }

    /// The action, locked until the transaction ends; it waits for whoever has it. For a decision that counts those
    /// before it.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn lock(&mut self, number: ActionNumber) -> Result<Option<Action>, StoreError> {
        let sql = Sql::Differs {
            pg: current!("where a.number = $1 for update of a"),
            lite: current!("where a.number = $1"),
        };
        self.one("actions.lock", sql, args![number.0]).await
    }

    /// Like [`Self::lock_approved`], the approved action with the smallest number that nobody else has. Numbers in
    /// `passing_over` are left out: those that were found not to run now.
    ///
    /// # Errors
    /// Says why the store, or the row, cannot be read; a caller passes over the action that is named.
    pub async fn lock_next_approved(
        &mut self,
        passing_over: &[ActionNumber],
    ) -> Result<Option<Action>, StoreError> {
        let mut query = Query::new(
            "select number from actions where state = 'approved'",
            args![],
        );
        query.any_of(
            " and number not in",
            passing_over.iter().map(|number| number.0),
        );
        query.push(" order by number limit 1");
        if self.db.is_postgres() {
            query.push(" for update skip locked");
        }
        let (sql, args) = query.finish();
        let Some(row) = self
            .db
            .first("actions.lock_next_approved", sql, args)
            .await?
        else {
            return Ok(None);
        };
        let number = row
            .int("number")
            .map_err(|bad| row.named(bad, "actions", "number"))?;
        self.get(ActionNumber(number)).await
    }

    async fn update(&mut self, from: &Action, to: &Action) -> Result<(), StoreError> {
        self.access.pending.wake();
        self.db
            .change_one(
                "actions.change",
                "update actions set state = $1, state_data = $2, due_at = $3, revision = $4, issue = $5
                 where number = $6 and state = $7 and revision = $8",
                args![
                    to.state.as_str(),
                    json_text(&to.state),
                    due_at(&to.state),
                    to.revision.0,
                    to.issue.map(|number| number.0),
                    from.number.0,
                    from.state.as_str(),
                    from.revision.0,
                ],
                || format!("action {}", from.number),
            )
            .await
    }

    async fn insert_revision(
        &mut self,
        action: &Action,
        marks: &FixMarks,
    ) -> Result<(), StoreError> {
        self.db
            .execute(
                "actions.insert_revision",
                "insert into action_revisions (number, revision, proposer, proposed_at, reason, seen, plan, digest,
                     assessment, verdict, fix_digest, evidence_digest)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                args![
                    action.number.0,
                    action.revision.0,
                    json_text(&action.proposer),
                    action.proposed_at,
                    action.reason.as_str(),
                    json_text(&action.seen),
                    json_text(&action.plan),
                    action.digest.to_string(),
                    json_text(&action.assessment),
                    json_text(&action.verdict),
                    marks.fix.to_string(),
                    marks.evidence.to_string(),
                ],
            )
            .await
            .map(drop)
            .map_err(|error| error.or_conflict(|| format!("action {}", action.number)))
    }
}

fn conflict(action: &Action) -> StoreError {
    StoreError::Conflict {
        what: format!("action {}", action.number),
    }
}

/// The one clock that runs in a state.
const fn due_at(state: &ActionState) -> Option<Timestamp> {
    match state {
        ActionState::Held { approve_by, .. } => Some(*approve_by),
        ActionState::Approved { execute_by, .. } => Some(*execute_by),
        ActionState::Verifying { look_at, .. } => Some(*look_at),
        _ => None,
    }
}
