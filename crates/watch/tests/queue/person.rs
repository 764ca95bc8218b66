//! A person never waits behind a batch job.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use watchkeeper_model::{JobState, Priority};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Outcome, Recorded, Turn};
use watchkeeper_watch::OnLeaving;
use watchkeeper_watch::view::JobEvent;

use crate::bridge::{Bridge, ann};
use crate::on_both;
use crate::rig::{
    Working, asks, diagnosis, fails, followed, has_lanes, job, jobs, lane, question, soon, until,
    until_done,
};

on_both! {
    a_person_preempts_a_batch_job_within_100_ms;
    a_preempted_job_is_not_a_failure;
    cancelling_frees_the_lane;
    who_goes_away_takes_the_question_back;
}

/// How long the lane may take to be free.
const WITHIN: Duration = Duration::from_millis(100);
/// Tries at the clock: a machine that does much else may be slow once.
const ROUNDS: usize = 5;

fn asked(requests: &[Recorded]) -> Vec<Outcome> {
    let chats = requests.iter().filter(|request| request.is_generation());
    chats.map(|request| request.outcome).collect()
}

/// What became of the first question when the second came.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Option<Outcome>>>);

impl Witness {
    fn sees(&self, requests: &[Recorded]) -> bool {
        let asked = asked(requests);
        if asked.len() < 2 {
            return false;
        }
        let mut first = self.0.lock().expect("nobody panics here");
        first.get_or_insert(asked[0]);
        true
    }
}

pub(crate) async fn a_person_preempts_a_batch_job_within_100_ms(bridge: Bridge) {
    fails(&bridge, 2).await;
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let server = ModelServer::start().await.always_replies(diagnosis());
        let never = Gate::closed();
        server.does(Turn::replies("The unit fails because").pausing_after(2, &never));
        has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
        let batch = question(&bridge, 1, Priority::Finding).await;
        let batch = bridge.watch.queue_job(batch).await.expect("room");
        let batch = batch.job().number;
        let working = Working::start(&bridge.watch);
        never.is_reached().await;
        let begun = Instant::now();
        let person = asks(&bridge.watch, &bridge, 0).await;
        server.sees_a_client_leave().await;
        fastest = fastest.min(begun.elapsed());
        let witness = Witness::default();
        server
            .until("the person's question", |all| witness.sees(all))
            .await;
        let first = *witness.0.lock().expect("nobody panics here");
        assert_eq!(
            first,
            Some(Outcome::ClientGone),
            "the server saw the batch job leave before the person's question came"
        );
        until_done(&bridge, person).await;
        let finished = until_done(&bridge, batch).await;
        assert_eq!((finished.attempts, finished.preempted), (1, 1));
        working.stop().await;
    }
    assert!(fastest < WITHIN, "the lane was free after {fastest:?}");
}

pub(crate) async fn a_preempted_job_is_not_a_failure(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let never = Gate::closed();
    server.does(Turn::replies("The unit fails because").pausing_after(2, &never));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let batch = jobs(&bridge).await[0].number;
    let working = Working::start(&bridge.watch);
    never.is_reached().await;
    let person = asks(&bridge.watch, &bridge, 0).await;
    let events = followed(&bridge.watch, batch).await;
    working.stop().await;
    let (batch, person) = (job(&bridge, batch).await, job(&bridge, person).await);
    assert_eq!((batch.attempts, batch.preempted), (1, 1), "{batch:?}");
    assert_eq!((person.attempts, person.preempted), (1, 0), "{person:?}");
    let put_back = JobEvent::PutBack {
        why: "a person is waiting".to_owned(),
    };
    assert!(events.contains(&put_back), "{events:?}");
    assert!(matches!(events.last(), Some(JobEvent::Done { .. })));
    assert_eq!(bridge.log("job.preempted").await.len(), 1);
    assert!(bridge.log("job.retried").await.is_empty());
    assert!(bridge.log("job.failed").await.is_empty());
    bridge.log_is_intact().await;
}

pub(crate) async fn cancelling_frees_the_lane(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let never = Gate::closed();
    server.does(Turn::replies("The unit fails because").pausing_after(2, &never));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 2).await;
    let numbers: Vec<_> = jobs(&bridge).await.iter().map(|job| job.number).collect();
    let working = Working::start(&bridge.watch);
    never.is_reached().await;
    let begun = Instant::now();
    let cancelled = bridge.watch.cancel_job(numbers[0], ann()).await;
    cancelled.expect("it can be taken back");
    server.sees_a_client_leave().await;
    let freed = begun.elapsed();
    until_done(&bridge, numbers[1]).await;
    working.stop().await;
    let state = job(&bridge, numbers[0]).await.state;
    assert!(matches!(state, JobState::Cancelled { .. }), "{state:?}");
    // By the poll it would take a second.
    assert!(freed < Duration::from_millis(900), "{freed:?}");
    assert_eq!(bridge.log("job.cancelled").await.len(), 1);
    let again = bridge.watch.cancel_job(numbers[0], ann()).await;
    assert!(again.is_err(), "it is over");
}

pub(crate) async fn who_goes_away_takes_the_question_back(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    fails(&bridge, 1).await;
    let never = Gate::closed();
    server.does(Turn::replies("The unit fails because").pausing_after(2, &never));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    let person = asks(&bridge.watch, &bridge, 0).await;
    let working = Working::start(&bridge.watch);
    let mut following = bridge.watch.follow_job(person, 0, OnLeaving::Cancel);
    soon("its first words", async {
        loop {
            let event = following.next().await.expect("the store answers");
            let event = event.expect("it is not over").event;
            if matches!(event, JobEvent::Token { .. }) {
                return;
            }
        }
    })
    .await;
    drop(following);
    server.sees_a_client_leave().await;
    until(&bridge, person, |job| {
        matches!(job.state, JobState::Cancelled { .. })
    })
    .await;
    working.stop().await;
}
