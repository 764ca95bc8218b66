//! Programs that copy to and from other machines, make keys or scan: what their words say beyond their options.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, has_any, marked, unmarked};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// `scp` and `sftp`: what stands last is where it goes.
pub(super) fn scp(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let session = invocation
        .argv
        .first()
        .and_then(Arg::as_text)
        .is_some_and(|name| name.ends_with("sftp"));
    let Some((last, sources)) = matched.operands.split_last() else {
        return notes.finish();
    };
    if sources.is_empty() || matched.operands.iter().any(|word| word.splits) {
        if session
            && !is_remote_file(&marked(last))
            && !matched.operands.iter().any(|word| word.splits)
        {
            notes.says(
                EffectKind::Interactive,
                RiskLevel::High,
                "waits",
                "waits for a person at a terminal",
            );
        } else {
            notes.says(
                EffectKind::Sends,
                RiskLevel::High,
                "copies",
                "copies between machines what is not known",
            );
        }
        return notes.finish();
    }
    for source in sources {
        let text = marked(source);
        if is_remote(&text) {
            let name = text
                .rsplit(['/', ':'])
                .next()
                .unwrap_or_default()
                .to_owned();
            if name.contains(['*', '?', OPEN]) || name.is_empty() {
                let sentence = "copies files whose names another machine says";
                notes.says(EffectKind::Writes, RiskLevel::Medium, "copies", sentence);
            }
        } else {
            notes.to(EffectKind::Reads, Target::Path(source.clone()), "source");
        }
    }
    let target = marked(last);
    if is_remote(&target) {
        notes.says(
            EffectKind::Sends,
            RiskLevel::High,
            "target",
            "copies files to another machine",
        );
    } else {
        written(&target, sources, &mut notes);
    }
    notes.finish()
}

/// A target here: a directory takes files under their own names.
fn written(target: &str, sources: &[Arg], notes: &mut Notes) {
    let folder = target.ends_with('/') || matches!(target, "." | "..") || sources.len() > 1;
    if !folder {
        notes.to(
            EffectKind::Overwrites,
            Target::Path(unmarked(target)),
            "target",
        );
        return;
    }
    for source in sources {
        let text = marked(source);
        let name = text
            .trim_end_matches('/')
            .rsplit(['/', ':'])
            .next()
            .unwrap_or_default();
        let path = format!("{}/{name}", target.trim_end_matches('/'));
        notes.to(
            EffectKind::Overwrites,
            Target::Path(unmarked(&path)),
            "target",
        );
    }
}

/// Whether a word names a place on another machine: a colon before the first slash.
fn is_remote(text: &str) -> bool {
    let start = text.split('/').next().unwrap_or_default();
    start.contains(':')
        || start.contains(OPEN)
        || text.starts_with("scp://")
        || text.starts_with("sftp://")
}

fn is_remote_file(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, path)| !path.is_empty() && !path.ends_with('/'))
}

/// `ssh-keygen`: without any of the options that look, it makes a key.
pub(super) fn ssh_keygen(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let looks = [
        "-l", "-B", "-L", "-F", "-r", "-Q", "-y", "-e", "-R", "-p", "-c", "-H", "-A", "-k",
    ];
    let verifies = [
        "verify",
        "check-novalidate",
        "find-principals",
        "match-principals",
    ];
    let signs = matched.value("-Y").map(marked);
    if signs
        .as_deref()
        .is_some_and(|what| verifies.contains(&what))
    {
        return notes.finish();
    }
    // `-Q` asks only with a list of revoked keys that is there; with `-k` it would be made.
    if !looks.iter().any(|name| matched.has_surely(name)) {
        let sentence = "makes or signs a key";
        notes.says(EffectKind::Access, RiskLevel::High, "makes", sentence);
    }
    if has_any(matched, &["-s", "-I"]) && signs.is_none() {
        let sentence = "signs a key, which is let in then";
        notes.says(EffectKind::Access, RiskLevel::High, "signs", sentence);
    }
    notes.finish()
}

/// `nmap`: the options whose value stands in the next word, `-oN FILE`, `-iL FILE`, and ways to scan.
pub(super) fn nmap(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let words: Vec<String> = invocation.argv.iter().map(marked).collect();
    for (index, word) in words.iter().enumerate().skip(1) {
        let next = words.get(index + 1).cloned().unwrap_or_default();
        match word.as_str() {
            "-oN" | "-oX" | "-oG" | "-oS" | "-oJ" if next == "-" => {}
            "-oN" | "-oX" | "-oG" | "-oS" | "-oJ" | "-o" => {
                notes.to(
                    EffectKind::Overwrites,
                    Target::Path(unmarked(&next)),
                    "output",
                );
            }
            "-oA" => {
                for ending in ["nmap", "xml", "gnmap"] {
                    let path = unmarked(&format!("{next}.{ending}"));
                    notes.to(EffectKind::Overwrites, Target::Path(path), "output");
                }
            }
            "-iL" => {
                notes.to(EffectKind::Reads, Target::Path(unmarked(&next)), "input");
                let sentence = "asks every machine in a file";
                notes.says(EffectKind::Probes, RiskLevel::ReadOnly, "input", sentence);
            }
            "-iR" => scans(&mut notes, "scans machines at random"),
            "-sC" | "-A" => scans(&mut notes, "runs scripts against other machines"),
            "-sI" => scans(&mut notes, "scans through another machine"),
            "-O" | "-sU" | "-sX" | "-sN" | "-sF" | "-sM" | "-sW" | "-sY" | "-sZ" => notes.says(
                EffectKind::Probes,
                RiskLevel::Low,
                "scan",
                "sends packets that are out of the ordinary",
            ),
            word if word.starts_with("-o") && word.len() > 3 => {
                let path = word.get(3..).unwrap_or_default();
                notes.to(
                    EffectKind::Overwrites,
                    Target::Path(unmarked(path)),
                    "output",
                );
            }
            word if word.contains(OPEN) && word.starts_with('-') => {
                scans(&mut notes, "scans in a way that is not known");
            }
            _ => {}
        }
    }
    notes.finish()
}

fn scans(notes: &mut Notes, sentence: &str) {
    notes.says(EffectKind::Sends, RiskLevel::High, "scan", sentence);
}
