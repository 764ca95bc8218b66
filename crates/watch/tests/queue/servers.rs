//! Servers that misbehave cost a try, or only time, and never an answer.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use watchkeeper_model::{Job, JobState};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};
use watchkeeper_watch::view::JobEvent;

use crate::bridge::Bridge;
use crate::on_both;
use crate::rig::{diagnosis, fails, followed, has_lanes, impatient, job, jobs, lane};

on_both! {
    busy_servers_are_waited_for;
    a_server_that_says_nothing_costs_a_try;
    one_token_a_minute_costs_a_try;
    a_server_that_dies_mid_answer_costs_a_try;
    an_error_in_the_stream_costs_a_try;
    what_never_works_is_given_up_and_kept;
}

/// Works until nothing is left to do, moving the clock on where there is something to wait for.
async fn works(bridge: &Bridge, step: Duration) {
    let stop = CancellationToken::new();
    for _ in 0..200 {
        let served = bridge.watch.work_once(0, &stop).await;
        let served = served.expect("the store answers");
        let all = jobs(bridge).await;
        if all.iter().all(is_over) {
            return;
        }
        if !served
            || all
                .iter()
                .all(|job| !matches!(job.state, JobState::Leased { .. }))
        {
            bridge.clock.advance(step);
        }
    }
    panic!("it never ends: {:?}", jobs(bridge).await);
}

fn is_over(job: &Job) -> bool {
    !matches!(job.state, JobState::Queued { .. } | JobState::Leased { .. })
}

pub(crate) async fn busy_servers_are_waited_for(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    for _ in 0..12 {
        server.does(Turn::is_busy("5"));
    }
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    works(&bridge, Duration::from_secs(1)).await;
    let done = jobs(&bridge).await.remove(0);
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
    assert_eq!(
        (done.attempts, server.unused_turns()),
        (1, 0),
        "to be told to wait is no failure"
    );
    let JobState::Done { at } = done.state else {
        return;
    };
    let waited = at.since(done.asked_at);
    assert!(
        (Duration::from_secs(60)..Duration::from_secs(120)).contains(&waited),
        "it comes when it was told to: {waited:?}"
    );
    assert!(server.generations().len() < 20, "and not before");
}

/// One bad turn, then good ones: one try more, the same answer, and whoever follows is told.
async fn one_bad_turn(bridge: Bridge, turn: Turn) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    server.does(turn);
    has_lanes(&bridge.watch, vec![impatient(lane("gpu", &server))]);
    fails(&bridge, 1).await;
    works(&bridge, Duration::from_secs(10)).await;
    let done = jobs(&bridge).await.remove(0);
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
    assert_eq!((done.attempts, done.preempted), (2, 0));
    let events = followed(&bridge.watch, done.number).await;
    let taken_back = events
        .iter()
        .filter(|event| matches!(event, JobEvent::PutBack { .. }))
        .count();
    assert!(taken_back >= 1, "{events:?}");
    let ends = events.iter().filter(|event| event.is_last()).count();
    assert_eq!(ends, 1, "{events:?}");
    assert_eq!(bridge.log("job.retried").await.len(), 1);
}

pub(crate) async fn a_server_that_says_nothing_costs_a_try(bridge: Bridge) {
    one_bad_turn(bridge, Turn::says_nothing()).await;
}

/// The limit between two pieces is set to less than a second here: it is the same limit.
pub(crate) async fn one_token_a_minute_costs_a_try(bridge: Bridge) {
    let never = Gate::closed();
    one_bad_turn(
        bridge,
        Turn::replies("The unit fails").pausing_after(1, &never),
    )
    .await;
}

pub(crate) async fn a_server_that_dies_mid_answer_costs_a_try(bridge: Bridge) {
    one_bad_turn(bridge, Turn::replies("The unit fails because").cut_after(3)).await;
}

pub(crate) async fn an_error_in_the_stream_costs_a_try(bridge: Bridge) {
    let turn =
        Turn::replies("The unit fails because").failing_after(2, "CUDA error: out of memory");
    one_bad_turn(bridge, turn).await;
}

pub(crate) async fn what_never_works_is_given_up_and_kept(bridge: Bridge) {
    let server = ModelServer::start()
        .await
        .decides(|_| Turn::replies("The unit").cut_after(1));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    works(&bridge, Duration::from_secs(10)).await;
    let dead = jobs(&bridge).await.remove(0);
    assert!(matches!(dead.state, JobState::Failed { .. }), "{dead:?}");
    assert_eq!(dead.attempts, 3);
    let events = followed(&bridge.watch, dead.number).await;
    assert!(
        matches!(events.last(), Some(JobEvent::Failed { .. })),
        "{events:?}"
    );
    // A person may have it asked once more.
    server.always_replies(diagnosis());
    let retried = bridge
        .watch
        .retry_job(dead.number, crate::bridge::ann())
        .await;
    retried.expect("it is dead");
    works(&bridge, Duration::from_secs(60)).await;
    let done = job(&bridge, dead.number).await;
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
}
