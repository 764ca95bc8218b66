//! Runs and their steps. A run belongs to one controller by lease; every word about it is written only while that
//! lease is the writer's, so that a controller that was given up cannot speak after the one that took over.

use std::time::Duration;

use watchkeeper_model::{
    ActionNumber, BootId, ControllerId, Digest, HostName, Phase, Revision, Run, RunId, RunStep,
    StepOutcome, Timestamp,
};

use crate::access::Writing;
use crate::db::{Arg, BadColumn, Conn, Row, Sql, args, json_text, skip_locked};
use crate::{Listed, StoreError};

/// A run as it is kept: who has it, and whether it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    /// The run with its steps; its controller is the one that has it now.
    pub run: Run,
    /// Until when that controller has it.
    pub lease_until: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl TryFrom<&Row> for StoredRun {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let run = Run {
            id: row.parsed("id")?,
            action: ActionNumber(row.int("action")?),
            revision: Revision(row.int("revision")?),
            digest: row.parsed("digest")?,
            controller: row.parsed("controller")?,
            claimed_at: row.time("claimed_at")?,
            boot: BootId(row.text("boot")?),
            steps: Vec::new(),
        };
        Ok(Self {
            run,
            lease_until: row.time("lease_until")?,
            ended_at: row.maybe_time("ended_at")?,
        })
    }
}

impl TryFrom<&Row> for RunStep {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            phase: match row.text("phase")?.as_str() {
                "apply" => Phase::Apply,
                "undo" => Phase::Undo,
                other => return Err(BadColumn::new("phase", format!("{other:?} is not a phase"))),
            },
            index: u32::try_from(row.int("place")?)
                .map_err(|error| BadColumn::new("place", error))?,
            asked_at: row.time("asked_at")?,
            outcome: row.maybe_json("outcome")?,
            ended_at: row.maybe_time("ended_at")?,
            stdout: row.text("stdout")?,
            stderr: row.text("stderr")?,
        })
    }
}

const fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Apply => "apply",
        Phase::Undo => "undo",
    }
}

/// One step of a run, as its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepPlace {
    /// Steps or undo.
    pub phase: Phase,
    /// Its place in that list, from 0.
    pub index: u32,
}

/// How a step ended, with what it printed.
#[derive(Clone, Copy, Debug)]
pub struct StepEnd<'a> {
    /// How.
    pub outcome: &'a StepOutcome,
    /// When that was learned.
    pub at: Timestamp,
    /// What it printed, bounded and redacted.
    pub stdout: &'a str,
    /// What it printed as errors, bounded and redacted.
    pub stderr: &'a str,
}

/// What budgets are counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMarks {
    /// Where it runs.
    pub host: HostName,
    /// Of its steps, wherever they run: the caller's digest, which means nothing here.
    pub steps: Digest,
    /// Whether the standing orders let it run, and no person.
    pub by_orders: bool,
}

/// Longest output of a step that is kept; each of stdout and stderr.
pub const MAX_STEP_OUTPUT_BYTES: usize = 1024 * 1024;

/// Runs.
pub struct Runs<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, action, revision, digest, controller, claimed_at, boot, lease_until, ended_at from runs ",
            $rest
        )
    };
}

impl<A> Runs<'_, A> {
    /// One run with its steps.
    ///
    /// # Errors
    /// Says why the store, or one of these rows, cannot be read.
    pub async fn get(&mut self, id: &RunId) -> Result<Option<StoredRun>, StoreError> {
        self.one("runs.get", select!("where id = $1"), args![id.as_str()])
            .await
    }

    /// The run of an action, with its steps; there is at most one.
    ///
    /// # Errors
    /// Says why the store, or one of these rows, cannot be read.
    pub async fn of_action(
        &mut self,
        action: ActionNumber,
    ) -> Result<Option<StoredRun>, StoreError> {
        self.one(
            "runs.of_action",
            select!("where action = $1"),
            args![action.0],
        )
        .await
    }

    /// Runs that are not over, without their steps, oldest first.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list_live(&mut self, limit: u32) -> Result<Listed<StoredRun>, StoreError> {
        let sql = select!("where ended_at is null order by claimed_at, id limit $1");
        let args = args![i64::from(limit.min(crate::MAX_PAGE))];
        Ok(Listed::read(
            &self.db.all("runs.list_live", sql, args).await?,
            "runs",
            "id",
        ))
    }

    async fn one(
        &mut self,
        operation: &'static str,
        sql: &'static str,
        args: Vec<Arg>,
    ) -> Result<Option<StoredRun>, StoreError> {
        let Some(row) = self.db.first(operation, sql, args).await? else {
            return Ok(None);
        };
        let mut stored: StoredRun = row.read("runs", "id")?;
        let sql =
            "select run, phase, place, asked_at, outcome, ended_at, stdout, stderr from run_steps
                   where run = $1 order by phase, place";
        let rows = self
            .db
            .all("runs.steps", sql, args![stored.run.id.as_str()])
            .await?;
        stored.run.steps = Listed::read(&rows, "run_steps", "run").strict()?;
        Ok(Some(stored))
    }
}

