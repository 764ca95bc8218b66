//! What is done to files: for one word, every path it may stand for, every entry of the lists that such a path may be,
//! lie below or lie above, and of all those the worst.

use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

use super::devices::{Device, device};
use super::host::Host;
use super::lists::PathEntry;
use super::matrix::{FileVerb, level};
use super::path::{Path, Segment, Via};
use super::secrets::{self, Secret};

/// How bad something done to a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rated {
    pub(crate) level: RiskLevel,
    pub(crate) class: TargetClass,
    /// What the target is, to stand in parentheses; empty where nothing is to be said.
    pub(crate) what: String,
    /// The kind of change that it is, where it is more than one to a file.
    pub(crate) kind: Option<EffectKind>,
    /// Whether it is only one of several things that may happen.
    pub(crate) possible: bool,
}

impl Rated {
    fn new(level: RiskLevel, class: TargetClass, what: impl Into<String>) -> Self {
        Self {
            level,
            class,
            what: what.into(),
            kind: None,
            possible: false,
        }
    }

    fn possible(self) -> Self {
        Self {
            possible: true,
            ..self
        }
    }

    /// The worse of two; of two that are as bad, that of the worse class.
    pub(crate) fn worse(self, other: Self) -> Self {
        if (other.level, other.class) > (self.level, self.class) {
            other
        } else {
            self
        }
    }
}

/// Rates a verb done to a path.
pub(crate) fn rate(verb: FileVerb, path: &Path, recursive: bool, host: &Host) -> Rated {
    let rated = match (verb, device(path, host)) {
        (FileVerb::Read, Some(Device::Network)) => Rated::new(
            RiskLevel::ReadOnly,
            TargetClass::Plain,
            "a connection to another machine",
        ),
        (_, Some(device)) => Rated::new(device.level(verb), device.class(), device.what()),
        (FileVerb::Read, None) => read(path, recursive, host),
        (_, None) => change(verb, path, host),
    };
    match (verb, path.via) {
        (_, Via::Written) => rated,
        _ => rated.possible(),
    }
}

/// Rates the reading of a path.
fn read(path: &Path, recursive: bool, host: &Host) -> Rated {
    let whole = recursive || path.via == Via::Below && path.segments.last() == Some(&Segment::Deep);
    let base = base(path, &host.paths_about(path));
    let class = base.map_or(TargetClass::Plain, |entry| entry.class);
    let rated = match secrets::find(path, whole, host) {
        Secret::Is(what) => {
            let rated = Rated {
                kind: Some(EffectKind::Secrets),
                ..Rated::new(RiskLevel::High, class, what)
            };
            if path.is_certain() {
                rated
            } else {
                rated.possible()
            }
        }
        Secret::MayHold(what) => {
            let what = format!("there may be secrets in it: {what}");
            Rated::new(RiskLevel::Medium, class, what).possible()
        }
        Secret::None => {
            let own = base.and_then(|entry| entry.levels.read);
            let what = base.map_or("", |entry| &entry.what);
            Rated::new(own.unwrap_or(RiskLevel::ReadOnly), class, what)
        }
    };
    let floor = match path.via {
        Via::Written | Via::Partly | Via::Empty | Via::UnknownDirectory => RiskLevel::ReadOnly,
        Via::Below if whole => RiskLevel::ReadOnly,
        Via::Below => RiskLevel::Low,
        Via::Unknown => RiskLevel::Medium,
    };
    if floor > rated.level || (path.via == Via::Unknown && floor == rated.level) {
        return Rated::new(floor, class, "only the host knows which file that is");
    }
    rated
}

/// The longest entry that surely holds for a path.
fn base<'a>(path: &Path, entries: &[&'a PathEntry]) -> Option<&'a PathEntry> {
    entries
        .iter()
        .copied()
        .filter(|entry| holds(entry, path) && path.is_surely_within(&entry.at))
        .max_by_key(|entry| (entry.rank, entry.exact))
}

fn holds(entry: &PathEntry, path: &Path) -> bool {
    let relation = path.relation(&entry.at);
    if entry.exact {
        relation.equal && path.segments.len() == entry.at.len()
    } else {
        relation.equal || relation.below
    }
}

