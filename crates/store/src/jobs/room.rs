//! Room for a person. A job that somebody waits for, and that no lane is free to serve, marks one leased job of lower
//! priority; its worker is told by [`Jobs::watch_word`] and puts it back. One mark for each who waits: lanes that are
//! free, and jobs that are marked already, count as room. However long a job has waited, it makes room: who types waits for
//! other people and for nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_model::{ControllerId, Job, JobNumber, JobState, Priority, Timestamp, UnknownWord};

use super::Jobs;
use crate::StoreError;
use crate::access::Writing;
use crate::db::{BadColumn, Row, args, skip_locked};
use crate::lanes::{LaneSighting, Lanes};

/// How long a lane counts as there after it was seen.
const FRESH: Duration = Duration::from_secs(45);
/// Most waiting jobs that one sweep makes room for.
const MAX_SERVED_AT_ONCE: i64 = 16;
/// Leased jobs that are looked at: more lanes than that are not served by one queue.
const MAX_LEASED: i64 = 1_000;

/// What a worker that serves a job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Go on.
    Mine,
    /// Somebody more urgent waits: put it back.
    PreemptAsked,
    /// Nobody wants it any more.
    Cancelled,
    /// Somebody else has it, or it is over.
    Lost,
}

impl<A> Jobs<'_, A> {
    /// What a worker that serves a job is told: one look by the job's number.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn watch_word(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
    ) -> Result<Word, StoreError> {
        let row = self
            .db
            .first("jobs.watch_word", WATCH_WORD, args![number.0])
            .await?;
        read_word(row.as_ref(), worker)
    }
}

/// What [`read_word`] reads.
pub(super) const WATCH_WORD: &str =
    "select number, state, lease_by, preempt_at from jobs where number = $1";

/// What the row of a job means to a worker.
pub(super) fn read_word(row: Option<&Row>, worker: &ControllerId) -> Result<Word, StoreError> {
    let Some(row) = row else {
        return Ok(Word::Lost);
    };
    let word = || {
        let mine = row.maybe_text("lease_by")?.as_deref() == Some(worker.as_str());
        let asked = row.maybe_int("preempt_at")?.is_some();
        Ok(match row.text("state")?.as_str() {
            "leased" if mine && asked => Word::PreemptAsked,
            "leased" if mine => Word::Mine,
            "cancelled" => Word::Cancelled,
            "queued" | "leased" | "done" | "failed" => Word::Lost,
            other => {
                let unknown = UnknownWord::new("state of a job", other);
                return Err(BadColumn::new("state", unknown));
            }
        })
    };
    word().map_err(|bad| row.named(bad, "jobs", "number").into())
}

/// A job that is being served, as far as room is concerned.
struct Served {
    number: i64,
    priority: i64,
    lane: Option<String>,
    by: Option<String>,
    slot: Option<String>,
    since: i64,
    marked: bool,
}

impl TryFrom<&Row> for Served {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: row.int("number")?,
            priority: row.int("priority")?,
            lane: row.maybe_text("lane")?,
            by: row.maybe_text("lease_by")?,
            slot: row.maybe_text("slot")?,
            since: row.maybe_int("leased_at")?.unwrap_or(0),
            marked: row.maybe_int("preempt_at")?.is_some(),
        })
    }
}

/// A job that waits for room.
struct Waits {
    number: i64,
    rank: i64,
    lanes: Option<Vec<String>>,
    needs: String,
}

impl TryFrom<&Row> for Waits {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let lanes = row.maybe_text("lanes")?;
        Ok(Self {
            number: row.int("number")?,
            rank: row.int("rank")?,
            lanes: lanes.map(|text| {
                text.split('|')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect()
            }),
            needs: row.text("needs")?,
        })
    }
}

impl Waits {
    fn may_have(&self, lane: &str) -> bool {
        self.lanes
            .as_ref()
            .is_none_or(|lanes| lanes.iter().any(|name| name == lane))
    }
}

/// What there is to serve with.
struct Room {
    lanes: Vec<LaneSighting>,
    paused: Vec<String>,
    served: Vec<Served>,
}

impl Room {
    fn is_paused(&self, lane: &str) -> bool {
        self.paused.iter().any(|name| name == lane || name == "*")
    }

    /// Whether a lane of this name may serve the job. One that nobody has told of is taken to offer all: somebody serves
    /// a job on it.
    fn may_serve(&self, lane: &str, waits: &Waits) -> bool {
        if self.is_paused(lane) || !waits.may_have(lane) {
            return false;
        }
        let mut told = self
            .lanes
            .iter()
            .filter(|told| told.name == lane)
            .peekable();
        told.peek().is_none() || told.any(|told| offers(told, waits))
    }

    /// Places of lanes that may serve the job and have none.
    fn free_places(&self, waits: &Waits) -> i64 {
        let able = self.lanes.iter().filter(|lane| {
            lane.job.is_none()
                && lane.is_well()
                && !lane.standby
                && !self.is_paused(&lane.name)
                && waits.may_have(&lane.name)
                && offers(lane, waits)
        });
        // Several workers may serve one endpoint: its places are counted once.
        let free: BTreeMap<_, _> = able
            .map(|lane| {
                let free = i64::from(lane.places) - self.busy(lane);
                (lane.endpoint.as_str(), free.max(0))
            })
            .collect();
        free.values().sum()
    }

