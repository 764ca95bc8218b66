//! Lanes that cannot serve, stand by, or are paused.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use watchkeeper_llm::Lane;
use watchkeeper_model::{JobState, Priority};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_watch::view::{JobEvent, LaneState};
use watchkeeper_watch::{OnLeaving, QueueQuery, WatchError};

use crate::bridge::{Bridge, ann};
use crate::on_both;
use crate::rig::{
    Working, asks, diagnosis, fails, followed, has_lanes, job, jobs, lane, question, soon,
    until_done,
};

on_both! {
    what_may_not_leave_for_a_lane_is_left_to_others;
    where_no_lane_may_have_it_nobody_is_asked;
    a_person_is_told_soon_that_no_model_answers;
    who_waits_is_told_why_no_lane_serves;
    who_waits_for_one_lane_is_told_of_that_one;
    a_lane_without_its_model_eats_no_jobs;
    a_lane_on_standby_serves_only_when_the_other_cannot;
    a_paused_lane_takes_nothing_until_it_is_resumed;
}

/// A lane that is not on the owner's premises. Nobody is there.
fn cloud() -> Lane {
    let mut cloud = Lane::new(MODEL);
    cloud.name = "cloud".to_owned();
    cloud.url = "http://192.0.2.1:11434".parse().expect("an address");
    cloud
}

pub(crate) async fn what_may_not_leave_for_a_lane_is_left_to_others(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    has_lanes(&bridge.watch, vec![lane("house", &server)]);
    // A worker with lanes of its own, which whoever asks knows nothing of.
    let elsewhere = bridge.another_controller("elsewhere").await;
    has_lanes(&elsewhere, vec![cloud()]);
    Working::start(&bridge.watch).told().await;
    fails(&bridge, 1).await;
    let number = jobs(&bridge).await[0].number;
    let stop = CancellationToken::new();
    let served = elsewhere.work_once(0, &stop).await;
    assert!(served.expect("the store answers"), "it had it in its hands");
    let waiting = job(&bridge, number).await;
    assert!(
        matches!(waiting.state, JobState::Queued { .. }),
        "{waiting:?}"
    );
    assert_eq!(waiting.attempts, 0);
    let served = elsewhere.work_once(0, &stop).await;
    assert!(!served.expect("the store answers"), "and not again");
    let served = bridge.watch.work_once(0, &stop).await;
    assert!(served.expect("the store answers"));
    let done = job(&bridge, number).await;
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
}

pub(crate) async fn where_no_lane_may_have_it_nobody_is_asked(bridge: Bridge) {
    has_lanes(&bridge.watch, vec![cloud()]);
    fails(&bridge, 1).await;
    bridge.check().await;
    assert!(jobs(&bridge).await.is_empty());
    assert_eq!(bridge.log("issue.escalated").await.len(), 1, "told once");
}

pub(crate) async fn a_person_is_told_soon_that_no_model_answers(bridge: Bridge) {
    fails(&bridge, 1).await;
    let mut away = Lane::new(MODEL);
    away.url = "http://127.0.0.1:1".parse().expect("an address");
    has_lanes(&bridge.watch, vec![away]);
    let person = asks(&bridge.watch, &bridge, 0).await;
    let stop = CancellationToken::new();
    for _ in 0..4 {
        let served = bridge.watch.work_once(0, &stop).await;
        served.expect("the store answers");
        bridge.clock.advance(Duration::from_secs(1));
    }
    let events = followed(&bridge.watch, person).await;
    let Some(JobEvent::Failed { why }) = events.last() else {
        panic!("{events:?}");
    };
    assert!(why.contains("no connection to http://127.0.0.1:1"), "{why}");
}

pub(crate) async fn who_waits_is_told_why_no_lane_serves(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    fails(&bridge, 1).await;
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    Working::start(&bridge.watch).told().await;
    bridge
        .watch
        .pause_lane(Some("gpu"), ann())
        .await
        .expect("known");
    let person = asks(&bridge.watch, &bridge, 0).await;
    let mut following = bridge.watch.follow_job(person, 0, OnLeaving::Stay);
    let first = following.next().await.expect("the store answers");
    let first = first.expect("it is not over").event;
    assert!(matches!(first, JobEvent::Waiting { .. }), "{first:?}");
    let first = following.next().await.expect("the store answers");
    let note = JobEvent::Note {
        kind: "lanes".to_owned(),
        text: "no lane can answer now: gpu is paused by ann".to_owned(),
    };
    assert_eq!(first.map(|first| first.event), Some(note));
}

