//! Rows that cannot be read, and texts that are hard to keep.

use watchkeeper_model::{ActionNumber, IssueNumber, Severity};
use watchkeeper_store::{ActionFilter, IssueFilter, NewIssue, StoreError};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, controller, due, held};

pub(crate) async fn a_corrupt_row_is_named_and_hides_no_other(ground: &Ground) {
    let store = ground.open().await;
    for _ in 0..6 {
        held(&store).await;
    }
    ground
        .spoil("update actions set state_data = '{\"state\":\"hel' where number = 1")
        .await;
    ground
        .spoil("update actions set state = 'approved' where number = 2")
        .await;
    ground
        .spoil("update action_revisions set plan = '{}' where number = 3")
        .await;
    ground
        .spoil("update action_revisions set digest = 'feed' where number = 4")
        .await;
    ground
        .spoil("delete from action_revisions where number = 5")
        .await;
    let mut tx = store.begin().await.unwrap();
    let listed = tx
        .actions()
        .list(&ActionFilter::default(), 10)
        .await
        .unwrap();
    assert_eq!(
        listed
            .rows
            .iter()
            .map(|action| action.number.0)
            .collect::<Vec<_>>(),
        [0]
    );
    let named: Vec<_> = listed
        .corrupt
        .iter()
        .map(|row| (row.table, row.column, row.id.as_str()))
        .collect();
    let expected = [
        ("action_revisions", "proposer", "5"),
        ("action_revisions", "digest", "4"),
        ("action_revisions", "plan", "3"),
        ("actions", "state", "2"),
        ("actions", "state_data", "1"),
    ];
    assert_eq!(named, expected);
    let error = tx.actions().get(ActionNumber(3)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the column plan of action_revisions 3 cannot be read: "),
        "{error}"
    );
    let StoreError::CorruptRow(row) = tx.actions().lock_next_approved(&[]).await.unwrap_err()
    else {
        panic!("an action whose state is not told by its row was given out");
    };
    assert_eq!(row.id, "2");
    assert_eq!(
        tx.actions()
            .lock_next_approved(&[ActionNumber(2)])
            .await
            .unwrap(),
        None
    );
    drop(tx);

    let mut tx = store.begin().await.unwrap();
    let hosts = ["a", "b", "c"].map(watchkeeper_testkit::build::host);
    tx.hosts().sync("hal", &hosts, NOON).await.unwrap();
    tx.commit().await.unwrap();
    ground
        .spoil("update hosts set failure = 'x' where name = 'b'")
        .await;
    let mut tx = store.begin().await.unwrap();
    let claimed = tx
        .hosts()
        .claim_due(&controller("c1"), &due("hal", NOON, 10))
        .await
        .unwrap();
    assert_eq!(
        claimed
            .rows
            .iter()
            .map(|host| host.host.as_str())
            .collect::<Vec<_>>(),
        ["a", "c"]
    );
    assert_eq!(
        (claimed.corrupt[0].column, claimed.corrupt[0].id.as_str()),
        ("failure", "b")
    );
}

pub(crate) async fn every_text_survives(ground: &Ground) {
    let store = ground.open().await;
    let long = "ß".repeat(100_000);
    let texts = [
        "",
        "'; drop table issues; --",
        "$1 ? :a @b",
        "a\\nb\\",
        "\u{1b}[2J\r\n\t\u{202e}",
        "日本 🦀",
        &long,
    ];
    for (place, text) in texts.iter().enumerate() {
        let new = NewIssue {
            host: None,
            title: (*text).to_owned(),
            severity: Severity::Info,
            fingerprint: None,
            at: NOON,
        };
        let mut tx = store.begin().await.unwrap();
        tx.issues().create(new).await.unwrap();
        tx.commit().await.unwrap();
        let number = IssueNumber(i64::try_from(place).unwrap() + 1);
        let read = store
            .read()
            .await
            .unwrap()
            .issues()
            .get(number)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.title, *text);
    }
    let mut tx = store.begin().await.unwrap();
    let nul = NewIssue {
        host: None,
        title: "a\0b".to_owned(),
        severity: Severity::Info,
        fingerprint: None,
        at: NOON,
    };
    tx.issues().create(nul).await.unwrap();
    let listed = tx.issues().list(&IssueFilter::default(), 1).await.unwrap();
    assert_eq!(
        listed.rows[0].title, "a\u{2400}b",
        "Postgres keeps no NUL, so both keep its picture"
    );
}
