//! Wrappers whose command does not simply follow their options.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Context, Invocation, Nested, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// Processors that `setarch` knows by name.
const PROCESSORS: [&str; 19] = [
    "linux32", "linux64", "i386", "i486", "i586", "i686", "athlon", "x86_64", "arm", "armv7l",
    "armh", "aarch64", "arm64", "ppc64", "ppc64le", "s390x", "mips64", "riscv64", "uname26",
];

/// Properties of `systemd-run` that only set limits or take rights away.
const LIMITS: [&str; 41] = [
    "AllowedCPUs",
    "AllowedMemoryNodes",
    "CPUQuota",
    "CPUShares",
    "CPUWeight",
    "CPUAccounting",
    "CPUSchedulingPolicy",
    "CollectMode",
    "Description",
    "DynamicUser",
    "Group",
    "IOAccounting",
    "IOReadBandwidthMax",
    "IOWriteBandwidthMax",
    "IOSchedulingClass",
    "IOSchedulingPriority",
    "IOWeight",
    "KillMode",
    "LimitCORE",
    "LimitNOFILE",
    "LimitNPROC",
    "LockPersonality",
    "MemoryAccounting",
    "MemoryHigh",
    "MemoryLimit",
    "MemoryMax",
    "MemorySwapMax",
    "Nice",
    "NoNewPrivileges",
    "OOMScoreAdjust",
    "PrivateDevices",
    "PrivateNetwork",
    "PrivateTmp",
    "ProtectHome",
    "ProtectSystem",
    "ReadOnlyPaths",
    "RuntimeMaxSec",
    "SyslogIdentifier",
    "TasksMax",
    "TimeoutStopSec",
    "User",
];

/// `runuser -u USER -- COMMAND`; the other form, with `-c`, is in the table.
pub(super) fn runuser(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let Some(user) = matched.value("-u").or_else(|| matched.value("--user")) else {
        return notes.finish();
    };
    if matched.operands.is_empty() {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "no_command",
            "opens a shell",
        );
        return notes.finish();
    }
    notes.nest(Nested::Argv {
        argv: matched.operands.clone(),
        stdin: None,
        context: Some(Context {
            account: Some(user.shown()),
            ..invocation.context.clone()
        }),
    });
    notes.finish()
}

/// `flock FILE COMMAND…`, `flock FILE -c TEXT`, `flock NUMBER`.
pub(super) fn flock(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let [lock, command @ ..] = matched.operands.as_slice() else {
        return notes.finish();
    };
    let [first, rest @ ..] = command else {
        return notes.finish();
    };
    notes
        .to(EffectKind::Writes, Target::Path(lock.clone()), "lock")
        .say = Some("makes the lock file where there is none".to_owned());
    match (first.as_text(), rest) {
        (Some("-c" | "--command"), [text, ..]) => notes.shell(text.clone()),
        _ => notes.runs(command),
    }
    notes.finish()
}

/// `script` without a file writes `typescript`.
pub(super) fn script(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let logs = ["-O", "--log-out", "-B", "--log-io", "-I", "--log-in"];
    let named = !matched.operands.is_empty() || logs.into_iter().any(|name| matched.has(name));
    if !named {
        let path = Target::Path(Arg::text("typescript"));
        notes.to(EffectKind::Overwrites, path, "typescript");
    }
    notes.finish()
}

/// `setarch [PROCESSOR] [OPTIONS] COMMAND…`.
pub(super) fn setarch(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let mut words = matched.operands.as_slice();
    if let [first, rest @ ..] = words
        && first
            .as_text()
            .is_some_and(|name| PROCESSORS.contains(&name))
    {
        words = rest;
        while let [option, rest @ ..] = words
            && option.beginning().starts_with('-')
        {
            words = rest;
            if option.as_text() == Some("--") {
                break;
            }
        }
    }
    if words.is_empty() {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "no_command",
            "opens a shell",
        );
    } else {
        notes.runs(words);
    }
    notes.finish()
}

/// `strace`: an output that begins with `|` is a command, and `-e inject` changes what system calls do.
pub(super) fn strace(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    for output in matched.values("-o") {
        match output.as_text() {
            Some(text) => {
                if let Some(command) = text.strip_prefix(['|', '!']) {
                    notes.shell(Arg::text(command));
                }
            }
            None if output.beginning().is_empty() => notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "-o",
                "writes to a place that only the host knows, which may be a command",
            ),
            None => {}
        }
    }
    let meddles = matched.values("-e").into_iter().any(|expression| {
        expression
            .as_text()
            .is_none_or(|text| text.contains("inject") || text.contains("fault"))
    });
    if meddles {
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "-e",
            "changes what system calls do",
        );
    }
    notes.finish()
}

/// `taskset MASK COMMAND…`, `taskset -p [MASK] PID`; `chrt` likewise with a priority.
pub(super) fn tune(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if matched.has("-m") || matched.has("--max") {
        return notes.finish();
    }
    let operands = matched.operands.as_slice();
    let is_taskset = notes.command() == "taskset";
    if matched.has("-p") || matched.has("--pid") {
        let several = operands.len() > 1 || operands.iter().any(|word| word.splits);
        if several {
            let level = if is_taskset {
                RiskLevel::Low
            } else {
                RiskLevel::Medium
            };
            notes.says(
                EffectKind::Writes,
                level,
                "pid",
                "changes when and where a process runs",
            );
        }
        return notes.finish();
    }
    let leads = operands.first().is_some_and(|word| {
        is_taskset
            || word
                .as_text()
                .is_none_or(|text| text.chars().all(|letter| letter.is_ascii_digit()))
    });
    let command = &operands[usize::from(leads)..];
    if !command.is_empty() {
        notes.runs(command);
    }
    notes.finish()
}

/// `systemd-run -p NAME=VALUE`: most properties can have something else run.
pub(super) fn systemd_run(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let values = matched
        .values("-p")
        .into_iter()
        .chain(matched.values("--property"));
    let harmless = |value: &Arg| {
        let name = value.beginning().split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| LIMITS.contains(&name))
    };
    if !values.into_iter().all(harmless) {
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "-p",
            "sets a property that may have something else run",
        );
    }
    notes.finish()
}
