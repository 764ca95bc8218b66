//! `mounts`: whether a file system has become read-only, as the kernel makes it after an error of the disk. The file
//! system itself counts, not a read-only view of it; one that /etc/fstab wants so is as it should be.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, Mount, figures};

/// Types that are written to; others may be images.
const WRITABLE: [&str; 11] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "vfat",
];
/// Where media are mounted that may well be read-only.
const MEDIA: [&str; 3] = ["/media/", "/run/media/", "/iso"];

fn is_judged(mount: &Mount) -> bool {
    WRITABLE.contains(&mount.kind.as_str())
        && !MEDIA.iter().any(|place| mount.target.starts_with(place))
}

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let mounts = match facts.mounts.get() {
        Ok(mounts) => mounts,
        Err(why) => return report.unknown("", why),
    };
    let mut writable = 0_u64;
    for mount in mounts.iter().filter(|mount| is_judged(mount)) {
        if !mount.read_only || mount.read_only_wanted {
            writable += 1;
            continue;
        }
        let summary = format!(
            "{} is read-only ({} on {})",
            mount.target, mount.kind, mount.source
        );
        let line = format!(
            "{} on {} type {}: read-only, and /etc/fstab does not ask for it",
            mount.source, mount.target, mount.kind
        );
        report.found(
            &mount.target,
            Trouble::new(Severity::Critical, "read-only", summary).seen("mountinfo", line),
        );
    }
    if report.found == 0 {
        report.passed(
            "",
            format!(
                "{} as it should be",
                figures::count(writable, "file system", "file systems")
            ),
        );
    }
}