/// What first is told of the lanes to a person who wants this one.
async fn told_of(bridge: &Bridge, wanted: &str, unit: usize) -> String {
    let mut new = question(bridge, unit, Priority::Interactive).await;
    new.lanes = Some(vec![wanted.to_owned()]);
    let queued = bridge.watch.queue_job(new).await.expect("there is room");
    let number = queued.job().number;
    let mut following = bridge.watch.follow_job(number, 0, OnLeaving::Stay);
    soon("a word about the lanes", async {
        loop {
            let next = following.next().await.expect("the store answers");
            match next.expect("it is not over").event {
                JobEvent::Note { text, .. } => return text,
                JobEvent::Waiting { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

pub(crate) async fn who_waits_for_one_lane_is_told_of_that_one(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    fails(&bridge, 4).await;
    let mut batch = lane("batch", &server);
    batch.takes = vec![Priority::Background];
    let mut spare = lane("spare", &server);
    spare.standby_for = vec!["well".to_owned()];
    let lanes = vec![lane("gpu", &server), lane("well", &server), batch, spare];
    has_lanes(&bridge.watch, lanes);
    // The second time it is known that the other lane is served.
    Working::start(&bridge.watch).told().await;
    Working::start(&bridge.watch).told().await;
    let paused = bridge.watch.pause_lane(Some("gpu"), ann()).await;
    assert!(paused.expect("known"));
    for (unit, (wanted, told)) in [
        ("gpu", "no lane can answer now: gpu is paused by ann"),
        ("batch", "no worker serves batch now"),
        ("gone", "no worker serves gone now"),
        (
            "spare",
            "no lane can answer now: spare only stands by for another",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(told_of(&bridge, wanted, unit).await, told);
    }
}

pub(crate) async fn a_lane_without_its_model_eats_no_jobs(bridge: Bridge) {
    let (empty, good) = (
        ModelServer::start().await.has_no_models(),
        ModelServer::start().await.always_replies(diagnosis()),
    );
    let mut lacking = lane("lacking", &empty);
    lacking.model = "absent:7b".to_owned();
    has_lanes(&bridge.watch, vec![lacking, lane("good", &good)]);
    fails(&bridge, 3).await;
    let stop = CancellationToken::new();
    let served = bridge.watch.work_once(0, &stop).await;
    assert!(
        served.expect("the store answers"),
        "it had one in its hands"
    );
    for waiting in jobs(&bridge).await {
        assert!(
            matches!(waiting.state, JobState::Queued { .. }),
            "{waiting:?}"
        );
        assert_eq!(waiting.attempts, 0, "and has eaten none");
    }
    let working = Working::start(&bridge.watch);
    for waiting in jobs(&bridge).await {
        until_done(&bridge, waiting.number).await;
    }
    working.stop().await;
    let queue = bridge.watch.queue(&QueueQuery::default()).await;
    let queue = queue.expect("a view");
    let lacking = queue.lanes.iter().find(|lane| lane.name == "lacking");
    let lacking = lacking.expect("it was told of");
    assert_eq!(lacking.state, LaneState::Broken);
    let fault = lacking.fault.as_deref().unwrap_or_default();
    assert!(fault.contains("absent:7b"), "{fault}");
    let status = bridge.watch.status(false).await.expect("a status");
    assert!(
        status.model.text.contains("absent:7b"),
        "{}",
        status.model.text
    );
}

pub(crate) async fn a_lane_on_standby_serves_only_when_the_other_cannot(bridge: Bridge) {
    let (first, second) = (
        ModelServer::start().await.always_replies(diagnosis()),
        ModelServer::start().await.always_replies(diagnosis()),
    );
    let mut standby = lane("second", &second);
    standby.standby_for = vec!["first".to_owned()];
    has_lanes(&bridge.watch, vec![lane("first", &first), standby]);
    let working = Working::start(&bridge.watch);
    fails(&bridge, 4).await;
    for waiting in jobs(&bridge).await {
        until_done(&bridge, waiting.number).await;
    }
    working.stop().await;
    assert!(second.generations().is_empty(), "the first is well");
    // From here on the first is not to be reached any more.
    first.decides(|_| Turn::slams_the_door());
    bridge.clock.advance(Duration::from_secs(60));
    for unit in 4..8 {
        let name = format!("app{unit}.service");
        bridge.host().unit(&name).fails("exit-code");
    }
    bridge.check().await;
    let stop = CancellationToken::new();
    for _ in 0..3 {
        let served = bridge.watch.work_once(0, &stop).await;
        served.expect("the store answers");
        bridge.clock.advance(Duration::from_secs(1));
    }
    let working = Working::start(&bridge.watch);
    bridge.clock.advance(Duration::from_secs(120));
    for waiting in jobs(&bridge).await {
        if waiting.attempts == 0 {
            until_done(&bridge, waiting.number).await;
        }
    }
    working.stop().await;
    assert!(!second.generations().is_empty(), "now it is its turn");
}

pub(crate) async fn a_paused_lane_takes_nothing_until_it_is_resumed(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let number = jobs(&bridge).await[0].number;
    let stop = CancellationToken::new();
    for name in [Some("gpu"), None] {
        assert!(bridge.watch.pause_lane(name, ann()).await.expect("known"));
        assert!(!bridge.watch.pause_lane(name, ann()).await.expect("known"));
        let served = bridge.watch.work_once(0, &stop).await;
        assert!(!served.expect("the store answers"), "{name:?}");
        let view = bridge.watch.queue(&QueueQuery::default()).await;
        assert_eq!(view.expect("a view").paused.is_some(), name.is_none());
        assert!(bridge.watch.resume_lane(name, ann()).await.expect("known"));
    }
    let nobody = bridge.watch.pause_lane(Some("nobody"), ann()).await;
    assert!(matches!(nobody, Err(WatchError::NoSuchLane { .. })));
    let served = bridge.watch.work_once(0, &stop).await;
    assert!(served.expect("the store answers"));
    let done = job(&bridge, number).await;
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
    assert_eq!(bridge.log("lane.paused").await.len(), 2);
    assert_eq!(bridge.log("lane.resumed").await.len(), 2);
}
