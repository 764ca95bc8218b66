//! Settings as words: modes of files, kernel parameters, limits, tables of accounts.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// The bit of a mode that has a program run with its owner's rights.
const SET_USER: u32 = 0o4000;

/// The bit that lets everybody write.
const ALL_WRITE: u32 = 0o002;

/// Options of `chmod` that are a mode themselves: `-x`, `-w`.
const MODE_OPTIONS: [&str; 9] = ["-r", "-w", "-x", "-X", "-s", "-t", "-u", "-g", "-o"];

/// Kernel parameters that only weigh one use of memory or of the network against another.
const MILD: [&str; 12] = [
    "vm.swappiness",
    "vm.dirty_",
    "vm.vfs_cache_pressure",
    "vm.max_map_count",
    "vm.min_free_kbytes",
    "net.core.somaxconn",
    "net.core.netdev_",
    "net.core.rmem_",
    "net.core.wmem_",
    "net.ipv4.tcp_",
    "fs.inotify.",
    "fs.file-max",
];

/// Whether a mode, as `chmod` and `install` take it, has a program run with its owner's rights.
pub(super) fn raises_rights(mode: &str) -> bool {
    if let Some(bits) = octal(mode) {
        return bits & SET_USER != 0;
    }
    mode.split(',').any(|clause| {
        let (who, what) = clause_of(clause);
        let adds = what.contains('s') && !what.starts_with('-');
        adds && (who.is_empty() || who.contains(['u', 'a']))
    })
}

/// Whether a mode lets everybody write.
fn opens(mode: &str) -> bool {
    if let Some(bits) = octal(mode) {
        return bits & ALL_WRITE != 0;
    }
    mode.split(',').any(|clause| {
        let (who, what) = clause_of(clause);
        what.contains('w') && !what.starts_with('-') && who.contains(['o', 'a'])
    })
}

fn octal(mode: &str) -> Option<u32> {
    let digits = mode.trim_start_matches(['=', '+']);
    (!digits.is_empty() && digits.len() <= 6)
        .then(|| u32::from_str_radix(digits, 8).ok())
        .flatten()
}

/// For whom and what: `u` and `+s` of `u+s`.
fn clause_of(clause: &str) -> (&str, &str) {
    clause.split_at(clause.find(['+', '-', '=']).unwrap_or(clause.len()))
}

/// `chmod`: modes that give more than access to a file.
pub(super) fn chmod(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let by_option = MODE_OPTIONS.into_iter().any(|name| matched.has(name));
    if matched.has("--reference") || by_option {
        return notes.finish();
    }
    let Some(mode) = matched.operands.first() else {
        return notes.finish();
    };
    let Some(mode) = mode.as_text() else {
        notes.says(
            EffectKind::Permissions,
            RiskLevel::High,
            "mode",
            "sets a mode that only the host knows",
        );
        return notes.finish();
    };
    if raises_rights(mode) {
        notes.says(
            EffectKind::Permissions,
            RiskLevel::High,
            "mode",
            "has a program run with its owner's rights",
        );
    }
    if opens(mode) && (matched.has("-R") || matched.has("--recursive")) {
        notes.says(
            EffectKind::PermissionsTree,
            RiskLevel::High,
            "mode",
            "lets everybody change all that is in it",
        );
    }
    notes.finish()
}

/// `sysctl`: `name=value` words set a parameter, with `-w` or without.
pub(super) fn sysctl(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let loads = ["-p", "--load", "--system"]
        .into_iter()
        .any(|name| matched.has(name));
    if loads {
        let values = matched.values("-p");
        let mut files = matched.operands.iter().chain(values);
        let own = |file: &Arg| {
            file.as_text()
                .is_some_and(|path| path.starts_with("/etc/") && !path.contains(".."))
        };
        if !files.all(own) {
            notes.says(
                EffectKind::Kernel,
                RiskLevel::High,
                "load",
                "sets kernel parameters from a file that is not the host's own",
            );
        }
        return notes.finish();
    }
    for word in &matched.operands {
        let known = word.as_text();
        let sets = known.is_none_or(|text| text.contains('='));
        if !sets && !word.splits {
            continue;
        }
        let name = word.beginning().split('=').next().unwrap_or_default();
        let name = name.replace('/', ".");
        let level = match known {
            Some(_) if name == "vm.drop_caches" => RiskLevel::Low,
            Some(_) if MILD.iter().any(|mild| name.starts_with(mild)) => RiskLevel::Medium,
            _ => RiskLevel::High,
        };
        let found = notes.to(EffectKind::Kernel, Target::Named(word.clone()), "set");
        found.level = Some(level);
    }
    notes.finish()
}

/// `visudo`: only `-c` just checks.
pub(super) fn visudo(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if !(matched.has_surely("-c") || matched.has_surely("--check")) {
        notes.says(
            EffectKind::Access,
            RiskLevel::High,
            "edit",
            "changes who may become root",
        );
    }
    notes.finish()
}

/// `ulimit`: a number sets the limit; without one it is shown.
pub(super) fn ulimit(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let sets = matched
        .operands
        .iter()
        .any(|word| !word.as_text().is_some_and(|text| text.starts_with('-')));
    if sets {
        notes.says(
            EffectKind::Writes,
            RiskLevel::Low,
            "set",
            "changes a limit of this shell and of what it starts",
        );
    }
    notes.finish()
}

/// `getent`: two of its tables hold hashes of passwords.
pub(super) fn getent(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let Some(table) = matched.operands.first() else {
        return notes.finish();
    };
    match table.as_text() {
        Some("shadow" | "gshadow") => notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "shadow",
            "shows the hashes of passwords",
        ),
        Some("hosts" | "ahosts" | "ahostsv4" | "ahostsv6" | "netgroup" | "networks") => {
            for host in matched.operands.iter().skip(1) {
                notes.to(EffectKind::Probes, Target::Host(host.clone()), "hosts");
            }
        }
        Some(_) => {}
        None => notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "table",
            "shows a table that only the host knows, which may hold hashes of passwords",
        ),
    }
    notes.finish()
}

/// `logrotate`: a configuration that is not the host's own may name scripts.
pub(super) fn logrotate(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let own =
        |word: &Arg| word.beginning().starts_with("/etc/") && !word.beginning().contains("..");
    let dry = matched.has_surely("-d") || matched.has_surely("--debug");
    if !dry && !matched.operands.iter().all(own) {
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "configuration",
            "runs the scripts of a configuration that is not the host's own",
        );
    }
    notes.finish()
}
