//! What was looked at reads back whole, by label, and is forgotten in time.

use watchkeeper_store::{KeptLook, MAX_LOOK_BYTES, StoreError};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, MINUTE};

fn look(place: i64, text: &str) -> KeptLook {
    KeptLook {
        place,
        label: format!("E{place}"),
        host: Some(build::host("web1")),
        tool: "unit_status".to_owned(),
        input: "nginx.service".to_owned(),
        text: text.to_owned(),
        shown: text.to_owned(),
        bytes: text.len() as i64,
        at: NOON,
    }
}

pub(crate) async fn a_look_reads_back_by_its_label(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    let stored = KeptLook {
        host: None,
        ..look(2, "")
    };
    tx.looked_at().keep("job 1", &stored).await.unwrap();
    tx.looked_at()
        .keep("job 1", &look(1, "failed\nŁ"))
        .await
        .unwrap();
    tx.looked_at()
        .keep("conversation 1", &look(1, "another's"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let listed = read.looked_at().list("job 1", 10).await.unwrap();
    assert_eq!(
        listed.strict().unwrap(),
        [look(1, "failed\nŁ"), stored.clone()]
    );
    let found = read.looked_at().get("job 1", "E2").await.unwrap();
    assert_eq!(found, Some(stored));
    assert_eq!(read.looked_at().get("job 2", "E2").await.unwrap(), None);
}

pub(crate) async fn the_same_look_made_again_takes_its_own_place(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.looked_at().keep("job 1", &look(1, "old")).await.unwrap();
    tx.looked_at().keep("job 1", &look(1, "new")).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let listed = read.looked_at().list("job 1", 10).await.unwrap();
    assert_eq!(listed.strict().unwrap(), [look(1, "new")]);
}

pub(crate) async fn looks_have_a_largest_size_and_an_end(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    let large = look(1, &"x".repeat(MAX_LOOK_BYTES + 1));
    let refused = tx.looked_at().keep("job 1", &large).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    tx.looked_at().keep("job 1", &look(1, "old")).await.unwrap();
    let young = KeptLook {
        at: NOON.after(MINUTE),
        ..look(2, "young")
    };
    tx.looked_at().keep("job 1", &young).await.unwrap();
    assert_eq!(tx.looked_at().prune(NOON.after(MINUTE)).await.unwrap(), 1);
    assert_eq!(tx.looked_at().prune(NOON.after(MINUTE)).await.unwrap(), 0);
    let left = tx.looked_at().list("job 1", 10).await.unwrap();
    assert_eq!(left.strict().unwrap(), [young]);
    tx.commit().await.unwrap();
}
