//! The log: nothing left out, nothing changed unseen.

use std::time::Duration;

use tokio::task::JoinSet;
use watchkeeper_model::{About, ActionNumber, IssueNumber, LogEntry, LogRecord};
use watchkeeper_store::{
    Break, LogFilter, LogOrder, MAX_EVENT_BYTES, Store, StoreError, Verification, Wake,
};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, MINUTE, held, log_all, new_action, record, record_at, run_id};

async fn verify(store: &Store) -> Verification {
    store
        .read()
        .await
        .unwrap()
        .log()
        .verify(1, None)
        .await
        .unwrap()
}

pub(crate) async fn entries_are_chained_without_gaps_under_many_writers(ground: &Ground) {
    const WRITERS: i64 = 8;
    const EACH: i64 = 25;
    let stores = [ground.open().await, ground.open().await];
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = stores[usize::from(writer % 2 == 0)].clone();
        writers.spawn(async move {
            for n in 0..EACH {
                let mut tx = store.begin().await.unwrap();
                // A row of another table first, in an order that differs, as real work has it.
                let key = format!("k{}", (writer + n) % 3);
                tx.meta().set(&key, "x").await.unwrap();
                tx.log().append(record("test.first")).unwrap();
                tx.log().append(record("test.second")).unwrap();
                let entries = tx.commit().await.unwrap();
                assert_eq!(
                    entries[1].seq,
                    entries[0].seq + 1,
                    "entries of one transaction stand together"
                );
            }
        });
    }
    writers.join_all().await;
    let Verification::Verified { entries, head } = verify(&stores[0]).await else {
        panic!("the chain is broken");
    };
    assert_eq!((entries, head.0), (WRITERS * EACH * 2, WRITERS * EACH * 2));
}

const DISARM_PG: &str = "alter table log disable trigger all;";
const DISARM_LITE: &str = "drop trigger if exists log_keeps_entries; drop trigger if exists log_keeps_entries_as_they_are;";

pub(crate) async fn every_kind_of_tampering_is_found_where_it_is(ground: &Ground) {
    let swap = "update log set seq = -3 where seq = 3; update log set seq = 3 where seq = 4;
                update log set seq = 4 where seq = -3;";
    let insert = "update log set seq = -seq where seq > 2; update log set seq = 1 - seq where seq < 0;
                  insert into log select 3, at, actor, event, host, issue, action, run, body, previous, hash
                  from log where seq = 2;
                  update log_head set seq = 6;";
    let cases = [
        ("update log set body = '{}' where seq = 3", 3, Break::Changed),
        ("update log set at = at + 1 where seq = 3", 3, Break::Changed),
        ("update log set actor = '{}' where seq = 1", 1, Break::Changed),
        ("update log set event = 'test.z' where seq = 2", 2, Break::Changed),
        ("update log set host = 'web1' where seq = 5", 5, Break::Changed),
        ("update log set action = 7 where seq = 5", 5, Break::Changed),
        ("update log set previous = hash where seq = 4", 4, Break::Unchained),
        ("delete from log where seq = 3", 3, Break::Missing),
        ("delete from log where seq = 1", 1, Break::Missing),
        ("delete from log where seq = 5", 5, Break::Missing),
        ("delete from log", 1, Break::Missing),
        (swap, 3, Break::Unchained),
        (insert, 3, Break::Unchained),
        (
            "insert into log select 6, at, actor, event, host, issue, action, run, body, previous, hash
             from log where seq = 5",
            6,
            Break::OtherHead,
        ),
        ("update log_head set hash = (select hash from log where seq = 2)", 5, Break::OtherHead),
    ];
    let store = ground.open().await;
    log_all(&store, &["test.a", "test.b", "test.c", "test.d", "test.e"]).await;
    ground
        .spoil(if ground.is_postgres() {
            DISARM_PG
        } else {
            DISARM_LITE
        })
        .await;
    ground.spoil("create table kept as select * from log; create table kept_head as select * from log_head").await;
    for (sql, seq, why) in cases {
        assert!(
            matches!(
                verify(&store).await,
                Verification::Verified { entries: 5, .. }
            ),
            "before {sql}"
        );
        ground.spoil(sql).await;
        assert_eq!(
            verify(&store).await,
            Verification::Broken { seq, why },
            "{sql}"
        );
        ground.spoil("delete from log; delete from log_head").await;
        ground
            .spoil(
                "insert into log select * from kept; insert into log_head select * from kept_head",
            )
            .await;
    }
    ground
        .spoil("update log set host = 'no host;' where seq = 2")
        .await;
    let Verification::Broken {
        seq: 2,
        why: Break::Unreadable(row),
    } = verify(&store).await
    else {
        panic!("an unreadable entry passed");
    };
    assert_eq!(
        (row.table, row.column, row.id.as_str()),
        ("log", "host", "2")
    );
    let read = store
        .read()
        .await
        .unwrap()
        .log()
        .list(&LogFilter::default(), 10)
        .await
        .unwrap();
    assert_eq!(
        (read.rows.len(), read.corrupt),
        (4, vec![row]),
        "the others can still be read"
    );
}

