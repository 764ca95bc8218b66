//! From a proposal to a verified repair, and every way in which it must not happen twice or at all.

use watchkeeper_model::{ActionNumber, Autonomy, IssueState, Revision, Step, UnitName};
use watchkeeper_watch::{Edit, Ran};

use crate::bridge::{Bridge, MINUTE, NGINX, ann, ben, seen};

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

async fn broken(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
}

fn restarts(bridge: &Bridge) -> usize {
    bridge.host().times("restart", NGINX)
}

pub(crate) async fn the_way_from_a_finding_to_a_verified_repair(bridge: Bridge) {
    broken(&bridge).await;
    assert_eq!(bridge.state(0).await, "held");
    assert_eq!(restarts(&bridge), 0, "nothing runs unapproved");
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    assert_eq!(bridge.nginx().await.issue.state, IssueState::Resolved);
    let sheet = bridge.sheet(0).await;
    assert_eq!(
        sheet.run.map(|run| run.digest),
        Some(sheet.action.plan.digest()),
        "what ran is what was approved"
    );
    bridge.log_is_intact().await;
}

/// Regression 1, by people.
pub(crate) async fn two_approvals_at_one_moment_are_one_execution(bridge: Bridge) {
    broken(&bridge).await;
    let other = bridge.another_controller("other").await;
    let sheet = bridge.sheet(0).await;
    let both = tokio::join!(
        bridge.watch.approve(ActionNumber(0), ann(), seen(&sheet)),
        other.approve(ActionNumber(0), ann(), seen(&sheet)),
    );
    assert!(
        both.0.is_ok() != both.1.is_ok(),
        "one approval and one clear refusal: {both:?}"
    );
    let ran = tokio::join!(
        bridge.watch.run_action(ActionNumber(0)),
        other.run_action(ActionNumber(0))
    );
    let ran = [ran.0.expect("it runs"), ran.1.expect("it runs")];
    assert!(ran.contains(&Ran::Over("fixed")), "{ran:?}");
    assert_eq!(restarts(&bridge), 1);
    assert_eq!(bridge.log("action.approved").await.len(), 1);
    bridge.log_is_intact().await;
}

/// Regression 1, by controllers; with two on one Postgres, too.
pub(crate) async fn two_runners_at_one_moment_are_one_execution(bridge: Bridge) {
    broken(&bridge).await;
    bridge.approve(0).await;
    let mut runners = Vec::new();
    for name in ["one", "two", "three", "four"] {
        runners.push(bridge.another_controller(name).await);
    }
    let runs = runners
        .iter()
        .map(|watch| watch.run_action(ActionNumber(0)));
    let ran: Vec<Ran> = futures::future::join_all(runs)
        .await
        .into_iter()
        .map(|ran| ran.expect("it runs"))
        .collect();
    assert_eq!(
        ran.iter().filter(|ran| **ran == Ran::Over("fixed")).count(),
        1,
        "{ran:?}"
    );
    assert_eq!(restarts(&bridge), 1);
    assert_eq!(bridge.log("action.running").await.len(), 1);
}

/// Regression 2: the controller is lost in the middle; another attaches to what is there and nothing runs twice.
pub(crate) async fn a_lost_controller_is_taken_over_and_nothing_runs_twice(bridge: Bridge) {
    broken(&bridge).await;
    bridge.host().unit(NGINX).starts_slowly();
    bridge.approve(0).await;
    let lost = bridge.another_controller("lost").await;
    let mut following = tokio::task::JoinSet::new();
    following.spawn(async move { lost.run_action(ActionNumber(0)).await });
    let started = async {
        while restarts(&bridge) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), started)
        .await
        .expect("the step starts");
    following.shutdown().await;
    assert_eq!(bridge.state(0).await, "running");
    assert!(
        bridge
            .watch
            .adopt_runs(false)
            .await
            .expect("asked")
            .is_empty(),
        "its lease still holds"
    );
    for _ in 0..3 {
        let left = bridge.watch.adopt_runs(true).await.expect("adopted");
        assert_eq!(left.len(), 1, "who is alone waits for no lease");
    }

    bridge.clock.advance(2 * MINUTE);
    let orphans = bridge.watch.adopt_runs(false).await.expect("adopted");
    assert_eq!(orphans.len(), 1);
    let stop = tokio_util::sync::CancellationToken::new();
    let ran = bridge
        .watch
        .resume_run(&orphans[0].run, &stop)
        .await
        .expect("it goes on");
    assert_eq!(ran, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1, "attached, not started again");
    bridge.log_is_intact().await;
}

/// Regression 7, second half.
pub(crate) async fn a_rejected_fix_is_not_proposed_again(bridge: Bridge) {
    broken(&bridge).await;
    assert!(
        bridge
            .watch
            .reject(ActionNumber(0), ann(), " ".to_owned())
            .await
            .is_err(),
        "a reason is needed"
    );
    bridge
        .watch
        .reject(ActionNumber(0), ann(), "we migrate it today".to_owned())
        .await
        .expect("rejected");
    for _ in 0..3 {
        bridge.clock.advance(MINUTE);
        bridge.check().await;
    }
    assert_eq!(bridge.actions().await, 1);
    assert!(
        bridge
            .watch
            .approve(ActionNumber(0), ann(), seen(&bridge.sheet(0).await))
            .await
            .is_err()
    );
    bridge.host().unit(NGINX).fails("oom-kill");
    bridge.check().await;
    assert_eq!(
        bridge.actions().await,
        2,
        "another cause is another question"
    );
    assert_eq!(restarts(&bridge), 0);
}

