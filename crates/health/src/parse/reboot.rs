//! What asks for a reboot: the distribution's mark and the installed kernels.

use super::{Absent, Frames, line, name};
use crate::{Kernel, Reboot};

/// Most kernels kept; the script lists forty.
const MAX_KERNELS: usize = 40;
/// Most packages kept; the script lists twenty.
const MAX_PACKAGES: usize = 20;

pub(super) fn reboot(frames: &Frames<'_>) -> Result<Reboot, Absent> {
    let lines = frames.lines("reboot", "sh")?;
    let packages = lines
        .iter()
        .filter_map(|text| text.strip_prefix("package "));
    let kernels = lines.iter().filter_map(|text| {
        let (release, what) = text.strip_prefix("kernel ")?.rsplit_once(' ')?;
        Some(Kernel {
            release: name(release),
            image: what == "image",
        })
    });
    Ok(Reboot {
        marked: lines.iter().any(|text| text == "required"),
        packages: packages.map(line).take(MAX_PACKAGES).collect(),
        kernels: kernels.take(MAX_KERNELS).collect(),
    })
}
