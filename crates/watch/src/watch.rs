//! The watch: everything the use cases share, built once by `cli` and cloned freely. A use case never holds a
//! transaction or a lock while it waits for a host or a model: it claims, works, then records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast};
use watchkeeper_agent::Runbooks;
use watchkeeper_fleet::{Engine, Engines, Fleet, HostEntry, SshTarget};
use watchkeeper_llm::{Lane, Provider};
use watchkeeper_model::{
    About, Actor, Clock, ControllerId, HostName, JobNumber, LogRecord, Person, Timestamp,
};
use watchkeeper_policy::OwnRequests;
use watchkeeper_store::{CorruptRow, Store, StoreError};

use crate::knowledge::Shelf;
use crate::notify::Notifying;
use crate::queue::{Ears, LaneBook};
use crate::sources::Sources;
use crate::talk::Roles;
use crate::view::RunEvent;
use crate::{Chance, Schedule, Settings, WatchError, Web};

/// Events of runs that a slow follower may fall behind; then it reads the store.
const RUN_EVENTS_KEPT: usize = 1_024;
/// Rows that cannot be read and are named in `status`; more are not.
const CORRUPT_ROWS_KEPT: usize = 100;
/// How long a row that could not be read is named; one that is still there is met again within that time.
const CORRUPT_ROWS_NAMED_FOR: Duration = Duration::from_secs(3_600);

/// What a watch is built from.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// How hosts are reached.
    pub fleet: Fleet,
    /// What finds the ways there and asks for keys.
    pub engines: Arc<Engines>,
    /// The account this process runs as, which steps on this machine run as.
    pub local_login: String,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bits come from.
    pub chance: Chance,
    /// Which controller this is.
    pub controller: ControllerId,
    /// Limits and thresholds.
    pub settings: Settings,
    /// Diagnoses without a model.
    pub runbooks: Runbooks,
    /// The models that may be asked.
    pub lanes: Vec<LaneParts>,
    /// Where accepted host keys are kept.
    pub known_hosts: PathBuf,
}

/// One model that may be asked.
#[derive(Clone, Debug)]
pub struct LaneParts {
    /// Its settings.
    pub lane: Lane,
    /// How it is spoken to.
    pub provider: Arc<dyn Provider>,
}

/// The watch. Clones are the same watch.
#[derive(Clone, Debug)]
pub struct Watch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    fleet: Fleet,
    engines: Arc<Engines>,
    local_login: String,
    clock: Arc<dyn Clock>,
    chance: Chance,
    controller: ControllerId,
    known_hosts: PathBuf,
    current: RwLock<Arc<Current>>,
    lane_book: LaneBook,
    ears: Ears,
    left_jobs: Mutex<Vec<JobNumber>>,
    run_events: broadcast::Sender<RunEvent>,
    approvals: Notify,
    corrupt: Mutex<BTreeMap<String, Timestamp>>,
    unstored_looks: Mutex<BTreeSet<HostName>>,
    schedule: RwLock<Schedule>,
    one_person: AtomicBool,
    shelf: Shelf,
    web: RwLock<Web>,
    notifying: RwLock<Arc<Notifying>>,
    roles: OnceLock<Arc<dyn Roles>>,
    sources: OnceLock<Arc<dyn Sources>>,
}

/// What a reload replaces, all at once.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) settings: Settings,
    pub(crate) runbooks: Runbooks,
    pub(crate) lanes: Vec<LaneParts>,
}

