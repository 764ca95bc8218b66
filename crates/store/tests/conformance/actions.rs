//! Actions: what is written is read, and a stale writer is refused.

use watchkeeper_model::{
    Action, ActionNumber, ActionState, ApprovalTerms, Fingerprint, Person, Revision,
};
use watchkeeper_store::{ActionFilter, FixMarks, NewAction};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, ann, held, marks, new_action};

pub(crate) async fn an_action_reads_back_as_it_was_written(ground: &Ground) {
    let store = ground.open().await;
    let finding = build::finding("web1", "unit", "nginx.service");
    let mut tx = store.begin().await.unwrap();
    let new = NewAction {
        fingerprint: Some(finding.fingerprint()),
        seen: finding.evidence,
        reason: "it's \"down\"; DROP TABLE actions --\u{1b}[2J".to_owned(),
        ..new_action("web1")
    };
    let written = tx.actions().create(new).await.unwrap();
    assert_eq!(
        tx.actions().get(written.number).await.unwrap().as_ref(),
        Some(&written),
        "in its transaction"
    );
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.actions().get(written.number).await.unwrap(),
        Some(written)
    );
    assert_eq!(read.actions().get(ActionNumber(99)).await.unwrap(), None);
}

pub(crate) async fn numbers_begin_at_zero_and_have_no_gaps(ground: &Ground) {
    let store = ground.open().await;
    assert_eq!(held(&store).await.number, ActionNumber(0));
    let mut dropped = store.begin().await.unwrap();
    assert_eq!(
        dropped
            .actions()
            .create(new_action("web1"))
            .await
            .unwrap()
            .number,
        ActionNumber(1)
    );
    drop(dropped);
    let reopened = ground.open().await;
    assert_eq!(
        held(&reopened).await.number,
        ActionNumber(1),
        "what nobody saw is given to the next"
    );
    assert_eq!(held(&store).await.number, ActionNumber(2));
}

pub(crate) async fn a_change_from_a_stale_state_is_a_conflict(ground: &Ground) {
    let store = ground.open().await;
    let held = held(&store).await;
    let person = Person {
        name: "ann".to_owned(),
        uid: 1000,
    };
    let rejected = held.clone().reject(person, "no".to_owned(), NOON).unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.actions().change(&held, &rejected).await.unwrap();
    tx.commit().await.unwrap();

    let approved = held
        .clone()
        .approve(ann(), Revision(1), NOON, ApprovalTerms::one(DAY))
        .unwrap();
    let mut tx = store.begin().await.unwrap();
    let refused = tx.actions().change(&held, &approved).await.unwrap_err();
    assert!(refused.is_conflict(), "{refused}");
    assert_eq!(
        refused.to_string(),
        "action 0 was changed by somebody else meanwhile"
    );
    assert_eq!(tx.actions().get(held.number).await.unwrap(), Some(rejected));
}

pub(crate) async fn a_change_cannot_smuggle_in_another_plan(ground: &Ground) {
    let store = ground.open().await;
    let held = held(&store).await;
    let mut other = held.clone();
    other.plan.steps[0].script.push_str("rm -rf /\n");
    other.digest = other.plan.digest();
    let mut tx = store.begin().await.unwrap();
    assert!(
        tx.actions()
            .change(&held, &other)
            .await
            .unwrap_err()
            .is_conflict()
    );
    let renumbered = Action {
        revision: Revision(3),
        ..other
    };
    assert!(
        tx.actions()
            .revise(&held, &renumbered, &marks())
            .await
            .unwrap_err()
            .is_conflict()
    );
}

pub(crate) async fn an_edit_is_a_new_revision_and_keeps_the_old_one(ground: &Ground) {
    let store = ground.open().await;
    let first = held(&store).await;
    let mut second = Action {
        revision: Revision(2),
        reason: "better".to_owned(),
        ..first.clone()
    };
    second.plan.steps[0].limit_s = 30;
    second.digest = second.plan.digest();
    let mut tx = store.begin().await.unwrap();
    tx.actions()
        .revise(&first, &second, &marks())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.actions().get(first.number).await.unwrap(),
        Some(second.clone())
    );
    assert_eq!(
        tx.actions()
            .get_revision(first.number, Revision(1))
            .await
            .unwrap(),
        Some(first.clone())
    );
    assert_eq!(
        tx.actions()
            .get_revision(first.number, Revision(2))
            .await
            .unwrap(),
        Some(second.clone())
    );
    assert_eq!(
        tx.actions()
            .get_revision(first.number, Revision(3))
            .await
            .unwrap(),
        None
    );
    let approved = first
        .clone()
        .approve(ann(), Revision(1), NOON, ApprovalTerms::one(DAY))
        .unwrap();
    assert!(
        tx.actions()
            .change(&first, &approved)
            .await
            .unwrap_err()
            .is_conflict(),
        "the first was replaced"
    );
    assert!(
        tx.actions()
            .revise(&first, &second, &marks())
            .await
            .unwrap_err()
            .is_conflict(),
        "and once only"
    );
}

