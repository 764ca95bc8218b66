//! Backups: taken while others write, restored into an empty store of either kind, and refused where they must be.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::EntryType;
use tokio::task::JoinSet;
use watchkeeper_model::{ActionState, Actor, ApprovalTerms, Digest, Person};
use watchkeeper_store::{
    BackupError, BackupFile, BackupTerms, LeftOut, LogFilter, LogOrder, Manifest, Restored, Store,
    Verification,
};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, ann, approved, held, log_all, record};

fn terms() -> BackupTerms {
    BackupTerms {
        program: "0.1.0".to_owned(),
        at: NOON,
        files: vec![BackupFile {
            name: "config/orders.toml".to_owned(),
            bytes: b"# none\n".to_vec(),
        }],
        left_out: vec![LeftOut {
            name: "config/config.toml".to_owned(),
            why: "a password stands in it".to_owned(),
        }],
    }
}

fn ops() -> Actor {
    Actor::Person(Person {
        name: "ops".to_owned(),
        uid: 0,
    })
}

async fn taken(store: &Store) -> (Manifest, Vec<u8>) {
    store.back_up(Vec::new(), &terms()).await.expect("a backup")
}

async fn restored(ground: &Ground, backup: &[u8]) -> Result<Restored, BackupError> {
    let store = Store::open_untouched(&ground.url).await?;
    let restored = store.restore(backup, &ops(), NOON.after(MINUTE)).await;
    store.close().await;
    restored
}

/// The kinds of store that a backup of this one is restored into.
async fn both(ground: &Ground) -> [Ground; 2] {
    let postgres = if ground.is_postgres() {
        ground.bare().await
    } else {
        Ground::postgres().await.bare().await
    };
    [Ground::sqlite(), postgres]
}

/// A store with something in every table that the sample data knows.
async fn lived_in(ground: &Ground) -> Ground {
    let bare = ground.bare().await;
    crate::migrations::apply_with_samples(&bare, usize::MAX).await;
    bare
}

/// Tables that a restore changes or empties on purpose.
const NOT_KEPT: [&str; 5] = ["counters", "log_head", "links", "link_forms", "enrolments"];

/// Every row of every table as the database itself writes it, but for what a restore adds: its entries of the log.
async fn rows(ground: &Ground, tables: &[String], head: i64) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for table in tables
        .iter()
        .filter(|table| !NOT_KEPT.contains(&table.as_str()))
    {
        let only = if table == "log" {
            format!("where seq <= {head}")
        } else {
            String::new()
        };
        let mut found = ground.texts(table, &only).await;
        found.sort();
        all.push((table.clone(), found));
    }
    all
}

pub(crate) async fn what_is_backed_up_while_others_write_is_one_moment(ground: &Ground) {
    let store = ground.open().await;
    for _ in 0..20 {
        held(&store).await;
    }
    let over = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for _ in 0..3 {
        let (store, over) = (store.clone(), Arc::clone(&over));
        writers.spawn(async move {
            let mut wrote = 0;
            while !over.load(Ordering::Relaxed) {
                // An action and the entry that tells of it, in one transaction.
                let mut tx = store.begin().await.unwrap();
                let action = crate::ground::new_action("web1");
                tx.actions().create(action).await.unwrap();
                tx.log().append(record("action.proposed")).unwrap();
                tx.commit().await.unwrap();
                wrote += 1;
            }
            wrote
        });
    }
    let look = Store::open_as_it_is(&ground.url).await.unwrap();
    let mut backups = Vec::new();
    for _ in 0..5 {
        backups.push(taken(&look).await);
    }
    over.store(true, Ordering::Relaxed);
    let wrote: i64 = writers.join_all().await.into_iter().sum();
    assert!(wrote > 0, "somebody wrote meanwhile");

    for (manifest, backup) in &backups {
        let line = |name: &str| {
            let line = manifest.rows.iter().find(|line| line.table == name);
            i64::try_from(line.expect("every table is told").rows).unwrap()
        };
        // One moment: each action that was made beside the first twenty has its entry, and the head is the last one.
        assert_eq!(line("actions") - 20, line("log"));
        assert_eq!(line("actions"), line("action_revisions"));
        assert_eq!(manifest.log.seq, line("log"));
        assert_eq!(
            Store::verify_backup(backup.as_slice()).await.unwrap(),
            *manifest
        );
    }
    let empty = ground.bare().await;
    let (manifest, backup) = backups.last().unwrap();
    let restored = restored(&empty, backup).await.unwrap();
    assert_eq!(&restored.manifest, manifest);
    let again = empty.open().await;
    let count = again
        .read()
        .await
        .unwrap()
        .actions()
        .list(&Default::default(), 1_000)
        .await;
    assert_eq!(
        count.unwrap().strict().unwrap().len() as u64,
        manifest
            .rows
            .iter()
            .find(|line| line.table == "actions")
            .unwrap()
            .rows
            .min(1_000)
    );
}

