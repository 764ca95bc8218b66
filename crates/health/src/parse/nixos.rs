//! What NixOS has built, booted and set.

use super::{Absent, Frames, line, name};
use crate::Nixos;

/// Most parts kept that differ; there are three.
const MAX_PARTS: usize = 3;

pub(super) fn nixos(frames: &Frames<'_>) -> Result<Option<Nixos>, Absent> {
    // No section: this is not NixOS.
    if frames.get("nixos").is_none() {
        return Ok(None);
    }
    let lines = frames.lines("nixos", "readlink")?;
    let link = |place: &str| {
        let target = lines.iter().find_map(|text| {
            text.strip_prefix("link ")?
                .strip_prefix(place)?
                .strip_prefix(' ')
        });
        target.filter(|target| target.starts_with('/')).map(line)
    };
    let generation = lines
        .iter()
        .find_map(|text| text.strip_prefix("generation "))
        .and_then(|text| {
            text.rsplit('/')
                .next()?
                .strip_prefix("system-")?
                .strip_suffix("-link")?
                .parse()
                .ok()
        });
    let differing = lines
        .iter()
        .filter_map(|text| text.strip_prefix("differs "));
    Ok(Some(Nixos {
        booted: link("/run/booted-system"),
        current: link("/run/current-system"),
        profile: link("/nix/var/nix/profiles/system"),
        generation,
        differing: differing.map(name).take(MAX_PARTS).collect(),
    }))
}
