//! `kill -9` of a controller at every moment of a run. Another takes the run over when the lease ends: it finds the
//! true outcome or calls it unknown, and what was done to the host was done once.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_model::{ActionNumber, Revision, Step, UnitName};
use watchkeeper_watch::{Edit, Every, Loops, Ran, Schedule, Watch};

use crate::bridge::{Bridge, MINUTE, NGINX, ben};
use crate::controller::{Controller, Deed};
use crate::gate::{Moment, Request};
use crate::{on_both, soon, until};

on_both! {
    killed_before_the_claim_it_runs_once;
    lost_right_after_the_claim_it_runs_once;
    lost_right_after_the_claim_and_found_late_it_never_runs;
    killed_before_it_was_sent_it_runs_once;
    killed_before_it_was_sent_and_found_late_it_never_runs;
    killed_when_it_had_started_it_runs_once;
    killed_while_it_runs_it_runs_once;
    killed_after_it_ended_it_runs_once;
    lost_when_the_end_was_recorded_it_runs_once;
    killed_while_verifying_it_runs_once;
    lost_before_the_run_was_closed_it_is_closed;
    a_daemon_stopped_in_the_middle_leaves_the_run_to_the_next;
    killed_before_the_undo_was_sent_it_is_undone_once;
    killed_after_the_undo_ended_it_is_undone_once;
}

pub(crate) fn restarts(bridge: &Bridge) -> usize {
    bridge.host().times("restart", NGINX)
}

/// nginx has failed, and its restart is approved.
pub(crate) async fn approved(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    bridge.approve(0).await;
}

/// The same, and the restart will take two seconds.
pub(crate) async fn approved_and_slow(bridge: &Bridge) {
    bridge.host().unit(NGINX).starts_slowly();
    bridge.check().await;
    bridge.approve(0).await;
}

/// A controller that is at its moment.
pub(crate) async fn controller_at(bridge: &Bridge, moment: Moment) -> Controller {
    let mut lost = Controller::start(bridge, "lost", Deed::Run, Some(moment)).await;
    lost.reaches_its_moment().await;
    lost
}

/// The lease is over, and the other controller takes up what is left.
pub(crate) async fn taken_over(bridge: &Bridge) -> Ran {
    assert_eq!(
        bridge.watch.adopt_runs(false).await.expect("asked"),
        [],
        "the lease of the lost controller still holds"
    );
    bridge.clock.advance(2 * MINUTE);
    resumed(bridge).await
}

/// The other controller takes up the one run that is left.
pub(crate) async fn resumed(bridge: &Bridge) -> Ran {
    let orphans = bridge.watch.adopt_runs(false).await.expect("asked");
    assert_eq!(orphans.len(), 1, "one run to take over");
    bridge
        .watch
        .resume_run(&orphans[0].run, &CancellationToken::new())
        .await
        .expect("it goes on")
}

/// Nothing is left to be done, and nothing does it twice.
pub(crate) async fn is_over(bridge: &Bridge, state: &str) {
    assert_eq!(bridge.state(0).await, state);
    bridge.clock.advance(2 * MINUTE);
    assert_eq!(bridge.watch.adopt_runs(false).await.expect("asked"), []);
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
    assert_eq!(bridge.log("action.running").await.len(), 1);
    bridge.log_is_intact().await;
}

async fn killed_before_the_claim_it_runs_once(bridge: Bridge) {
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Boot, 1)).await;
    lost.dies().await;
    assert_eq!(
        (bridge.state(0).await.as_str(), restarts(&bridge)),
        ("approved", 0)
    );
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

