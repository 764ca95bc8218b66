//! What goes on by itself: looking when hosts are due, running what is approved, taking over what was lost, asking
//! models, ending what waited too long. Each loop waits, which may be cancelled, then steps, which may not; the
//! signal is for speed, the period for truth.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::Inventory;
use watchkeeper_model::{ActionNumber, HostName, Timestamp};
use watchkeeper_store::{ActionFilter, DueHosts};

use crate::WatchError;
use crate::cycle::chain;
use crate::notify::notifying;
use crate::queue::work;
use crate::runs::{Busy, Ran};
use crate::watch::Watch;

/// How often a loop looks where no signal wakes it.
const POLL: Duration = Duration::from_secs(2);
/// How long looks under way may take to end when the watch ends.
const LOOKS_END_WITHIN: Duration = Duration::from_secs(3);
/// How long it is kept, whole, what was looked at for a question.
const KEEP_LOOKS: Duration = Duration::from_secs(30 * 86_400);
/// Most pieces of what is too old that are removed in a row; the rest is for the next time.
const MOST_PIECES: u32 = 1_000;
/// How often the store is told of the inventory, changed or not: what another controller made of it meanwhile is put right.
const TELL_INVENTORY_EVERY: Duration = Duration::from_secs(600);
/// How often old observations are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// The pause after the store did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How soon an action that could not go on is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// Approved actions that are taken up in one step.
const ACTIONS_AT_ONCE: u32 = 50;

/// When hosts are looked at.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How often, or when.
    pub every: Every,
    /// At most this much is added to each, so that not all hosts are due at once.
    pub jitter: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            every: Every::Interval(Duration::from_secs(300)),
            jitter: Duration::from_secs(15),
        }
    }
}

/// How often, or when.
#[derive(Clone, Debug)]
pub enum Every {
    /// So long after the last look.
    Interval(Duration),
    /// At the times of a cron expression, in UTC.
    Cron(Box<cron::Schedule>),
}

impl Every {
    /// The next time after this one.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Interval(span) => now.after(*span),
            Self::Cron(schedule) => {
                next_cron(schedule, now).unwrap_or_else(|| now.after(PRUNE_EVERY))
            }
        }
    }
}

fn next_cron(schedule: &cron::Schedule, now: Timestamp) -> Option<Timestamp> {
    let from = chrono::DateTime::from_timestamp_millis(now.as_millis())?;
    let next = schedule.after(&from).next()?;
    Some(Timestamp::from_millis(next.timestamp_millis()))
}

/// The loops of a daemon.
#[derive(Debug)]
pub struct Loops {
    watch: Watch,
    alone: bool,
}

impl Loops {
    /// Builds them. `alone`: no other controller can have the store, so that what an earlier process left is ours.
    #[must_use]
    pub fn new(watch: Watch, schedule: Schedule, alone: bool) -> Self {
        watch.reschedule(schedule);
        Self { watch, alone }
    }

    /// Runs until told to stop, then until what is under way has been brought to where it can be left.
    pub async fn run(self, stop: CancellationToken) {
        let Self { watch, alone } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(looking(watch.clone(), stop.clone()));
        tasks.spawn(running(watch.clone(), alone, stop.clone()));
        tasks.spawn(housekeeping(watch.clone(), stop.clone()));
        tasks.spawn(work(watch.clone(), stop.clone()));
        tasks.spawn(notifying(watch.clone(), stop.clone()));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a loop of the watch broke down; the daemon stops");
                stop.cancel();
            }
        }
    }
}

/// Waits for an approval here, the poll (which finds approvals elsewhere), or the end; false at the end.
async fn wake(watch: &Watch, poll: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(poll) => true,
        () = watch.until_something_is_approved() => true,
    }
}

/// Waits out a store that does not answer.
pub(crate) async fn pause_after(what: &str, error: &WatchError, stop: &CancellationToken) {
    tracing::error!(error = chain(error), "{what}; it is tried again");
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(STORE_PAUSE) => {}
    }
}

/// The inventory that the store was last told of, and when.
struct Told {
    watch: String,
    inventory: Arc<Inventory>,
    at: tokio::time::Instant,
}

impl Told {
    fn now(watch: &Watch) -> Self {
        Self {
            watch: watch.name(),
            inventory: watch.fleet().inventory(),
            at: tokio::time::Instant::now(),
        }
    }

    /// Whether it is still the one in force, and was told not long ago.
    fn stands(&self, watch: &Watch) -> bool {
        self.watch == watch.name()
            && Arc::ptr_eq(&self.inventory, &watch.fleet().inventory())
            && self.at.elapsed() < TELL_INVENTORY_EVERY
    }
}