pub(crate) async fn a_backup_can_be_restored_into_either_database(ground: &Ground) {
    let lived_in = lived_in(ground).await;
    let store = lived_in.open().await;
    let (manifest, backup) = taken(&store).await;
    assert!(
        manifest.rows.iter().filter(|line| line.rows > 0).count() > 20,
        "{:?}",
        manifest.rows
    );
    let tables = &manifest.heading.tables;
    let before = rows(&lived_in, tables, manifest.log.seq).await;
    for into in both(&lived_in).await {
        let restored = restored(&into, &backup).await.unwrap();
        assert_eq!(restored.manifest, manifest);
        assert_eq!(restored.files, terms().files);
        assert_eq!(restored.manifest.left_out, terms().left_out);
        if into.is_postgres() == lived_in.is_postgres() {
            let after = rows(&into, tables, manifest.log.seq).await;
            assert_eq!(after, before);
        }
        let again = into.open().await;
        let mut read = again.read().await.unwrap();
        let last = manifest.log.seq + 1;
        assert!(matches!(
            read.log().verify(1, None).await.unwrap(),
            Verification::Verified { entries, .. } if entries == last
        ));
        let newest = LogFilter {
            order: LogOrder::NewestFirst,
            ..LogFilter::default()
        };
        let told = read.log().list(&newest, 1).await.unwrap().strict().unwrap();
        assert_eq!(
            (told[0].seq, told[0].record.event.as_str()),
            (last, "store.restored")
        );
        assert_eq!(read.meta().store_id().await.unwrap(), manifest.store_id);
        drop(read);
        // Both databases tell the same rows by the same lines, but for the log that went on.
        let (twice, _) = taken(&again).await;
        for (then, now) in manifest.rows.iter().zip(&twice.rows) {
            match then.table.as_str() {
                "counters" | "log" | "log_head" => {}
                // What decides once may have been used since.
                "links" | "link_forms" | "enrolments" => assert_eq!((then.rows, now.rows), (1, 0)),
                _ => assert_eq!(then, now),
            }
        }
    }
}

pub(crate) async fn a_backup_of_an_older_version_is_brought_up_to_date(ground: &Ground) {
    let old = ground.bare().await;
    crate::migrations::apply_with_samples(&old, 5).await;
    let store = Store::open_as_it_is(&old.url).await.unwrap();
    let (manifest, backup) = taken(&store).await;
    assert_eq!(manifest.heading.schema, 5);
    for into in both(ground).await {
        restored(&into, &backup).await.unwrap();
        let store = into.open().await;
        let (now, _) = taken(&store).await;
        assert!(now.heading.schema > 5);
        let mut read = store.read().await.unwrap();
        let jobs = read
            .jobs()
            .list(&Default::default(), 10)
            .await
            .unwrap()
            .strict()
            .unwrap();
        assert_eq!(jobs.len(), 2);
        // Two there are; what was given out after the backup was taken is given to nothing else.
        assert_eq!(held(&store).await.number.0, 1_002);
    }
    // Tables that are newer than the backup cannot be filled from it.
    let newer = ground.bare().await;
    newer.open().await.close().await;
    let error = restored(&newer, &backup).await.unwrap_err();
    assert!(
        matches!(error, BackupError::TablesAhead { backup: 5, .. }),
        "{error}"
    );
}

