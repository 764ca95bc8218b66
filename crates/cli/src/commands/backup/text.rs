//! What is said of backups.

use std::fmt::Write as _;
use std::path::Path;

use watchkeeper_model::visible;
use watchkeeper_store::Manifest;

use super::restore::Told;
use crate::show::count;

/// After one was taken.
pub(super) fn taken(file: &Path, bytes: u64, manifest: &Manifest) -> String {
    let mut text = format!(
        "✓ {} was written and read back: {}\n",
        shown(file),
        size(bytes)
    );
    text.push_str(&inside(manifest));
    if !manifest.left_out.is_empty() {
        text.push_str("not in it, so keep these yourself:\n");
        for left_out in &manifest.left_out {
            let _ = writeln!(
                text,
                "  {}: {}",
                visible(&left_out.name),
                visible(&left_out.why)
            );
        }
    }
    text
}

/// After one was read.
pub(super) fn verified(file: &Path, bytes: u64, manifest: &Manifest) -> String {
    let mut text = format!("✓ {} is whole: {}\n", shown(file), size(bytes));
    let heading = &manifest.heading;
    let _ = writeln!(
        text,
        "  taken {} by version {} from {}, tables of migration {}",
        heading.taken_at,
        visible(&heading.program),
        visible(&heading.database),
        heading.schema
    );
    text.push_str(&inside(manifest));
    text
}

/// After one was restored.
pub(super) fn restored(told: &Told) -> String {
    let mut text = format!(
        "✓ {} holds what was there at {}, compared row by row; the log verifies\n",
        visible(&told.store),
        told.manifest.heading.taken_at
    );
    text.push_str(&inside(&told.manifest));
    if told.approvals_void > 0 {
        let _ = writeln!(
            text,
            "  {} void: what was approved may have been run after the backup was taken",
            count(told.approvals_void, "approval")
        );
    }
    let _ = writeln!(
        text,
        "  numbers of actions and issues go on {} later: those given since the backup come to mean nothing else",
        told.numbers_left_out
    );
    if told.devices > 0 {
        let _ = writeln!(
            text,
            "  {} known, those included that were removed since: watchkeeper devices list",
            match told.devices {
                1 => "1 browser is".to_owned(),
                more => format!("{more} browsers are"),
            }
        );
    }
    for path in &told.written {
        let _ = writeln!(text, "  put back {}", shown(path));
    }
    for path in &told.left_alone {
        let _ = writeln!(text, "  left alone {}: it says something else", shown(path));
    }
    for file in &told.not_written {
        let _ = writeln!(
            text,
            "  ✗ {} could not be put back: {}",
            shown(&file.file),
            visible(&file.why)
        );
    }
    for left_out in &told.manifest.left_out {
        let _ = writeln!(
            text,
            "  never was in it: {} ({})",
            visible(&left_out.name),
            visible(&left_out.why)
        );
    }
    if let Some(store) = &told.other_store {
        let _ = writeln!(
            text,
            "✗ the configuration that was put back has its store elsewhere: {}; restore once more, to fill that one",
            visible(store)
        );
    }
    text.push_str("where the store was backed up, nothing may watch the same hosts any more\n");
    text
}

fn inside(manifest: &Manifest) -> String {
    let rows: u64 = manifest.rows.iter().map(|line| line.rows).sum();
    format!(
        "  {} in {}, {}, {} of the log\n",
        count(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
        count(manifest.rows.len(), "table"),
        count(manifest.files.len(), "file"),
        if manifest.log.seq == 1 {
            "1 entry".to_owned()
        } else {
            format!("{} entries", manifest.log.seq)
        }
    )
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes < MIB {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{} MiB", bytes.div_ceil(MIB))
    }
}
