//! Volumes and pools by what their names say: the removal of a root volume or a whole pool is forbidden.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Names of volumes that hold the system itself.
const SYSTEM_VOLUMES: &str = "root rootfs rootvol rootlv lv_root lv-root root_lv system os sys usr var lv_var lv_usr home lv_home boot nix slash";

/// Judges `lvremove`: the system's own volumes, a whole group, and force upon force.
pub(crate) fn volume_removal(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if matched.has_surely("-t") || matched.has_surely("--test") {
        return notes.finish();
    }
    let forced = matched
        .options
        .iter()
        .filter(|option| option.is("-f"))
        .count();
    if forced > 1 {
        forbid(&mut notes, None, "deletes volumes that are in use");
    }
    for volume in &matched.operands {
        if let Some(name) = volume.as_text()
            && is_system_volume(name)
        {
            forbid(
                &mut notes,
                Some(volume),
                "deletes a volume of the system itself",
            );
        }
    }
    notes.finish()
}

fn is_system_volume(name: &str) -> bool {
    let bare = name.trim_end_matches('/');
    let last = bare.rsplit('/').next().unwrap_or(bare);
    let mapped = bare.starts_with("/dev/mapper/");
    let volume = if mapped {
        last.rsplit('-').next().unwrap_or(last)
    } else {
        last
    };
    let whole_group = !bare.contains('/');
    whole_group || listed(SYSTEM_VOLUMES, &volume.to_ascii_lowercase())
}

/// Judges `zfs destroy`: a pool's own file system, and the system's.
pub(crate) fn dataset_removal(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if matched.has_surely("-n") {
        return notes.finish();
    }
    for dataset in &matched.operands {
        let Some(name) = dataset.as_text() else {
            continue;
        };
        if name.contains(['@', '#']) {
            continue;
        }
        let parts: Vec<&str> = name.split('/').collect();
        let system = parts
            .iter()
            .skip(1)
            .any(|part| *part == "ROOT" || *part == "BOOT")
            || parts
                .last()
                .is_some_and(|part| parts.len() == 2 && listed(SYSTEM_VOLUMES, part));
        if parts.len() == 1 || system {
            forbid(
                &mut notes,
                Some(dataset),
                "deletes the file system of a whole pool, or of the system itself",
            );
        }
    }
    notes.finish()
}

/// Judges `zpool list`, `status` and `iostat`: a number at the end has it go on for ever, two do not.
pub(crate) fn zpool_interval(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let number = |word: &&Arg| {
        let text = word.beginning();
        text.starts_with(|letter: char| letter.is_ascii_digit()) || word.has_unknown()
    };
    if matched.operands.iter().rev().take_while(number).count() == 1 {
        notes.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            "interval",
            "never ends by itself",
        );
    }
    notes.finish()
}

fn forbid(notes: &mut Notes, volume: Option<&Arg>, sentence: &str) {
    let target = volume.map_or(Target::None, |volume| Target::Named(volume.clone()));
    notes.add(
        EffectKind::Storage,
        target,
        Some(RiskLevel::Forbidden),
        "removal",
        sentence,
    );
}
