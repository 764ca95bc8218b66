//! Trouble: writers in the way, tasks that are cancelled, a server that goes away, a disk that is full.

use std::time::Duration;

use watchkeeper_model::ActionNumber;
use watchkeeper_store::{LockRefused, NewIssue, Store, StoreError, StoreOptions};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;
use watchkeeper_testkit::postgres::Cluster;

use crate::ground::{Ground, MINUTE, held, log_all, new_action};

fn impatient() -> StoreOptions {
    StoreOptions {
        patience: Duration::from_millis(300),
        ..StoreOptions::default()
    }
}

pub(crate) async fn readers_do_not_wait_for_a_writer(ground: &Ground) {
    let store = ground.open_with(&impatient()).await;
    held(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.actions().create(new_action("web1")).await.unwrap();
    for _ in 0..20 {
        let mut read = store.read().await.unwrap();
        assert!(read.actions().get(ActionNumber(0)).await.unwrap().is_some());
        assert_eq!(
            read.actions().get(ActionNumber(1)).await.unwrap(),
            None,
            "not committed yet"
        );
    }
    if !ground.is_postgres() {
        let busy = store.begin().await.err().expect("there is one writer");
        assert!(
            matches!(busy, StoreError::Busy { .. }) && busy.retryable(),
            "{busy}"
        );
        let other = ground.open_with(&impatient()).await;
        let busy = other
            .begin()
            .await
            .err()
            .expect("there is one writer, in whichever process");
        assert!(matches!(busy, StoreError::Busy { .. }), "{busy:?}");
    }
    tx.commit().await.unwrap();
    assert!(
        store
            .read()
            .await
            .unwrap()
            .actions()
            .get(ActionNumber(1))
            .await
            .unwrap()
            .is_some()
    );
}

pub(crate) async fn a_reader_sees_one_moment(ground: &Ground) {
    let store = ground.open().await;
    held(&store).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.actions().counts().await.unwrap(),
        [("held".to_owned(), 1)]
    );
    held(&store).await;
    assert_eq!(
        read.actions().counts().await.unwrap(),
        [("held".to_owned(), 1)]
    );
    let now = store
        .read()
        .await
        .unwrap()
        .actions()
        .counts()
        .await
        .unwrap();
    assert_eq!(now, [("held".to_owned(), 2)]);
}

pub(crate) async fn a_cancelled_transaction_leaves_the_store_usable(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..20_u64 {
        let work = async {
            let mut tx = store.begin().await.unwrap();
            tx.actions().create(new_action("web1")).await.unwrap();
            tx.actions().create(new_action("web1")).await.unwrap();
            std::future::pending::<()>().await;
        };
        let cut = tokio::time::timeout(Duration::from_micros(200 * n), work).await;
        assert!(cut.is_err());
    }
    assert_eq!(held(&store).await.number, ActionNumber(0));
}

