//! The lists that ship with Watchkeeper, as they stand in `lists/*.toml`, read once. What an owner adds to them is in
//! the facts about a host.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

use crate::critical::CriticalPart;

use super::glob::Glob;
use super::path::{Path, Segment, other_ways};

/// The texts of the lists: they are part of what the tables' digest is made of.
pub(crate) const TEXTS: [&str; 5] = [
    include_str!("../../lists/units.toml"),
    include_str!("../../lists/paths.toml"),
    include_str!("../../lists/secrets.toml"),
    include_str!("../../lists/devices.toml"),
    include_str!("../../lists/packages.toml"),
];

/// The homes of accounts where nothing else is known.
pub(crate) const HOMES: [&str; 2] = ["/root", "/home/*"];

/// All lists.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) units: Units,
    pub(crate) paths: PathTable,
    pub(crate) secrets: Secrets,
    pub(crate) devices: Devices,
    pub(crate) packages: Packages,
    /// What of the path list holds in every home, for homes elsewhere.
    pub(crate) homes: Vec<RawPath>,
    /// The same of the secrets.
    pub(crate) home_secrets: Vec<(String, String)>,
}

/// Units by what their loss means.
#[derive(Debug)]
pub(crate) struct Units {
    pub(crate) critical: Vec<(Glob, CriticalPart)>,
    pub(crate) power: Vec<Glob>,
    pub(crate) heavy: Vec<Glob>,
    pub(crate) unimportant: Vec<Glob>,
    pub(crate) processes: Vec<Glob>,
}

/// Secrets.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// By path.
    pub(crate) paths: Vec<SecretPath>,
    /// By name, anywhere: names below one another.
    pub(crate) names: Vec<(Vec<Glob>, String)>,
    /// Trees of which some may be secret.
    pub(crate) maybe: Vec<(Vec<Segment>, String)>,
    /// Paths that are none.
    pub(crate) not_paths: Vec<Vec<Segment>>,
    /// Names that are none.
    pub(crate) not_names: Vec<Glob>,
}

/// A secret with a path.
#[derive(Debug)]
pub(crate) struct SecretPath {
    pub(crate) at: Vec<Segment>,
    /// Whether it is one file, below which nothing lies.
    pub(crate) file: bool,
    pub(crate) what: String,
}

/// What lies below `/dev`, by names relative to it.
#[derive(Debug)]
pub(crate) struct Devices {
    pub(crate) sinks: Vec<Vec<Segment>>,
    pub(crate) terminals: Vec<Vec<Segment>>,
    pub(crate) logs: Vec<Vec<Segment>>,
    pub(crate) disks: Vec<Vec<Segment>>,
    pub(crate) dangerous: Vec<Vec<Segment>>,
}

/// Packages by what their removal means.
#[derive(Debug)]
pub(crate) struct Packages {
    pub(crate) essential: Vec<Glob>,
    pub(crate) kernel: Vec<Glob>,
    pub(crate) databases: Vec<Glob>,
}

/// The path list, by the first name of each path.
#[derive(Debug)]
pub(crate) struct PathTable {
    entries: Vec<PathEntry>,
    by_first: HashMap<String, Vec<usize>>,
    /// Those whose first name is none for sure.
    others: Vec<usize>,
}

impl PathTable {
    fn new(entries: Vec<PathEntry>) -> Self {
        let mut by_first: HashMap<String, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match first_name(&entry.at) {
                Some(name) => by_first.entry(name.to_owned()).or_default().push(index),
                None => others.push(index),
            }
        }
        Self {
            entries,
            by_first,
            others,
        }
    }

    /// The entries that may have to do with a path.
    pub(crate) fn about(&self, path: &Path) -> Vec<&PathEntry> {
        let Some(first) = first_name(&path.segments) else {
            return self.entries.iter().collect();
        };
        let own = self.by_first.get(first).map_or(&[][..], Vec::as_slice);
        self.others
            .iter()
            .chain(own)
            .filter_map(|index| self.entries.get(*index))
            .collect()
    }
}

fn first_name(segments: &[Segment]) -> Option<&str> {
    match segments.first() {
        Some(Segment::Name(name)) => name.as_text(),
        _ => None,
    }
}

