//! The network is cut at every moment of a run, and comes back: the controller goes on by itself, to the true outcome,
//! and what was done to the host was done once. The store does not matter here.

use tokio::task::JoinSet;
use watchkeeper_model::ActionNumber;
use watchkeeper_watch::{Ran, WatchError};

use crate::bridge::{Bridge, Rig, accept_keys, build_watch, entries, settings};
use crate::gate::{Gate, Gated, Moment, Request};
use crate::lost_controller::{approved, approved_and_slow, approved_with_undo, is_over, restarts};
use crate::{soon, until};

/// A controller in a task of this process, at a moment of its run of action 0.
pub(crate) struct Held {
    gate: Gate,
    task: JoinSet<Result<Ran, WatchError>>,
}

impl Held {
    /// One that has come to this moment.
    pub(crate) async fn at(bridge: &Bridge, moment: Moment) -> Self {
        let gate = Gate::at(moment);
        let watch = bridge.gated("held", &gate).await;
        let mut task = JoinSet::new();
        task.spawn(async move { watch.run_action(ActionNumber(0)).await });
        gate.is_reached().await;
        Self { gate, task }
    }

    /// Lets it go on, to where it ends.
    pub(crate) async fn goes_on(mut self) -> Result<Ran, WatchError> {
        self.gate.open();
        soon("the controller comes to an end", self.task.join_next())
            .await
            .expect("a task")
            .expect("it does not panic")
    }
}

impl Bridge {
    /// What another controller on the same store is built over.
    pub(crate) async fn rig<'a>(&'a self, name: &'a str) -> Rig<'a> {
        accept_keys(&self.hosts, self.dir.path());
        Rig {
            name,
            store: watchkeeper_store::Store::open(&self.url)
                .await
                .expect("a store"),
            dir: self.dir.path(),
            clock: self.clock.clone(),
            entries: entries(&self.hosts),
            settings: settings(),
            lanes: Vec::new(),
        }
    }

    /// A controller behind a gate.
    pub(crate) async fn gated(&self, name: &str, gate: &Gate) -> watchkeeper_watch::Watch {
        let rig = self.rig(name).await;
        let gate = gate.clone();
        build_watch(rig, |ways| std::sync::Arc::new(Gated { ways, gate }))
    }

    /// A controller behind two gates, one behind the other.
    pub(crate) async fn gated_twice(
        &self,
        name: &str,
        first: &Gate,
        second: &Gate,
    ) -> watchkeeper_watch::Watch {
        let rig = self.rig(name).await;
        let (first, second) = (first.clone(), second.clone());
        build_watch(rig, |ways| {
            let ways = std::sync::Arc::new(Gated { ways, gate: first });
            std::sync::Arc::new(Gated { ways, gate: second })
        })
    }
}

async fn cut_at(moment: Moment) -> (Bridge, Result<Ran, WatchError>) {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let held = Held::at(&bridge, moment).await;
    bridge.host().cuts_connections();
    let ran = held.goes_on().await;
    (bridge, ran)
}

async fn cut_and_still_fixed_once(moment: Moment) {
    let (bridge, ran) = cut_at(moment).await;
    assert_eq!(ran.expect("the store answers"), Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

/// Nothing was claimed, so that a look that failed is only made again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_before_the_claim_it_runs_once_later() {
    let (bridge, ran) = cut_at(Moment::Before(Request::Boot, 1)).await;
    let ran = ran.expect("the store answers");
    if ran != Ran::Over("fixed") {
        assert!(matches!(ran, Ran::Later { .. }), "{ran:?}");
        assert_eq!(restarts(&bridge), 0);
        assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    }
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_before_the_start_was_sent_it_runs_once() {
    cut_and_still_fixed_once(Moment::Before(Request::Start, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_when_it_had_started_it_runs_once() {
    cut_and_still_fixed_once(Moment::After(Request::Start, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_before_its_end_was_told_it_runs_once() {
    cut_and_still_fixed_once(Moment::Ended(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_before_the_verification_it_runs_once() {
    cut_and_still_fixed_once(Moment::Before(Request::Look, 2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_before_what_it_left_was_wiped_it_runs_once() {
    cut_and_still_fixed_once(Moment::Before(Request::Wipe, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_while_it_runs_again_and_again_it_runs_once() {
    let bridge = Bridge::on_sqlite().await;
    approved_and_slow(&bridge).await;
    let held = Held::at(&bridge, Moment::Before(Request::Attach, 1)).await;
    until("the restart is under way", || restarts(&bridge) == 1).await;
    let before = bridge.host().connections();
    let cutting = async {
        for more in 1..=3 {
            bridge.host().cuts_connections();
            until("it connects again", || {
                bridge.host().connections() >= before + more
            })
            .await;
        }
    };
    let (ran, ()) = tokio::join!(held.goes_on(), cutting);
    assert_eq!(ran.expect("the store answers"), Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_reach_while_it_runs_it_is_attached_to_when_it_is_back() {
    let bridge = Bridge::on_sqlite().await;
    approved_and_slow(&bridge).await;
    let held = Held::at(&bridge, Moment::After(Request::Start, 1)).await;
    bridge.host().goes_down().await;
    let back = async {
        until("the repair is done", || {
            bridge.host().unit("nginx.service").is_active()
        })
        .await;
        bridge.host().comes_back().await;
    };
    let (ran, ()) = tokio::join!(held.goes_on(), back);
    assert_eq!(ran.expect("the store answers"), Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_while_undoing_it_is_undone_once() {
    let bridge = Bridge::on_sqlite().await;
    approved_with_undo(&bridge).await;
    let held = Held::at(&bridge, Moment::Before(Request::Start, 2)).await;
    bridge.host().cuts_connections();
    assert_eq!(
        held.goes_on().await.expect("the store answers"),
        Ran::Over("undone")
    );
    assert_eq!(bridge.host().times("reset-failed", "nginx.service"), 1);
    is_over(&bridge, "undone").await;
}

/// What cannot be seen is not well: the step has run, and whether it helped is not known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_reach_at_the_verification_it_is_inconclusive() {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let held = Held::at(&bridge, Moment::Before(Request::Look, 2)).await;
    bridge.host().goes_down().await;
    let ran = held.goes_on().await.expect("the store answers");
    assert_eq!(ran, Ran::Over("inconclusive"));
    assert!(bridge.nginx().await.issue.state.is_active());
    bridge.host().comes_back().await;
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "inconclusive").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_reach_before_the_claim_nothing_is_claimed() {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    bridge.host().goes_down().await;
    let ran = bridge.run(0).await;
    assert!(matches!(ran, Ran::Later { .. }), "{ran:?}");
    assert_eq!(bridge.state(0).await, "approved");
    bridge.host().comes_back().await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}