pub(crate) async fn a_transaction_that_is_dropped_leaves_nothing(ground: &Ground) {
    let store = ground.open().await;
    held(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.actions().create(new_action("web1")).await.unwrap();
    tx.log().append(record("action.proposed")).unwrap();
    drop(tx);
    let mut read = store.read().await.unwrap();
    assert_eq!(read.actions().get(ActionNumber(1)).await.unwrap(), None);
    assert_eq!(read.log().head().await.unwrap(), (0, LogEntry::genesis()));
}

pub(crate) async fn entries_are_found_by_what_they_are_about(ground: &Ground) {
    let store = ground.open().await;
    let about = [
        About {
            host: Some(build::host("web1")),
            issue: Some(IssueNumber(1)),
            ..About::default()
        },
        About {
            action: Some(ActionNumber(0)),
            run: Some(run_id(1)),
            ..About::default()
        },
        About {
            host: Some(build::host("web1")),
            action: Some(ActionNumber(0)),
            ..About::default()
        },
    ];
    let mut tx = store.begin().await.unwrap();
    for (place, about) in about.iter().enumerate() {
        let at = NOON.after(MINUTE * u32::try_from(place).unwrap());
        let event = ["issue.opened", "run.claimed", "action.approved"][place];
        tx.log()
            .append(LogRecord {
                about: about.clone(),
                ..record_at(event, at)
            })
            .unwrap();
    }
    let written = tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let mut seqs = async |filter: LogFilter| {
        let listed = read
            .log()
            .list(&filter, 10)
            .await
            .unwrap()
            .strict()
            .unwrap();
        listed.iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    let all = LogFilter::default();
    assert_eq!(seqs(all.clone()).await, [1, 2, 3]);
    assert_eq!(
        seqs(LogFilter {
            order: LogOrder::NewestFirst,
            ..all.clone()
        })
        .await,
        [3, 2, 1]
    );
    assert_eq!(
        seqs(LogFilter {
            host: Some(build::host("web1")),
            ..all.clone()
        })
        .await,
        [1, 3]
    );
    assert_eq!(
        seqs(LogFilter {
            issue: Some(IssueNumber(1)),
            ..all.clone()
        })
        .await,
        [1]
    );
    assert_eq!(
        seqs(LogFilter {
            action: Some(ActionNumber(0)),
            ..all.clone()
        })
        .await,
        [2, 3]
    );
    assert_eq!(
        seqs(LogFilter {
            run: Some(run_id(1)),
            ..all.clone()
        })
        .await,
        [2]
    );
    assert_eq!(
        seqs(LogFilter {
            event_prefix: Some("action.".to_owned()),
            ..all.clone()
        })
        .await,
        [3]
    );
    assert_eq!(
        seqs(LogFilter {
            event_prefix: Some("Action.".to_owned()),
            ..all.clone()
        })
        .await,
        [0; 0]
    );
    assert_eq!(
        seqs(LogFilter {
            since: Some(NOON.after(MINUTE)),
            ..all.clone()
        })
        .await,
        [2, 3]
    );
    assert_eq!(
        seqs(LogFilter {
            until: Some(NOON.after(MINUTE)),
            ..all.clone()
        })
        .await,
        [1]
    );
    assert_eq!(
        seqs(LogFilter {
            after: Some(1),
            before: Some(3),
            ..all.clone()
        })
        .await,
        [2]
    );
    let read_back = read.log().list(&all, 10).await.unwrap().strict().unwrap();
    assert_eq!(read_back, written, "what a commit returns is what is read");
}

pub(crate) async fn an_export_can_be_verified_by_itself(ground: &Ground) {
    let store = ground.open().await;
    log_all(&store, &["test.a", "test.b", "test.c"]).await;
    let mut out = Vec::new();
    let count = store
        .read()
        .await
        .unwrap()
        .log()
        .export(&LogFilter::default(), &mut out)
        .await
        .unwrap();
    assert_eq!(count, 3);
    let mut previous = LogEntry::genesis();
    for line in String::from_utf8(out).unwrap().lines() {
        let entry: LogEntry = serde_json::from_str(line).expect("a line is an entry");
        let text = |from: &str, to: &str| {
            let start = line.find(from).unwrap() + from.len();
            line[start..].split(to).next().unwrap().to_owned()
        };
        let record = &entry.record;
        let hash = LogEntry::hash_of(
            entry.seq,
            record.at,
            &text("\"actor\":", ",\"event\""),
            &record.event,
            &record.about,
            &text("\"body\":", ",\"previous\""),
            previous,
        );
        assert_eq!((entry.previous, entry.hash), (previous, hash));
        previous = hash;
    }
}

pub(crate) async fn the_database_refuses_to_change_an_entry(ground: &Ground) {
    let store = ground.open().await;
    log_all(&store, &["test.a"]).await;
    for sql in ["update log set body = '{}'", "delete from log"] {
        let refused = ground
            .try_to_spoil(sql)
            .await
            .expect_err("the log is append-only");
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

pub(crate) async fn what_is_too_large_is_refused(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    let large = LogRecord {
        body: "x".repeat(LogRecord::MAX_BODY_BYTES).into(),
        ..record("test.large")
    };
    assert!(matches!(
        tx.log().append(large),
        Err(StoreError::TooLarge { .. })
    ));
    for event in ["", "No Noun", "a\nb", &"x".repeat(MAX_EVENT_BYTES + 1)] {
        assert!(
            matches!(
                tx.log().append(record(event)),
                Err(StoreError::NotAnEvent { .. })
            ),
            "{event:?}"
        );
    }
    let observation = serde_json::Value::from("x".repeat(watchkeeper_store::MAX_OBSERVATION_BYTES));
    let refused = tx
        .observations()
        .insert(&build::host("web1"), NOON, &observation)
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    assert_eq!(tx.commit().await.unwrap(), []);
}

pub(crate) async fn a_commit_wakes_who_waits(ground: &Ground) {
    const LONG: Duration = Duration::from_secs(20);
    let store = ground.open().await;
    let mut changes = store.changes().await.unwrap();
    assert_eq!(
        changes.wait(Duration::from_millis(1)).await,
        Wake::Poll,
        "nothing has happened yet"
    );
    log_all(&store, &["test.a"]).await;
    assert_eq!(changes.wait(LONG).await, Wake::Signal);
    held(&store).await;
    assert_eq!(
        changes.wait(LONG).await,
        Wake::Signal,
        "an action without a log entry"
    );
    if ground.is_postgres() {
        log_all(&ground.open().await, &["test.b"]).await;
        assert_eq!(changes.wait(LONG).await, Wake::Signal, "another controller");
    }
}

pub(crate) async fn a_part_of_the_log_can_be_verified(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    for _ in 0..1_203 {
        tx.log().append(record("test.many")).unwrap();
    }
    let entries = tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let whole = read.log().verify(1, None).await.unwrap();
    assert_eq!(
        whole,
        Verification::Verified {
            entries: 1_203,
            head: (1_203, entries[1_202].hash)
        }
    );
    let part = read.log().verify(600, Some(1_100)).await.unwrap();
    assert_eq!(
        part,
        Verification::Verified {
            entries: 501,
            head: (1_100, entries[1_099].hash)
        }
    );
    drop(read);
    ground
        .spoil(if ground.is_postgres() {
            DISARM_PG
        } else {
            DISARM_LITE
        })
        .await;
    ground
        .spoil("update log set body = '{}' where seq = 700")
        .await;
    let mut read = store.read().await.unwrap();
    let broken = Verification::Broken {
        seq: 700,
        why: Break::Changed,
    };
    assert_eq!(read.log().verify(600, None).await.unwrap(), broken);
    assert!(matches!(
        read.log().verify(701, None).await.unwrap(),
        Verification::Verified { entries: 503, .. }
    ));
}