async fn looking(watch: Watch, stop: CancellationToken) {
    let mut looks = JoinSet::new();
    let mut told: Option<Told> = None;
    while !stop.is_cancelled() {
        while let Some(ended) = looks.try_join_next() {
            report_panic(ended);
        }
        let step = async {
            if !told.as_ref().is_some_and(|told| told.stands(&watch)) {
                let now = Told::now(&watch);
                watch.sync_inventory().await?;
                told = Some(now);
            }
            watch.start_due_looks(&mut looks).await
        };
        match step.await {
            Ok(next) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(next) => {}
                    Some(ended) = looks.join_next(), if !looks.is_empty() => report_panic(ended),
                }
            }
            Err(error) => {
                pause_after("hosts that are due could not be claimed", &error, &stop).await;
            }
        }
    }
    // A look under way is brought to its end, unless its host hangs: a look changes nothing there, and is made again.
    let ends = async {
        while let Some(ended) = looks.join_next().await {
            report_panic(ended);
        }
    };
    if tokio::time::timeout(LOOKS_END_WITHIN, ends).await.is_err() {
        looks.shutdown().await;
        if let Err(error) = watch.give_back_leases().await {
            tracing::warn!(
                error = chain(&error),
                "looks were given up, and their leases run out only"
            );
        }
    }
}

/// A look that has not ended. Where it never does (given up, or broken down), its lease is given back.
struct Unended {
    watch: Watch,
    host: Option<HostName>,
}

impl Drop for Unended {
    fn drop(&mut self) {
        if let Some(host) = self.host.take() {
            self.watch.unstored_looks().insert(host);
        }
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %error, "a task of the watch broke down");
    }
}

impl Watch {
    /// Claims hosts that are due, as many as there is room for, and starts a look at each. Says how long to wait.
    async fn start_due_looks(&self, looks: &mut JoinSet<()>) -> Result<Duration, WatchError> {
        let schedule = self.schedule();
        let parallel = self.current().settings.looking.parallel.max(1);
        let room = parallel.saturating_sub(looks.len());
        if room == 0 {
            return Ok(POLL);
        }
        self.give_back_leases().await?;
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let now = self.now();
        let due = DueHosts {
            watch: &self.name(),
            now,
            latest: schedule.every.next_after(now).after(schedule.jitter),
            lease: self.look_lease(),
            limit,
        };
        let mut tx = self.store().begin().await?;
        let claimed = tx.hosts().claim_due(self.controller(), &due).await?;
        tx.commit().await?;
        self.remember_corrupt(&claimed.corrupt);
        let found = claimed.rows.len();
        for host in claimed.rows {
            let Ok(entry) = self.entry(&host.host) else {
                // It has just left the inventory, which the store is not told of yet.
                self.unstored_looks().insert(host.host);
                continue;
            };
            let next = schedule
                .every
                .next_after(now)
                .after(self.jitter(schedule.jitter));
            let watch = self.clone();
            looks.spawn(async move {
                let mut unended = Unended {
                    host: Some(host.host),
                    watch: watch.clone(),
                };
                watch.check_claimed(&entry, Some(next)).await;
                unended.host = None;
            });
        }
        if found == room {
            return Ok(Duration::ZERO);
        }
        let mut read = self.store().read().await?;
        let due = read.hosts().next_due(&self.name()).await?;
        Ok(due
            .map_or(POLL, |at| at.since(self.now()))
            .clamp(Duration::from_millis(50), POLL))
    }

