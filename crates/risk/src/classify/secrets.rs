//! Whether what is read holds a secret.

use super::glob::Glob;
use super::host::Host;
use super::path::{Path, Segment, Via};

/// What the list calls keys.
const KEYS: &str = "private keys";

/// What is known of the secrets at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// It is one, or a pattern that names one.
    Is(String),
    /// There may be one among what is read.
    MayHold(String),
    /// None is known.
    None,
}

/// Looks for secrets at a path; `whole` is whether all below it is read.
pub(crate) fn find(path: &Path, whole: bool, host: &Host) -> Secret {
    let mut may: Option<String> = None;
    let innocent = surely_none(path, host);
    for secret in host.secret_paths() {
        let listed = matches!(secret.at.last(), Some(Segment::Name(name)) if name.is_text());
        if innocent && !listed {
            continue;
        }
        let relation = path.relation(&secret.at);
        if relation.equal || (relation.below && !secret.file) {
            if path.via <= Via::Partly || path.is_surely_within(&secret.at) {
                return Secret::Is(secret.what.clone());
            }
            may.get_or_insert_with(|| secret.what.clone());
        } else if whole && relation.above {
            // The directory of the keys itself is meant, not a tree in which there are some somewhere.
            let next =
                secret.at.len() == path.segments.len() + 1 && path.segments.len() > 1 && !listed;
            if next && path.via == Via::Written && secret.what == KEYS {
                return Secret::Is(secret.what.clone());
            }
            may.get_or_insert_with(|| secret.what.clone());
        }
    }
    if !innocent && let Some(what) = named(path, host) {
        return Secret::Is(what);
    }
    if may.is_none() && path.via != Via::UnknownDirectory {
        let maybe = &host.lists.secrets.maybe;
        may = maybe
            .iter()
            .find(|(tree, _)| {
                let relation = path.relation(tree);
                relation.below || (whole && (relation.above || relation.equal))
            })
            .map(|(_, what)| what.clone());
    }
    may.map_or(Secret::None, Secret::MayHold)
}

/// Whether the path is one that only looks like a secret.
fn surely_none(path: &Path, host: &Host) -> bool {
    let secrets = &host.lists.secrets;
    let last = path.segments.last();
    secrets
        .not_paths
        .iter()
        .any(|tree| path.is_surely_within(tree))
        || matches!(last, Some(Segment::Name(name))
            if secrets.not_names.iter().any(|listed| name.is_within(listed)))
}

/// What kind of secret its names say that it is.
fn named(path: &Path, host: &Host) -> Option<String> {
    let own: Vec<Option<&Glob>> = (0..path.segments.len()).map(|at| path.name(at)).collect();
    let secrets = &host.lists.secrets;
    secrets
        .names
        .iter()
        .find(|(listed, _)| {
            // One name counts where the path ends, several anywhere in it.
            own.windows(listed.len()).enumerate().any(|(at, window)| {
                let at_end = at + listed.len() == own.len();
                (at_end || listed.len() > 1)
                    && window
                        .iter()
                        .zip(listed)
                        .all(|(own, listed)| own.is_some_and(|own| names(own, listed)))
            })
        })
        .map(|(_, what)| what.clone())
}

/// Whether one name is that of a secret. A pattern that may be anything is meant as nothing in particular.
fn names(own: &Glob, listed: &Glob) -> bool {
    if own.is_text() {
        own.meets(listed)
    } else {
        own.aims_at(listed)
    }
}
