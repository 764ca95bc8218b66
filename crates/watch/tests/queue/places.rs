//! Places: a lane with so many serves so many at once and no more, whoever else uses its endpoint; and where too much
//! waits, the answer names the limit.

use tokio_util::sync::CancellationToken;
use watchkeeper_model::{Job, JobState, Priority};
use watchkeeper_store::QueueLimits;
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};
use watchkeeper_watch::WatchError;

use crate::bridge::{Bridge, settings};
use crate::on_both;
use crate::rig::{
    Working, diagnosis, fails, has_lanes, has_lanes_under, jobs, lane, question, soon, until_done,
};

on_both! {
    so_many_places_serve_so_many_at_once;
    two_lanes_of_one_endpoint_share_its_place;
    each_limit_is_named_in_its_answer;
}

fn leased(jobs: &[Job]) -> usize {
    let is_leased = |job: &&Job| matches!(job.state, JobState::Leased { .. });
    jobs.iter().filter(is_leased).count()
}

/// Waits until so many jobs are served at once.
async fn until_leased(bridge: &Bridge, count: usize) {
    soon("places that are filled", async {
        while leased(&jobs(bridge).await) < count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A server that answers nobody until the gate is open.
async fn patient(gate: &Gate) -> ModelServer {
    let gate = gate.clone();
    let server = ModelServer::start().await;
    server.decides(move |_| Turn::replies(diagnosis()).after(&gate))
}

pub(crate) async fn so_many_places_serve_so_many_at_once(bridge: Bridge) {
    const PLACES: usize = 3;
    let gate = Gate::closed();
    let server = patient(&gate).await;
    let mut wide = lane("gpu", &server);
    wide.parallel = u32::try_from(PLACES).expect("few");
    has_lanes(&bridge.watch, vec![wide]);
    fails(&bridge, PLACES + 2).await;
    let working = Working::start(&bridge.watch);
    until_leased(&bridge, PLACES).await;
    server
        .until("a question from each place", |all| {
            all.iter().filter(|request| request.is_generation()).count() == PLACES
        })
        .await;
    // Every place has its job: one that asks for another gets none.
    let stop = CancellationToken::new();
    for _ in 0..3 {
        let served = bridge.watch.work_once(0, &stop).await;
        assert!(!served.expect("the store answers"));
    }
    assert_eq!(leased(&jobs(&bridge).await), PLACES);
    assert_eq!(server.generations().len(), PLACES);
    gate.open();
    for waiting in jobs(&bridge).await {
        until_done(&bridge, waiting.number).await;
    }
    working.stop().await;
    assert!(jobs(&bridge).await.iter().all(|job| job.attempts == 1));
}

pub(crate) async fn two_lanes_of_one_endpoint_share_its_place(bridge: Bridge) {
    let gate = Gate::closed();
    let server = patient(&gate).await;
    has_lanes(
        &bridge.watch,
        vec![lane("large", &server), lane("small", &server)],
    );
    fails(&bridge, 3).await;
    let working = Working::start(&bridge.watch);
    until_leased(&bridge, 1).await;
    server
        .until("a question", |all| {
            all.iter().any(|request| request.is_generation())
        })
        .await;
    let stop = CancellationToken::new();
    for lane in [0, 1, 0, 1] {
        let served = bridge.watch.work_once(lane, &stop).await;
        assert!(!served.expect("the store answers"), "lane {lane}");
    }
    assert_eq!(leased(&jobs(&bridge).await), 1);
    assert_eq!(server.generations().len(), 1, "one request at a time");
    gate.open();
    for waiting in jobs(&bridge).await {
        until_done(&bridge, waiting.number).await;
    }
    working.stop().await;
}

pub(crate) async fn each_limit_is_named_in_its_answer(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let wide = QueueLimits {
        waiting: 100,
        reserve: 1,
        waiting_of_host: 100,
        waiting_of_person: 100,
    };
    let narrow = [
        (
            QueueLimits { waiting: 1, ..wide },
            Priority::Finding,
            "the queue is full: 1 jobs wait, and 1 may",
        ),
        (
            QueueLimits {
                waiting_of_host: 1,
                ..wide
            },
            Priority::Finding,
            "the queue has enough of web1: 1 of its jobs wait, and 1 may",
        ),
        (
            QueueLimits {
                waiting_of_person: 1,
                ..wide
            },
            Priority::Interactive,
            "ann waits for 1 answers already, and 1 are allowed at once",
        ),
    ];
    fails(&bridge, 3).await;
    for (limits, priority, said) in narrow {
        let mut settings = settings();
        settings.asking.limits = limits;
        has_lanes_under(&bridge.watch, vec![lane("gpu", &server)], settings);
        let first = question(&bridge, 0, priority).await;
        let first = bridge.watch.queue_job(first).await.expect("there is room");
        let again = question(&bridge, 0, priority).await;
        let again = bridge.watch.queue_job(again).await;
        again.expect("what is asked already takes no room");
        let second = question(&bridge, 1, priority).await;
        let Err(error @ WatchError::QueueFull(_)) = bridge.watch.queue_job(second).await else {
            panic!("{limits:?} lets a second in");
        };
        assert_eq!(error.to_string(), said);
        assert!(error.advice().contains("watchkeeper queue list"));
        let number = first.job().number;
        let taken_back = bridge.watch.cancel_job(number, crate::bridge::ann()).await;
        taken_back.expect("it waits");
        let second = question(&bridge, 1, priority).await;
        let second = bridge.watch.queue_job(second).await.expect("room again");
        let number = second.job().number;
        let taken_back = bridge.watch.cancel_job(number, crate::bridge::ann()).await;
        taken_back.expect("it waits");
    }
}
