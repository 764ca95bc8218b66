//! A worker that is stopped, preempted or lost in the middle, and a model that dies: nothing is asked or looked at twice,
//! and nothing is resolved or proposed by accident.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_model::{ConversationKind, IssueState};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};
use watchkeeper_watch::{NewTalk, Words};

use crate::bridge::{Bridge, MINUTE, NGINX, ann};
use crate::on_both;
use crate::rig::{
    broken, calls, conclude, has_model, job_state, nginx_sheet, propose, restart, tool_texts, work,
};

on_both! {
    a_person_who_asks_puts_an_investigation_aside_and_it_goes_on_where_it_was;
    what_was_looked_at_is_not_looked_at_again_after_a_stop;
    a_model_that_dies_in_the_middle_resolves_and_proposes_nothing;
}

pub(crate) async fn what_was_looked_at_is_not_looked_at_again_after_a_stop(bridge: Bridge) {
    let server = ModelServer::start().await;
    let gate = Gate::closed();
    server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
    server.does(Turn::replies("never heard").after(&gate));
    server.does(calls(&[
        propose(restart(), &["E1"]),
        conclude("The unit nginx.service is failed [E1].", "high", &["E1"]),
    ]));
    has_model(&bridge, &server);
    broken(&bridge).await;
    let before = bridge.host().commands();
    let stop = CancellationToken::new();
    let (watch, stopped) = (bridge.watch.clone(), stop.clone());
    let mut working = tokio::task::JoinSet::new();
    working.spawn(async move { watch.work_once(0, &stopped).await });
    gate.is_reached().await;
    stop.cancel();
    while let Some(ended) = working.join_next().await {
        ended.expect("it ends").expect("the store answers");
    }
    gate.open();
    assert_eq!(job_state(&bridge, 1).await, "queued");
    bridge.clock.advance(MINUTE);
    work(&bridge).await;
    assert_eq!(
        bridge.host().commands() - before,
        1,
        "it was looked at once"
    );
    let bodies = server.generations();
    assert_eq!(bodies.len(), 3, "the first question is not asked again");
    assert_eq!(tool_texts(&bodies[1]), tool_texts(&bodies[2]));
    assert_eq!(bridge.state(0).await, "held");
}

/// The lane is free at once; what was seen before is kept, and after the person's answer the investigation goes on.
pub(crate) async fn a_person_who_asks_puts_an_investigation_aside_and_it_goes_on_where_it_was(
    bridge: Bridge,
) {
    let server = ModelServer::start().await;
    let gate = Gate::closed();
    server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
    server.does(Turn::replies("never heard").after(&gate));
    server.does(Turn::replies("It is one service, nginx."));
    server.does(calls(&[
        propose(restart(), &["E1"]),
        conclude("The unit nginx.service is failed [E1].", "high", &["E1"]),
    ]));
    has_model(&bridge, &server);
    broken(&bridge).await;
    let before = bridge.host().commands();
    let watch = bridge.watch.clone();
    let mut working = tokio::task::JoinSet::new();
    working.spawn(async move { watch.work_once(0, &CancellationToken::new()).await });
    gate.is_reached().await;
    let talk = NewTalk {
        kind: ConversationKind::Ask,
        hosts: Vec::new(),
        action: None,
        lane: None,
    };
    let talk = bridge.watch.begin_conversation(ann(), talk).await;
    let words = Words {
        text: "what is down?".to_owned(),
        hosts: None,
        lane: None,
    };
    let number = talk.expect("a talk").number;
    let asked = bridge.watch.say(number, &ann(), words).await;
    let asked = asked.expect("it is asked");
    server.sees_a_client_leave().await;
    while let Some(ended) = working.join_next().await {
        ended.expect("it ends").expect("the store answers");
    }
    gate.open();
    assert_eq!(job_state(&bridge, 1).await, "queued", "it is no failure");
    bridge.clock.advance(MINUTE);
    work(&bridge).await;
    assert_eq!(job_state(&bridge, asked.job.0).await, "done");
    assert_eq!(job_state(&bridge, 1).await, "done");
    assert_eq!(server.unused_turns(), 0);
    assert_eq!(
        bridge.host().commands() - before,
        1,
        "it was looked at once"
    );
    assert_eq!(bridge.state(0).await, "held");
}

pub(crate) async fn a_model_that_dies_in_the_middle_resolves_and_proposes_nothing(bridge: Bridge) {
    let server = ModelServer::start().await;
    server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
    server.decides(|_| Turn::replies("The unit is").cut_after(1));
    has_model(&bridge, &server);
    broken(&bridge).await;
    for _ in 0..4 {
        work(&bridge).await;
        bridge.clock.advance(10 * MINUTE);
    }
    assert_eq!(job_state(&bridge, 1).await, "failed");
    let sheet = nginx_sheet(&bridge).await;
    assert_eq!(sheet.issue.state, IssueState::Open);
    assert_eq!((sheet.diagnosed, sheet.actions.len()), (None, 0));
    assert_eq!(bridge.actions().await, 0);
}
