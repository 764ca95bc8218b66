//! Requests to the debuggers of file systems: one word holds a command with its own words.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed, program_name};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Requests of `debugfs` that show how a file system is laid out.
const DEBUGFS_LOOKS: &str = "stat ls show_super_stats stats icheck ncheck testi testb imap bmap blocks filefrag htree_dump htree hash dx_hash lsdel list_deleted_inodes logdump features supported_features freefrag ex extents dump_extents dump_mmp ea_list list_quota lq get_quota dirsearch ffb ffi find_free_block find_free_inode show_debugfs_params params pwd cd chroot q quit help idump inode_dump open_info";
/// Requests of the XFS tools that look, by tool.
const XFS_LOOKS: [(&str, &str); 4] = [
    (
        "xfs_db",
        "addr agf agfl agi agresv blockget blockuse bmap btdump btheight check convert daddr dblock dquot echo forward frag freesp fsblock fsmap hash help info inode iunlinked logres ncheck p print pop push q quit ring sb stack type timelimit a b f h",
    ),
    (
        "xfs_quota",
        "df free quota report print help state path quit q",
    ),
    (
        "xfs_io",
        "stat statfs statx fiemap bmap fsmap lsattr lsproj file print pwd help quit q freesp stats mincore",
    ),
    (
        "xfs_spaceman",
        "freesp info health print file help quit q df",
    ),
];
/// Requests of the XFS tools that look as long as no word follows.
const XFS_LOOKS_BARE: &str = "label uuid version extsize cowextsize";

/// Judges `debugfs -R`.
pub(crate) fn debugfs(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if let Some(file) = matched.value("-f") {
        notes.add(
            EffectKind::RunsCode,
            Target::Path(file.clone()),
            Some(RiskLevel::High),
            "-f",
            "runs requests from a file that is not seen here",
        );
    }
    for undo in matched.values("-z") {
        notes.path(EffectKind::Overwrites, undo.clone(), "-z");
    }
    let requests = matched.values("-R");
    if requests.is_empty() && !matched.has("-f") && !matched.has_surely("-V") {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person",
        );
    }
    for request in requests {
        debugfs_request(&mut notes, request);
    }
    notes.finish()
}

fn debugfs_request(notes: &mut Notes, request: &Arg) {
    let Some(text) = request.as_text() else {
        unknown(notes);
        return;
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [] => {}
        [name, ..] if listed(DEBUGFS_LOOKS, name) => {}
        ["cat" | "block_dump" | "bd" | "ea_get", file, ..] => {
            notes.add(
                EffectKind::Reads,
                Target::Path(Arg::text(file.trim_matches(['"', '\'']))),
                Some(RiskLevel::Medium),
                "-R",
                "shows a file past the rights on it",
            );
        }
        ["dump" | "rdump", rest @ ..] => {
            let mut files = rest.iter().filter(|word| !word.starts_with('-'));
            if let Some(file) = files.next() {
                notes.path(EffectKind::Reads, Arg::text(*file), "-R");
            }
            for file in files {
                notes.add(
                    EffectKind::Overwrites,
                    Target::Path(Arg::text(*file)),
                    Some(RiskLevel::Medium),
                    "-R",
                    "",
                );
            }
        }
        _ => unknown(notes),
    }
}

/// Judges `xfs_db -c`, `xfs_quota -c`, `xfs_io -c` and `xfs_spaceman -c`.
pub(crate) fn xfs(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let program = program_name(invocation);
    let looks = XFS_LOOKS
        .iter()
        .find(|(name, _)| *name == program)
        .map_or("", |(_, looks)| looks);
    let requests = matched.values("-c");
    if requests.is_empty() && !matched.has_surely("-V") {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person",
        );
    }
    for request in requests {
        let words: Option<Vec<&str>> = request
            .as_text()
            .map(|text| text.split_whitespace().collect());
        match words.as_deref() {
            Some([]) => {}
            Some([name, rest @ ..]) if listed(looks, name) => {
                // A report may be written to a file.
                if let Some(at) = rest.iter().position(|word| *word == "-f")
                    && listed("report quota df free dump", name)
                    && let Some(file) = rest.get(at + 1)
                    && program == "xfs_quota"
                {
                    notes.path(EffectKind::Overwrites, Arg::text(*file), "-c");
                }
            }
            Some([name]) if listed(XFS_LOOKS_BARE, name) => {}
            _ => unknown(&mut notes),
        }
    }
    notes.finish()
}

fn unknown(notes: &mut Notes) {
    notes.says(
        EffectKind::Storage,
        RiskLevel::High,
        "request",
        "gives the debugger of a file system a request that may change it",
    );
}
