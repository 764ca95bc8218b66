//! What a case of the queue stands on: a host with units that fail, a scripted model server, and workers.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_agent::Runbooks;
use watchkeeper_llm::{Lane, Timeouts, connect};
use watchkeeper_model::{
    CheckName, Fingerprint, HostName, Job, JobNumber, JobRequest, JobState, Priority, Span,
};
use watchkeeper_store::{JobFilter, NewJob, Store};
use watchkeeper_testkit::model_server::{MODEL, ModelServer};
use watchkeeper_watch::view::JobEvent;
use watchkeeper_watch::{LaneParts, OnLeaving, Settings, Watch, work};

use crate::bridge::{Bridge, settings};

/// How long anything here is waited for.
const DEADLINE: Duration = Duration::from_secs(30);

/// What must come soon.
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, event)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {} s", DEADLINE.as_secs()))
}

/// A lane to a server, by name.
pub(crate) fn lane(name: &str, server: &ModelServer) -> Lane {
    let mut lane = Lane::new(MODEL);
    name.clone_into(&mut lane.name);
    lane.url = server.url().parse().expect("an address");
    lane
}

/// The lane with a short patience, for servers that say nothing.
pub(crate) fn impatient(mut lane: Lane) -> Lane {
    lane.timeouts = Timeouts {
        first_byte: Span(Duration::from_millis(400)),
        idle: Span(Duration::from_millis(400)),
        ..Timeouts::default()
    };
    lane
}

pub(crate) fn parts(lane: Lane) -> LaneParts {
    let provider = connect(lane.clone(), None).expect("a lane");
    LaneParts { lane, provider }
}

/// Has a watch ask these lanes, and no runbook.
pub(crate) fn has_lanes(watch: &Watch, lanes: Vec<Lane>) {
    has_lanes_under(watch, lanes, settings());
}

pub(crate) fn has_lanes_under(watch: &Watch, lanes: Vec<Lane>, settings: Settings) {
    let none: [(&str, &str); 0] = [];
    let runbooks = Runbooks::load(&none).expect("no runbooks are fine");
    watch.reload(settings, runbooks, lanes.into_iter().map(parts).collect());
}

/// An answer that is of use for any finding of web1.
pub(crate) fn diagnosis() -> String {
    let body: Value = json!({
        "host": "web1", "cause": "it does not start", "confidence": "low", "evidence": ["it failed"],
    });
    body.to_string()
}

/// So many units of web1 fail: `app0.service`, `app1.service`, …
pub(crate) async fn fails(bridge: &Bridge, units: usize) {
    for unit in 0..units {
        bridge
            .host()
            .unit(&format!("app{unit}.service"))
            .fails("exit-code");
    }
    bridge.check().await;
}

/// All jobs there are, oldest first.
pub(crate) async fn jobs(bridge: &Bridge) -> Vec<Job> {
    let store = Store::open(&bridge.url).await.expect("a store");
    let mut read = store.read().await.expect("a look");
    let listed = read.jobs().list(&JobFilter::default(), 1_000).await;
    let mut jobs = listed.expect("a list").strict().expect("no row is corrupt");
    drop(read);
    store.close().await;
    jobs.reverse();
    jobs
}

pub(crate) async fn job(bridge: &Bridge, number: JobNumber) -> Job {
    bridge.watch.job(number).await.expect("a job").line.job
}

/// A person asks about a unit of web1, whatever else is asked about it.
pub(crate) async fn asks(watch: &Watch, bridge: &Bridge, unit: usize) -> JobNumber {
    let new = question(bridge, unit, Priority::Interactive).await;
    watch
        .queue_job(new)
        .await
        .expect("there is room")
        .job()
        .number
}

pub(crate) async fn question(bridge: &Bridge, unit: usize, priority: Priority) -> NewJob {
    use watchkeeper_model::Clock as _;
    let host = HostName::new("web1").expect("a name");
    let subject = format!("app{unit}.service");
    let issues = bridge.issues().await;
    let about = issues
        .iter()
        .find(|line| line.issue.title.contains(&subject));
    let request = JobRequest::DiagnoseFinding {
        issue: about.expect("an issue about it").issue.number,
        fingerprint: Fingerprint::of(&host, &CheckName::new("units").expect("a name"), &subject),
        host,
    };
    let now = bridge.clock.now();
    let mut new = NewJob::new(
        request,
        priority,
        now,
        now.after(Duration::from_secs(3_600)),
    );
    new.key = Some(format!("asked about {unit} with {}", priority.as_str()));
    if priority == Priority::Interactive {
        new.asked_by = Some("ann".to_owned());
    }
    new
}

/// Workers that are stopped, and waited for, at the end.
pub(crate) struct Working {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Working {
    /// Starts all workers of a watch.
    pub(crate) fn start(watch: &Watch) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(work(watch.clone(), stop.clone()));
        Self { stop, tasks }
    }

    /// Has them stop as on a signal.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        soon("workers that stop", async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
    }

    /// Has them tell of their lanes, and stop.
    pub(crate) async fn told(self) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.stop().await;
    }

    /// Ends them where they stand, as a crash would.
    pub(crate) async fn dies(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Follows a job to its end and returns all its events.
pub(crate) async fn followed(watch: &Watch, number: JobNumber) -> Vec<JobEvent> {
    let mut following = watch.follow_job(number, 0, OnLeaving::Stay);
    let mut events = Vec::new();
    soon("the end of a job", async {
        while let Some(followed) = following.next().await.expect("the store answers") {
            events.push(followed.event);
        }
    })
    .await;
    events
}

/// Waits until a job stands so.
pub(crate) async fn until(bridge: &Bridge, number: JobNumber, is_so: impl Fn(&Job) -> bool) -> Job {
    soon("a job that stands so", async {
        loop {
            let found = job(bridge, number).await;
            if is_so(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

pub(crate) async fn until_done(bridge: &Bridge, number: JobNumber) -> Job {
    until(bridge, number, |job| {
        matches!(job.state, JobState::Done { .. })
    })
    .await
}
