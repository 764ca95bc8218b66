//! How bad something is: what a command was found to do, the context it does it in and what is known of the host become
//! effects with a level, a class of target and a sentence. What a command does at all is the tables' to say, and what
//! follows from the effects `assess`'s.
//!
//! Words are taken for all that they may stand for. A path is resolved as the kernel would (`path.rs`), looked up in the
//! lists of devices, secrets and paths that ship as data (`lists/*.toml`), by names that may be patterns on both sides
//! (`glob.rs`), and rated by the matrix of verbs and classes (`matrix.rs`). Of all that a word may stand for, the worst
//! counts. What is only possible because nothing is known is high, and never forbidden for that alone.

mod devices;
mod files;
mod glob;
mod host;
mod lists;
mod matrix;
mod network;
mod packages;
mod path;
mod processes;
mod secrets;
mod sentence;
mod units;

#[cfg(test)]
mod tests;

use watchkeeper_model::{Certainty, Effect, EffectKind, RiskLevel, TargetClass, bounded, visible};

pub(crate) use glob::Glob;
pub(crate) use host::Host;
pub(crate) use lists::{Lists, TEXTS};

use files::Rated;
use matrix::FileVerb;
use sentence::Parts;

use crate::invocation::{Context, Found, Target};
use crate::word::{Arg, Origin, Part};

/// Most characters shown of a target.
const MAX_TARGET_CHARS: usize = 200;
/// Most characters of a fragment that a table or a judge says.
const MAX_SAID_CHARS: usize = 300;

/// The effect of something that a command does. Its words and its place are for the caller to fill in.
pub(crate) fn classify(found: &Found, context: &Context, host: &Host) -> Effect {
    let rated = rate(found, context, host);
    let target = shown(&found.target, context);
    let secret = rated.kind == Some(EffectKind::Secrets);
    let say = found
        .say
        .as_deref()
        .map(|say| visible(&bounded(say, MAX_SAID_CHARS)).into_owned());
    let kind = tree_kind(found);
    let elsewhere = visible(&bounded(&context.elsewhere, MAX_TARGET_CHARS)).into_owned();
    let sentence = sentence::sentence(&Parts {
        kind,
        say: say.as_deref(),
        target: &target,
        what: &rated.what,
        class: rated.class,
        level: rated.level,
        possible: rated.possible,
        secret,
        unit: matches!(found.target, Target::Unit(_)),
        elsewhere: &elsewhere,
    });
    Effect {
        kind: rated.kind.unwrap_or(kind),
        target,
        class: rated.class,
        certainty: if rated.possible {
            Certainty::Possible
        } else {
            found.certainty
        },
        level: rated.level,
        rule: found.rule.clone(),
        words: String::new(),
        place: None,
        elsewhere,
        sentence,
    }
}

/// The kind that is shown: what is done to all below a target is the kind for trees. What is deleted here and there below
/// it is not.
const fn tree_kind(found: &Found) -> EffectKind {
    match found.kind {
        EffectKind::Permissions if found.recursive => EffectKind::PermissionsTree,
        kind => kind,
    }
}

fn rate(found: &Found, context: &Context, host: &Host) -> Rated {
    let rated = match &found.target {
        Target::Path(path) => match FileVerb::of(found.kind, found.recursive) {
            Some(verb) => rate_path(verb, path, found.recursive, context, host),
            None => rate_beside(found, path, context, host),
        },
        Target::Unit(unit) if is_unit_verb(found.kind) => units::rate(found.kind, unit, host),
        Target::Package(package) if is_package_verb(found.kind) => {
            packages::rate(found.kind, package, host)
        }
        Target::Process(process) if found.kind == EffectKind::Signals => {
            return processes::rate(process, found.level, host);
        }
        Target::Url(url) => return rate_url(found, url, context, host),
        Target::Host(machine) => return network::rate(found.kind, machine, found.level),
        target => return rate_named(found, target, host),
    };
    Rated {
        level: found
            .level
            .map_or(rated.level, |least| rated.level.max(least)),
        ..rated
    }
}