    /// Jobs on a lane's endpoint, whichever lane or worker has them.
    fn busy(&self, lane: &LaneSighting) -> i64 {
        let there = |served: &&Served| match &served.slot {
            Some(slot) => lane.has_slot(slot),
            None => {
                served.lane.as_deref() == Some(&lane.name)
                    && served.by.as_deref() == Some(lane.controller.as_str())
            }
        };
        i64::try_from(self.served.iter().filter(there).count()).unwrap_or(i64::MAX)
    }

    /// The jobs that may be put back: of the lowest priority first, and of those what has been served for the shortest
    /// time.
    fn victims(&self, waits: &Waits) -> Vec<i64> {
        let fits = |served: &&Served| {
            !served.marked
                && served.priority < Priority::Interactive.as_number()
                && served
                    .lane
                    .as_deref()
                    .is_some_and(|lane| self.may_serve(lane, waits))
        };
        let mut victims: Vec<&Served> = self.served.iter().filter(fits).collect();
        victims.sort_by_key(|served| (served.priority, -served.since, served.number));
        victims.into_iter().map(|served| served.number).collect()
    }

    fn marked(&self, waits: &Waits) -> i64 {
        let coming = self.served.iter().filter(|served| {
            served.marked
                && served
                    .lane
                    .as_deref()
                    .is_some_and(|lane| self.may_serve(lane, waits))
        });
        i64::try_from(coming.count()).unwrap_or(i64::MAX)
    }
}

fn offers(lane: &LaneSighting, waits: &Waits) -> bool {
    lane.needs.iter().any(|need| need.as_str() == waits.needs)
        && (lane.takes.is_empty() || lane.takes.contains(&Priority::Interactive))
}

impl Jobs<'_, Writing<'_>> {
    /// Makes room for a job that a person waits for, if it waits and there is none.
    pub(super) async fn make_room_for(
        &mut self,
        job: &Job,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let waits = matches!(job.state, JobState::Queued { not_before } if not_before <= now);
        if job.priority < Priority::Interactive || !waits {
            return Ok(());
        }
        let sql = "select number, rank, lanes, needs from jobs where number = $1";
        let row = self
            .db
            .first("jobs.make_room", sql, args![job.number.0])
            .await?;
        match row {
            Some(row) => self.mark(&row.read("jobs", "number")?, now).await,
            None => Ok(()),
        }
    }

    /// Makes room for those that people wait for, the longest wait first.
    pub(super) async fn make_room(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "select number, rank, lanes, needs from jobs
             where state = 'queued' and priority = 3 and not_before <= $1 and deadline > $1
             order by rank, number limit $2";
        let rows = self
            .db
            .all("jobs.make_room", sql, args![now, MAX_SERVED_AT_ONCE])
            .await?;
        for row in &rows {
            // One that cannot be read waits for no room: it is given up when it is claimed.
            if let Ok(waits) = row.read::<Waits>("jobs", "number") {
                self.mark(&waits, now).await?;
            }
        }
        Ok(())
    }

    async fn mark(&mut self, waits: &Waits, now: Timestamp) -> Result<(), StoreError> {
        let room = self.room(now).await?;
        let coming = room.free_places(waits) + room.marked(waits);
        if coming > 0 && self.ahead_of(waits, now, coming).await? < coming {
            return Ok(());
        }
        // One that is just ending is left alone: its row is locked by who ends it, and may wait for what this one holds.
        for victim in room.victims(waits) {
            let sql = skip_locked!(
                "update jobs set preempt_at = $1 where number in (
                     select number from jobs where number = $2 and state = 'leased' and preempt_at is null",
                ")"
            );
            let args = args![now, victim];
            if self.db.execute("jobs.make_room", sql, args).await? == 1 {
                self.access.pending.wake();
                break;
            }
        }
        Ok(())
    }

    /// How many people wait that go before this one, counted up to `enough`.
    async fn ahead_of(
        &mut self,
        waits: &Waits,
        now: Timestamp,
        enough: i64,
    ) -> Result<i64, StoreError> {
        let sql = "select count(*) as count from (select number from jobs where state = 'queued'
                 and priority = 3 and (rank < $1 or (rank = $1 and number < $2))
                 and not_before <= $3 limit $4) as ahead";
        let args = args![waits.rank, waits.number, now, enough];
        let row = self.db.first("jobs.make_room", sql, args).await?;
        let count = row.map(|row| {
            row.int("count")
                .map_err(|bad| row.named(bad, "jobs", "count"))
        });
        Ok(count.transpose()?.unwrap_or(0))
    }

    async fn room(&mut self, now: Timestamp) -> Result<Room, StoreError> {
        let sql = "select number, priority, lane, lease_by, slot, leased_at, preempt_at from jobs
             where state = 'leased' order by number limit $1";
        let rows = self
            .db
            .all("jobs.make_room", sql, args![MAX_LEASED])
            .await?;
        let served = rows
            .iter()
            .filter_map(|row| row.read("jobs", "number").ok())
            .collect();
        let mut lanes = Lanes::within(&mut self.db);
        let fresh = lanes.seen_since(now.before(FRESH)).await?.rows;
        let paused = lanes.paused().await?.rows;
        Ok(Room {
            lanes: fresh,
            paused: paused.into_iter().map(|paused| paused.name).collect(),
            served,
        })
    }
}
