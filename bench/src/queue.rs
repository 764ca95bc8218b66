//! Drives the queue through the phases of a race: insert one by one and in batches, process by one and by four workers,
//! singly and in batches, and how soon a job is picked up when the queue is idle. It prints one JSON line for each phase
//! and goes by the store's own calls, the same that the watch uses; `queue/README.md` says what is compared with what.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use watchkeeper_model::{
    ActionNumber, Clock as _, ControllerId, JobNumber, JobRequest, Need, Priority, Timestamp,
};
use watchkeeper_store::{
    Changes, Claimer, Completed, LaneSighting, NewJob, Order, QueueLimits, Store, Used, Wake,
};

use crate::machine::{MachineClock, cpu, say};
use crate::setting::runtime;

/// How long a job is leased, and has until it is given up.
const DAY: Duration = Duration::from_secs(86_400);
/// Jobs queued by one call, and taken at once by a worker that works in batches.
const QUEUED_AT_ONCE: usize = 1_000;
const TAKEN_AT_ONCE: u32 = 100;
/// A backlog is what is measured, so nothing is refused.
const LIMITS: QueueLimits = QueueLimits {
    waiting: 10_000_000,
    reserve: 100,
    waiting_of_host: 1_000_000,
    waiting_of_person: 1_000_000,
};
/// What is taken where a backlog waits: all but its own priority.
const TAKEN: [Priority; 3] = [
    Priority::Interactive,
    Priority::Finding,
    Priority::Background,
];
/// The longest wait for a job that was sent into an idle queue.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// Where the store is, `postgres://…` or `sqlite:/path`. It should be empty.
    url: String,
    /// How many jobs each phase has; a fifth of it one by one.
    jobs: usize,
    /// How many jobs are sent into an idle queue.
    samples: usize,
    /// Jobs of a priority that no worker takes, which wait all the time.
    #[arg(long, default_value_t = 0)]
    backlog: usize,
}

pub(crate) fn run(args: &QueueArgs) -> anyhow::Result<()> {
    runtime(0)?.block_on(measure(args))
}

struct Bench<'a> {
    args: &'a QueueArgs,
    store: Store,
    queued: u64,
}

async fn measure(args: &QueueArgs) -> anyhow::Result<()> {
    let store = Store::open(&args.url).await?;
    let mut bench = Bench {
        args,
        store,
        queued: 0,
    };
    bench.lay_backlog().await?;
    bench.insert_one().await?;
    bench.drain(4, 1, args.jobs / 5).await?;
    for (workers, at_once, name) in [
        (1, 1, "process_1"),
        (4, 1, "process_4"),
        (1, TAKEN_AT_ONCE, "process_1_batched"),
        (4, TAKEN_AT_ONCE, "process_4_batched"),
    ] {
        bench.insert_batch().await?;
        let phase = Phase::begin()?;
        bench.drain(workers, at_once, args.jobs).await?;
        phase.end(name, args.jobs)?;
    }
    bench.insert_batch().await?;
    let phase = Phase::begin()?;
    bench.drain_plainly(args.jobs).await?;
    phase.end("process_1_two_transactions", args.jobs)?;
    bench.latency("latency", Priority::Finding, 10).await?;
    bench
        .latency("latency_interactive", Priority::Interactive, 11)
        .await?;
    bench.store.close().await;
    Ok(())
}

/// What a phase costs.
struct Phase {
    began: Instant,
    own: Duration,
    database: Duration,
}

impl Phase {
    fn begin() -> anyhow::Result<Self> {
        Ok(Self {
            database: database_cpu()?,
            own: cpu()?,
            began: Instant::now(),
        })
    }

    fn end(self, name: &str, count: usize) -> anyhow::Result<()> {
        let wall = self.began.elapsed().as_secs_f64();
        let own = cpu()?.saturating_sub(self.own).as_secs_f64();
        let database = database_cpu()?.saturating_sub(self.database);
        let database = database.as_secs_f64();
        say(&format!(
            r#"{{"phase": "{name}", "count": {count}, "wall_s": {wall:.6}, "cpu_s": {own:.6}, "db_cpu_s": {database:.6}}}"#
        ))
    }
}

