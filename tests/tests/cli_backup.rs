//! `backup` and `restore` over the built binary: taken while a daemon works, restored into the other database, refused
//! where something is wrong, and then nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_tests::binary::{Home, until};

/// A home with something in its store.
fn used() -> Home {
    let home = Home::new().config("name = \"hal\"\n");
    home.run(&[
        "issues",
        "create",
        "the fan is loud",
        "--note",
        "since monday",
    ])
    .ended_with(&[0]);
    home
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Takes a backup of a home whose daemon writes meanwhile.
fn taken(home: &Home, file: &Path) -> Value {
    let _daemon = home.daemon();
    let over = AtomicBool::new(false);
    let created = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                home.run(&["issues", "create", "one more"]).ended_with(&[0]);
                created.fetch_add(1, Ordering::Relaxed);
            }
        });
        until("the daemon writes", || created.load(Ordering::Relaxed) > 0);
        let told = home.json(&["backup", text(file)], &[0]);
        let then = created.load(Ordering::Relaxed);
        until("it writes on", || created.load(Ordering::Relaxed) > then);
        over.store(true, Ordering::Relaxed);
        told
    })
}

#[test]
fn what_a_working_daemon_has_is_backed_up_and_restored_elsewhere() {
    let home = used();
    let file = home.path().join("watch.backup");
    let told = taken(&home, &file);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&file).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    let verified = home.json(&["backup", "verify", text(&file)], &[0]);
    assert_eq!(verified["log"], told["log"]);
    assert_eq!(verified["rows"], told["rows"]);

    let cluster = Cluster::shared();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database = runtime.block_on(cluster.database("empty", async |_| {}));
    for other in [Home::new(), Home::new().with_store(database.url())] {
        let restored = other.json(&["restore", text(&file)], &[0]);
        assert_eq!(restored["log"], told["log"]);
        let issues = other.run(&["issues", "list"]);
        assert!(issues.stdout().contains("the fan is loud"), "{issues:?}");
        let verify = other.run(&["log", "verify"]);
        verify.ended_with(&[0]);
        let logs = other.run(&["logs", "--event", "store."]).stdout();
        assert!(logs.contains("store.restored"), "{logs}");
        // What was restored is a store like any other.
        other
            .run(&["issues", "create", "after the restore"])
            .ended_with(&[0]);
        // And not empty any more.
        let again = other.run(&["restore", text(&file)]);
        again.ended_with(&[77]);
        assert!(again.stderr().contains("not empty"), "{again:?}");
        let verify = other.run(&["log", "verify"]);
        verify.ended_with(&[0]);
    }
}

#[test]
fn a_file_that_is_there_is_not_written_over_unasked() {
    let home = used();
    let file = home.path().join("watch.backup");
    std::fs::write(&file, "something else").expect("written");
    let refused = home.run(&["backup", text(&file)]);
    refused.ended_with(&[77]);
    assert_eq!(
        std::fs::read_to_string(&file).expect("read"),
        "something else"
    );
    home.run(&["backup", text(&file), "--force"])
        .ended_with(&[0]);
    home.run(&["backup", "verify", text(&file)])
        .ended_with(&[0]);
    let left: Vec<PathBuf> = std::fs::read_dir(home.path())
        .expect("read")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().contains(".part-"))
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn a_damaged_backup_makes_no_store() {
    let home = used();
    let file = home.path().join("watch.backup");
    home.run(&["backup", text(&file)]).ended_with(&[0]);
    let good = std::fs::read(&file).expect("read");
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    for (how, bytes) in [
        ("cut", &good[..good.len() / 2]),
        ("empty", &[][..]),
        ("changed", changed.as_slice()),
        ("of another kind", b"not a backup at all"),
    ] {
        let bad = home.path().join("bad.backup");
        std::fs::write(&bad, bytes).expect("written");
        home.run(&["backup", "verify", text(&bad)]).ended_with(&[1]);
        let other = Home::new();
        let refused = other.run(&["restore", text(&bad)]);
        refused.ended_with(&[1]);
        assert!(refused.stderr().lines().count() <= 2, "{how}: {refused:?}");
        assert!(!other.path().join("store.db").exists(), "{how}");
    }
    let missing = Home::new();
    let refused = missing.run(&["backup", text(&missing.path().join("x"))]);
    refused.ended_with(&[1]);
    assert!(
        refused.stderr().contains("there is no store"),
        "{refused:?}"
    );
    assert!(!missing.path().join("store.db").exists());
}

#[test]
fn nothing_is_restored_beside_a_daemon() {
    let home = used();
    let file = home.path().join("watch.backup");
    home.run(&["backup", text(&file)]).ended_with(&[0]);
    let _daemon = home.daemon();
    let refused = home.run(&["restore", text(&file)]);
    refused.ended_with(&[77]);
    assert!(refused.stderr().contains("a daemon answers"), "{refused:?}");
}
