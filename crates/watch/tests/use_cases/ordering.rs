//! The standing orders in the use cases: approvals, freezes, budgets, spread, denials.

use watchkeeper_model::{ActionNumber, ActionState, Autonomy, Revision, Step, UnitName};
use watchkeeper_watch::{Edit, Ran, WatchError};

use crate::bridge::{Bridge, MINUTE, NGINX, ann, ben, seen};

const TWO: &str = "schema = 1
[[approval]]
name = \"two for units\"
when = { steps = [\"unit_restart\"] }
approvers = 2
";

async fn broken(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
}

pub(crate) async fn where_two_must_approve_one_is_not_enough(bridge: Bridge) {
    bridge.under(Autonomy::Suggest, TWO);
    broken(&bridge).await;
    bridge.approve(0).await;
    assert_eq!(bridge.state(0).await, "held");
    let again = bridge.approve_as(0, ann()).await;
    assert!(
        matches!(again, Err(WatchError::MayNotApprove(_))),
        "{again:?}"
    );
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
    bridge.approve_as(0, ben()).await.expect("the second");
    assert_eq!(bridge.state(0).await, "approved");
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(bridge.log("action.approved").await.len(), 2);
    bridge.log_is_intact().await;
}

pub(crate) async fn two_people_who_approve_at_one_moment_both_count(bridge: Bridge) {
    bridge.under(Autonomy::Suggest, TWO);
    broken(&bridge).await;
    let other = bridge.another_controller("other").await;
    other.reload(
        crate::bridge::settings_under(Autonomy::Suggest, TWO),
        crate::bridge::runbooks(),
        Vec::new(),
    );
    let sheet = bridge.sheet(0).await;
    let both = tokio::join!(
        bridge.watch.approve(ActionNumber(0), ann(), seen(&sheet)),
        other.approve(ActionNumber(0), ben(), seen(&sheet)),
    );
    let approved = bridge.sheet(0).await.action.state;
    match (&both.0, &both.1) {
        (Ok(()), Ok(())) => assert!(
            matches!(&approved, ActionState::Approved { also, .. } if also.len() == 1),
            "{approved:?}"
        ),
        (Ok(()), Err(_)) | (Err(_), Ok(())) => assert!(
            matches!(&approved, ActionState::Held { approvals, .. } if approvals.len() == 1),
            "who was refused does not count: {approved:?}"
        ),
        both => panic!("one of them must count: {both:?}"),
    }
}

pub(crate) async fn nobody_approves_their_own_request(bridge: Bridge) {
    broken(&bridge).await;
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
        .edit(ActionNumber(0), ann(), edit)
        .await
        .expect("edited");
    let own = bridge.approve_as(0, ann()).await.expect_err("her own");
    assert_eq!(
        own.to_string(),
        "ann asked for this, so somebody else must approve it"
    );
    assert_eq!(bridge.state(0).await, "held");
    bridge.under(Autonomy::Suggest, "schema = 1\nown_requests = \"allow\"");
    bridge
        .approve_as(0, ann())
        .await
        .expect("the orders say so");
}

pub(crate) async fn a_freeze_stops_even_what_was_approved(bridge: Bridge) {
    broken(&bridge).await;
    bridge.approve(0).await;
    let freeze = "schema = 1
[[freeze]]
name = \"audit\"
reason = \"the auditors are here\"
";
    bridge.under(Autonomy::AutoFull, freeze);
    assert!(
        matches!(bridge.run(0).await, Ran::Later { .. }),
        "nothing is executed"
    );
    assert_eq!(bridge.host().times("restart", NGINX), 0);
    assert_eq!(bridge.state(0).await, "approved", "the approval stands");
    bridge.under(Autonomy::Suggest, "schema = 1");
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
}

pub(crate) async fn a_spent_budget_waits_for_a_person(bridge: Bridge) {
    bridge.under(
        Autonomy::AutoFull,
        "schema = 1\n[budget]\nhost_per_hour = 1",
    );
    broken(&bridge).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    bridge.clock.advance(10 * MINUTE);
    broken(&bridge).await;
    let second = bridge.sheet(1).await.action;
    assert_eq!(second.state.as_str(), "held", "{second:?}");
    assert_eq!(second.verdict.orders, ["budget.host_per_hour"]);
    bridge.approve(1).await;
    assert_eq!(
        bridge.run(1).await,
        Ran::Over("fixed"),
        "a person is not bound by the budget"
    );
    bridge.clock.advance(60 * MINUTE);
    broken(&bridge).await;
    assert_eq!(bridge.run(2).await, Ran::Over("fixed"), "an hour later");
}

pub(crate) async fn the_same_on_many_hosts_waits_for_a_person(mut bridge: Bridge) {
    bridge.add_host().await;
    bridge.under(Autonomy::AutoFull, "schema = 1\n[spread]\nhosts = 1");
    for host in &bridge.hosts {
        host.unit(NGINX).fails("exit-code");
    }
    bridge.check().await;
    assert_eq!(bridge.state(0).await, "approved");
    assert_eq!(bridge.state(1).await, "approved", "nothing was done yet");
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(
        bridge.run(1).await,
        Ran::Over("held"),
        "it is counted again before it runs"
    );
    let second = bridge.sheet(1).await.action;
    assert!(
        matches!(&second.state, ActionState::Held { because, .. }
            if because[0].starts_with("the same was done on 1 other hosts within 1h")),
        "{:?}",
        second.state
    );
}

pub(crate) async fn a_denied_action_is_refused_and_says_by_which_order(bridge: Bridge) {
    bridge.under(
        Autonomy::AutoFull,
        "schema = 1
[[order]]
name = \"hands off the web\"
decision = \"deny\"
reason = \"another team\"
when = { units = [\"nginx\"] }
match = [{ kind = \"unit_restart\", unit = \"nginx.service\" }]
",
    );
    broken(&bridge).await;
    let action = bridge.sheet(0).await.action;
    assert_eq!(action.state.as_str(), "refused");
    assert_eq!(action.verdict.orders, ["hands off the web"]);
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
}
