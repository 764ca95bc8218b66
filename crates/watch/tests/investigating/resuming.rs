//! A worker that is stopped, preempted or lost in the middle, and a model that dies: nothing is asked or looked at twice,
//! and nothing is resolved or proposed by accident.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_model::IssueState;
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};

use crate::bridge::{Bridge, MINUTE, NGINX};
use crate::on_both;
use crate::rig::{
    broken, calls, conclude, has_model, job_state, nginx_sheet, propose, restart, tool_texts, work,
};

on_both! {
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
