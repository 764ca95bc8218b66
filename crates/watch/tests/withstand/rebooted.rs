//! The host is rebooted in the middle of a run, with the controller there or lost too: the true outcome where the host
//! can still tell it, else `unknown`, and never a second run.

use watchkeeper_model::Autonomy;
use watchkeeper_watch::Ran;

use crate::bridge::{Bridge, MINUTE};
use crate::broken_line::Held;
use crate::gate::{Moment, Request};
use crate::lost_controller::{
    approved, approved_and_slow, approved_with_undo, controller_at, is_over, restarts, taken_over,
};
use crate::until;

async fn rebooted_at(moment: Moment) -> (Bridge, Ran) {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let held = Held::at(&bridge, moment).await;
    bridge.host().reboots();
    let ran = held.goes_on().await.expect("the store answers");
    (bridge, ran)
}

/// A person is told once, and whatever the autonomy, it is not run again.
async fn is_never_run_again(bridge: &Bridge, times: usize) {
    bridge.autonomy(Autonomy::AutoFull);
    for _ in 0..3 {
        bridge.clock.advance(MINUTE);
        bridge.check().await;
        assert_eq!(bridge.run(0).await, Ran::NotOurs);
    }
    assert_eq!(bridge.actions().await, 1, "it is not proposed again");
    assert_eq!(bridge.log("issue.escalated").await.len(), 1);
    assert_eq!(restarts(bridge), times);
    assert!(bridge.nginx().await.issue.state.is_active());
    let status = bridge.watch.status(false).await.expect("a status");
    assert_eq!(status.unknown_actions, 1);
}

/// The claim holds for the boot that it saw; before it, a boot changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_before_the_claim_it_runs_once() {
    let (bridge, ran) = rebooted_at(Moment::Before(Request::Boot, 1)).await;
    if ran != Ran::Over("fixed") {
        assert!(matches!(ran, Ran::Later { .. }), "{ran:?}");
        assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    }
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

/// The start is for another boot: the host refuses it, and it has surely not run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_before_the_start_was_sent_it_never_runs() {
    let (bridge, ran) = rebooted_at(Moment::Before(Request::Start, 1)).await;
    assert!(
        matches!(ran, Ran::Over("stale" | "unknown")),
        "a start whose connection was lost may have been sent: {ran:?}"
    );
    assert_eq!(restarts(&bridge), 0);
    let state = bridge.state(0).await;
    is_over(&bridge, &state).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_while_it_runs_it_is_unknown_and_never_run_again() {
    let bridge = Bridge::on_sqlite().await;
    approved_and_slow(&bridge).await;
    let held = Held::at(&bridge, Moment::Before(Request::Attach, 1)).await;
    until("the restart is under way", || restarts(&bridge) == 1).await;
    bridge.host().reboots();
    let ran = held.goes_on().await.expect("the store answers");
    assert_eq!(ran, Ran::Over("unknown"));
    is_over(&bridge, "unknown").await;
    is_never_run_again(&bridge, 1).await;
}

/// What ended before the boot is on the disk of the host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_after_it_ended_its_outcome_is_found() {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::Ended(1)).await;
    lost.dies().await;
    bridge.host().reboots();
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_before_the_verification_only_the_look_decides() {
    let (bridge, ran) = rebooted_at(Moment::Before(Request::Look, 2)).await;
    assert_eq!(ran, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_and_the_controller_killed_while_it_runs_it_is_unknown() {
    rebooted_and_the_controller_killed(Bridge::on_sqlite().await).await;
}

pub(crate) async fn rebooted_and_the_controller_killed(bridge: Bridge) {
    approved_and_slow(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Attach, 1)).await;
    until("the restart is under way", || restarts(&bridge) == 1).await;
    lost.dies().await;
    bridge.host().reboots();
    assert_eq!(taken_over(&bridge).await, Ran::Over("unknown"));
    is_over(&bridge, "unknown").await;
    is_never_run_again(&bridge, 1).await;
}

/// Whether the start was sent is not known any more, and the host has forgotten: that is unknown, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_and_the_controller_killed_before_it_was_sent_it_never_runs() {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Start, 1)).await;
    lost.dies().await;
    bridge.host().reboots();
    assert_eq!(taken_over(&bridge).await, Ran::Over("unknown"));
    is_over(&bridge, "unknown").await;
    is_never_run_again(&bridge, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebooted_while_undoing_a_person_must_look() {
    let bridge = Bridge::on_sqlite().await;
    approved_with_undo(&bridge).await;
    let held = Held::at(&bridge, Moment::Before(Request::Start, 2)).await;
    bridge.host().reboots();
    let ran = held.goes_on().await.expect("the store answers");
    assert_eq!(ran, Ran::Over("undo_failed"));
    assert_eq!(bridge.host().times("reset-failed", "nginx.service"), 0);
    is_over(&bridge, "undo_failed").await;
}
