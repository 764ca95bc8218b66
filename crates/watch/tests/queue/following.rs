//! Following a job from elsewhere: position first, then words as they come, resumable, and never beyond the end.

use std::time::{Duration, Instant};

use watchkeeper_model::{JobNumber, JobState};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};
use watchkeeper_watch::view::{Followed, JobEvent};
use watchkeeper_watch::{Following, OnLeaving, WatchError};

use crate::bridge::Bridge;
use crate::on_both;
use crate::rig::{Working, asks, diagnosis, fails, followed, has_lanes, jobs, lane, soon};

on_both! {
    position_first_then_words_while_they_come;
    whoever_was_cut_off_goes_on_where_they_were;
    the_first_word_is_there_within_20_ms;
    there_is_no_following_what_is_not_there;
}

async fn next(following: &mut Following) -> Followed {
    let event = soon("the next event", following.next()).await;
    event.expect("the store answers").expect("it is not over")
}

/// The words so far, until there are so many characters of them.
async fn words(following: &mut Following, chars: usize) -> (String, i64) {
    let mut said = String::new();
    loop {
        let Followed { seq, event } = next(following).await;
        if let JobEvent::Token { text } = event {
            said.push_str(&text);
            if said.chars().count() >= chars {
                return (said, seq);
            }
        }
    }
}

pub(crate) async fn position_first_then_words_while_they_come(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    fails(&bridge, 1).await;
    let gate = Gate::closed();
    let answer = diagnosis();
    server.does(Turn::replies(&answer).pausing_after(2, &gate));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    let number = asks(&bridge.watch, &bridge, 0).await;
    let elsewhere = bridge.another_controller("elsewhere").await;
    let mut following = elsewhere.follow_job(number, 0, OnLeaving::Stay);
    let first = next(&mut following).await.event;
    assert!(
        matches!(first, JobEvent::Waiting { ahead: 0, .. }),
        "{first:?}"
    );
    let working = Working::start(&bridge.watch);
    let second = next(&mut following).await.event;
    let JobEvent::Started { lane, .. } = &second else {
        panic!("{second:?}");
    };
    assert_eq!(lane, "gpu");
    gate.is_reached().await;
    let begun = Instant::now();
    let (said, _) = words(&mut following, 1).await;
    assert!(answer.starts_with(&said), "{said}");
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "words come by signal, not by the poll"
    );
    gate.open();
    let rest = followed(&elsewhere, number).await;
    working.stop().await;
    assert!(
        matches!(rest.last(), Some(JobEvent::Done { .. })),
        "{rest:?}"
    );
    let all: String = rest
        .iter()
        .filter_map(|event| match event {
            JobEvent::Token { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(all.starts_with(&answer), "nothing is left out: {all}");
}

/// From the server's first byte to whoever follows at another controller: HTTP, the store, the signal, the look.
pub(crate) async fn the_first_word_is_there_within_20_ms(bridge: Bridge) {
    fails(&bridge, 1).await;
    // A store in a file signals within its process only.
    let elsewhere = if bridge.url.starts_with("sqlite:") {
        bridge.watch.clone()
    } else {
        bridge.another_controller("elsewhere").await
    };
    let server = ModelServer::start().await.always_replies(diagnosis());
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    let working = Working::start(&bridge.watch);
    let mut fastest = Duration::MAX;
    for _ in 0..8 {
        let gate = Gate::closed();
        server.does(Turn::replies(diagnosis()).after(&gate));
        let number = asks(&bridge.watch, &bridge, 0).await;
        let mut following = elsewhere.follow_job(number, 0, OnLeaving::Stay);
        while !matches!(next(&mut following).await.event, JobEvent::Started { .. }) {}
        gate.is_reached().await;
        let begun = Instant::now();
        gate.open();
        words(&mut following, 1).await;
        fastest = fastest.min(begun.elapsed());
        followed(&elsewhere, number).await;
    }
    working.stop().await;
    // A store in a file signals only within its process: there the poll tells who follows from another.
    let within = if bridge.url.starts_with("sqlite:") {
        1_100
    } else {
        20
    };
    assert!(fastest < Duration::from_millis(within), "{fastest:?}");
}

pub(crate) async fn whoever_was_cut_off_goes_on_where_they_were(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let gate = Gate::closed();
    let answer = diagnosis();
    server.does(Turn::replies(&answer).pausing_after(3, &gate));
    has_lanes(&bridge.watch, vec![lane("gpu", &server)]);
    fails(&bridge, 1).await;
    let number = jobs(&bridge).await[0].number;
    let working = Working::start(&bridge.watch);
    let mut following = bridge.watch.follow_job(number, 0, OnLeaving::Stay);
    let (before, seq) = words(&mut following, 1).await;
    drop(following);
    gate.open();
    let mut again = bridge.watch.follow_job(number, seq, OnLeaving::Stay);
    let rest_chars = answer.chars().count() - before.chars().count();
    let (after, _) = words(&mut again, rest_chars).await;
    assert!(format!("{before}{after}").starts_with(&answer));
    working.stop().await;
    let state = jobs(&bridge).await.remove(0).state;
    assert!(
        !matches!(state, JobState::Cancelled { .. }),
        "who only reads along takes nothing back"
    );
}

pub(crate) async fn there_is_no_following_what_is_not_there(bridge: Bridge) {
    let mut following = bridge.watch.follow_job(JobNumber(99), 0, OnLeaving::Cancel);
    let nobody = soon("an answer", following.next()).await;
    assert!(matches!(nobody, Err(WatchError::NoSuchJob { .. })));
}