/// One path of the list.
#[derive(Clone, Debug)]
pub(crate) struct PathEntry {
    pub(crate) at: Vec<Segment>,
    pub(crate) exact: bool,
    /// Whether it is some account's, and so no matter to whoever deletes what lies above it.
    pub(crate) personal: bool,
    pub(crate) class: TargetClass,
    pub(crate) what: String,
    pub(crate) kind: Option<EffectKind>,
    pub(crate) levels: Levels,
    /// How much it says of a path: names that are certain, then names, then letters.
    pub(crate) rank: (usize, usize, usize),
}

/// How much a listed path says of one that it holds for.
pub(crate) fn rank(at: &[Segment]) -> (usize, usize, usize) {
    let names = || {
        at.iter().filter_map(|segment| match segment {
            Segment::Name(name) => Some(name),
            Segment::Deep => None,
        })
    };
    let literal = names().filter(|name| name.is_text()).count();
    (literal, at.len(), names().map(Glob::weight).sum())
}

/// Levels that take the place of the matrix's.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Levels {
    pub(crate) read: Option<RiskLevel>,
    pub(crate) write: Option<RiskLevel>,
    pub(crate) overwrite: Option<RiskLevel>,
    pub(crate) delete: Option<RiskLevel>,
    pub(crate) tree: Option<RiskLevel>,
    pub(crate) mode: Option<RiskLevel>,
    pub(crate) mode_tree: Option<RiskLevel>,
}

impl Lists {
    /// The lists as they ship.
    pub(crate) fn shipped() -> &'static Self {
        static LISTS: LazyLock<Lists> = LazyLock::new(|| {
            Lists::read(TEXTS).expect("the shipped lists are valid: a test reads them")
        });
        &LISTS
    }

    fn read(texts: [&str; 5]) -> Result<Self, toml::de::Error> {
        let [units, paths, secrets, devices, packages] = texts;
        let raw_paths: RawPaths = toml::from_str(paths)?;
        let raw_secrets: RawSecrets = toml::from_str(secrets)?;
        let homes = raw_paths
            .path
            .iter()
            .filter_map(RawPath::in_homes)
            .collect();
        let home_secrets = raw_secrets
            .secret
            .iter()
            .flat_map(|secret| {
                let words = secret.paths.split_whitespace();
                words
                    .filter(|path| path.starts_with('~'))
                    .map(|path| (path.to_owned(), secret.what.clone()))
            })
            .collect();
        Ok(Self {
            units: toml::from_str::<RawUnits>(units)?.into(),
            paths: PathTable::new(
                raw_paths
                    .path
                    .iter()
                    .flat_map(|raw| raw.entries(&HOMES))
                    .collect(),
            ),
            secrets: raw_secrets.into(),
            devices: toml::from_str::<RawDevices>(devices)?.into(),
            packages: toml::from_str::<RawPackages>(packages)?.into(),
            homes,
            home_secrets,
        })
    }
}

/// The words of a list as globs.
fn globs(words: &str) -> Vec<Glob> {
    words.split_whitespace().map(Glob::listed).collect()
}

fn segments(words: &str) -> Vec<Vec<Segment>> {
    words.split_whitespace().map(Path::listed).collect()
}