/// Processor time of the database, where `DATABASE_CPU_STAT` names a file whose first line ends in it, in microseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a race tells its entrants so where that file is"
)]
fn database_cpu() -> anyhow::Result<Duration> {
    let Ok(path) = std::env::var("DATABASE_CPU_STAT") else {
        return Ok(Duration::ZERO);
    };
    let text = std::fs::read_to_string(path).context("the database's processor time")?;
    let line = text.lines().next().unwrap_or_default();
    let figure = line.split_whitespace().last().unwrap_or_default();
    let micros = figure
        .parse()
        .with_context(|| format!("{line:?} is no time"))?;
    Ok(Duration::from_micros(micros))
}

/// Where a worker takes jobs from; each has a lane with one place.
struct Seat {
    worker: ControllerId,
    lane: String,
    slot: String,
    /// It takes all priorities.
    all: bool,
}

impl Seat {
    fn new(number: usize, all: bool) -> anyhow::Result<Self> {
        Ok(Self {
            worker: ControllerId::new(format!("worker{number}"))?,
            lane: format!("lane{number}"),
            slot: LaneSighting::slot(&format!("http://lane{number}"), 1),
            all,
        })
    }

    /// One job fills the lane's place; many do not.
    fn claimer(&self, at_once: u32, taken: u64) -> Claimer<'_> {
        Claimer {
            worker: &self.worker,
            lane: &self.lane,
            slot: (at_once == 1).then_some(self.slot.as_str()),
            needs: &[Need::Answer],
            takes: if self.all { &[] } else { &TAKEN },
            order: Order::of(taken),
        }
    }
}

fn done(number: JobNumber) -> Completed {
    Completed {
        number,
        result: serde_json::Value::Null,
        used: Used::default(),
    }
}

