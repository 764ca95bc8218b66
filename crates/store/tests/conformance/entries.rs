//! What is known: entries with their versions, and the vectors that models made of them.

use tokio::task::JoinSet;
use watchkeeper_model::{
    Collection, Confidence, Confirmed, Entry, EntryNumber, HostName, Reach, Source, Timestamp,
};
use watchkeeper_store::{Brought, EntryFilter, NewEntry, Store, StoreError};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, MINUTE};

fn note(title: &str) -> NewEntry {
    NewEntry {
        collection: Collection::Knowledge,
        kind: "note".to_owned(),
        title: title.to_owned(),
        text: format!("{title}: how it is done"),
        host: None,
        labels: vec!["disk".to_owned()],
        source: Source::Person {
            name: "ann".to_owned(),
        },
        confidence: Confidence::High,
        at: NOON,
        confirmed: None,
        expires_at: None,
        key: None,
    }
}

fn keyed(key: &str, text: &str) -> NewEntry {
    NewEntry {
        key: Some(key.to_owned()),
        text: text.to_owned(),
        ..note(key)
    }
}

async fn insert(store: &Store, new: NewEntry) -> Entry {
    let mut tx = store.begin().await.unwrap();
    let entry = tx.entries().insert(new).await.unwrap();
    tx.commit().await.unwrap();
    entry
}

async fn bring(store: &Store, new: NewEntry) -> Brought {
    let mut tx = store.begin().await.unwrap();
    let brought = tx.entries().bring(new).await.unwrap();
    tx.commit().await.unwrap();
    brought
}

fn ann() -> Confirmed {
    Confirmed {
        by: "ann".to_owned(),
        at: NOON,
    }
}

async fn titles(store: &Store, filter: &EntryFilter) -> Vec<String> {
    let mut read = store.read().await.unwrap();
    let listed = read.entries().list(filter, 100).await.unwrap();
    let rows = listed.strict().unwrap();
    rows.into_iter().map(|row| row.entry.title).collect()
}

pub(crate) async fn an_entry_reads_back_as_it_was_written(ground: &Ground) {
    let store = ground.open().await;
    let web1 = build::host("web1");
    let new = NewEntry {
        host: Some(web1.clone()),
        source: Source::Host {
            host: web1,
            what: "/etc/fstab".to_owned(),
        },
        confirmed: Some(ann()),
        expires_at: Some(NOON.after(MINUTE)),
        key: Some("config web1 /etc/fstab #0000".to_owned()),
        confidence: Confidence::Low,
        ..note("Überlauf \u{2400} \"it's\" 🔥")
    };
    let entry = insert(&store, new.clone()).await;
    assert_eq!((entry.number, entry.used), (EntryNumber(1), 0));
    let mut read = store.read().await.unwrap();
    let stored = read.entries().get(entry.number).await.unwrap().unwrap();
    assert_eq!(stored.entry, entry);
    assert_eq!(stored.key, new.key);
    assert_eq!(
        stored.digest,
        Entry::digest_of(entry.collection, &entry.title, &entry.text)
    );
    assert!(read.entries().get(EntryNumber(2)).await.unwrap().is_none());
    drop(read);
    let mut tx = store.begin().await.unwrap();
    let twice = tx.entries().insert(new).await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "one key, one entry"
    );
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    let long = NewEntry {
        text: "x".repeat(Entry::MAX_TEXT_BYTES + 1),
        ..note("long")
    };
    assert!(matches!(
        tx.entries().insert(long).await,
        Err(StoreError::TooLarge { .. })
    ));
}

pub(crate) async fn entries_are_filtered_and_paged(ground: &Ground) {
    let store = ground.open().await;
    let web1: HostName = build::host("web1");
    for number in 0..6 {
        let mut new = note(&format!("e{number}"));
        if number % 2 == 0 {
            new.collection = Collection::Issues;
        }
        if number == 3 {
            new.host = Some(web1.clone());
            new.kind = "outcome".to_owned();
            new.labels = vec!["disk-full".to_owned(), "raid".to_owned()];
        }
        if number == 5 {
            new.expires_at = Some(NOON);
        }
        insert(&store, new).await;
    }
    let everything = EntryFilter::default();
    assert_eq!(
        titles(&store, &everything).await,
        ["e5", "e4", "e3", "e2", "e1", "e0"]
    );
    let of = |change: fn(&mut EntryFilter)| {
        let mut filter = EntryFilter::default();
        change(&mut filter);
        filter
    };
    let issues = of(|filter| filter.collections = vec![Collection::Issues]);
    assert_eq!(titles(&store, &issues).await, ["e4", "e2", "e0"]);
    let outcomes = of(|filter| filter.kind = Some("outcome".to_owned()));
    assert_eq!(titles(&store, &outcomes).await, ["e3"]);
    let about = EntryFilter {
        host: Some(web1),
        ..EntryFilter::default()
    };
    assert_eq!(titles(&store, &about).await, ["e3"]);
    let raid = of(|filter| filter.label = Some("raid".to_owned()));
    assert_eq!(titles(&store, &raid).await, ["e3"]);
    let disk = of(|filter| filter.label = Some("disk".to_owned()));
    assert_eq!(
        titles(&store, &disk).await.len(),
        5,
        "a label is a whole word"
    );
    let quoted = of(|filter| filter.label = Some("disk\",\"raid".to_owned()));
    assert!(titles(&store, &quoted).await.is_empty());
    let live = of(|filter| filter.live_at = Some(NOON));
    assert_eq!(titles(&store, &live).await.len(), 5);
    let page = of(|filter| filter.before = Some(EntryNumber(3)));
    assert_eq!(titles(&store, &page).await, ["e1", "e0"]);
}