pub(crate) async fn a_transaction_in_which_a_statement_failed_cannot_commit(ground: &Ground) {
    let store = ground.open().await;
    let finding = build::finding("web1", "unit", "nginx.service");
    let issue = NewIssue {
        host: None,
        title: finding.summary.clone(),
        severity: finding.severity,
        fingerprint: Some(finding.fingerprint()),
        at: NOON,
    };
    let mut tx = store.begin().await.unwrap();
    tx.issues().create(issue.clone()).await.unwrap();
    assert!(tx.issues().create(issue).await.unwrap_err().is_conflict());
    let late = tx.meta().set("a", "b").await.unwrap_err();
    assert!(
        matches!(late, StoreError::TransactionOver { .. }),
        "{late:?}"
    );
    let late = tx.commit().await.unwrap_err();
    assert!(
        matches!(late, StoreError::TransactionOver { .. }),
        "{late:?}"
    );
    let mut read = store.read().await.unwrap();
    assert_eq!(read.issues().counts().await.unwrap(), []);
    drop(read);
    assert_eq!(
        held(&store).await.number,
        ActionNumber(0),
        "the store goes on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_postgres_is_found_again() {
    let ground = Ground::on(Cluster::private()).await;
    let store = ground.open_with(&impatient()).await;
    log_all(&store, &["test.a", "test.b"]).await;
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(store.read().await.unwrap());
    }
    drop(readers);
    let mut changes = store.changes().await.unwrap();
    let mut open = store.begin().await.unwrap();
    open.actions().create(new_action("web1")).await.unwrap();

    ground.cluster().stop();
    let cut = open.actions().create(new_action("web1")).await.unwrap_err();
    assert!(
        matches!(cut, StoreError::Unavailable { .. }) && cut.retryable(),
        "{cut:?}"
    );
    drop(open);
    let down = store.begin().await.err().expect("the server is down");
    assert!(matches!(down, StoreError::Unavailable { .. }), "{down:?}");
    let down = store.read().await.err().expect("the server is down");
    assert!(matches!(down, StoreError::Unavailable { .. }), "{down:?}");
    let down = Store::open(&ground.url)
        .await
        .expect_err("the server is down");
    assert!(down.retryable(), "{down:?}");
    changes.wait(Duration::from_millis(50)).await;

    ground.cluster().start();
    assert_eq!(
        held(&store).await.number,
        ActionNumber(0),
        "what was not committed is gone"
    );
    let mut read = store.read().await.unwrap();
    assert!(matches!(
        read.log().verify(1, None).await.unwrap(),
        watchkeeper_store::Verification::Verified { entries: 2, .. }
    ));
    drop(read);

    // Between two calls: every idle connection is dead, and the next call finds a living one by itself.
    ground.cluster().stop();
    ground.cluster().start();
    held(&store).await;
    ground.cluster().stop();
    ground.cluster().start();
    assert!(
        store
            .read()
            .await
            .unwrap()
            .actions()
            .get(ActionNumber(1))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_commit_that_is_cut_off_is_uncertain() {
    let ground = Ground::on(Cluster::private()).await;
    let store = ground.open_with(&impatient()).await;
    let mut tx = store.begin().await.unwrap();
    tx.meta().set("a", "b").await.unwrap();
    ground.cluster().stop();
    let error = tx.commit().await.unwrap_err();
    assert!(
        matches!(error, StoreError::Uncertain { .. }) && !error.retryable(),
        "{error:?}"
    );
}

/// Fills the store until it says that it is full; returns how many observations fit.
async fn fill(store: &Store) -> u32 {
    let body = serde_json::Value::from("x".repeat(50_000));
    for n in 0..1_000 {
        let result = async {
            let mut tx = store.begin().await?;
            tx.observations()
                .insert(&build::host("web1"), NOON.after(n * MINUTE), &body)
                .await?;
            tx.commit().await
        };
        match result.await {
            Ok(_) => {}
            Err(StoreError::Full { .. }) => return n,
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it never was full");
}

#[tokio::test]
async fn a_full_store_says_so_and_goes_on_when_there_is_room() {
    let ground = Ground::sqlite();
    let store = ground
        .open_with(&StoreOptions {
            max_pages: Some(300),
            ..StoreOptions::default()
        })
        .await;
    held(&store).await;
    let kept = fill(&store).await;
    assert!(kept > 3, "{kept}");
    let mut read = store.read().await.unwrap();
    assert!(read.actions().get(ActionNumber(0)).await.unwrap().is_some());
    let newest = read
        .observations()
        .latest(&build::host("web1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(newest.at, NOON.after((kept - 1) * MINUTE));
    drop(read);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.observations().prune(newest.at).await.unwrap() > 0);
    tx.commit().await.unwrap();
    assert_eq!(held(&store).await.number, ActionNumber(1));
    assert!(fill(&store).await > 0);
}

#[tokio::test]
async fn a_full_disk_says_so_and_the_store_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("left out: only root can mount a small disk");
        return;
    };
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let address = format!("sqlite:{}", disk.path().join("store.db").display());
    let store = Store::open(&address).await.unwrap();
    held(&store).await;
    let kept = fill(&store).await;
    assert!(kept > 3, "{kept}");
    assert!(
        store
            .read()
            .await
            .unwrap()
            .actions()
            .get(ActionNumber(0))
            .await
            .unwrap()
            .is_some()
    );
    let refused = async {
        let mut tx = store.begin().await?;
        let large = serde_json::Value::from("x".repeat(500_000));
        tx.observations()
            .insert(&build::host("web2"), NOON, &large)
            .await?;
        tx.commit().await
    };
    assert!(matches!(refused.await, Err(StoreError::Full { .. })));
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(held(&store).await.number, ActionNumber(1));
    store.close().await;
}

/// A disk of a few MiB in memory, for as long as this value.
struct SmallDisk(Option<tempfile::TempDir>);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let done = run(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                "size=4m",
                "watchkeeper-test",
                dir.path().to_str().unwrap(),
            ],
        );
        done.then_some(Self(Some(dir)))
    }

    fn path(&self) -> &std::path::Path {
        self.0
            .as_ref()
            .expect("it is mounted until it is dropped")
            .path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(
            "umount",
            &["-l", self.path().to_str().expect("a path of ours")],
        );
        self.0 = None;
    }
}

#[expect(clippy::disallowed_methods, reason = "mounting a disk for a test")]
fn run(program: &str, args: &[&str]) -> bool {
    std::process::Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn a_store_that_another_has_locked_names_its_process() {
    let ground = Ground::sqlite();
    let (store, other) = (ground.open().await, ground.open().await);
    let lock = store.lock_exclusive().unwrap();
    let LockRefused::LockedBy { pid } = other.lock_exclusive().unwrap_err() else {
        panic!("the lock's file can be used");
    };
    assert_eq!(pid, std::process::id().to_string());
    drop(lock);
    drop(other.lock_exclusive().expect("it was let go"));
}

#[tokio::test]
async fn a_store_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/store 1%.db");
    let store = Store::open(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    held(&store).await;
    for name in ["store 1%.db", "store 1%.db-wal", "store 1%.db-shm"] {
        let mode = std::fs::metadata(path.with_file_name(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mode = std::fs::metadata(path.parent().unwrap())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn an_address_that_names_no_store_is_refused_without_repeating_its_password() {
    for address in ["mysql://ann:secret@db/x", "store.db", "", "s3cret:x"] {
        let error = Store::open(address)
            .await
            .expect_err("no such kind of store");
        assert!(matches!(error, StoreError::UnknownAddress { .. }));
        assert!(!error.to_string().contains("secret@"), "{error}");
    }
}
