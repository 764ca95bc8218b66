//! Many at once: ten thousand jobs of a thousand hosts, and a queue that is full.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use watchkeeper_model::{
    Clock as _, ControllerId, Fingerprint, HostName, IssueNumber, JobNumber, JobRequest, Need,
    Priority,
};
use watchkeeper_store::{Claimer, EnqueueRefused, NewJob, Order, QueueLimits, Store, Used};
use watchkeeper_testkit::model_server::ModelServer;
use watchkeeper_watch::WatchError;

use crate::bridge::{Bridge, settings};
use crate::on_both;
use crate::rig::{diagnosis, fails, has_lanes_under, jobs, lane, question};

on_both! {
    ten_thousand_jobs_from_a_thousand_hosts_are_each_served_once;
    a_full_queue_says_so_and_keeps_room_for_people;
}

const HOSTS: usize = 1_000;
const JOBS: usize = 10_000;

/// Question `nth`: the hosts take turns.
fn nth(nth: usize, bridge: &Bridge) -> NewJob {
    let host = HostName::new(format!("host{}", nth % HOSTS)).expect("a name");
    let check = "units".parse().expect("a check");
    let now = bridge.clock.now();
    let request = JobRequest::DiagnoseFinding {
        issue: IssueNumber(i64::try_from(nth).expect("few")),
        fingerprint: Fingerprint::of(&host, &check, &format!("app{nth}.service")),
        host,
    };
    NewJob::new(
        request,
        Priority::Finding,
        now,
        now.after(Duration::from_secs(86_400)),
    )
}

pub(crate) async fn ten_thousand_jobs_from_a_thousand_hosts_are_each_served_once(bridge: Bridge) {
    let store = Store::open(&bridge.url).await.expect("a store");
    let limits = QueueLimits::default();
    for piece in (0..JOBS).collect::<Vec<_>>().chunks(1_000) {
        let mut tx = store.begin().await.expect("a transaction");
        for number in piece {
            let queued = tx.jobs().enqueue(nth(*number, &bridge), &limits).await;
            queued.expect("there is room for them");
        }
        tx.commit().await.expect("committed");
    }
    let mut workers = tokio::task::JoinSet::new();
    for name in ["one", "two", "three", "four"] {
        workers.spawn(serves(store.clone(), name, bridge.clock.now()));
    }
    let mut served: Vec<(JobNumber, HostName)> = Vec::new();
    while let Some(ended) = workers.join_next().await {
        served.extend(ended.expect("no worker breaks down"));
    }
    let numbers: BTreeSet<_> = served.iter().map(|(number, _)| *number).collect();
    assert_eq!((served.len(), numbers.len()), (JOBS, JOBS), "each once");
    let mut of_host: BTreeMap<&HostName, usize> = BTreeMap::new();
    for (_, host) in &served {
        *of_host.entry(host).or_default() += 1;
    }
    assert_eq!(of_host.len(), HOSTS);
    let mut read = store.read().await.expect("a look");
    let figures = read.jobs().figures(bridge.clock.now()).await;
    let figures = figures.expect("figures");
    assert!(
        figures.waiting.is_empty() && figures.leased == 0,
        "{figures:?}"
    );
}

/// Serves until nothing waits; says what, in order.
async fn serves(
    store: Store,
    name: &'static str,
    now: watchkeeper_model::Timestamp,
) -> Vec<(JobNumber, HostName)> {
    let worker = ControllerId::new(name).expect("an id");
    let claimer = Claimer {
        worker: &worker,
        lane: name,
        slot: None,
        needs: &[Need::Answer],
        takes: &[],
        order: Order::Age,
    };
    let mut served = Vec::new();
    loop {
        let mut tx = store.begin().await.expect("a transaction");
        let claimed = tx
            .jobs()
            .claim_many(&claimer, 50, now, Duration::from_secs(60))
            .await;
        let claimed = claimed.expect("claimed").rows;
        tx.commit().await.expect("committed");
        if claimed.is_empty() {
            return served;
        }
        let mut tx = store.begin().await.expect("a transaction");
        for job in &claimed {
            let done = tx
                .jobs()
                .complete(
                    job.number,
                    &worker,
                    now,
                    &serde_json::json!({}),
                    &Used::default(),
                )
                .await;
            done.expect("it is ours");
            let host = job.request.host().expect("each is about a host").clone();
            served.push((job.number, host));
        }
        tx.commit().await.expect("committed");
    }
}

pub(crate) async fn a_full_queue_says_so_and_keeps_room_for_people(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let mut settings = settings();
    settings.asking.limits = QueueLimits {
        waiting: 2,
        reserve: 1,
        waiting_of_host: 100,
        waiting_of_person: 1,
    };
    has_lanes_under(&bridge.watch, vec![lane("gpu", &server)], settings);
    fails(&bridge, 4).await;
    assert_eq!(jobs(&bridge).await.len(), 2, "looks go on, and ask later");
    let more = question(&bridge, 3, Priority::Finding).await;
    let refused = bridge.watch.queue_job(more).await;
    let Err(
        error @ WatchError::QueueFull(EnqueueRefused::Full {
            waiting: 2,
            limit: 2,
        }),
    ) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(
        error.to_string(),
        "the queue is full: 2 jobs wait, and 2 may"
    );
    assert!(
        error.advice().contains("watchkeeper queue list"),
        "{}",
        error.advice()
    );
    let person = question(&bridge, 3, Priority::Interactive).await;
    bridge
        .watch
        .queue_job(person)
        .await
        .expect("the reserve is for people");
    let again = question(&bridge, 2, Priority::Interactive).await;
    let refused = bridge.watch.queue_job(again).await;
    assert!(
        matches!(refused, Err(WatchError::QueueFull(_))),
        "and not without end: {refused:?}"
    );
}
