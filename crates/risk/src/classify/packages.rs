//! Packages by their names: what installing or removing one means.

use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

use crate::word::{Arg, Part};

use super::files::Rated;
use super::glob::Glob;
use super::host::Host;

/// Rates what is done to a package.
pub(crate) fn rate(kind: EffectKind, package: &Arg, host: &Host) -> Rated {
    let text = package.as_text().unwrap_or("");
    if is_file(package) && kind == EffectKind::PackageInstalls {
        return rated(
            RiskLevel::High,
            TargetClass::System,
            "a package from outside the host's package sources",
        );
    }
    // In a list of packages to install, `name-` means that it goes.
    let goes = kind == EffectKind::PackageRemoves
        || (kind == EffectKind::PackageInstalls && text.ends_with('-'));
    let name = name(package);
    let packages = &host.lists.packages;
    let among = |list: &[Glob]| list.iter().any(|listed| name.meets(listed));
    let (essential, kernel, database) = (
        among(&packages.essential),
        among(&packages.kernel),
        among(&packages.databases),
    );
    let usual = super::matrix::without_target(kind);
    let rated = if goes {
        match (essential, kernel, database) {
            (true, _, _) => rated(
                RiskLevel::Forbidden,
                TargetClass::Critical,
                "which the host cannot do without",
            ),
            (_, true, _) => rated(
                RiskLevel::Forbidden,
                TargetClass::Critical,
                "what the host boots",
            ),
            (_, _, true) => rated(
                RiskLevel::High,
                TargetClass::Precious,
                "whose data may go with it",
            ),
            _ => rated(usual.max(RiskLevel::Medium), TargetClass::Data, ""),
        }
    } else if kind == EffectKind::PackageInstalls && (essential || kernel) {
        let what = if kernel {
            "what the host boots"
        } else {
            "which the host cannot do without"
        };
        rated(RiskLevel::High, TargetClass::Critical, what)
    } else {
        rated(usual, TargetClass::Data, "")
    };
    if package.has_unknown() {
        let level = if goes || kind == EffectKind::PackageInstalls {
            RiskLevel::High
        } else {
            rated.level.min(RiskLevel::High)
        };
        return Rated {
            level,
            what: "only the host knows which package that is".to_owned(),
            possible: true,
            ..rated
        };
    }
    rated
}

fn rated(level: RiskLevel, class: TargetClass, what: &str) -> Rated {
    Rated {
        level,
        class,
        what: what.to_owned(),
        kind: None,
        possible: false,
    }
}

/// Whether it is a file or an address and not a name.
fn is_file(package: &Arg) -> bool {
    let beginning = package.beginning();
    let ends = |text: &str| {
        [
            ".deb",
            ".rpm",
            ".apk",
            ".pkg.tar.zst",
            ".pkg.tar.xz",
            ".snap",
            ".flatpakref",
            ".whl",
            ".tar.gz",
        ]
        .iter()
        .any(|end| text.ends_with(end))
    };
    beginning.starts_with(['/', '.', '~'])
        || beginning.contains("://")
        || beginning.starts_with("git+")
        || package.as_text().is_some_and(ends)
}

/// The bare name: without version, architecture, release and source.
fn name(package: &Arg) -> Glob {
    let mut glob = Glob::empty();
    let mut first = true;
    for part in &package.parts {
        match part {
            Part::Text(text) | Part::Pattern(text) => {
                // `nixpkgs#hello`, `nixpkgs.hello`, `extra/linux`: the source stands before the name.
                let text = match text.rsplit_once(['#', '/']) {
                    Some((before, after))
                        if first
                            && !before.is_empty()
                            && !after.is_empty()
                            && text.contains('#') =>
                    {
                        after
                    }
                    _ => text.as_str(),
                };
                let end = text.find(['=', ':', '/', '<', '>', '~', '@']);
                let bare = match end {
                    Some(at) if at > 0 => &text[..at],
                    _ => text,
                };
                glob.push_pattern(bare.trim_end_matches(['-', '+']));
                if end.is_some() {
                    break;
                }
            }
            Part::Unknown(_) => glob.push_unknown(),
        }
        first = false;
    }
    glob
}