/// The worst of all paths that a word may stand for.
fn rate_path(verb: FileVerb, path: &Arg, recursive: bool, context: &Context, host: &Host) -> Rated {
    let lossy = verb != FileVerb::Read;
    let paths = path::resolve(path, context, lossy);
    let spread = recursive && verb == FileVerb::Delete;
    let worst = paths
        .into_iter()
        .map(|path| if spread { path.some_below() } else { path })
        .map(|path| files::rate(verb, &path, recursive, host))
        .reduce(Rated::worse);
    let rated = worst.unwrap_or_else(|| Rated {
        level: matrix::level(verb, TargetClass::Data, &lists::Levels::default()),
        class: TargetClass::Plain,
        what: String::new(),
        kind: None,
        possible: false,
    });
    let scattered = path.splits && path.parts.iter().any(is_loose);
    let floor = match (scattered, verb) {
        (false, _) => RiskLevel::ReadOnly,
        (true, FileVerb::Read) => RiskLevel::Medium,
        (true, _) => RiskLevel::High,
    };
    if floor <= rated.level {
        return rated;
    }
    Rated {
        level: floor,
        what: "only the host knows which files those are".to_owned(),
        possible: true,
        ..rated
    }
}

/// Whether a part may hold blanks, and so become any words.
fn is_loose(part: &Part) -> bool {
    matches!(part, Part::Unknown(unknown) if !unknown.plain && !matches!(unknown.from, Origin::PathsBelow(_)))
}

/// Something done with a path that is nothing done to a file: a mount, a disk, a script that is run, a file that is sent.
fn rate_beside(found: &Found, path: &Arg, context: &Context, host: &Host) -> Rated {
    let read = rate_path(FileVerb::Read, path, found.recursive, context, host);
    let secret = read.kind == Some(EffectKind::Secrets);
    let level = found
        .level
        .unwrap_or_else(|| matrix::without_target(found.kind));
    let carries = matches!(
        found.kind,
        EffectKind::Sends | EffectKind::Probes | EffectKind::Secrets
    );
    Rated {
        level: if secret && carries {
            level.max(RiskLevel::High)
        } else {
            level
        },
        kind: None,
        ..read
    }
}

/// A page, or a file that is named as one.
fn rate_url(found: &Found, url: &Arg, context: &Context, host: &Host) -> Rated {
    let rated = network::rate(found.kind, url, found.level);
    let Some(file) = url.as_text().and_then(|text| text.strip_prefix("file://")) else {
        return rated;
    };
    let file = Arg::text(file.strip_prefix("localhost").unwrap_or(file));
    rate_path(FileVerb::Read, &file, false, context, host).worse(rated)
}

/// Something without a class: exactly the level that is said, or the usual one of its kind.
fn rate_named(found: &Found, target: &Target, host: &Host) -> Rated {
    let level = found
        .level
        .unwrap_or_else(|| matrix::without_target(found.kind));
    let way_in = match target {
        Target::Named(name) => network::is_management(name, host),
        _ => false,
    };
    let cuts = matches!(
        found.kind,
        EffectKind::NetworkConfig | EffectKind::Firewall | EffectKind::Signals
    );
    let mut rated = Rated {
        level,
        class: TargetClass::Plain,
        what: String::new(),
        kind: None,
        possible: false,
    };
    if way_in && cuts && level >= RiskLevel::Medium {
        rated.level = RiskLevel::Forbidden;
        rated.class = TargetClass::Critical;
        rated.what = "the way into the host".to_owned();
    }
    rated
}

const fn is_unit_verb(kind: EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::Reads
            | EffectKind::Reloads
            | EffectKind::Starts
            | EffectKind::Restarts
            | EffectKind::Stops
            | EffectKind::Enables
            | EffectKind::Disables
            | EffectKind::Signals
    )
}

const fn is_package_verb(kind: EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::PackageInstalls | EffectKind::PackageRemoves | EffectKind::PackageIndex
    )
}

/// The target as a person reads it.
fn shown(target: &Target, context: &Context) -> String {
    let text = match target {
        Target::None => return String::new(),
        Target::Path(path) => shown_path(path, context),
        Target::Unit(name)
        | Target::Package(name)
        | Target::Process(name)
        | Target::Host(name)
        | Target::Url(name)
        | Target::Named(name) => name.shown(),
    };
    visible(&bounded(&text, MAX_TARGET_CHARS)).into_owned()
}

/// A path, absolute where it is certain.
fn shown_path(path: &Arg, context: &Context) -> String {
    if let Some(Part::Unknown(first)) = path.parts.first()
        && let Origin::PathsBelow(directories) = &first.from
        && !directories.is_empty()
    {
        return format!("files below {}", directories.join(" and "));
    }
    let written = path.shown();
    let home = crate::facts::HostFacts::SOME_HOME;
    let certain = context.root.is_empty()
        && context.directories.len() < 2
        && context
            .directories
            .iter()
            .all(|directory| !directory.starts_with(home));
    if written.starts_with('/') && !written.contains("..") || path.as_text().is_none() || !certain {
        return written;
    }
    match path::resolve(path, context, false)
        .first()
        .and_then(path::Path::names)
    {
        Some(names) => format!("/{}", names.join("/")),
        None => written,
    }
}