/// Nothing lies between the claim and the record that the start is asked for but the record itself, so that is where
/// the store stops this controller; what it leaves is the same.
async fn lost_right_after_the_claim_it_runs_once(bridge: Bridge) {
    claimed_and_lost(&bridge).await;
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

async fn lost_right_after_the_claim_and_found_late_it_never_runs(bridge: Bridge) {
    claimed_and_lost(&bridge).await;
    bridge.clock.advance(20 * MINUTE);
    assert_eq!(resumed(&bridge).await, Ran::Over("stale"));
    assert_eq!(restarts(&bridge), 0);
    is_over(&bridge, "stale").await;
}

async fn claimed_and_lost(bridge: &Bridge) {
    approved(bridge).await;
    bridge.stops_at("insert on run_steps", "true").await;
    let lost = bridge.another_controller("lost").await;
    let ran = lost.run_action(ActionNumber(0)).await;
    assert!(matches!(ran, Ok(Ran::Later { .. })), "{ran:?}");
    bridge.stops_no_more("run_steps").await;
    let sheet = bridge.sheet(0).await;
    assert_eq!(sheet.action.state.as_str(), "running");
    assert_eq!(sheet.run.map(|run| run.steps), Some(vec![]));
}

async fn killed_before_it_was_sent_and_found_late_it_never_runs(bridge: Bridge) {
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Start, 1)).await;
    lost.dies().await;
    bridge.clock.advance(20 * MINUTE);
    assert_eq!(resumed(&bridge).await, Ran::Over("stale"));
    assert_eq!(restarts(&bridge), 0);
    is_over(&bridge, "stale").await;
}

async fn killed_before_it_was_sent_it_runs_once(bridge: Bridge) {
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Start, 1)).await;
    lost.dies().await;
    assert_eq!(
        (bridge.state(0).await.as_str(), restarts(&bridge)),
        ("running", 0)
    );
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

async fn killed_when_it_had_started_it_runs_once(bridge: Bridge) {
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::After(Request::Start, 1)).await;
    lost.dies().await;
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

pub(crate) async fn killed_while_it_runs_it_runs_once(bridge: Bridge) {
    approved_and_slow(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Attach, 1)).await;
    until("the restart is under way", || restarts(&bridge) == 1).await;
    assert!(!bridge.host().unit(NGINX).is_active(), "it is not over");
    lost.dies().await;
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

