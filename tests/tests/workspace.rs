//! Rules about the workspace itself: which crate may use which, read from cargo's own metadata.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which of our crates each may use (ARCHITECTURE.md, the map). What is not listed here fails the test.
const EDGES: [(&str, &[&str]); 17] = [
    ("model", &[]),
    ("shell", &[]),
    ("risk", &["model", "shell"]),
    ("policy", &["model"]),
    ("health", &["model"]),
    ("fleet", &["model"]),
    ("store", &["model"]),
    ("llm", &["model"]),
    ("knowledge", &["model"]),
    ("notify", &["model"]),
    ("qdrant", &["knowledge", "model"]),
    ("agent", &["model", "risk"]),
    ("remedy", &["model", "risk", "fleet"]),
    (
        "watch",
        &[
            "agent",
            "fleet",
            "health",
            "knowledge",
            "llm",
            "model",
            "notify",
            "policy",
            "remedy",
            "risk",
            "store",
        ],
    ),
    ("server", &["model", "watch"]),
    (
        "cli",
        &[
            "agent",
            "fleet",
            "health",
            "knowledge",
            "llm",
            "model",
            "notify",
            "policy",
            "qdrant",
            "remedy",
            "risk",
            "server",
            "store",
            "watch",
        ],
    ),
    ("testkit", &["model"]),
];

/// Crates that decide: they cannot wait, so nothing that can is among what they use.
const PURE: [&str; 6] = ["model", "shell", "risk", "policy", "health", "agent"];
/// What a crate that waits, or reaches out, would use.
const IMPURE: [&str; 9] = [
    "tokio",
    "futures",
    "reqwest",
    "hyper",
    "sqlx",
    "russh",
    "nix",
    "tempfile",
    "async-trait",
];

fn metadata() -> cargo_metadata::Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .no_deps()
        .exec()
        .expect("cargo metadata answers")
}

fn word(package: &str) -> Option<&str> {
    package.strip_prefix("watchkeeper-")
}

/// The crates that a crate uses, and those that they use.
fn reached(name: &str) -> BTreeSet<&'static str> {
    let uses = |name: &str| {
        EDGES
            .iter()
            .find(|(of, _)| *of == name)
            .map(|(_, uses)| *uses)
    };
    let mut all = BTreeSet::new();
    let mut next: Vec<&str> = uses(name).unwrap_or_default().to_vec();
    while let Some(used) = next.pop() {
        if all.insert(used) {
            next.extend(uses(used).unwrap_or_default());
        }
    }
    all
}

#[test]
fn every_crate_uses_only_what_the_map_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = EDGES
        .iter()
        .map(|(name, uses)| (*name, uses.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for package in metadata().packages {
        let Some(name) = word(&package.name).filter(|name| !matches!(*name, "tests" | "bench"))
        else {
            continue;
        };
        let Some(allowed) = allowed.get(name) else {
            wrong.push(format!("{name} is not on the map"));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(used) = word(&dependency.name) else {
                continue;
            };
            // Tests build what their crate is handed, so they may use what that is built from.
            let for_tests = dependency.kind == DependencyKind::Development
                && (used == "testkit" || reached(name).contains(used));
            if !allowed.contains(used) && !for_tests {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not on the map: {wrong:#?}");
}

#[test]
fn what_decides_cannot_wait() {
    let mut wrong = Vec::new();
    for package in metadata().packages {
        let Some(name) = word(&package.name).filter(|name| PURE.contains(name)) else {
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
        {
            if IMPURE.contains(&dependency.name.as_str()) {
                wrong.push(format!("{name} uses {}", dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "pure crates that could wait: {wrong:#?}");
}

#[test]
fn every_member_takes_versions_and_lints_from_the_workspace() {
    for package in metadata().packages {
        let manifest =
            std::fs::read_to_string(&package.manifest_path).expect("a manifest is readable");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            package.name
        );
        let pinned = manifest
            .lines()
            .filter(|line| line.contains("= \"") && line.contains("version = \""));
        assert_eq!(
            pinned.count(),
            0,
            "{} pins a version of its own",
            package.name
        );
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(path).expect("the migrations are there");
        files
            .map(|file| {
                file.expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    assert_eq!(names("postgres"), names("sqlite"));
}

/// What takes a guard out is compiled for tests only: the feature is asked for by `testkit`, which no crate of the product uses.
#[test]
fn only_tests_can_take_a_guard_out() {
    let asks: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| {
            package
                .dependencies
                .iter()
                .any(|used| used.features.iter().any(|feature| feature == "testing"))
        })
        .map(|package| package.name.to_string())
        .collect();
    assert_eq!(asks, ["watchkeeper-testkit"]);
    let uses_testkit = metadata().packages.into_iter().filter(|package| {
        package.dependencies.iter().any(|used| {
            used.name == "watchkeeper-testkit" && used.kind != DependencyKind::Development
        })
    });
    let uses_testkit: Vec<String> = uses_testkit
        .map(|package| package.name.to_string())
        .collect();
    let are_tests =
        |name: &String| ["watchkeeper-tests", "watchkeeper-bench"].contains(&name.as_str());
    assert!(uses_testkit.iter().all(are_tests), "{uses_testkit:?}");
}
