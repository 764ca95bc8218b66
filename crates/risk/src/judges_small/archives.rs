//! Archives and pieces of files: archives that lie on another machine, programs that test an archive, pieces that are
//! written where nothing says otherwise.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::{Notes, below};

/// `tar`, `cpio`: an archive `host:path` is reached by a remote shell.
pub(super) fn archive(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if notes.command() != "cpio" {
        steps(&mut notes, matched);
        elsewhere(&mut notes, matched);
    }
    if matched.has_surely("--force-local") {
        return notes.finish();
    }
    let archives = ["-f", "-F", "-O", "-I"]
        .into_iter()
        .filter(|name| *name == "-f" || notes.command() == "cpio")
        .flat_map(|name| matched.values(name))
        .filter(|archive| is_remote(archive))
        .cloned()
        .collect::<Vec<Arg>>();
    for archive in archives {
        notes
            .to(EffectKind::Sends, Target::Host(archive), "host")
            .level = Some(RiskLevel::High);
    }
    notes.finish()
}

/// `--checkpoint-action=exec=COMMAND`: text for a shell.
fn steps(notes: &mut Notes, matched: &Matched) {
    for action in matched.values("--checkpoint-action") {
        let command = action.as_text().and_then(|text| text.strip_prefix("exec="));
        if let Some(command) = command {
            notes.shell(Arg::text(command));
        }
    }
}

/// What is packed, and perhaps deleted, from another directory.
fn elsewhere(notes: &mut Notes, matched: &Matched) {
    let packs = ["-c", "-r", "-u"].iter().any(|name| {
        let long = match *name {
            "-c" => "--create",
            "-r" => "--append",
            _ => "--update",
        };
        matched.has(name) || matched.has(long)
    });
    if !packs {
        return;
    }
    let directories: Vec<Arg> = matched.values("-C").into_iter().cloned().collect();
    for directory in &directories {
        for name in &matched.operands {
            if name.beginning().starts_with('/') {
                continue;
            }
            let path = below(directory, name);
            if matched.has("--remove-files") {
                let path = Target::Path(path.clone());
                notes
                    .to(EffectKind::DeletesTree, path, "--remove-files")
                    .recursive = true;
            }
            notes
                .to(EffectKind::Reads, Target::Path(path), "-C")
                .recursive = true;
        }
    }
}

/// Whether a word is `host:path`.
pub(super) fn is_remote(word: &Arg) -> bool {
    word.beginning()
        .split_once(':')
        .is_some_and(|(host, _)| !host.is_empty() && !host.contains('/'))
}

/// `zip`: options of two letters that the grammar of the table cannot tell from bundles.
pub(super) fn zip(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let bundles = invocation
        .argv
        .iter()
        .skip(1)
        .map(Arg::beginning)
        .filter(|word| word.starts_with('-') && !word.starts_with("--"));
    for word in bundles {
        if word.contains("TT") {
            notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "-TT",
                "tests the archive with a command of its own",
            );
        }
        if word.contains("lf") {
            notes.says(
                EffectKind::Overwrites,
                RiskLevel::High,
                "-lf",
                "writes a log to a file of its own",
            );
        }
    }
    notes.finish()
}

/// `split`: the pieces lie in the current directory unless a second operand says where.
pub(super) fn split(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if matched.has_surely("--filter") {
        return notes.finish();
    }
    let prefix = match matched.operands.as_slice() {
        [_, prefix] => prefix.clone(),
        _ => Arg::text("xaa"),
    };
    notes.to(EffectKind::Writes, Target::Path(prefix), "pieces");
    notes.finish()
}
