//! Claims: of two who take the same thing, one gets it. Each case races many times.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use watchkeeper_model::{Action, ActionNumber, ApprovalTerms, BootId, Run, RunId};
use watchkeeper_store::{Store, StoreError};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{
    DAY, Ground, MINUTE, ann, approved, controller, held, is_running, record, run_id,
};
use crate::runs::marks;

const RACES: u8 = 50;

/// What a controller does to get a run: lock, let the model judge, write, insert the run, log, commit.
async fn claim(store: &Store, number: ActionNumber, id: RunId) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let Some(action) = tx.actions().lock_approved(number).await? else {
        return Ok(false);
    };
    let running = action
        .clone()
        .claim(id.clone(), NOON)
        .expect("it is approved");
    tx.actions().change(&action, &running).await?;
    tx.runs()
        .insert(
            &run_of(&running, id),
            &marks("web1", 1, false),
            NOON.after(MINUTE),
        )
        .await?;
    tx.log().append(record("run.claimed"))?;
    tx.commit().await?;
    Ok(true)
}

fn run_of(action: &Action, id: RunId) -> Run {
    Run {
        id,
        action: action.number,
        revision: action.revision,
        digest: action.digest,
        controller: controller("c1"),
        claimed_at: NOON,
        boot: BootId("boot".to_owned()),
        steps: Vec::new(),
    }
}

async fn race(ground: &Ground, stores: [Store; 2]) {
    let number = approved(&stores[0]).await.number;
    for n in 0..RACES {
        let number = if n == 0 {
            number
        } else {
            approved(&stores[0]).await.number
        };
        let start = Arc::new(Barrier::new(2));
        let mut racers = JoinSet::new();
        for (place, store) in stores.iter().cloned().enumerate() {
            let start = Arc::clone(&start);
            let id = run_id(2 * n + u8::from(place == 1));
            racers.spawn(async move {
                start.wait().await;
                claim(&store, number, id).await
            });
        }
        let results = racers.join_all().await;
        let won = results
            .iter()
            .filter(|result| matches!(result, Ok(true)))
            .count();
        let lost = results.iter().filter(|result| match result {
            Ok(won) => !won,
            Err(error) => error.is_conflict(),
        });
        assert_eq!((won, lost.count()), (1, 1), "race {n}: {results:?}");
        let mut read = ground.open().await.read().await.unwrap();
        assert!(is_running(
            &read.actions().get(number).await.unwrap().unwrap()
        ));
        assert_eq!(
            read.runs()
                .of_action(number)
                .await
                .unwrap()
                .unwrap()
                .run
                .steps,
            []
        );
    }
    let mut read = stores[0].read().await.unwrap();
    assert_eq!(
        read.log().head().await.unwrap().0,
        i64::from(RACES),
        "one entry for each run, none for the losers"
    );
}

pub(crate) async fn of_two_who_claim_an_action_one_wins(ground: &Ground) {
    let store = ground.open().await;
    race(ground, [store.clone(), store]).await;
}

pub(crate) async fn of_two_stores_that_claim_an_action_one_wins(ground: &Ground) {
    race(ground, [ground.open().await, ground.open().await]).await;
}

pub(crate) async fn of_two_approvals_one_counts(ground: &Ground) {
    let stores = [ground.open().await, ground.open().await];
    for n in 0..RACES {
        let held = held(&stores[0]).await;
        let start = Arc::new(Barrier::new(2));
        let mut racers = JoinSet::new();
        for store in &stores {
            let (start, held, store) = (Arc::clone(&start), held.clone(), store.clone());
            racers.spawn(async move {
                start.wait().await;
                let approved = held
                    .clone()
                    .approve(ann(), held.revision, NOON, ApprovalTerms::one(DAY))
                    .expect("it is held");
                let mut tx = store.begin().await?;
                tx.actions().change(&held, &approved).await?;
                tx.commit().await.map(drop)
            });
        }
        let results = racers.join_all().await;
        let conflicts = results
            .iter()
            .filter(|result| matches!(result, Err(StoreError::Conflict { .. })))
            .count();
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((won, conflicts), (1, 1), "race {n}: {results:?}");
    }
}

pub(crate) async fn an_action_that_somebody_has_is_passed_over(ground: &Ground) {
    let store = ground.open().await;
    let (first, second) = (approved(&store).await, approved(&store).await);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.actions().lock_next_approved(&[]).await.unwrap(),
        Some(first.clone())
    );
    let next = tx
        .actions()
        .lock_next_approved(&[first.number])
        .await
        .unwrap();
    assert_eq!(next, Some(second.clone()));
    if ground.is_postgres() {
        let mut other = store.begin().await.unwrap();
        assert_eq!(
            other.actions().lock_next_approved(&[]).await.unwrap(),
            None,
            "both are locked"
        );
        assert_eq!(
            other.actions().lock_approved(second.number).await.unwrap(),
            None
        );
    }
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.actions().lock_next_approved(&[]).await.unwrap(),
        Some(first)
    );
}

pub(crate) async fn a_second_run_of_an_action_is_refused(ground: &Ground) {
    let store = ground.open().await;
    let action = approved(&store).await;
    assert!(claim(&store, action.number, run_id(1)).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    let refused = tx
        .runs()
        .insert(&run_of(&action, run_id(2)), &marks("web1", 1, false), NOON)
        .await
        .unwrap_err();
    assert!(refused.is_conflict(), "{refused}");
}