pub(crate) async fn what_was_cut_or_changed_is_refused_and_changes_nothing(ground: &Ground) {
    let lived_in = lived_in(ground).await;
    let store = lived_in.open().await;
    let (_, good) = taken(&store).await;
    let mut bad: Vec<(String, Vec<u8>)> = Vec::new();
    for part in [
        0,
        1,
        10,
        good.len() / 3,
        good.len() / 2,
        good.len() - 9,
        good.len() - 1,
    ] {
        bad.push((format!("cut to {part}"), good[..part].to_vec()));
    }
    for place in [
        0,
        good.len() / 4,
        good.len() / 2,
        good.len() * 3 / 4,
        good.len() - 6,
    ] {
        let mut changed = good.clone();
        changed[place] ^= 0x10;
        bad.push((format!("changed at {place}"), changed));
    }
    bad.push(("more behind".to_owned(), [good.as_slice(), b"x"].concat()));
    // Whoever can pack it again can change a row, but not without its digest, nor an entry of the log.
    for (from, to) in [("exit-code", "exit-c0de"), ("issue.noted", "issue.voted")] {
        let changed = repacked(&good, from, to);
        assert_ne!(changed, good);
        bad.push((format!("{to} for {from}"), changed));
    }
    let empty = ground.bare().await;
    for (how, backup) in &bad {
        let error = Store::verify_backup(backup.as_slice())
            .await
            .expect_err(how);
        assert!(error.lies_in_the_file(), "{how}: {error}");
        let error = restored(&empty, backup).await.expect_err(how);
        assert!(error.lies_in_the_file(), "{how}: {error}");
    }
    restored(&empty, &good).await.expect("nothing is there yet");
}

/// The same backup with one word in place of another of the same length.
fn repacked(backup: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut tar = Vec::new();
    GzDecoder::new(backup).read_to_end(&mut tar).unwrap();
    let mut place = 0;
    while let Some(found) = tar[place..]
        .windows(from.len())
        .position(|some| some == from.as_bytes())
    {
        place += found;
        tar[place..place + from.len()].copy_from_slice(to.as_bytes());
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&tar).unwrap();
    gzip.finish().unwrap()
}

/// Whoever packs a backup anew has these to try; each is refused whole.
pub(crate) async fn what_is_no_plain_file_of_a_plain_name_is_refused(ground: &Ground) {
    let store = ground.open().await;
    let (_, good) = taken(&store).await;
    let long = "x".repeat(300);
    let empty = ground.bare().await;
    for (kind, name) in [
        (EntryType::Regular, "files/config/orders.toml"),
        (EntryType::Regular, "files/../config.toml"),
        (EntryType::Regular, "files/config/./orders.toml"),
        (EntryType::Regular, "files//etc/passwd"),
        (EntryType::Regular, "/files/config/more.toml"),
        (EntryType::Regular, "files/config/a\nb.toml"),
        (EntryType::Regular, "files/config/a\u{1b}b.toml"),
        (EntryType::Regular, "files/config/back\\slash.toml"),
        (EntryType::Regular, "elsewhere/more.toml"),
        (EntryType::Symlink, "files/config/more.toml"),
        (EntryType::Link, "files/config/more.toml"),
        (EntryType::Fifo, "files/config/more.toml"),
        (EntryType::Char, "files/config/more.toml"),
        (EntryType::Directory, "files/config/conf.d"),
        (EntryType::Regular, long.as_str()),
    ] {
        let backup = with_entry(&good, kind, name);
        let error = Store::verify_backup(backup.as_slice())
            .await
            .expect_err(name);
        assert!(error.lies_in_the_file(), "{kind:?} {name:?}: {error}");
        let error = restored(&empty, &backup).await.expect_err(name);
        assert!(error.lies_in_the_file(), "{kind:?} {name:?}: {error}");
    }
    let more = with_entry(&good, EntryType::Regular, "files/new");
    let error = Store::verify_backup(more.as_slice()).await;
    let error = error.expect_err("it is not in the manifest");
    assert!(error.to_string().contains("its files"), "{error}");
    restored(&empty, &good).await.expect("nothing is there yet");
}

/// The same backup with one more entry before its end, with whatever name.
fn with_entry(backup: &[u8], kind: EntryType, name: &str) -> Vec<u8> {
    let mut tar = tar::Archive::new(GzDecoder::new(backup));
    let gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut packed = tar::Builder::new(gzip);
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if entry.path().unwrap().ends_with("manifest.json") {
            let mut more = header.clone();
            let field = &mut more.as_gnu_mut().unwrap().name;
            let fits = name.len().min(field.len());
            field.fill(0);
            field[..fits].copy_from_slice(&name.as_bytes()[..fits]);
            more.set_entry_type(kind);
            more.set_size(0);
            more.set_cksum();
            packed.append(&more, &[][..]).unwrap();
        }
        packed.append(&header, bytes.as_slice()).unwrap();
    }
    packed.into_inner().unwrap().finish().unwrap()
}