impl Watch {
    /// Builds a watch.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            store,
            fleet,
            engines,
            local_login,
            clock,
            chance,
            controller,
            settings,
            runbooks,
            lanes,
            known_hosts,
        } = parts;
        let shared = Shared {
            store,
            fleet,
            engines,
            local_login,
            clock,
            chance,
            controller,
            known_hosts,
            current: RwLock::new(Arc::new(Current {
                settings,
                runbooks,
                lanes,
            })),
            lane_book: LaneBook::default(),
            ears: Ears::default(),
            left_jobs: Mutex::default(),
            run_events: broadcast::Sender::new(RUN_EVENTS_KEPT),
            approvals: Notify::new(),
            corrupt: Mutex::default(),
            unstored_looks: Mutex::default(),
            schedule: RwLock::new(Schedule::default()),
            one_person: AtomicBool::new(false),
            shelf: Shelf::default(),
            web: RwLock::default(),
            notifying: RwLock::default(),
            roles: OnceLock::new(),
            sources: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Replaces settings, runbooks and lanes. What is under way goes on with the old ones.
    pub fn reload(&self, settings: Settings, runbooks: Runbooks, lanes: Vec<LaneParts>) {
        let fresh = Arc::new(Current {
            settings,
            runbooks,
            lanes,
        });
        let old = std::mem::replace(
            &mut *self
                .shared
                .current
                .write()
                .unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&fresh),
        );
        for parts in &old.lanes {
            if !fresh.lanes.iter().any(|new| new.lane == parts.lane) {
                self.lane_book().forget(&parts.lane.name);
            }
        }
    }

    /// Ends the looks that an earlier process left unfinished, and the leases of the questions that it was answering, so
    /// that nobody waits for them. Only for who has the store
    /// alone, and before anything else is begun.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_left_looks(&self) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        tx.hosts().end_leases().await?;
        tx.jobs().end_leases(self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Says that the store is one person's own, with no daemon that others could ask: nobody else could approve what
    /// that person asks for, so they may.
    pub fn is_one_persons(&self) {
        self.shared.one_person.store(true, Ordering::Relaxed);
    }

    /// Whether nobody but this process can serve anything of the store now.
    pub(crate) fn is_alone(&self) -> bool {
        self.shared.one_person.load(Ordering::Relaxed)
    }

    /// Whether people may approve what they asked for themselves.
    pub(crate) fn own_requests(&self) -> OwnRequests {
        if self.is_alone() {
            return OwnRequests::Allow;
        }
        self.current().settings.orders.orders.own_requests
    }

    /// Sets when hosts are looked at. It counts from the next look on.
    pub fn reschedule(&self, schedule: Schedule) {
        *self
            .shared
            .schedule
            .write()
            .unwrap_or_else(PoisonError::into_inner) = schedule;
    }

    pub(crate) fn schedule(&self) -> Schedule {
        self.shared
            .schedule
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(
            &self
                .shared
                .current
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The watch's name, which tells its inventory from those of others in the same store.
    pub(crate) fn name(&self) -> String {
        self.current().settings.name.clone()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The index of what is known.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shared.shelf
    }

    pub(crate) fn notify_cell(&self) -> &RwLock<Arc<Notifying>> {
        &self.shared.notifying
    }

    pub(crate) fn web_cell(&self) -> &RwLock<Web> {
        &self.shared.web
    }

    /// What accounts are, where somebody tells.
    pub(crate) fn roles(&self) -> &OnceLock<Arc<dyn Roles>> {
        &self.shared.roles
    }

    /// What the configuration was read from, where somebody tells.
    pub(crate) fn sources(&self) -> &OnceLock<Arc<dyn Sources>> {
        &self.shared.sources
    }

    /// How hosts are reached.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.shared.fleet
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(crate) fn chance(&self) -> &Chance {
        &self.shared.chance
    }

    pub(crate) fn controller(&self) -> &ControllerId {
        &self.shared.controller
    }

    pub(crate) fn known_hosts_file(&self) -> &std::path::Path {
        &self.shared.known_hosts
    }

    pub(crate) fn lane_book(&self) -> &LaneBook {
        &self.shared.lane_book
    }

    pub(crate) fn ears(&self) -> &Ears {
        &self.shared.ears
    }

    /// Jobs whose followers have gone away, and that are to be taken back.
    pub(crate) fn left_jobs(&self) -> MutexGuard<'_, Vec<JobNumber>> {
        self.shared
            .left_jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to actions while they run, from now on. For speed: the store is the truth.
    #[must_use]
    pub fn run_events(&self) -> broadcast::Receiver<RunEvent> {
        self.shared.run_events.subscribe()
    }

    pub(crate) fn tell(&self, event: RunEvent) {
        // Nobody listening is the usual case.
        let _ = self.shared.run_events.send(event);
    }

    /// Wakes the loop that runs what is approved.
    pub(crate) fn something_was_approved(&self) {
        self.shared.approvals.notify_one();
    }

    pub(crate) async fn until_something_is_approved(&self) {
        self.shared.approvals.notified().await;
    }

    pub(crate) fn engines(&self) -> &Engines {
        &self.shared.engines
    }

    /// The way to a host by SSH.
    pub(crate) async fn ssh_target(&self, entry: &HostEntry) -> Result<SshTarget, WatchError> {
        let found = self.engines().routes().find(entry).await;
        found
            .map(|route| route.target)
            .map_err(|source| WatchError::Host {
                host: entry.name.clone(),
                source,
            })
    }

    /// The account that logs in on a host.
    pub(crate) async fn login(&self, entry: &HostEntry) -> Result<String, WatchError> {
        match entry.engine() {
            Engine::Local => Ok(self.shared.local_login.clone()),
            Engine::Simulated => Ok(entry.login.clone().unwrap_or_else(|| "root".to_owned())),
            Engine::Russh | Engine::SystemSsh => Ok(self.ssh_target(entry).await?.login),
        }
    }

    pub(crate) fn entry(&self, host: &HostName) -> Result<Arc<HostEntry>, WatchError> {
        self.fleet()
            .entry(host)
            .ok_or_else(|| WatchError::NoSuchHost { host: host.clone() })
    }

    /// Keeps rows that cannot be read for `status`; each is logged once. The rest of their table goes on.
    pub(crate) fn remember_corrupt(&self, rows: &[CorruptRow]) {
        let now = self.now();
        let mut known = self.corrupt();
        for row in rows {
            let name = row.to_string();
            if !known.contains_key(&name) {
                if known.len() >= CORRUPT_ROWS_KEPT {
                    continue;
                }
                tracing::error!(row = %row, "a row of the store cannot be read and was passed over");
            }
            known.insert(name, now);
        }
    }

    /// Keeps the row for `status`, where one that cannot be read is why something was not done.
    pub(crate) fn remember_if_corrupt(&self, error: &WatchError) {
        if let WatchError::Store(StoreError::CorruptRow(row)) = error {
            self.remember_corrupt(std::slice::from_ref(row));
        }
    }

    /// What a read found; a row that cannot be read is kept for `status` and counts as absent. Only for what is not
    /// needed to go on: where a row decides something, its absence must not.
    pub(crate) fn or_absent<T>(
        &self,
        found: Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match found {
            Err(StoreError::CorruptRow(row)) => {
                self.remember_corrupt(&[row]);
                Ok(None)
            }
            other => other,
        }
    }

    /// Hosts whose looks could not be stored, and whose leases this controller holds still.
    pub(crate) fn unstored_looks(&self) -> MutexGuard<'_, BTreeSet<HostName>> {
        self.shared
            .unstored_looks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn corrupt_rows(&self) -> Vec<String> {
        let oldest = self.now().before(CORRUPT_ROWS_NAMED_FOR);
        let mut known = self.corrupt();
        known.retain(|_, met| *met >= oldest);
        known.keys().cloned().collect()
    }

    fn corrupt(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.shared
            .corrupt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// An entry of the log by the watch itself; `text` is what a person reads.
    pub(crate) fn record(&self, event: &str, about: About, text: impl Into<String>) -> LogRecord {
        let actor = Actor::Watch {
            controller: self.controller().clone(),
        };
        LogRecord {
            at: self.now(),
            actor,
            event: event.to_owned(),
            about,
            body: json!({ "text": text.into() }),
        }
    }

    /// An entry of the log by a person.
    pub(crate) fn record_by(
        &self,
        person: Person,
        event: &str,
        about: About,
        text: impl Into<String>,
    ) -> LogRecord {
        LogRecord {
            actor: Actor::Person(person),
            ..self.record(event, about, text)
        }
    }
}

/// Adds particulars to an entry of the log.
pub(crate) fn with(mut record: LogRecord, key: &str, value: Value) -> LogRecord {
    if let Value::Object(body) = &mut record.body {
        body.insert(key.to_owned(), value);
    }
    record
}
