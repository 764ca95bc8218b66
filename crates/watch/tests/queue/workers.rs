//! Workers that are lost or come in twos: nothing is lost, and nothing is answered twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_model::{Clock as _, ControllerId, JobNumber, JobState, Need};
use watchkeeper_store::{Claimer, Order, Store};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_watch::view::JobEvent;

use crate::bridge::Bridge;
use crate::on_both;
use crate::rig::{
    Working, diagnosis, fails, followed, has_lanes, jobs, lane, soon, until, until_done,
};

on_both! {
    two_workers_never_share_a_job;
    a_worker_killed_in_the_middle_loses_nothing;
    a_worker_that_stops_gives_its_job_back_uncounted;
}

/// How often each unit was asked about, by what stands in the prompts.
fn asked_about(servers: &[&ModelServer], units: usize) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for body in servers.iter().flat_map(|server| server.generations()) {
        let prompt = body.to_string();
        for unit in 0..units {
            if prompt.contains(&format!("app{unit}.service")) {
                *counts.entry(unit).or_default() += 1;
            }
        }
    }
    counts
}

pub(crate) async fn two_workers_never_share_a_job(bridge: Bridge) {
    const UNITS: usize = 24;
    let (one, two) = (
        ModelServer::start().await.always_replies(diagnosis()),
        ModelServer::start().await.always_replies(diagnosis()),
    );
    let other = bridge.another_controller("other").await;
    has_lanes(&bridge.watch, vec![lane("one", &one)]);
    has_lanes(&other, vec![lane("two", &two)]);
    fails(&bridge, UNITS).await;
    let numbers: Vec<_> = jobs(&bridge).await.iter().map(|job| job.number).collect();
    assert_eq!(numbers.len(), UNITS);
    let (first, second) = (Working::start(&bridge.watch), Working::start(&other));
    for number in &numbers {
        until_done(&bridge, *number).await;
    }
    first.stop().await;
    second.stop().await;
    assert!(jobs(&bridge).await.iter().all(|job| job.attempts == 1));
    assert_eq!(bridge.log("job.done").await.len(), UNITS);
    let asked = asked_about(&[&one, &two], UNITS);
    assert_eq!(asked.len(), UNITS, "{asked:?}");
    assert!(
        !one.generations().is_empty() && !two.generations().is_empty(),
        "both have worked"
    );
    bridge.log_is_intact().await;
}

pub(crate) async fn a_worker_killed_in_the_middle_loses_nothing(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let never = Gate::closed();
    server.does(Turn::replies("The unit fails because").pausing_after(2, &never));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let number = jobs(&bridge).await[0].number;
    let working = Working::start(&bridge.watch);
    never.is_reached().await;
    working.dies().await;
    let heir = bridge.another_controller("heir").await;
    has_lanes(&heir, vec![lane("gpu", &server)]);
    let working = Working::start(&heir);
    bridge.clock.advance(Duration::from_secs(600));
    heir.keep_house(false).await.expect("swept");
    let events = followed(&bridge.watch, number).await;
    working.stop().await;
    let done = jobs(&bridge).await.remove(0);
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
    assert_eq!(done.attempts, 2, "a lost worker costs a try");
    let taken_up = JobEvent::PutBack {
        why: "it is taken up again".to_owned(),
    };
    assert!(events.contains(&taken_up), "{events:?}");
    assert_eq!(bridge.log("job.done").await.len(), 1);
}

pub(crate) async fn a_worker_that_stops_gives_its_job_back_uncounted(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let never = Gate::closed();
    server.does(Turn::replies("The unit fails because").pausing_after(2, &never));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let working = Working::start(&bridge.watch);
    never.is_reached().await;
    working.stop().await;
    let waiting = jobs(&bridge).await.remove(0);
    assert!(
        matches!(waiting.state, JobState::Queued { .. }),
        "{waiting:?}"
    );
    assert_eq!((waiting.attempts, waiting.preempted), (0, 0));
    let working = Working::start(&bridge.watch);
    let done = until_done(&bridge, waiting.number).await;
    working.stop().await;
    assert_eq!(done.attempts, 1);
}

/// A store in a file tells a worker within a second that its lease is lost to another process. What it hears from its model
/// until then is nobody's answer any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_lost_its_lease_writes_no_more_of_its_answer() {
    let bridge = Bridge::on_sqlite().await;
    let server = ModelServer::start().await;
    let gate = Gate::closed();
    let words = std::iter::once("begun ").chain(std::iter::repeat_n("late ", 40));
    let answer = Turn::tokens(words);
    server.does(answer.pausing_after(1, &gate).hanging_after(30));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let number = jobs(&bridge).await[0].number;
    let working = Working::start(&bridge.watch);
    gate.is_reached().await;
    let elsewhere = Store::open(&bridge.url).await.expect("the store");
    soon("its first word", async {
        while !said(&elsewhere, number).await.contains("begun") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let heir = ControllerId::new("heir").expect("an id");
    let later = bridge.clock.now().after(Duration::from_secs(600));
    let mut tx = elsewhere.begin().await.expect("a transaction");
    tx.jobs().sweep(later, 3).await.expect("swept");
    let claimer = Claimer {
        worker: &heir,
        lane: "other",
        slot: None,
        needs: &[Need::Answer],
        takes: &[],
        order: Order::Urgency,
    };
    let day = Duration::from_secs(86_400);
    let taken = tx.jobs().claim(&claimer, later, day).await;
    assert_eq!(taken.expect("claimed").map(|job| job.number), Some(number));
    tx.commit().await.expect("committed");
    gate.open();
    server.sees_a_client_leave().await;
    working.stop().await;
    let said = said(&elsewhere, number).await;
    assert!(!said.contains("late"), "{said}");
    assert!(bridge.log("job.done").await.is_empty());
}

/// All that a job has said.
async fn said(store: &Store, number: JobNumber) -> String {
    let mut read = store.read().await.expect("a look");
    let pieces = read.jobs().said_since(number, 0).await.expect("pieces");
    pieces.rows.into_iter().map(|piece| piece.text).collect()
}

/// The answer is under way while the database is gone; it is neither lost nor asked for twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_restarted_in_the_middle_costs_nothing() {
    let cluster = Arc::new(Cluster::private());
    let bridge = Bridge::on_cluster(Arc::clone(&cluster)).await;
    let server = ModelServer::start().await.always_replies(diagnosis());
    let gate = Gate::closed();
    server.does(Turn::replies(diagnosis()).pausing_after(2, &gate));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let number = jobs(&bridge).await[0].number;
    let working = Working::start(&bridge.watch);
    gate.is_reached().await;
    cluster.stop();
    gate.open();
    let asked = server.generations().len();
    soon("the database", async {
        tokio::task::yield_now().await;
        cluster.start();
    })
    .await;
    let done = until(&bridge, number, |job| {
        matches!(job.state, JobState::Done { .. })
    })
    .await;
    working.stop().await;
    assert_eq!((done.attempts, done.preempted), (1, 0));
    assert_eq!(bridge.log("job.done").await.len(), 1);
    let more = server.generations().len() - asked;
    let events = followed(&bridge.watch, number).await;
    assert!(
        matches!(events.last(), Some(JobEvent::Done { .. })),
        "{events:?}"
    );
    assert_eq!(more, 0, "what was answered meanwhile is kept: {events:?}");
}