pub(crate) async fn a_backup_of_a_newer_version_is_refused(ground: &Ground) {
    let store = ground.open().await;
    log_all(&store, &["issue.opened"]).await;
    let (manifest, backup) = taken(&store).await;
    let schema = manifest.heading.schema;
    let schema = format!("\"schema\": {schema},");
    let empty = ground.bare().await;
    for (from, to) in [
        ("\"format\": 1", "\"format\": 9"),
        (schema.as_str(), "\"schema\": 999,"),
    ] {
        let changed = resized(&backup, from, to);
        let error = restored(&empty, &changed).await.expect_err(to);
        assert!(matches!(error, BackupError::Newer { .. }), "{to}: {error}");
    }
    let digest = manifest.heading.tables_digest.to_string();
    let other = Digest::of_bytes(b"other").to_string();
    let error = restored(&empty, &repacked(&backup, &digest, &other))
        .await
        .unwrap_err();
    assert!(matches!(error, BackupError::OtherTables { .. }), "{error}");
    restored(&empty, &backup)
        .await
        .expect("nothing is there yet");
}

/// The same backup with another heading, of whatever length.
fn resized(backup: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut tar = tar::Archive::new(GzDecoder::new(backup));
    let gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut packed = tar::Builder::new(gzip);
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let mut header = entry.header().clone();
        if entry.path().unwrap().ends_with("backup.json") {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            bytes = text.replace(from, to).into_bytes();
        }
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        packed.append(&header, bytes.as_slice()).unwrap();
    }
    packed.into_inner().unwrap().finish().unwrap()
}

pub(crate) async fn a_store_that_is_not_empty_is_left_alone(ground: &Ground) {
    let lived_in = lived_in(ground).await;
    let store = lived_in.open().await;
    let (_, backup) = taken(&store).await;
    let used = ground.bare().await;
    let other = used.open().await;
    held(&other).await;
    log_all(&other, &["action.proposed"]).await;
    let (before, _) = taken(&other).await;
    let error = restored(&used, &backup).await.unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }), "{error}");
    let (after, _) = taken(&other).await;
    assert_eq!(after, before);

    // A store that was opened and never used is empty.
    let unused = ground.bare().await;
    unused.open().await.close().await;
    restored(&unused, &backup)
        .await
        .expect("nothing happened there");
}

pub(crate) async fn what_was_approved_before_is_not_run_after(ground: &Ground) {
    let store = ground.open().await;
    let (held, approved) = (held(&store).await, approved(&store).await);
    let (_, backup) = taken(&store).await;
    for into in both(ground).await {
        let restored = restored(&into, &backup).await.unwrap();
        assert_eq!(restored.stale, 1);
        let again = into.open().await;
        let mut read = again.read().await.unwrap();
        let now = read.actions().get(approved.number).await.unwrap().unwrap();
        assert!(
            matches!(now.state, ActionState::Stale { .. }),
            "{:?}",
            now.state
        );
        let now = read.actions().get(held.number).await.unwrap().unwrap();
        assert_eq!(now.state, held.state);
        let told = LogFilter {
            event_prefix: Some("action.stale".to_owned()),
            ..LogFilter::default()
        };
        let told = read.log().list(&told, 10).await.unwrap().strict().unwrap();
        assert_eq!(told[0].record.about.action, Some(approved.number));
        assert_eq!(told[0].record.actor, ops());
    }
}

pub(crate) async fn what_one_of_two_approved_before_waits_for_both_again(ground: &Ground) {
    let store = ground.open().await;
    let (held, other) = (held(&store).await, held(&store).await);
    let two = ApprovalTerms {
        execute_within: DAY,
        approvers: 2,
    };
    let half = held
        .clone()
        .approve(ann(), held.revision, NOON, two)
        .unwrap();
    assert_eq!(half.state.as_str(), "held");
    let mut tx = store.begin().await.unwrap();
    tx.actions().change(&held, &half).await.unwrap();
    tx.commit().await.unwrap();
    // A row that cannot be read hides no other from it.
    ground
        .spoil(&format!(
            "update actions set state_data = 'no' where number = {}",
            other.number.0
        ))
        .await;
    let (_, backup) = taken(&store).await;
    for into in both(ground).await {
        assert_eq!(restored(&into, &backup).await.unwrap().stale, 1);
        let again = into.open().await;
        let mut read = again.read().await.unwrap();
        let now = read.actions().get(held.number).await.unwrap().unwrap();
        assert_eq!(now.state.as_str(), "stale");
    }
}