pub(crate) async fn what_is_brought_again_is_the_same_entry(ground: &Ground) {
    let store = ground.open().await;
    let first = bring(&store, keyed("a", "one")).await;
    assert!(matches!(&first, Brought::New(_)));
    let mut found_right = keyed("a", "one");
    found_right.confirmed = Some(ann());
    assert!(matches!(
        bring(&store, found_right.clone()).await,
        Brought::Changed(_)
    ));
    assert!(
        matches!(bring(&store, found_right).await, Brought::Same(_)),
        "by the same person"
    );
    let again = bring(&store, keyed("a", "one")).await;
    assert!(
        matches!(&again, Brought::Same(entry) if entry.confirmed == Some(ann())),
        "who confirmed it stays"
    );
    let other = bring(&store, keyed("a", "two")).await;
    assert!(
        matches!(&other, Brought::Changed(entry) if entry.confirmed.is_none()),
        "other words are nobody's"
    );
    assert_eq!(other.entry().number, first.entry().number);
    let digest = Entry::digest_of(Collection::Knowledge, "a", "two");
    let mut read = store.read().await.unwrap();
    assert!(read.entries().same(digest, None).await.unwrap().is_some());
    assert!(
        read.entries()
            .same(digest, Some(&build::host("web1")))
            .await
            .unwrap()
            .is_none()
    );
}

pub(crate) async fn a_change_of_a_changed_entry_is_a_conflict(ground: &Ground) {
    let store = ground.open().await;
    let before = insert(&store, note("a")).await;
    let after = |at: Timestamp| Entry {
        confirmed: Some(ann()),
        updated_at: at,
        ..before.clone()
    };
    let mut tx = store.begin().await.unwrap();
    tx.entries()
        .change(&before, &after(NOON.after(MINUTE)))
        .await
        .unwrap();
    let late = tx
        .entries()
        .change(&before, &after(NOON.after(2 * MINUTE)))
        .await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })));
    tx.entries()
        .used(&[before.number, EntryNumber(99)])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let stored = read.entries().get(before.number).await.unwrap().unwrap();
    assert_eq!((stored.entry.used, stored.entry.reach()), (1, Reach::All));
}

