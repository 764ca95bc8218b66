//! An hour of mixed load by a clock that is moved by hand: two lanes, one of them broken for ten minutes, a host that
//! asks without end, a backlog of three hours ago, people who come at any time. The queue is the real one, on SQLite; what is scripted is who asks
//! what when, and how long an answer takes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use watchkeeper_model::{
    ActionNumber, CheckName, ControllerId, Fingerprint, HostName, IssueNumber, Job, JobNumber,
    JobRequest, JobState, Need, Priority, Timestamp,
};
use watchkeeper_store::{
    Claimer, EnqueueError, JobFilter, LaneSighting, NewJob, Order, PutBack, QueueLimits, Retry,
    Store, Used, Word,
};
use watchkeeper_testkit::clock::NOON;

/// How long load comes in.
const HOUR_S: u64 = 3_600;
/// When the second lane breaks, and when it is well again.
const BROKEN_S: std::ops::Range<u64> = 1_200..1_800;
/// How long the worker that had a job on it holds back.
const RETRY: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_secs(120);
const NOISY: &str = "noisy";
/// How many wait when the hour begins, where some do.
const BACKLOG: i64 = 10_000;
/// How long they have waited by then: longer than the head start of a person.
const BACKLOG_AGE: Duration = Duration::from_secs(3 * HOUR_S);

/// A fixed sequence of numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Something that is asked.
#[derive(Clone)]
struct Arrival {
    at_ms: u64,
    host: String,
    priority: Priority,
}

/// Who asks what when, in its order. Whether the noisy host asks too changes nothing about the others.
fn script(noisy: bool) -> Vec<Arrival> {
    let mut all = Vec::new();
    let mut come = |count: u64, until_s: u64, priority, hosts: u64| {
        let mut dice = Dice(42 + count);
        for nth in 0..count {
            all.push(Arrival {
                at_ms: dice.below(until_s * 1_000),
                host: match hosts {
                    1 => NOISY.to_owned(),
                    hosts => format!("host{}", nth % hosts),
                },
                priority,
            });
        }
    };
    come(300, HOUR_S, Priority::Background, 40);
    come(900, HOUR_S, Priority::Finding, 40);
    come(60, HOUR_S, Priority::CriticalFinding, 40);
    come(120, HOUR_S, Priority::Interactive, 40);
    if noisy {
        come(1_600, HOUR_S, Priority::Finding, 1);
    }
    all.sort_by_key(|arrival| arrival.at_ms);
    all
}

/// How long an answer to a job takes, the same at every try.
fn takes(job: &Job) -> Duration {
    let mut dice = Dice(u64::try_from(job.number.0).expect("a number") ^ 0x5eed);
    dice.below(7);
    let (least, more) = match job.priority {
        Priority::Interactive => (2_000, 4_000),
        Priority::Background => (3_000, 3_000),
        Priority::Finding | Priority::CriticalFinding => (1_500, 2_000),
    };
    Duration::from_millis(least + dice.below(more))
}

/// One lane, and what it serves until when.
struct Lane {
    name: &'static str,
    serves: Option<(Job, Timestamp)>,
    is_broken: bool,
    /// How many jobs it has begun.
    taken: u64,
}

/// What became of a job.
#[derive(Debug, Default)]
struct Story {
    first_served: Option<Timestamp>,
    done: usize,
}

struct Simulation {
    store: Store,
    worker: ControllerId,
    now: Timestamp,
    lanes: Vec<Lane>,
    stories: BTreeMap<JobNumber, Story>,
    asked: usize,
    refused: usize,
    failed_tries: usize,
}

impl Simulation {
    async fn begin(address: &str) -> Self {
        let lane = |name| Lane {
            name,
            serves: None,
            is_broken: false,
            taken: 0,
        };
        Self {
            store: Store::open(address).await.expect("a store"),
            worker: ControllerId::new("worker").expect("an id"),
            now: NOON,
            lanes: vec![lane("gpu"), lane("cpu")],
            stories: BTreeMap::new(),
            asked: 0,
            refused: 0,
            failed_tries: 0,
        }
    }

