//! The lanes that workers serve, as they told of themselves last, and those that a person has paused. Whether a worker
//! is still there is told by when it was seen; what a pause stops is [`crate::Jobs::claim`]'s to know.

use watchkeeper_model::{ControllerId, JobNumber, Need, Priority, Timestamp};

use crate::access::{Reading, Writing};
use crate::db::{BadColumn, Conn, Link, Row, args, json_text};
use crate::{Listed, StoreError};

/// All lanes, where one is paused or resumed.
pub const EVERY_LANE: &str = "*";
/// Most lanes that are listed.
const MAX_LANES: i64 = 1_000;
/// The word of a breaker that lets requests through.
const CLOSED: &str = "closed";

/// What a worker tells of a lane that it serves. The totals are since `watched_since`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneSighting {
    /// The lane's name.
    pub name: String,
    /// The worker.
    pub controller: ControllerId,
    /// Where its endpoint is, without what is secret in the address.
    pub endpoint: String,
    /// The models that it uses.
    pub models: Vec<String>,
    /// What it offers.
    pub needs: Vec<Need>,
    /// The priorities that it takes; empty: all.
    pub takes: Vec<Priority>,
    /// How many requests its endpoint serves at a time.
    pub places: u32,
    /// It takes jobs only while others are broken: it does not count as free.
    pub standby: bool,
    /// When this was told.
    pub seen_at: Timestamp,
    /// The job that it has, when all of its places are filled.
    pub job: Option<JobNumber>,
    /// Since when.
    pub busy_since: Option<Timestamp>,
    /// Since when the worker serves it.
    pub watched_since: Timestamp,
    /// How long it was busy.
    pub busy_ms: i64,
    /// Jobs it answered.
    pub served: i64,
    /// Jobs it did not.
    pub failed: i64,
    /// Tokens it answered.
    pub output_tokens: i64,
    /// How long it took to answer them.
    pub output_ms: i64,
    /// The word of its breaker: `closed` while it is well.
    pub breaker: String,
    /// What is wrong with it.
    pub fault: Option<String>,
}

impl LaneSighting {
    /// Whether its breaker lets requests through.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.breaker == CLOSED
    }

    /// The name of one of its endpoint's places, as a claim's slot: every worker calls the same place the same.
    #[must_use]
    pub fn slot(endpoint: &str, place: u32) -> String {
        format!("{endpoint}#{place}")
    }

    /// Whether a slot is a place of its endpoint.
    #[must_use]
    pub fn has_slot(&self, slot: &str) -> bool {
        slot.strip_prefix(&self.endpoint)
            .is_some_and(|place| place.is_empty() || place.starts_with('#'))
    }
}

impl TryFrom<&Row> for LaneSighting {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let places = row.int("places")?;
        Ok(Self {
            name: row.text("name")?,
            controller: row.parsed("controller")?,
            endpoint: row.text("endpoint")?,
            models: row.json("models")?,
            needs: row.json("needs")?,
            takes: row.json("takes")?,
            places: u32::try_from(places).map_err(|error| BadColumn::new("places", error))?,
            standby: row.int("standby")? != 0,
            seen_at: row.time("seen_at")?,
            job: row.maybe_int("job")?.map(JobNumber),
            busy_since: row.maybe_time("busy_since")?,
            watched_since: row.time("watched_since")?,
            busy_ms: row.int("busy_ms")?,
            served: row.int("served")?,
            failed: row.int("failed")?,
            output_tokens: row.int("output_tokens")?,
            output_ms: row.int("output_ms")?,
            breaker: row.text("breaker")?,
            fault: row.maybe_text("fault")?,
        })
    }
}

/// A lane that takes no jobs, or all where it is called [`EVERY_LANE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausedLane {
    /// Which.
    pub name: String,
    /// Who paused it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl TryFrom<&Row> for PausedLane {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            name: row.text("name")?,
            by: row.text("by_whom")?,
            at: row.time("at")?,
        })
    }
}

/// Lanes.
pub struct Lanes<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

