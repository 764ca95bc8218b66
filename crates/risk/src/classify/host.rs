//! The lists together with what the owner adds for one host.

use watchkeeper_model::TargetClass;

use crate::facts::HostFacts;

use super::glob::Glob;
use super::lists::{HOMES, Levels, Lists, PathEntry, SecretPath, rank, spelled};
use super::path::{Path, Segment};

/// Most names of one kind that an owner's list may hold; what follows is not looked at by `risk`.
const MAX_NAMES: usize = 2_000;

/// What is known of a host, made ready to be looked up.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) lists: &'static Lists,
    paths: Vec<PathEntry>,
    secrets: Vec<SecretPath>,
    pub(crate) critical_units: Vec<Glob>,
    pub(crate) heavy_units: Vec<Glob>,
    pub(crate) unimportant_units: Vec<Glob>,
    pub(crate) interfaces: Vec<String>,
    pub(crate) ports: Vec<u16>,
}

impl Host {
    /// The host of these facts.
    pub(crate) fn new(facts: &HostFacts) -> Self {
        let lists = Lists::shipped();
        let more: Vec<&str> = facts
            .homes
            .iter()
            .map(|home| home.trim_end_matches('/'))
            .filter(|home| home.starts_with('/') && !HOMES.contains(home))
            .take(MAX_NAMES)
            .collect();
        let mut paths: Vec<PathEntry> = Vec::new();
        let mut secrets = Vec::new();
        if !more.is_empty() {
            paths.extend(lists.homes.iter().flat_map(|raw| raw.entries(&more)));
            for (path, what) in &lists.home_secrets {
                secrets.extend(spelled(path, &more).iter().map(|path| secret(path, what)));
            }
        }
        for path in facts.critical_paths.iter().take(MAX_NAMES) {
            paths.extend(spelled(path, &HOMES).iter().map(|path| critical(path)));
        }
        for path in facts.secret_paths.iter().take(MAX_NAMES) {
            let ways = spelled(path, &HOMES);
            secrets.extend(
                ways.iter()
                    .map(|path| secret(path, "named secret by the owner")),
            );
        }
        Self {
            lists,
            paths,
            secrets,
            critical_units: names(&facts.critical_units),
            heavy_units: names(&facts.heavy_units),
            unimportant_units: names(&facts.unimportant_units),
            interfaces: facts.management_interfaces.clone(),
            ports: facts.management_ports.clone(),
        }
    }

    /// Whether the owner says that a unit is critical.
    pub(crate) fn names_critical(&self, unit: &str) -> bool {
        let bare = stem(&unit.to_ascii_lowercase());
        let family = Glob::text(bare.split('@').next().unwrap_or(""));
        let whole = Glob::text(&bare);
        self.critical_units
            .iter()
            .any(|listed| listed.meets(&family) || listed.meets(&whole))
    }

    /// Whether a word is the name of a process without which the host is lost.
    pub(crate) fn is_critical_process(&self, word: &str) -> bool {
        let word = Glob::text(&word.to_ascii_lowercase());
        let lists = [&self.lists.units.processes, &self.critical_units];
        lists
            .iter()
            .any(|list| list.iter().any(|listed| listed.meets(&word)))
    }

    /// Every entry of the path lists that may have to do with a path.
    pub(crate) fn paths_about(&self, path: &Path) -> Vec<&PathEntry> {
        let mut entries = self.lists.paths.about(path);
        entries.extend(&self.paths);
        entries
    }

    /// Every secret with a path.
    pub(crate) fn secret_paths(&self) -> impl Iterator<Item = &SecretPath> {
        self.lists.secrets.paths.iter().chain(&self.secrets)
    }
}

fn names(words: &[String]) -> Vec<Glob> {
    words
        .iter()
        .take(MAX_NAMES)
        .map(|word| Glob::listed(&stem(&word.to_ascii_lowercase())))
        .collect()
}

/// A unit's name without its suffix, where it has one that units have.
pub(crate) fn stem(name: &str) -> String {
    const SUFFIXES: [&str; 11] = [
        "service",
        "socket",
        "timer",
        "path",
        "mount",
        "automount",
        "swap",
        "target",
        "slice",
        "scope",
        "device",
    ];
    match name.rsplit_once('.') {
        Some((stem, suffix)) if SUFFIXES.contains(&suffix) => stem.to_owned(),
        _ => name.to_owned(),
    }
}

fn secret(path: &str, what: &str) -> SecretPath {
    SecretPath {
        at: listed(path),
        file: false,
        what: what.to_owned(),
    }
}

fn critical(path: &str) -> PathEntry {
    let at = listed(path);
    PathEntry {
        rank: rank(&at),
        at,
        exact: false,
        personal: false,
        class: TargetClass::Critical,
        what: "named critical by the owner".to_owned(),
        kind: None,
        levels: Levels::default(),
    }
}

fn listed(path: &str) -> Vec<Segment> {
    Path::listed(path)
}