impl<A> Runs<'_, A> {
    /// How many runs without a person were claimed on each host since then.
    ///
    /// # Errors
    /// Says why the store, or one of these rows, cannot be read.
    pub async fn by_orders_since(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<(HostName, u32)>, StoreError> {
        let sql = "select host, count(*) as count from runs
                   where by_orders = 1 and claimed_at > $1 group by host order by host";
        let rows = self
            .db
            .all("runs.by_orders_since", sql, args![since])
            .await?;
        let count = |row: &Row| {
            let count = u32::try_from(row.int("count")?).unwrap_or(u32::MAX);
            Ok((row.parsed("host")?, count))
        };
        rows.iter()
            .map(|row| count(row).map_err(|bad| row.named(bad, "runs", "host").into()))
            .collect()
    }

    /// The hosts on which these steps were run without a person since then.
    ///
    /// # Errors
    /// Says why the store, or one of these rows, cannot be read.
    pub async fn hosts_with_steps_since(
        &mut self,
        steps: Digest,
        since: Timestamp,
    ) -> Result<Vec<HostName>, StoreError> {
        let sql = "select distinct host from runs
                   where by_orders = 1 and steps_digest = $1 and claimed_at > $2 order by host";
        let args = args![steps.to_string(), since];
        let rows = self
            .db
            .all("runs.hosts_with_steps_since", sql, args)
            .await?;
        rows.iter()
            .map(|row| {
                row.parsed("host")
                    .map_err(|bad| row.named(bad, "runs", "host").into())
            })
            .collect()
    }
}