    /// Tells of the lanes as a worker does.
    async fn shows_lanes(&self) {
        let mut tx = self.store.begin().await.expect("a transaction");
        for lane in &self.lanes {
            let breaker = if lane.is_broken { "open" } else { "closed" };
            let sighting = LaneSighting {
                name: lane.name.to_owned(),
                controller: self.worker.clone(),
                endpoint: lane.name.to_owned(),
                models: vec!["model".to_owned()],
                needs: vec![Need::Answer],
                takes: Vec::new(),
                places: 1,
                standby: false,
                seen_at: self.now,
                job: lane.serves.as_ref().map(|(job, _)| job.number),
                busy_since: None,
                watched_since: NOON,
                busy_ms: 0,
                served: 0,
                failed: 0,
                output_tokens: 0,
                output_ms: 0,
                breaker: breaker.to_owned(),
                fault: None,
            };
            tx.lanes().seen(&sighting).await.expect("kept");
        }
        tx.commit().await.expect("committed");
    }

    async fn finds_a_backlog(&mut self) {
        let asked = self.now.before(BACKLOG_AGE);
        let limits = QueueLimits::default();
        for first in (0..BACKLOG).step_by(1_000) {
            let old = (first..first + 1_000).map(|action| {
                let action = ActionNumber(action);
                let request = JobRequest::LearnFromAction { action };
                let deadline = asked.after(Duration::from_secs(86_400));
                NewJob::new(request, Priority::Background, asked, deadline)
            });
            let mut tx = self.store.begin().await.expect("a transaction");
            let queued = tx.jobs().enqueue_many(old.collect(), &limits).await;
            for one in queued.expect("queued") {
                let number = one.expect("there is room").job().number;
                self.stories.insert(number, Story::default());
            }
            tx.commit().await.expect("committed");
        }
    }