async fn killed_after_it_ended_it_runs_once(bridge: Bridge) {
    approved(&bridge).await;
    let lost = controller_at(&bridge, Moment::Ended(1)).await;
    lost.dies().await;
    assert_eq!(
        (bridge.state(0).await.as_str(), restarts(&bridge)),
        ("running", 1)
    );
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

async fn lost_when_the_end_was_recorded_it_runs_once(bridge: Bridge) {
    approved(&bridge).await;
    bridge
        .stops_at("update on actions", "new.state = 'verifying'")
        .await;
    let lost = bridge.another_controller("lost").await;
    assert!(lost.run_action(ActionNumber(0)).await.is_err());
    bridge.stops_no_more("actions").await;
    assert_eq!(bridge.state(0).await, "running");
    let run = bridge.sheet(0).await.run.expect("a run");
    assert!(run.steps[0].outcome.is_some(), "its end was recorded");
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

async fn lost_before_the_run_was_closed_it_is_closed(bridge: Bridge) {
    approved(&bridge).await;
    bridge
        .stops_at("update on runs", "new.ended_at is not null")
        .await;
    let lost = bridge.another_controller("lost").await;
    assert!(lost.run_action(ActionNumber(0)).await.is_err());
    bridge.stops_no_more("runs").await;
    assert_eq!(bridge.state(0).await, "fixed");
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    assert_eq!(bridge.log("action.fixed").await.len(), 1);
    is_over(&bridge, "fixed").await;
}

async fn killed_while_verifying_it_runs_once(bridge: Bridge) {
    approved(&bridge).await;
    // The first look is the one before the claim.
    let lost = controller_at(&bridge, Moment::Before(Request::Look, 2)).await;
    lost.dies().await;
    assert_eq!(
        (bridge.state(0).await.as_str(), restarts(&bridge)),
        ("verifying", 1)
    );
    assert_eq!(taken_over(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

/// nginx cannot be brought back, and a person has said what is to be done then.
pub(crate) async fn approved_with_undo(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails_for_good("exit-code");
    bridge.check().await;
    let unit = || UnitName::new(NGINX).expect("a unit");
    let edit = Edit {
        revision: Revision(1),
        steps: vec![Step::UnitRestart { unit: unit() }],
        undo: vec![Step::UnitResetFailed { unit: unit() }],
        reason: None,
    };
    bridge
        .watch
        .edit(ActionNumber(0), ben(), edit)
        .await
        .expect("edited");
    bridge.approve(0).await;
}

async fn killed_before_the_undo_was_sent_it_is_undone_once(bridge: Bridge) {
    approved_with_undo(&bridge).await;
    let lost = controller_at(&bridge, Moment::Before(Request::Start, 2)).await;
    lost.dies().await;
    assert_eq!(
        (bridge.state(0).await.as_str(), undone(&bridge)),
        ("failed", 0)
    );
    assert_eq!(taken_over(&bridge).await, Ran::Over("undone"));
    assert_eq!((restarts(&bridge), undone(&bridge)), (1, 1));
    is_over(&bridge, "undone").await;
}

async fn killed_after_the_undo_ended_it_is_undone_once(bridge: Bridge) {
    approved_with_undo(&bridge).await;
    let lost = controller_at(&bridge, Moment::Ended(2)).await;
    assert_eq!(undone(&bridge), 1);
    lost.dies().await;
    assert_eq!(bridge.state(0).await, "failed");
    assert_eq!(taken_over(&bridge).await, Ran::Over("undone"));
    assert_eq!((restarts(&bridge), undone(&bridge)), (1, 1));
    is_over(&bridge, "undone").await;
}

fn undone(bridge: &Bridge) -> usize {
    bridge.host().times("reset-failed", NGINX)
}

/// Told to stop, a daemon leaves what runs on the host, and the next goes on with it: without waiting where it is
/// alone with the store, else when the lease ends.
async fn a_daemon_stopped_in_the_middle_leaves_the_run_to_the_next(bridge: Bridge) {
    approved_and_slow(&bridge).await;
    let mut first = Daemon::start(&bridge, "first").await;
    until("the restart is under way", || restarts(&bridge) == 1).await;
    first.stops().await;
    assert_eq!(bridge.state(0).await, "running");
    if !bridge.is_lite() {
        bridge.clock.advance(2 * MINUTE);
    }
    let mut next = Daemon::start(&bridge, "next").await;
    let fixed = async {
        while bridge.state(0).await != "fixed" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("the next daemon goes on with it", fixed).await;
    next.stops().await;
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

/// The loops of a daemon.
pub(crate) struct Daemon {
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Daemon {
    /// One that looks at the hosts now and then again after five minutes.
    pub(crate) async fn start(bridge: &Bridge, name: &str) -> Self {
        Self::of(bridge.another_controller(name).await, bridge.is_lite())
    }

    /// One that runs this watch, alone with the store or not.
    pub(crate) fn of(watch: Watch, alone: bool) -> Self {
        let schedule = Schedule {
            every: Every::Interval(5 * MINUTE),
            jitter: std::time::Duration::ZERO,
        };
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(Loops::new(watch, schedule, alone).run(stop.clone()));
        Self { stop, task }
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stops(&mut self) {
        self.stop.cancel();
        soon("the daemon ends", self.task.join_next())
            .await
            .expect("a task")
            .expect("it does not panic");
    }
}

/// `run.patience`: a host that cannot be asked for longer leaves an outcome that nobody knows, and nothing is run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_cannot_be_asked_for_too_long_leaves_the_outcome_unknown() {
    let bridge = Bridge::on_sqlite().await;
    approved_and_slow(&bridge).await;
    let lost = controller_at(&bridge, Moment::After(Request::Start, 1)).await;
    lost.dies().await;
    // What a person must mend is not waited for within one try.
    bridge.host().changes_key();
    bridge.host().cuts_connections();
    let mut settings = crate::bridge::settings();
    settings.running.patience = MINUTE;
    bridge
        .watch
        .reload(settings, crate::bridge::runbooks(), Vec::new());
    bridge.clock.advance(3 * MINUTE);
    assert_eq!(resumed(&bridge).await, Ran::Over("unknown"));
    is_over(&bridge, "unknown").await;
}
