//! Two processes do the same with action 0 at one moment: one execution, and one clear refusal.

use crate::bridge::{Bridge, NGINX};
use crate::controller::{Controller, Deed};
use crate::lost_controller::{is_over, restarts};
use crate::on_both;

on_both! {
    two_processes_approve_at_one_moment_and_one_is_refused;
    two_processes_run_at_one_moment_and_one_does;
}

async fn both(bridge: &Bridge, deed: Deed) -> [String; 2] {
    let mut one = Controller::start(bridge, "one", deed, None).await;
    let mut two = Controller::start(bridge, "two", deed, None).await;
    tokio::join!(one.go(), two.go());
    let mut words = [one.says().await, two.says().await];
    words.sort();
    words
}

pub(crate) async fn two_processes_approve_at_one_moment_and_one_is_refused(bridge: Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    let [approved, refused] = both(&bridge, Deed::Approve).await;
    assert_eq!(approved, "approved");
    let clear = [
        "refused: action 0 is approved, so it cannot become approved",
        "refused: action 0 was changed by somebody else at the same moment",
    ];
    assert!(clear.contains(&refused.as_str()), "{refused}");
    assert_eq!(bridge.log("action.approved").await.len(), 1);
    bridge.log_is_intact().await;
}

pub(crate) async fn two_processes_run_at_one_moment_and_one_does(bridge: Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    bridge.approve(0).await;
    let words = both(&bridge, Deed::Run).await;
    assert_eq!(words, ["not ours", "over: fixed"]);
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}