pub(crate) async fn an_edit_voids_the_approval_and_is_judged_again(bridge: Bridge) {
    broken(&bridge).await;
    let first = bridge.sheet(0).await;
    bridge.approve(0).await;
    let edit = Edit {
        revision: Revision(1),
        steps: vec![Step::UnitStart {
            unit: UnitName::new(NGINX).expect("a unit"),
        }],
        undo: vec![],
        reason: None,
    };
    bridge
        .watch
        .edit(ActionNumber(0), ann(), edit.clone())
        .await
        .expect("edited");
    let second = bridge.sheet(0).await;
    assert_eq!(
        (second.action.revision, second.action.state.as_str()),
        (Revision(2), "held")
    );
    assert_ne!(first.action.digest, second.action.digest);
    assert_eq!(bridge.run(0).await, Ran::NotOurs, "the approval is void");
    assert!(
        bridge
            .watch
            .approve(ActionNumber(0), ann(), seen(&first))
            .await
            .is_err(),
        "an old sheet approves nothing"
    );
    assert!(
        bridge
            .watch
            .edit(ActionNumber(0), ann(), edit)
            .await
            .is_err(),
        "an edit of an old revision is refused"
    );
    bridge
        .approve_as(0, ben())
        .await
        .expect("somebody else approves an edit");
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(
        (restarts(&bridge), bridge.host().times("start", NGINX)),
        (0, 1)
    );
}

pub(crate) async fn a_host_that_healed_itself_makes_the_action_stale(bridge: Bridge) {
    broken(&bridge).await;
    bridge.approve(0).await;
    bridge.host().heals(NGINX);
    assert_eq!(bridge.run(0).await, Ran::Over("stale"));
    assert_eq!(restarts(&bridge), 0);
}

pub(crate) async fn what_does_not_help_is_escalated_after_three_tries(bridge: Bridge) {
    bridge.host().unit(NGINX).fails_for_good("exit-code");
    for number in 0..3 {
        bridge.clock.advance(MINUTE);
        bridge.check().await;
        bridge.approve(number).await;
        let ran = bridge.run(number).await;
        assert!(matches!(ran, Ran::Over("not_fixed" | "failed")), "{ran:?}");
    }
    for _ in 0..3 {
        bridge.clock.advance(MINUTE);
        bridge.check().await;
    }
    assert_eq!(bridge.actions().await, 3, "no fourth proposal");
    assert_eq!(
        bridge.log("issue.escalated").await.len(),
        1,
        "a person is told once"
    );
    assert_eq!(bridge.nginx().await.issue.state, IssueState::Open);
}

/// A service that ends again and again runs whenever it is looked at in time: that is no repair.
pub(crate) async fn what_is_restarted_again_and_again_is_not_fixed(bridge: Bridge) {
    bridge.host().unit(NGINX).flaps();
    bridge.check().await;
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("inconclusive"));
    assert!(
        bridge.host().unit(NGINX).is_active(),
        "it is not stopped for that"
    );
    assert_eq!(bridge.nginx().await.issue.state, IssueState::Open);
}

pub(crate) async fn nobody_decides_and_it_expires(bridge: Bridge) {
    broken(&bridge).await;
    bridge.clock.advance(8 * DAY);
    assert_eq!(bridge.watch.expire_overdue().await.expect("done"), 1);
    assert_eq!(bridge.state(0).await, "expired");
    bridge.check().await;
    bridge.approve(1).await;
    bridge.clock.advance(2 * DAY);
    assert_eq!(
        bridge.run(1).await,
        Ran::NotOurs,
        "an approval grows too old to run on"
    );
    assert_eq!(bridge.watch.expire_overdue().await.expect("done"), 1);
    assert_eq!(bridge.state(1).await, "stale");
    assert_eq!(restarts(&bridge), 0);
}

pub(crate) async fn observe_records_and_never_runs(bridge: Bridge) {
    bridge.autonomy(Autonomy::Observe);
    broken(&bridge).await;
    assert_eq!(bridge.state(0).await, "shadow");
    assert!(
        bridge
            .watch
            .approve(ActionNumber(0), ann(), seen(&bridge.sheet(0).await))
            .await
            .is_err()
    );
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
    assert_eq!(restarts(&bridge), 0);
}

/// Regression 6, other side: at auto-full a medium risk runs without a person, and is verified all the same.
pub(crate) async fn at_auto_full_no_person_is_needed(bridge: Bridge) {
    bridge.autonomy(Autonomy::AutoSafe);
    broken(&bridge).await;
    assert_eq!(
        bridge.state(0).await,
        "held",
        "refused by autonomy is held, never dropped"
    );
    bridge
        .watch
        .reject(ActionNumber(0), ann(), "later".to_owned())
        .await
        .expect("rejected");
    bridge.autonomy(Autonomy::AutoFull);
    bridge.host().unit(NGINX).fails("timeout");
    bridge.check().await;
    assert_eq!(bridge.state(1).await, "approved");
    assert_eq!(bridge.run(1).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
}
