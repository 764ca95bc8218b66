//! `backup` and `restore` over the built binary: taken while a daemon works, restored into the other database, refused
//! where something is wrong, and then nothing is changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_tests::binary::{Home, Ran, until};

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

/// Runs where no file may become larger than this: as on a disk that is full, each write beyond it is refused.
#[expect(clippy::disallowed_methods, reason = "the shell sets the limit")]
fn with_room(home: &Home, kib: u32, words: &[&str]) -> Ran {
    let ours = home.command(words);
    let mut shell = Command::new("bash");
    shell.env_clear().args([
        "-c",
        "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"",
        &kib.to_string(),
    ]);
    shell.arg(ours.get_program()).args(ours.get_args());
    for (name, value) in ours.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    Ran::of(words, shell.output().expect("bash starts"))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("it can be read").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn without_room_it_says_so_and_leaves_nothing_behind() {
    let home = used();
    let file = home.path().join("watch.backup");
    let daemon = home.daemon();
    let before = names(home.path());
    let refused = with_room(&home, 1, &["backup", text(&file)]);
    refused.ended_with(&[1]);
    let said = refused.stderr();
    assert!(
        said.contains("could not write") && said.contains("with room"),
        "{said}"
    );
    assert!(!said.contains(".part-"), "{said}");
    assert_eq!(names(home.path()), before);
    drop(daemon);

    home.run(&["backup", text(&file)]).ended_with(&[0]);
    let other = Home::new();
    let before = names(other.path());
    let refused = with_room(&other, 100, &["restore", text(&file)]);
    refused.ended_with(&[1]);
    assert_eq!(names(other.path()), before, "{refused:?}");
    other.run(&["restore", text(&file)]).ended_with(&[0]);
}

#[test]
fn what_is_no_file_is_not_replaced_by_one() {
    let home = used();
    for there in ["pipe", "directory"] {
        let path = home.path().join(there);
        match there {
            "pipe" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("made"),
            _ => std::fs::create_dir(&path).expect("made"),
        }
        let refused = home.run(&["backup", text(&path), "--force"]);
        refused.ended_with(&[77]);
        assert!(refused.stderr().contains("left alone"), "{refused:?}");
        assert!(!path.is_file(), "{there}");
    }
    let nowhere = home.path().join("no/such/watch.backup");
    let refused = home.run(&["backup", text(&nowhere)]);
    refused.ended_with(&[1]);
    assert!(
        refused.stderr().contains("a directory that is there"),
        "{refused:?}"
    );
}