pub(crate) async fn lists_are_filtered_and_paged(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..7 {
        let new = new_action(if n % 2 == 0 { "web1" } else { "db1" });
        let state = if n == 6 {
            ActionState::Shadow
        } else {
            new.state.clone()
        };
        tx.actions()
            .create(NewAction { state, ..new })
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let mut list = async |filter: ActionFilter, limit| {
        let listed = read.actions().list(&filter, limit).await.unwrap();
        assert!(listed.corrupt.is_empty());
        listed
            .rows
            .iter()
            .map(|action| action.number.0)
            .collect::<Vec<_>>()
    };
    let all = ActionFilter::default();
    assert_eq!(list(all.clone(), 3).await, [6, 5, 4]);
    assert_eq!(
        list(
            ActionFilter {
                before: Some(ActionNumber(4)),
                ..all.clone()
            },
            3
        )
        .await,
        [3, 2, 1]
    );
    assert_eq!(
        list(
            ActionFilter {
                host: Some(build::host("db1")),
                ..all.clone()
            },
            9
        )
        .await,
        [5, 3, 1]
    );
    assert_eq!(
        list(
            ActionFilter {
                states: vec!["shadow", "fixed"],
                ..all.clone()
            },
            9
        )
        .await,
        [6]
    );
    assert_eq!(list(all, 0).await, [0; 0]);
    assert_eq!(
        read.actions().counts().await.unwrap(),
        [("held".to_owned(), 6), ("shadow".to_owned(), 1)]
    );
}

pub(crate) async fn what_is_due_is_found_by_its_clock(ground: &Ground) {
    let store = ground.open().await;
    let first = held(&store).await;
    let approved = first
        .clone()
        .approve(ann(), Revision(1), NOON, ApprovalTerms::one(MINUTE))
        .unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.actions().change(&first, &approved).await.unwrap();
    tx.actions().create(new_action("web2")).await.unwrap();
    assert_eq!(
        tx.actions().next_due().await.unwrap(),
        Some(NOON.after(MINUTE))
    );
    let mut due = async |at| {
        let listed = tx
            .actions()
            .list_due(at, 10)
            .await
            .unwrap()
            .strict()
            .unwrap();
        listed
            .iter()
            .map(|action| action.number.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(due(NOON).await, [0; 0]);
    assert_eq!(due(NOON.after(MINUTE)).await, [0]);
    assert_eq!(due(NOON.after(2 * DAY)).await, [0, 1]);
}

pub(crate) async fn the_same_fix_is_found_in_any_revision(ground: &Ground) {
    let store = ground.open().await;
    let fingerprint = Fingerprint::of(&build::host("web1"), &build::check("unit"), "nginx.service");
    let mut tx = store.begin().await.unwrap();
    let new = NewAction {
        fingerprint: Some(fingerprint),
        ..new_action("web1")
    };
    let first = tx.actions().create(new).await.unwrap();
    let other = FixMarks {
        fix: build::plan("db1").digest(),
        ..marks()
    };
    let second = Action {
        revision: Revision(2),
        ..first.clone()
    };
    tx.actions().revise(&first, &second, &other).await.unwrap();
    for fix in [marks().fix, other.fix] {
        let found = tx
            .actions()
            .list_by_fix(fingerprint, fix, 10)
            .await
            .unwrap()
            .strict()
            .unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].number, &found[0].state),
            (first.number, &first.state)
        );
        assert_eq!(found[0].evidence, marks().evidence);
    }
    let unknown = build::plan("web9").digest();
    assert!(
        tx.actions()
            .list_by_fix(fingerprint, unknown, 10)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}