    fn jitter(&self, most: Duration) -> Duration {
        let random = u32::from_be_bytes(self.chance().bytes());
        most.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Runs what is approved and takes over what was lost.
async fn running(watch: Watch, alone: bool, stop: CancellationToken) {
    let mut tasks: JoinSet<(ActionNumber, Ran)> = JoinSet::new();
    let mut busy = Busy::default();
    let mut later: BTreeMap<ActionNumber, tokio::time::Instant> = BTreeMap::new();
    let mut first = true;
    let lease = watch.current().settings.running.lease;
    loop {
        while let Some(ended) = tasks.try_join_next() {
            settle(ended, &mut busy, &mut later, lease);
        }
        if stop.is_cancelled() {
            break;
        }
        busy.forget_broken(tokio::time::Instant::now());
        match watch
            .start_runs(alone && first, &mut tasks, &mut busy, &later, &stop)
            .await
        {
            Ok(()) => first = false,
            Err(error) => {
                pause_after("what is approved could not be read", &error, &stop).await;
                continue;
            }
        }
        tokio::select! {
            goes_on = wake(&watch, POLL, &stop) => if !goes_on { break },
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => settle(ended, &mut busy, &mut later, lease),
        }
    }
    // The token ends the following; what was started on hosts goes on there and is attached to again.
    while let Some(ended) = tasks.join_next().await {
        settle(ended, &mut busy, &mut later, lease);
    }
}

type Ended = Result<(ActionNumber, Ran), tokio::task::JoinError>;

fn settle(
    ended: Ended,
    busy: &mut Busy,
    later: &mut BTreeMap<ActionNumber, tokio::time::Instant>,
    lease: Duration,
) {
    match ended {
        Ok((number, ran)) => {
            busy.ended(number);
            match ran {
                Ran::Later { .. } => {
                    later.insert(number, tokio::time::Instant::now() + TRY_AGAIN);
                }
                Ran::Over(_) | Ran::NotOurs => {
                    later.remove(&number);
                }
            }
        }
        Err(error) => {
            tracing::error!(error = %error, "a run broke down; it is taken up again when its lease ends");
            busy.broke_down(error.id(), tokio::time::Instant::now() + lease);
        }
    }
}

impl Watch {
    async fn start_runs(
        &self,
        alone: bool,
        tasks: &mut JoinSet<(ActionNumber, Ran)>,
        busy: &mut Busy,
        later: &BTreeMap<ActionNumber, tokio::time::Instant>,
        stop: &CancellationToken,
    ) -> Result<(), WatchError> {
        for stored in self.adopt_runs(alone).await? {
            let number = stored.run.action;
            if busy.has(number) {
                // It is followed here already: its lease had run out while the store did not answer.
                continue;
            }
            let host = match self.host_of(number).await {
                Ok(host) => host,
                // The others are not held up; it is taken up again when its lease ends.
                Err(error) => {
                    self.remember_if_corrupt(&error);
                    tracing::error!(action.number = %number, error = chain(&error), "a run could not be taken over");
                    continue;
                }
            };
            let (watch, stop) = (self.clone(), stop.clone());
            let task = tasks.spawn(async move {
                let ran = watch.resume_run(&stored.run, &stop).await;
                (number, or_later(&watch, ran))
            });
            busy.begins(number, host, task.id());
        }
        let filter = ActionFilter {
            states: vec!["approved"],
            ..ActionFilter::default()
        };
        let approved = self
            .store()
            .read()
            .await?
            .actions()
            .list(&filter, ACTIONS_AT_ONCE)
            .await?;
        self.remember_corrupt(&approved.corrupt);
        let room = self.current().settings.running.parallel.max(1);
        for action in approved.rows.into_iter().rev() {
            let (number, host) = (action.number, action.plan.host);
            if self.fleet().entry(&host).is_none() {
                // Another watch's, or nobody's any more: then it expires.
                continue;
            }
            let waits = later
                .get(&number)
                .is_some_and(|at| *at > tokio::time::Instant::now());
            // One action at a time on one host: the second must see what the first did.
            if busy.count() >= room || waits || busy.has(number) || busy.holds(&host) {
                continue;
            }
            let (watch, stop) = (self.clone(), stop.clone());
            let task = tasks.spawn(async move {
                let ran = watch.run_action_until(number, &stop).await;
                (number, or_later(&watch, ran))
            });
            busy.begins(number, host, task.id());
        }
        Ok(())
    }

    async fn host_of(&self, number: ActionNumber) -> Result<HostName, WatchError> {
        let action = self.store().read().await?.actions().get(number).await?;
        action
            .map(|action| action.plan.host)
            .ok_or(WatchError::NoSuchAction { number })
    }
}

fn or_later(watch: &Watch, ran: Result<Ran, WatchError>) -> Ran {
    ran.unwrap_or_else(|error| {
        watch.remember_if_corrupt(&error);
        tracing::error!(
            error = chain(&error),
            "a run could not go on; it is taken up again"
        );
        Ran::Later { why: chain(&error) }
    })
}

/// Ends what waited too long, sweeps the queue, removes what is too old.
async fn housekeeping(watch: Watch, stop: CancellationToken) {
    let mut pruned: Option<tokio::time::Instant> = None;
    loop {
        let prune = pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
        match watch.keep_house(prune).await {
            Ok(()) if prune => pruned = Some(tokio::time::Instant::now()),
            Ok(()) => {}
            Err(error) => pause_after("housekeeping could not be done", &error, &stop).await,
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

impl Watch {
    /// Ends what waited too long and sweeps the queue; with `prune`, also removes observations and talks that are too old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keep_house(&self, prune: bool) -> Result<(), WatchError> {
        self.expire_overdue().await?;
        self.sweep_jobs().await?;
        if prune {
            self.prune_looks().await?;
            self.prune_talks().await?;
            self.prune_entries().await?;
            self.prune_queue().await?;
            self.prune_links().await?;
            self.prune_deliveries().await?;
        }
        Ok(())
    }

    /// Removes what was seen too long ago, piece by piece, so that other writers come between.
    async fn prune_looks(&self) -> Result<(), WatchError> {
        let now = self.now();
        let seen = now.before(self.current().settings.looking.keep_observations);
        for _ in 0..MOST_PIECES {
            let mut tx = self.store().begin().await?;
            let observations = tx.observations().prune(seen).await?;
            let looked_at = tx.looked_at().prune(now.before(KEEP_LOOKS)).await?;
            tx.commit().await?;
            if observations + looked_at == 0 {
                break;
            }
        }
        Ok(())
    }
}
