//! Every example is a configuration that can be used: loaded as the program loads it, and with its orders checked. What
//! the packages bring is held here, too.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use watchkeeper_tests::binary::Home;

fn root(below: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(below)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// The examples that are configurations of ours; one for NixOS becomes one by its module, whose own tests load it.
fn examples() -> Vec<PathBuf> {
    let dirs = files(&root("examples")).into_iter();
    dirs.filter(|path| path.is_dir() && !path.join("flake.nix").exists())
        .collect()
}

/// Hosts and lanes that an example is said to have.
fn said(name: &str) -> (u64, u64) {
    match name {
        "one-box" => (1, 0),
        "homelab" => (5, 1),
        "fifty-servers" => (50, 2),
        other => panic!("examples/{other} has no line here"),
    }
}

#[test]
fn every_example_is_loaded_and_its_orders_hold() {
    let examples = examples();
    assert!(examples.len() >= 3, "{examples:?}");
    for dir in examples {
        let name = dir.file_name().expect("a name").to_string_lossy();
        let home = Home::new();
        // Copied, so that it belongs to who runs the test: orders of others are not trusted.
        let mut words = vec!["config".to_owned(), "check".to_owned()];
        let copied = |from: &Path, to: &str| {
            let to = home.path().join(to);
            std::fs::copy(from, &to).expect("copied");
            // However the sources were checked out.
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(&to, mode).expect("ours");
            to.display().to_string()
        };
        words.extend([
            "--config".to_owned(),
            copied(&dir.join("config.toml"), "config.toml"),
        ]);
        for (place, file) in files(&dir.join("conf.d")).iter().enumerate() {
            words.extend([
                "--config".to_owned(),
                copied(file, &format!("{place}.toml")),
            ]);
        }
        let orders = dir.join("orders.toml");
        if orders.exists() {
            let orders = copied(&orders, "orders.toml");
            let checked = home.run(&["orders", "check", &orders]);
            checked.ended_with(&[0]);
            words.extend(["--set".to_owned(), format!("orders.file={orders}")]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let checked = home.json(&words, &[0]);
        let (hosts, lanes) = said(&name);
        assert_eq!(checked["hosts"].as_u64(), Some(hosts), "{name}: {checked}");
        assert_eq!(checked["lanes"].as_u64(), Some(lanes), "{name}: {checked}");
    }
}

/// The list of hosts that an example has written is the one that its script writes.
#[test]
#[expect(clippy::disallowed_methods, reason = "the example is a script")]
fn what_an_example_generates_is_what_it_has() {
    let dir = tempfile::tempdir().expect("a directory");
    let example = root("examples/fifty-servers");
    std::fs::create_dir(dir.path().join("conf.d")).expect("made");
    let script = dir.path().join("generate");
    std::fs::copy(example.join("generate"), &script).expect("copied");
    let done = std::process::Command::new(&script).status();
    assert!(done.expect("it starts").success());
    let text = |dir: &Path| std::fs::read_to_string(dir.join("conf.d/10-hosts.toml"));
    assert_eq!(
        text(dir.path()).expect("written"),
        text(&example).expect("there")
    );
}

#[test]
fn every_example_stands_in_the_list() {
    let list = std::fs::read_to_string(root("examples/README.md")).expect("the list");
    for dir in files(&root("examples")).iter().filter(|path| path.is_dir()) {
        let name = dir
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(list.contains(&format!("[{name}]({name})")), "{name}");
    }
}

/// dpkg asks a person about a configuration file that both they and a new version have changed, so ours never changes.
#[test]
fn the_configuration_that_the_package_brings_stays_as_it_is() {
    let text = std::fs::read_to_string(root("packaging/etc/config.toml")).expect("it is there");
    assert!(
        text.lines()
            .all(|line| line.is_empty() || line.starts_with('#'))
    );
    assert_eq!(
        watchkeeper_model::Digest::of_bytes(text.as_bytes()).to_string(),
        "f460be3e3f6bb0232e7ea5a6324f0378d3177064d8ece13c1afc6eba3acc469d"
    );
}

/// What a unit may not do, as its lines.
fn hardening(unit: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root("packaging/units").join(unit)).expect("a unit");
    let (_, rest) = text.split_once("# What it may not do.").expect("the lines");
    let (lines, _) = rest.split_once("[Install]").expect("the end");
    let lines = lines.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn a_worker_may_do_no_more_than_the_daemon() {
    let daemon = hardening("watchkeeper.service");
    assert!(daemon.len() > 20, "{daemon:?}");
    assert_eq!(hardening("watchkeeper-worker@.service"), daemon);
}

/// Everything that the metadata of the package names is there, so that a page that moves is missed here first.
#[test]
fn the_package_is_made_of_what_is_there() {
    let manifest = std::fs::read_to_string(root("crates/cli/Cargo.toml")).expect("a manifest");
    let (_, rest) = manifest.split_once("\nassets = [\n").expect("the list");
    let (assets, _) = rest.split_once("\n]").expect("its end");
    let sources = assets.lines().filter_map(|line| line.split('"').nth(1));
    let ours: Vec<&str> = sources
        .filter_map(|source| source.strip_prefix("../../"))
        .filter(|source| !source.starts_with("target/"))
        .collect();
    assert!(ours.len() > 5, "{ours:?}");
    for source in ours {
        let (dir, pattern) = source.rsplit_once('/').expect("a path");
        let ends = pattern.trim_start_matches('*');
        let fits = |path: &&PathBuf| path.to_string_lossy().ends_with(ends);
        assert!(files(&root(dir)).iter().any(|path| fits(&path)), "{source}");
    }
}