pub(crate) async fn an_index_that_follows_versions_misses_nothing(ground: &Ground) {
    let store = ground.open().await;
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let store = ground.open().await;
        writers.spawn(async move {
            for number in 0..15 {
                let entry = insert(&store, note(&format!("{writer} {number}"))).await;
                if number % 5 == 4 {
                    let mut tx = store.begin().await.unwrap();
                    assert!(tx.entries().remove(entry.number).await.unwrap());
                    tx.commit().await.unwrap();
                }
            }
        });
    }
    let mut known = std::collections::BTreeSet::new();
    let mut version = 0;
    loop {
        let finished =
            writers.try_join_next().is_some_and(|done| done.is_ok()) && writers.is_empty();
        loop {
            let changes = store
                .read()
                .await
                .unwrap()
                .entries()
                .changed_since(version)
                .await
                .unwrap();
            if changes.version == version {
                break;
            }
            version = changes.version;
            known.extend(changes.changed.iter().map(|stored| stored.entry.number));
            for gone in changes.removed {
                known.remove(&gone);
            }
        }
        if finished {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut read = store.read().await.unwrap();
    let listed = read
        .entries()
        .list(&EntryFilter::default(), 1_000)
        .await
        .unwrap();
    let there: std::collections::BTreeSet<_> =
        listed.rows.iter().map(|row| row.entry.number).collect();
    assert_eq!(there.len(), 48);
    assert_eq!(known, there);
    assert_eq!(read.entries().version().await.unwrap(), version);
}

pub(crate) async fn keys_are_listed_by_their_beginning(ground: &Ground) {
    let store = ground.open().await;
    for key in [
        "config web1 /etc/b #0001",
        "config web1 /etc/b #0000",
        "config web10 /etc/a #0000",
        "config web1 /etc/%_ #0000",
    ] {
        insert(&store, keyed(key, key)).await;
    }
    let mut read = store.read().await.unwrap();
    let keys = |found: Vec<(String, EntryNumber)>| {
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    let of_host = keys(read.entries().keys("config web1 ", "").await.unwrap());
    assert_eq!(
        of_host,
        [
            "config web1 /etc/%_ #0000",
            "config web1 /etc/b #0000",
            "config web1 /etc/b #0001"
        ]
    );
    let rest = keys(
        read.entries()
            .keys("config web1 ", &of_host[1])
            .await
            .unwrap(),
    );
    assert_eq!(rest, ["config web1 /etc/b #0001"]);
    assert!(
        read.entries()
            .keys("config web1 /etc/%", "")
            .await
            .unwrap()
            .len()
            == 1,
        "nothing in it is a pattern"
    );
}

pub(crate) async fn vectors_follow_what_their_entries_say(ground: &Ground) {
    let store = ground.open().await;
    let (one, two) = (
        insert(&store, note("one")).await,
        insert(&store, note("two")).await,
    );
    let digest = |entry: &Entry| Entry::digest_of(entry.collection, &entry.title, &entry.text);
    let vector = vec![0.5_f32, -0.25, f32::MIN_POSITIVE];
    let mut tx = store.begin().await.unwrap();
    let gone = EntryNumber(77);
    tx.vectors()
        .put(
            "mini",
            vec![
                (one.number, digest(&one), vector.clone()),
                (gone, digest(&one), vector.clone()),
            ],
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let kept = read
        .vectors()
        .get("mini", one.number)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.vector, kept.digest), (vector, digest(&one)));
    assert_eq!(read.vectors().counts("mini").await.unwrap(), (1, 1));
    assert_eq!(read.vectors().counts("other").await.unwrap(), (0, 2));
    let missing = read
        .vectors()
        .missing("mini", EntryNumber(0), 10)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(
        missing.iter().map(|entry| entry.entry).collect::<Vec<_>>(),
        [two.number]
    );
    assert!(
        read.vectors()
            .missing("mini", two.number, 10)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    drop(read);
    let after = Entry {
        text: "other words".to_owned(),
        updated_at: NOON.after(MINUTE),
        ..one.clone()
    };
    let mut tx = store.begin().await.unwrap();
    tx.entries().change(&one, &after).await.unwrap();
    assert_eq!(
        tx.vectors().counts("mini").await.unwrap(),
        (0, 2),
        "it says something else"
    );
    tx.vectors()
        .put("mini", vec![(one.number, digest(&after), vec![1.0])])
        .await
        .unwrap();
    tx.vectors()
        .put("big", vec![(one.number, digest(&after), vec![1.0, 2.0])])
        .await
        .unwrap();
    assert_eq!(
        tx.vectors().models().await.unwrap(),
        [("big".to_owned(), 1), ("mini".to_owned(), 1)]
    );
    let made = tx
        .vectors()
        .since("mini", (0, EntryNumber(0)))
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(made.len(), 1);
    let place = (made[0].version, made[0].entry);
    assert!(
        tx.vectors()
            .since("mini", place)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert_eq!(tx.vectors().forget("big").await.unwrap(), 1);
    assert!(tx.entries().remove(one.number).await.unwrap());
    assert!(
        tx.vectors().models().await.unwrap().is_empty(),
        "they go with their entry"
    );
    tx.commit().await.unwrap();
}

pub(crate) async fn a_vector_that_cannot_be_read_is_named(ground: &Ground) {
    let store = ground.open().await;
    let entry = insert(&store, note("one")).await;
    let digest = Entry::digest_of(entry.collection, &entry.title, &entry.text);
    let mut tx = store.begin().await.unwrap();
    tx.vectors()
        .put("mini", vec![(entry.number, digest, vec![1.0])])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let half = if ground.is_postgres() {
        "decode('000000', 'hex')"
    } else {
        "x'000000'"
    };
    ground
        .spoil(&format!("update vectors set vector = {half}"))
        .await;
    let listed = store
        .read()
        .await
        .unwrap()
        .vectors()
        .since("mini", (0, EntryNumber(0)))
        .await
        .unwrap();
    assert!(listed.rows.is_empty());
    assert_eq!(
        (listed.corrupt[0].table, listed.corrupt[0].column),
        ("vectors", "vector")
    );
}