impl Runs<'_, Writing<'_>> {
    /// Records a run that was just claimed, without steps. Its controller has it until `lease_until`.
    ///
    /// # Errors
    /// It is a conflict when the action has a run already.
    pub async fn insert(
        &mut self,
        run: &Run,
        marks: &RunMarks,
        lease_until: Timestamp,
    ) -> Result<(), StoreError> {
        self.access.pending.wake();
        self.db
            .execute(
                "runs.insert",
                "insert into runs (id, action, revision, digest, controller, claimed_at, boot, lease_until,
                     host, steps_digest, by_orders)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                args![
                    run.id.as_str(),
                    run.action.0,
                    run.revision.0,
                    run.digest.to_string(),
                    run.controller.as_str(),
                    run.claimed_at,
                    run.boot.0.as_str(),
                    lease_until,
                    &marks.host,
                    marks.steps.to_string(),
                    i64::from(marks.by_orders),
                ],
            )
            .await
            .map(drop)
            .map_err(|error| error.or_conflict(|| format!("the run of action {}", run.action)))
    }

    /// Makes other claims of this kind wait until this transaction ends, so that what is counted stays so.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn lock_budgets(&mut self) -> Result<(), StoreError> {
        if self.db.is_postgres() {
            let sql = "select next from counters where name = 'action' for update";
            self.db.first("runs.lock_budgets", sql, args![]).await?;
        }
        Ok(())
    }

    /// Keeps a run for longer.
    ///
    /// # Errors
    /// It is a conflict when the run is over or another controller has it.
    pub async fn renew(
        &mut self,
        id: &RunId,
        controller: &ControllerId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .change_one(
                "runs.renew",
                "update runs set lease_until = $1 where id = $2 and controller = $3 and ended_at is null",
                args![until, id.as_str(), controller.as_str()],
                || format!("run {id}"),
            )
            .await
    }

    /// Takes over runs whose controllers let their leases run out, oldest first, without their steps.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn claim_orphaned(
        &mut self,
        controller: &ControllerId,
        watch: &str,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Listed<StoredRun>, StoreError> {
        let sql = skip_locked!(
            "update runs set controller = $1, lease_until = $2 where id in (
                 select id from runs where ended_at is null and lease_until <= $3
                     and (exists (select 1 from inventory_hosts as i where i.watch = $5 and i.host = runs.host)
                         or not exists (select 1 from inventory_hosts as i where i.host = runs.host))
                 order by lease_until, id limit $4",
            ") returning id, action, revision, digest, controller, claimed_at, boot, lease_until, ended_at"
        );
        let args = args![
            controller.as_str(),
            now.after(lease),
            now,
            i64::from(limit.min(crate::MAX_PAGE)),
            watch
        ];
        let rows = self.db.all("runs.claim_orphaned", sql, args).await?;
        let mut runs: Listed<StoredRun> = Listed::read(&rows, "runs", "id");
        runs.rows.sort_by(|a, b| a.run.id.cmp(&b.run.id));
        Ok(runs)
    }

    /// Records that the start of a step is about to be asked for, before it is. Asking again keeps the first time; says
    /// whether this is the first.
    ///
    /// # Errors
    /// It is a conflict when the run is over or another controller has it.
    pub async fn step_asked(
        &mut self,
        id: &RunId,
        controller: &ControllerId,
        place: StepPlace,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.hold(id, controller).await?;
        let inserted = self
            .db
            .execute(
                "runs.step_asked",
                "insert into run_steps (run, phase, place, asked_at, stdout, stderr) values ($1, $2, $3, $4, '', '')
                 on conflict (run, phase, place) do nothing",
                args![id.as_str(), word(place.phase), i64::from(place.index), at],
            )
            .await?;
        Ok(inserted == 1)
    }

    /// Records how a step ended, once.
    ///
    /// # Errors
    /// It is a conflict when the step was not asked for or has ended already, when the run is over, or when another
    /// controller has it; refuses output that is too large.
    pub async fn step_ended(
        &mut self,
        id: &RunId,
        controller: &ControllerId,
        place: StepPlace,
        end: StepEnd<'_>,
    ) -> Result<(), StoreError> {
        for (what, text) in [
            ("the output of a step", end.stdout),
            ("the errors of a step", end.stderr),
        ] {
            if text.len() > MAX_STEP_OUTPUT_BYTES {
                return Err(StoreError::TooLarge {
                    what,
                    bytes: text.len(),
                    limit: MAX_STEP_OUTPUT_BYTES,
                });
            }
        }
        self.hold(id, controller).await?;
        self.db
            .change_one(
                "runs.step_ended",
                "update run_steps set outcome = $1, ended_at = $2, stdout = $3, stderr = $4
                 where run = $5 and phase = $6 and place = $7 and outcome is null",
                args![
                    json_text(end.outcome),
                    end.at,
                    end.stdout,
                    end.stderr,
                    id.as_str(),
                    word(place.phase),
                    i64::from(place.index),
                ],
                || format!("step {} {} of run {id}", word(place.phase), place.index),
            )
            .await
    }

    /// Records that a run is over.
    ///
    /// # Errors
    /// It is a conflict when the run is over already or another controller has it.
    pub async fn end(
        &mut self,
        id: &RunId,
        controller: &ControllerId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.access.pending.wake();
        self.db
            .change_one(
                "runs.end",
                "update runs set ended_at = $1 where id = $2 and controller = $3 and ended_at is null",
                args![at, id.as_str(), controller.as_str()],
                || format!("run {id}"),
            )
            .await
    }

    /// Makes sure, until the transaction ends, that the controller has the run.
    async fn hold(&mut self, id: &RunId, controller: &ControllerId) -> Result<(), StoreError> {
        // SQLite has one writer, so that there is nothing to lock.
        let sql = Sql::Differs {
            pg: "select id from runs where id = $1 and controller = $2 and ended_at is null for update",
            lite: "select id from runs where id = $1 and controller = $2 and ended_at is null",
        };
        let args = args![id.as_str(), controller.as_str()];
        match self.db.first("runs.hold", sql, args).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Conflict {
                what: format!("run {id}"),
            }),
        }
    }
}