/// A path with every way to write it: in every home, and by every known link.
pub(crate) fn spelled(path: &str, homes: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = match path.strip_prefix('~') {
        Some(rest) => homes.iter().map(|home| format!("{home}{rest}")).collect(),
        None => vec![path.to_owned()],
    };
    let more: Vec<String> = all.iter().flat_map(|path| other_ways(path)).collect();
    all.extend(more);
    all
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUnits {
    critical: Vec<RawCritical>,
    power: Names,
    heavy: Names,
    unimportant: Names,
    processes: Names,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCritical {
    part: CriticalPart,
    names: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: String,
}

impl From<RawUnits> for Units {
    fn from(raw: RawUnits) -> Self {
        let critical = raw.critical.iter().flat_map(|critical| {
            globs(&critical.names)
                .into_iter()
                .map(|name| (name, critical.part))
        });
        Self {
            critical: critical.collect(),
            power: globs(&raw.power.names),
            heavy: globs(&raw.heavy.names),
            unimportant: globs(&raw.unimportant.names),
            processes: globs(&raw.processes.names),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPaths {
    path: Vec<RawPath>,
}

/// One entry of the path list as written.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RawPath {
    at: String,
    #[serde(default)]
    exact: bool,
    class: TargetClass,
    what: String,
    #[serde(default)]
    kind: Option<EffectKind>,
    #[serde(flatten)]
    levels: Levels,
}

impl RawPath {
    /// Its entries, with `~` as each of these homes.
    pub(crate) fn entries(&self, homes: &[&str]) -> Vec<PathEntry> {
        let mut entries = Vec::new();
        for word in self.at.split_whitespace() {
            let personal = word.starts_with('~') || word.starts_with("**");
            for path in spelled(word, homes) {
                let at = Path::listed(&path);
                entries.push(PathEntry {
                    rank: rank(&at),
                    at,
                    exact: self.exact,
                    personal,
                    class: self.class,
                    what: self.what.clone(),
                    kind: self.kind,
                    levels: self.levels,
                });
            }
        }
        entries
    }

    fn in_homes(&self) -> Option<Self> {
        let words: Vec<&str> = self
            .at
            .split_whitespace()
            .filter(|path| path.starts_with('~'))
            .collect();
        (!words.is_empty()).then(|| Self {
            at: words.join(" "),
            ..self.clone()
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecrets {
    secret: Vec<RawSecret>,
    maybe: Vec<RawSecret>,
    not: RawSecret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecret {
    #[serde(default)]
    what: String,
    #[serde(default)]
    files: String,
    #[serde(default)]
    paths: String,
    #[serde(default)]
    names: String,
}

impl From<RawSecrets> for Secrets {
    fn from(raw: RawSecrets) -> Self {
        let mut secrets = Self {
            not_paths: segments(&raw.not.paths),
            not_names: globs(&raw.not.names),
            ..Self::default()
        };
        for secret in &raw.secret {
            let files = secret.files.split_whitespace().map(|path| (path, true));
            let trees = secret.paths.split_whitespace().map(|path| (path, false));
            for (path, file) in files.chain(trees) {
                secrets
                    .paths
                    .extend(spelled(path, &HOMES).iter().map(|path| SecretPath {
                        at: Path::listed(path),
                        file,
                        what: secret.what.clone(),
                    }));
            }
            for names in secret.names.split_whitespace() {
                let names = names.split('/').map(Glob::listed).collect();
                secrets.names.push((names, secret.what.clone()));
            }
        }
        for maybe in &raw.maybe {
            for path in segments(&maybe.paths) {
                secrets.maybe.push((path, maybe.what.clone()));
            }
        }
        secrets
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevices {
    sinks: Names,
    terminals: Names,
    logs: Names,
    disks: Names,
    dangerous: Names,
}

impl From<RawDevices> for Devices {
    fn from(raw: RawDevices) -> Self {
        Self {
            sinks: segments(&raw.sinks.names),
            terminals: segments(&raw.terminals.names),
            logs: segments(&raw.logs.names),
            disks: segments(&raw.disks.names),
            dangerous: segments(&raw.dangerous.names),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPackages {
    essential: Names,
    kernel: Names,
    databases: Names,
}

impl From<RawPackages> for Packages {
    fn from(raw: RawPackages) -> Self {
        Self {
            essential: globs(&raw.essential.names),
            kernel: globs(&raw.kernel.names),
            databases: globs(&raw.databases.names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_lists_are_valid() {
        let lists = Lists::read(TEXTS).expect("they are");
        assert!(lists.paths.entries.len() > 300);
        assert!(lists.secrets.paths.len() > 60);
        assert!(!lists.homes.is_empty() && !lists.home_secrets.is_empty());
    }

    #[test]
    fn names_of_units_are_in_lower_case_and_stand_once() {
        let units: RawUnits = toml::from_str(TEXTS[0]).expect("valid");
        let mut names: Vec<String> = units
            .critical
            .iter()
            .flat_map(|critical| critical.names.split_whitespace().map(str::to_owned))
            .collect();
        assert!(
            names
                .iter()
                .all(|name| name.to_ascii_lowercase() == *name && !name.contains('@'))
        );
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn no_path_stands_twice() {
        let lists = Lists::shipped();
        let mut seen = std::collections::HashSet::new();
        let twice: Vec<String> = lists
            .paths
            .entries
            .iter()
            .map(|entry| format!("{:?} {}", entry.at, entry.exact))
            .filter(|entry| !seen.insert(entry.clone()))
            .collect();
        assert!(twice.is_empty(), "{twice:#?}");
    }
}