    async fn asks(&mut self, nth: usize, arrival: &Arrival) {
        let host = HostName::new(&arrival.host).expect("a name");
        let check = CheckName::new("units").expect("a name");
        let request = JobRequest::DiagnoseFinding {
            issue: IssueNumber(i64::try_from(nth).expect("few")),
            fingerprint: Fingerprint::of(&host, &check, &format!("app{nth}.service")),
            host,
        };
        let deadline = self.now.after(Duration::from_secs(86_400));
        let new = NewJob::new(request, arrival.priority, self.now, deadline);
        let mut tx = self.store.begin().await.expect("a transaction");
        let queued = tx.jobs().enqueue(new, &QueueLimits::default()).await;
        match queued {
            Ok(queued) => {
                tx.commit().await.expect("committed");
                self.asked += 1;
                let first = self.stories.insert(queued.job().number, Story::default());
                assert!(first.is_none(), "each is a question of its own");
            }
            Err(EnqueueError::Refused(why)) => {
                assert_eq!(arrival.host, NOISY, "only who asks without end: {why}");
                self.refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// What a worker does at a word: it puts aside, at once.
    async fn hears(&mut self) {
        for lane in &mut self.lanes {
            let Some((job, _)) = &lane.serves else {
                continue;
            };
            let word = self.store.job_word(job.number, &self.worker).await;
            if word.expect("a word") == Word::PreemptAsked {
                let mut tx = self.store.begin().await.expect("a transaction");
                tx.jobs()
                    .put_back(job.number, &self.worker, self.now, PutBack::Preempted)
                    .await
                    .expect("it is ours");
                tx.commit().await.expect("committed");
                lane.serves = None;
            }
        }
    }

    async fn ends(&mut self) {
        for lane in &mut self.lanes {
            let Some((job, until)) = &lane.serves else {
                continue;
            };
            if *until > self.now {
                continue;
            }
            let mut tx = self.store.begin().await.expect("a transaction");
            let done = tx
                .jobs()
                .complete(
                    job.number,
                    &self.worker,
                    self.now,
                    &json!({}),
                    &Used::default(),
                )
                .await;
            done.expect("it is ours");
            tx.commit().await.expect("committed");
            self.stories
                .get_mut(&job.number)
                .expect("it was asked")
                .done += 1;
            lane.serves = None;
        }
    }

    async fn begins(&mut self) {
        for place in 0..self.lanes.len() {
            if self.lanes[place].serves.is_some() || self.lanes[place].is_broken {
                continue;
            }
            let name = self.lanes[place].name;
            let claimer = Claimer {
                worker: &self.worker,
                lane: name,
                slot: Some(name),
                needs: &[Need::Answer],
                takes: &[],
                order: Order::of(self.lanes[place].taken),
            };
            let mut tx = self.store.begin().await.expect("a transaction");
            let claimed = tx.jobs().claim(&claimer, self.now, LEASE).await;
            let Some(job) = claimed.expect("claimed") else {
                continue;
            };
            tx.commit().await.expect("committed");
            let story = self.stories.get_mut(&job.number).expect("it was asked");
            story.first_served.get_or_insert(self.now);
            let until = self.now.after(takes(&job));
            self.lanes[place].taken += 1;
            self.lanes[place].serves = Some((job, until));
        }
    }

    /// The second lane breaks in the middle of what it serves, or is well again.
    async fn breaks(&mut self, is_broken: bool) {
        self.lanes[1].is_broken = is_broken;
        let Some((job, _)) = self.lanes[1].serves.take() else {
            return;
        };
        let retry = Retry {
            not_before: self.now.after(RETRY),
            max_attempts: 3,
        };
        let mut tx = self.store.begin().await.expect("a transaction");
        tx.jobs()
            .fail(job.number, &self.worker, self.now, "cut short", Some(retry))
            .await
            .expect("it is ours");
        tx.commit().await.expect("committed");
        self.failed_tries += 1;
    }

    async fn step(&mut self) {
        self.ends().await;
        self.hears().await;
        self.begins().await;
    }

    /// When something happens next by itself.
    fn next(&self) -> Option<Timestamp> {
        let serves = self.lanes.iter().filter_map(|lane| lane.serves.as_ref());
        serves.map(|(_, until)| *until).min()
    }

    async fn until(&mut self, at: Timestamp) {
        while let Some(next) = self.next().filter(|next| *next <= at) {
            self.now = next;
            self.step().await;
        }
        self.now = at;
        self.step().await;
    }

    async fn all(&self) -> Vec<Job> {
        let mut all: Vec<Job> = Vec::new();
        loop {
            let filter = JobFilter {
                before: all.last().map(|job| job.number),
                ..JobFilter::default()
            };
            let mut read = self.store.read().await.expect("a look");
            let page = read.jobs().list(&filter, 1_000).await.expect("a list");
            let rows = page.strict().expect("none is corrupt");
            if rows.is_empty() {
                return all;
            }
            all.extend(rows);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_mixed_load_is_fair_and_loses_nothing() {
    let noisy = after_an_hour(Load::Noisy).await;
    assert!(noisy.refused > 0, "the noisy host meets its limit");
    assert!(noisy.waits.asked() > 2_000, "{}", noisy.waits.asked());
    let quiet = after_an_hour(Load::Quiet).await;
    assert_eq!(quiet.refused, 0);
    for outcome in [&noisy, &quiet] {
        is_fair(&outcome.waits);
    }
    // What one host asks without end is paid by that host.
    for (percent, least) in [(50, 5), (95, 60)] {
        let with = noisy.waits.longest("finding", percent);
        let without = quiet.waits.longest("finding", percent);
        assert!(
            with < without * 2 + Duration::from_secs(least),
            "{percent} %: {with:?}, and {without:?} where nobody is noisy"
        );
    }
    let own = noisy.waits.longest("noisy", 95);
    assert!(own > noisy.waits.longest("finding", 95), "{own:?}");
}

/// Ten thousand of the background have waited for three hours when the hour begins, and could keep both lanes busy for
/// six: by age alone they would all go before every finding and every person. A person waits for other people only,
/// whatever the lanes serve when they come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_urgent_does_not_wait_behind_an_old_backlog() {
    let outcome = after_an_hour(Load::Backlog).await;
    let waits = &outcome.waits;
    for (kind, percent, seconds) in [
        ("person", 50, 1),
        ("person", 95, 6),
        ("person", 100, 12),
        ("critical", 95, 15),
        ("critical", 100, 30),
        ("finding", 50, 15),
        // For ten minutes one lane has to do for all.
        ("finding", 95, 300),
        ("finding", 100, 600),
    ] {
        let longest = waits.longest(kind, percent);
        assert!(
            longest < Duration::from_secs(seconds),
            "{kind}, {percent} %: {longest:?}"
        );
    }
    assert!(
        outcome.of_backlog > 400,
        "it has its share all the same: {}",
        outcome.of_backlog
    );
}

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Quiet,
    /// A host that asks without end.
    Noisy,
    /// What was asked for long ago, and waits still.
    Backlog,
}

/// How an hour went.
struct Outcome {
    waits: Waits,
    refused: usize,
    /// Jobs of the backlog that were done.
    of_backlog: usize,
}

async fn after_an_hour(load: Load) -> Outcome {
    let dir = tempfile::tempdir().expect("a directory");
    let address = format!("sqlite:{}", dir.path().join("store.db").display());
    let mut simulation = Simulation::begin(&address).await;
    if load == Load::Backlog {
        simulation.finds_a_backlog().await;
    }
    let noisy = load == Load::Noisy;
    let (mut broken, mut told) = (false, None);
    for (nth, arrival) in script(noisy).iter().enumerate() {
        let at = NOON.after(Duration::from_millis(arrival.at_ms));
        simulation.until(at).await;
        let is_broken = BROKEN_S.contains(&(arrival.at_ms / 1_000));
        if is_broken != broken {
            broken = is_broken;
            simulation.breaks(broken).await;
            told = None;
        }
        if told.is_none_or(|told: Timestamp| at.since(told) > Duration::from_secs(5)) {
            simulation.shows_lanes().await;
            told = Some(at);
        }
        simulation.asks(nth, arrival).await;
        simulation.step().await;
    }
    if load != Load::Backlog {
        let over = NOON.after(Duration::from_secs(3 * HOUR_S));
        simulation.until(over).await;
    }
    let mut jobs = simulation.all().await;
    if load != Load::Backlog {
        is_complete(&simulation, &jobs);
    }
    let of_backlog = jobs
        .iter()
        .filter(|job| job.asked_at < NOON && matches!(job.state, JobState::Done { .. }))
        .count();
    jobs.retain(|job| job.asked_at >= NOON);
    Outcome {
        waits: Waits::of(&simulation, &jobs),
        refused: simulation.refused,
        of_backlog,
    }
}

/// Nothing is lost, nothing is answered twice, and only what met the broken lane was tried twice.
fn is_complete(simulation: &Simulation, jobs: &[Job]) {
    assert_eq!(jobs.len(), simulation.asked);
    for job in jobs {
        assert!(matches!(job.state, JobState::Done { .. }), "{job:?}");
        assert_eq!(simulation.stories[&job.number].done, 1, "{job:?}");
    }
    let tried_again: i64 = jobs.iter().map(|job| job.attempts - 1).sum();
    assert_eq!(
        usize::try_from(tried_again).ok(),
        Some(simulation.failed_tries),
        "to be put aside for a person is no failure"
    );
    let preempted: i64 = jobs.iter().map(|job| job.preempted).sum();
    assert!(
        preempted > 10,
        "people come while both lanes are busy: {preempted}"
    );
}

/// How long jobs waited until a lane first had them, by kind.
struct Waits(BTreeMap<&'static str, Vec<Duration>>);

impl Waits {
    fn of(simulation: &Simulation, jobs: &[Job]) -> Self {
        let mut waits: BTreeMap<_, Vec<Duration>> = BTreeMap::new();
        for job in jobs {
            let host = job.request.host().map_or("", HostName::as_str);
            let kind = match job.priority {
                Priority::Interactive => "person",
                Priority::CriticalFinding => "critical",
                Priority::Finding if host == NOISY => "noisy",
                Priority::Finding => "finding",
                Priority::Background => "background",
            };
            // What waits still at the end has waited until then.
            let served = simulation.stories[&job.number].first_served;
            let waited = served.unwrap_or(simulation.now).since(job.asked_at);
            waits.entry(kind).or_default().push(waited);
        }
        for of_kind in waits.values_mut() {
            of_kind.sort();
        }
        Self(waits)
    }

    fn asked(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The longest wait of so many per cent of the jobs, the shortest first.
    fn longest(&self, kind: &str, percent: usize) -> Duration {
        let waits = &self.0[kind];
        waits[(waits.len() - 1) * percent / 100]
    }
}

/// Each priority waits as long as it should at most, also while one lane is broken.
fn is_fair(waits: &Waits) {
    let table: Vec<_> = waits.0.keys().copied().collect();
    let table: Vec<_> = table
        .into_iter()
        .map(|kind| {
            (
                kind,
                waits.longest(kind, 50),
                waits.longest(kind, 95),
                waits.longest(kind, 100),
            )
        })
        .collect();
    let most = |kind, percent, seconds| {
        let longest = waits.longest(kind, percent);
        assert!(
            longest < Duration::from_secs(seconds),
            "{kind}, {percent} %: {longest:?} of {table:?}"
        );
    };
    // A person waits for other people at most.
    most("person", 95, 6);
    most("person", 100, 12);
    most("critical", 95, 10);
    most("critical", 100, 30);
    most("finding", 50, 30);
    // What was asked long ago goes before what was asked just now, so that nothing starves: a background job that has
    // waited longer than the head start of a finding is served, and findings wait for it.
    most("finding", 100, 15 * 60);
    most("background", 100, 30 * 60);
}