/// Rates a change to a path.
fn change(verb: FileVerb, path: &Path, host: &Host) -> Rated {
    let entries = host.paths_about(path);
    let base = base(path, &entries);
    let mut worst = match base {
        Some(entry) => of_entry(verb, entry),
        None => Rated::new(
            level(verb, TargetClass::Data, &super::lists::Levels::default()),
            TargetClass::Data,
            "",
        ),
    };
    if path.via >= Via::Below {
        worst = unknown(verb, path, worst);
    }
    let known = base.map_or((0, 0, 0), |entry| entry.rank);
    for entry in entries {
        if let [Segment::Deep, names @ ..] = entry.at.as_slice() {
            if lies_in(path, names) {
                worst = worst.worse(capped(path, of_entry(verb, entry)));
            }
            continue;
        }
        let relation = path.relation(&entry.at);
        let more = relation.equal || (relation.below && !entry.exact);
        if more && entry.rank > known && !path.is_surely_within(&entry.at) {
            worst = worst.worse(capped(path, of_entry(verb, entry).possible()));
        } else if relation.above && verb.is_tree() && !entry.personal && !entry.exact {
            worst = worst.worse(capped(path, above(verb, entry)));
        }
    }
    if let (FileVerb::ModeTree, Some(above)) = (verb, path.climbed()) {
        worst = worst.worse(change(verb, &above, host).possible());
    }
    if let (true, Some(directory)) = (verb.loses() || verb.is_tree(), path.all_of()) {
        worst = worst.worse(capped(path, all_of(verb, &directory, host)));
    }
    worst
}

/// Whether names that may lie anywhere are among those of a path.
fn lies_in(path: &Path, names: &[Segment]) -> bool {
    path.segments.windows(names.len()).any(|window| {
        window.iter().zip(names).all(|pair| match pair {
            (Segment::Name(own), Segment::Name(listed)) => {
                own.meets(listed) && (own.is_text() || own.aims_at(listed))
            }
            _ => false,
        })
    })
}

/// Everything in a directory is as much as the directory.
fn all_of(verb: FileVerb, directory: &Path, host: &Host) -> Rated {
    let entry = host
        .paths_about(directory)
        .into_iter()
        .filter(|entry| {
            entry.exact
                && directory.is_surely_within(&entry.at)
                && directory.segments.len() == entry.at.len()
        })
        .max_by_key(|entry| entry.rank);
    match entry {
        Some(entry) => {
            let rated = of_entry(verb, entry);
            if entry.class == TargetClass::Whole && verb == FileVerb::Delete {
                Rated {
                    level: rated.level.min(RiskLevel::High),
                    ..rated
                }
            } else {
                rated
            }
        }
        None => Rated::new(RiskLevel::ReadOnly, TargetClass::Plain, ""),
    }
}

/// What a change to a whole tree asks for because of one entry in it.
fn above(verb: FileVerb, entry: &PathEntry) -> Rated {
    let rated = of_entry(verb, entry);
    let most = if entry.class == TargetClass::Critical {
        RiskLevel::Forbidden
    } else {
        RiskLevel::High
    };
    Rated {
        level: rated.level.min(most),
        what: format!("with it {}", rated.what),
        ..rated
    }
}

fn of_entry(verb: FileVerb, entry: &PathEntry) -> Rated {
    let kind = match verb {
        FileVerb::Write | FileVerb::Overwrite | FileVerb::Mode | FileVerb::ModeTree => entry.kind,
        FileVerb::Read | FileVerb::Delete | FileVerb::Tree => None,
    };
    Rated {
        kind,
        ..Rated::new(
            level(verb, entry.class, &entry.levels),
            entry.class,
            entry.what.clone(),
        )
    }
}

/// What only may be so is never forbidden for that alone.
fn capped(path: &Path, rated: Rated) -> Rated {
    if path.is_deep() || matches!(path.via, Via::Partly | Via::Below) {
        Rated {
            level: rated.level.min(RiskLevel::High),
            possible: true,
            ..rated
        }
    } else {
        rated
    }
}

/// The least for a path of which something is not known.
fn unknown(verb: FileVerb, path: &Path, rated: Rated) -> Rated {
    let floor = match (path.via, verb) {
        (Via::Unknown, _) => RiskLevel::High,
        _ if verb.is_tree() && path.via == Via::UnknownDirectory => RiskLevel::High,
        _ => RiskLevel::Medium,
    };
    let level = rated.level.max(floor).min(RiskLevel::High);
    let what = match path.via {
        Via::Unknown => "only the host knows what that is".to_owned(),
        _ if rated.what.is_empty() => "only the host knows where that is".to_owned(),
        _ => rated.what,
    };
    Rated {
        level,
        what,
        possible: true,
        ..rated
    }
}