impl<'c> Lanes<'c, Reading> {
    /// The lanes as seen within a transaction of another repository.
    pub(crate) fn within(db: &'c mut Conn<'_>) -> Self {
        let link = match &mut db.link {
            Link::Pg(conn) => Link::Pg(conn),
            Link::Lite(conn) => Link::Lite(conn),
        };
        Self {
            db: Conn {
                link,
                over: db.over,
            },
            access: Reading,
        }
    }
}

impl<A> Lanes<'_, A> {
    /// The lanes that were told of, by name and worker.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(&mut self) -> Result<Listed<LaneSighting>, StoreError> {
        self.seen_since(Timestamp::from_millis(i64::MIN)).await
    }

    /// The lanes that were told of since then, by name and worker.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn seen_since(
        &mut self,
        since: Timestamp,
    ) -> Result<Listed<LaneSighting>, StoreError> {
        let sql = "select name, controller, endpoint, models, needs, takes, places, standby, seen_at, job, busy_since,
                 watched_since, busy_ms, served, failed, output_tokens, output_ms, breaker, fault
             from lanes where seen_at >= $1 order by name, controller limit $2";
        let rows = self
            .db
            .all("lanes.list", sql, args![since, MAX_LANES])
            .await?;
        Ok(Listed::read(&rows, "lanes", "name"))
    }

    /// The lanes that take no jobs.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn paused(&mut self) -> Result<Listed<PausedLane>, StoreError> {
        let sql = "select name, by_whom, at from paused_lanes order by name limit $1";
        let rows = self.db.all("lanes.paused", sql, args![MAX_LANES]).await?;
        Ok(Listed::read(&rows, "paused_lanes", "name"))
    }
}

impl Lanes<'_, Writing<'_>> {
    /// Keeps what a worker tells of a lane. It wakes nobody: it is told often.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn seen(&mut self, lane: &LaneSighting) -> Result<(), StoreError> {
        let sql = "insert into lanes (name, controller, endpoint, models, needs, takes, places, standby, seen_at, job,
                 busy_since, watched_since, busy_ms, served, failed, output_tokens, output_ms, breaker, fault)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             on conflict (name, controller) do update set endpoint = excluded.endpoint, models = excluded.models,
                 needs = excluded.needs, takes = excluded.takes, places = excluded.places,
                 standby = excluded.standby, seen_at = excluded.seen_at, job = excluded.job,
                 busy_since = excluded.busy_since, watched_since = excluded.watched_since,
                 busy_ms = excluded.busy_ms, served = excluded.served, failed = excluded.failed,
                 output_tokens = excluded.output_tokens, output_ms = excluded.output_ms,
                 breaker = excluded.breaker, fault = excluded.fault";
        let args = args![
            lane.name.as_str(),
            lane.controller.as_str(),
            lane.endpoint.as_str(),
            json_text(&lane.models),
            json_text(&lane.needs),
            json_text(&lane.takes),
            i64::from(lane.places),
            i64::from(lane.standby),
            lane.seen_at,
            lane.job.map(|number| number.0),
            lane.busy_since,
            lane.watched_since,
            lane.busy_ms,
            lane.served,
            lane.failed,
            lane.output_tokens,
            lane.output_ms,
            lane.breaker.as_str(),
            lane.fault.clone(),
        ];
        self.db.execute("lanes.seen", sql, args).await.map(drop)
    }

    /// Forgets the lanes that were not told of since then. Says how many.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn forget(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "delete from lanes where seen_at < $1";
        self.db.execute("lanes.forget", sql, args![before]).await
    }

    /// Has a lane, or [`EVERY_LANE`], take no further jobs; what it has it goes on with. True where it took some before.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn pause(&mut self, name: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.access.pending.wake();
        let sql = "insert into paused_lanes (name, by_whom, at) values ($1, $2, $3) on conflict (name) do nothing";
        let paused = self.db.execute("lanes.pause", sql, args![name, by, at]);
        Ok(paused.await? == 1)
    }

    /// Has a lane that was paused take jobs again. True where it was paused.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn resume(&mut self, name: &str) -> Result<bool, StoreError> {
        self.access.pending.wake();
        let sql = "delete from paused_lanes where name = $1";
        Ok(self.db.execute("lanes.resume", sql, args![name]).await? > 0)
    }
}
