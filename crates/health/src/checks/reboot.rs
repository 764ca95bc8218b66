//! `reboot`: whether an update waits for a reboot: by the distribution's mark, by a running kernel whose modules are
//! gone, by a newer kernel of the same kind, or by what NixOS booted and what it runs.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, Identity, Nixos, Reboot};

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let (reboot, identity) = match (facts.reboot.get(), facts.identity.get()) {
        (Ok(reboot), Ok(identity)) => (reboot, identity),
        (Err(why), _) | (_, Err(why)) => return report.unknown("", why),
    };
    let nixos = facts.nixos.present().and_then(Option::as_ref);
    match trouble(reboot, identity, nixos) {
        Some(trouble) => report.found("", trouble),
        None => report.passed("", format!("running {}", identity.kernel)),
    }
}

fn trouble(reboot: &Reboot, identity: &Identity, nixos: Option<&Nixos>) -> Option<Trouble> {
    if reboot.marked {
        let packages = reboot.packages.join(", ");
        let tail = if packages.is_empty() {
            String::new()
        } else {
            format!(" (for {packages})")
        };
        let summary = format!("a reboot is needed{tail}");
        return Some(
            Trouble::new(Severity::Warning, "marked", summary)
                .seen("/run/reboot-required", packages),
        );
    }
    if let Some(nixos) = nixos.filter(|nixos| !nixos.differing.is_empty()) {
        let parts = nixos.differing.join(", ");
        let summary = format!(
            "a reboot is needed: {parts} of the running system are not those that were booted"
        );
        let evidence = format!(
            "booted {}, current {}",
            shown(&nixos.booted),
            shown(&nixos.current)
        );
        return Some(Trouble::new(Severity::Warning, "nixos", summary).seen("nixos", evidence));
    }
    if identity.machine.is_container() || nixos.is_some() {
        return None;
    }
    let running = identity.kernel.as_str();
    let images: Vec<_> = reboot
        .kernels
        .iter()
        .filter(|kernel| kernel.image)
        .collect();
    let list = reboot
        .kernels
        .iter()
        .map(|kernel| kernel.release.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let evidence = format!("running {running}, installed {list}");
    // Without an image nothing else could be booted: a kernel that was built in, or comes from outside.
    if !images.is_empty()
        && !reboot
            .kernels
            .iter()
            .any(|kernel| kernel.release == running)
    {
        let summary =
            format!("a reboot is needed: the modules of the running kernel {running} are gone");
        return Some(
            Trouble::new(Severity::Warning, "modules gone", summary).seen("/lib/modules", evidence),
        );
    }
    let kind = flavour(running);
    let newest = images
        .iter()
        .map(|kernel| kernel.release.as_str())
        .filter(|release| flavour(release) == kind)
        .max_by_key(|release| version(release))?;
    if version(newest) <= version(running) {
        return None;
    }
    let summary = format!("a newer kernel {newest} waits for a reboot (running {running})");
    Some(
        Trouble::new(Severity::Info, format!("kernel {newest}"), summary)
            .seen("/lib/modules", evidence),
    )
}

fn shown(link: &Option<String>) -> &str {
    link.as_deref().unwrap_or("nothing")
}

/// The numbers of a release, which compare as its version does: `6.1.0-18-amd64` is 6, 1, 0, 18.
fn version(release: &str) -> Vec<u64> {
    let (numbers, _) = release.split_at(release.len() - flavour(release).len());
    numbers
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// What stands behind the numbers of a release: `-amd64`, `-lts`, `.fc40.x86_64`. Kernels of other kinds do not
/// replace one another.
fn flavour(release: &str) -> &str {
    let digits = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit()) && part.chars().all(|c| c.is_ascii_digit())
    };
    let mut end = 0;
    for part in release.split_inclusive(['.', '-']) {
        let bare = part.trim_end_matches(['.', '-']);
        // `arch1` and `rc3` count: they are parts of a version.
        if !digits(bare) && !bare.starts_with("rc") && !bare.starts_with("arch") {
            break;
        }
        end += part.len();
    }
    &release[end.min(release.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_compare_by_number_within_their_kind() {
        assert!(version("6.1.0-9-amd64") < version("6.1.0-18-amd64"));
        assert_eq!(flavour("6.1.0-18-amd64"), "amd64");
        assert_eq!(flavour("6.8.5-301.fc40.x86_64"), "fc40.x86_64");
        assert_eq!(flavour("6.6.30-0-lts"), "lts");
        assert_eq!(flavour("6.9.1-arch1-1"), "");
        assert!(version("6.9.1-arch1-1") < version("6.9.2-arch1-1"));
    }
}