impl Bench<'_> {
    /// A job that asks nothing of anybody: its payload is a number.
    fn job(&mut self, priority: Priority, at: Timestamp) -> NewJob {
        self.queued += 1;
        let request = JobRequest::LearnFromAction {
            action: ActionNumber(i64::try_from(self.queued).unwrap_or(i64::MAX)),
        };
        NewJob::new(request, priority, at, at.after(DAY))
    }

    /// Queues jobs that no worker takes.
    async fn lay_backlog(&mut self) -> anyhow::Result<()> {
        let now = MachineClock.now();
        while self.queued < self.args.backlog as u64 {
            let mut tx = self.store.begin().await?;
            let mut jobs = Vec::with_capacity(QUEUED_AT_ONCE);
            for _ in 0..QUEUED_AT_ONCE {
                jobs.push(self.job(Priority::CriticalFinding, now));
            }
            tx.jobs().enqueue_many(jobs, &LIMITS).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn insert_one(&mut self) -> anyhow::Result<()> {
        let count = self.args.jobs / 5;
        let phase = Phase::begin()?;
        for _ in 0..count {
            let job = self.job(Priority::Background, MachineClock.now());
            self.store.enqueue_job(job, &LIMITS).await?;
        }
        phase.end("insert_one", count)
    }

    async fn insert_batch(&mut self) -> anyhow::Result<()> {
        let phase = Phase::begin()?;
        let mut left = self.args.jobs;
        while left > 0 {
            let count = left.min(QUEUED_AT_ONCE);
            let now = MachineClock.now();
            let jobs = (0..count).map(|_| self.job(Priority::Background, now));
            let jobs = jobs.collect();
            let mut tx = self.store.begin().await?;
            let queued = tx.jobs().enqueue_many(jobs, &LIMITS).await?;
            tx.commit().await?;
            ensure!(queued.iter().all(Result::is_ok), "none is refused");
            left -= count;
        }
        phase.end("insert_batch", self.args.jobs)
    }

    /// Workers take jobs until there are none; each records what it has done as it takes what is next.
    async fn drain(&self, workers: usize, at_once: u32, expected: usize) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for number in 0..workers {
            let (store, seat) = (
                self.store.clone(),
                Seat::new(number, self.args.backlog == 0)?,
            );
            tasks.spawn(async move { serve(&store, &seat, at_once).await });
        }
        let mut served = 0;
        while let Some(count) = tasks.join_next().await {
            served += count??;
        }
        ensure!(
            served == expected,
            "{served} of {expected} jobs were served"
        );
        Ok(())
    }

    /// One worker that takes a job in one transaction and completes it in another, with nothing in between.
    async fn drain_plainly(&self, expected: usize) -> anyhow::Result<()> {
        let seat = Seat::new(0, self.args.backlog == 0)?;
        let mut served = 0_u64;
        while let Some(job) = self
            .store
            .claim_job(&seat.claimer(1, served), MachineClock.now(), DAY)
            .await?
        {
            let ended = [done(job.number)];
            let now = MachineClock.now();
            self.store
                .turn_jobs(&seat.claimer(1, served), &ended, 0, now, DAY)
                .await?;
            served += 1;
        }
        ensure!(
            served == expected as u64,
            "{served} of {expected} jobs were served"
        );
        Ok(())
    }

    /// Each job finds the queue idle, and its worker a lane of its own: the next one is sent 20 to 120 ms after the last one began.
    async fn latency(&mut self, name: &str, priority: Priority, seat: usize) -> anyhow::Result<()> {
        let mut changes = self.store.changes().await?;
        let (begins, mut begun) = mpsc::channel(1);
        let (store, seat) = (self.store.clone(), Seat::new(seat, self.args.backlog == 0)?);
        let mut worker = JoinSet::new();
        worker.spawn(async move { pick_up(&store, &seat, &mut changes, &begins).await });
        let mut waits = Vec::with_capacity(self.args.samples);
        for _ in 0..self.args.samples {
            let pause = Duration::from_millis(20 + u64::from(rand::random::<u8>()) * 100 / 255);
            tokio::time::sleep(pause).await;
            let job = self.job(priority, MachineClock.now());
            let sent = Instant::now();
            self.store.enqueue_job(job, &LIMITS).await?;
            let began = tokio::time::timeout(PATIENCE, begun.recv()).await;
            let began = began.context("the job was not picked up")?;
            waits.push(began.context("the worker is there")?.duration_since(sent));
        }
        worker.abort_all();
        waits.sort();
        let at = |share: f64| {
            waits
                .get((waits.len() as f64 * share) as usize)
                .copied()
                .unwrap_or_default()
        };
        say(&format!(
            r#"{{"phase": "{name}", "count": {}, "p50_ms": {:.3}, "p99_ms": {:.3}}}"#,
            waits.len(),
            at(0.5).as_secs_f64() * 1e3,
            at(0.99).as_secs_f64() * 1e3,
        ))
    }
}

/// Waits for jobs, and tells when each begins.
async fn pick_up(
    store: &Store,
    seat: &Seat,
    changes: &mut Changes,
    begins: &mpsc::Sender<Instant>,
) -> anyhow::Result<Infallible> {
    let mut taken = 0;
    loop {
        if changes.wait(PATIENCE).await == Wake::Poll {
            continue;
        }
        // What came meanwhile told its signal already.
        while let Some(job) = store
            .claim_job(&seat.claimer(1, taken), MachineClock.now(), DAY)
            .await?
        {
            taken += 1;
            begins.send(Instant::now()).await?;
            let (ended, now) = ([done(job.number)], MachineClock.now());
            let claimer = seat.claimer(1, taken);
            store.turn_jobs(&claimer, &ended, 0, now, DAY).await?;
        }
    }
}

/// Serves jobs until none waits; says how many.
async fn serve(store: &Store, seat: &Seat, at_once: u32) -> anyhow::Result<usize> {
    let (mut ended, mut served, mut turns) = (Vec::new(), 0, 0);
    loop {
        let now = MachineClock.now();
        let turn = store
            .turn_jobs(&seat.claimer(at_once, turns), &ended, at_once, now, DAY)
            .await?;
        turns += 1;
        ensure!(turn.completed.len() == ended.len(), "a job was lost");
        ended.clear();
        let taken = turn.claimed.strict()?;
        if taken.is_empty() {
            return Ok(served);
        }
        served += taken.len();
        ended.extend(taken.iter().map(|job| done(job.number)));
    }
}