/// An action that was proposed after the backup is in somebody's message by its number.
pub(crate) async fn a_number_that_somebody_saw_is_not_given_to_another_action(ground: &Ground) {
    let store = ground.open().await;
    held(&store).await;
    let (_, backup) = taken(&store).await;
    let mut seen = 0;
    for _ in 0..3 {
        seen = held(&store).await.number.0;
    }
    for (days, next) in [(0, 1_001), (3, 4_001), (1_000_000, 3_650_001)] {
        let into = ground.bare().await;
        let empty = Store::open_untouched(&into.url).await.unwrap();
        let later = NOON.after(DAY * days);
        let restored = empty.restore(backup.as_slice(), &ops(), later).await;
        assert_eq!(restored.unwrap().numbers_left_out, next - 1);
        empty.close().await;
        let number = held(&into.open().await).await.number.0;
        assert_eq!(number, next);
        assert!(number > seen);
    }
}

pub(crate) async fn values_of_every_kind_come_back_as_they_were(ground: &Ground) {
    let store = ground.open().await;
    for (place, value) in [
        "0.1",
        "-1e300",
        "2.5e-308",
        "123456789.123456789",
        "0.30000000000000004",
    ]
    .iter()
    .enumerate()
    {
        ground
            .spoil(&format!("insert into samples (host, metric, at, value) values ('ä', 'm{place}', {place}, {value})"))
            .await;
    }
    let text = "a\\b \"q\" ''\n\t\u{1f6a2} \u{fffd} {}";
    ground
        .spoil(&format!(
            "insert into meta (key, value) values ('odd', '{text}'), ('Z', ''), ('_', 'x')"
        ))
        .await;
    let (_, backup) = taken(&store).await;
    for into in both(ground).await {
        restored(&into, &backup).await.unwrap();
        let again = into.open().await;
        let mut read = again.read().await.unwrap();
        let odd = read.meta().get("odd").await.unwrap().unwrap();
        assert_eq!(odd, text.replace("''", "'"));
        drop(read);
        let (twice, _) = taken(&again).await;
        let (once, _) = taken(&store).await;
        let of = |manifest: &Manifest| {
            let line = manifest.rows.iter().find(|line| line.table == "samples");
            line.cloned()
        };
        assert_eq!(of(&twice), of(&once));
    }
}

pub(crate) async fn a_large_table_comes_in_parts_and_comes_back_whole(ground: &Ground) {
    const ROWS: u64 = 1_300;
    let store = ground.open().await;
    let sql = if ground.is_postgres() {
        format!(
            "insert into observations (host, at, body) select 'web1', g, repeat('x', 5000) from generate_series(1, {ROWS}) g"
        )
    } else {
        format!(
            "insert into observations (host, at, body)
             with recursive g(n) as (select 1 union all select n + 1 from g where n < {ROWS})
             select 'web1', n, replace(hex(zeroblob(2500)), '0', 'x') from g"
        )
    };
    ground.spoil(&sql).await;
    let (manifest, backup) = taken(&store).await;
    let mut tar = tar::Archive::new(GzDecoder::new(backup.as_slice()));
    let (mut parts, mut largest) = (0, 0);
    for entry in tar.entries().unwrap() {
        let entry = entry.unwrap();
        if entry.path().unwrap().starts_with("tables/observations") {
            parts += 1;
            largest = largest.max(entry.size());
        }
    }
    assert!(parts >= 6, "{parts} parts");
    assert!(
        largest < 1_100_000,
        "no more is kept in memory than a part: {largest}"
    );
    for into in both(ground).await {
        let restored = restored(&into, &backup).await.unwrap();
        assert_eq!(restored.manifest, manifest);
        assert_eq!(into.texts("observations", "").await.len() as u64, ROWS);
    }
}
