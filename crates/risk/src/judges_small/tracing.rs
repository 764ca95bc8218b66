//! Tools that look into running programs and the kernel at intervals: how often, and what a Java process is told.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// What `jcmd` tells a process that only looks, without arguments of its own.
const LOOKS: &[&str] = &[
    "help",
    "Compiler.queue",
    "GC.heap_info",
    "PerfCounter.print",
    "Thread.print",
    "VM.classloader_stats",
    "VM.classloaders",
    "VM.flags",
    "VM.metaspace",
    "VM.uptime",
    "VM.version",
];

/// Tools of bpfcc that take `[interval [count]]`: without a count they never end.
pub(super) fn interval_or_never(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if !counts(&matched.operands) {
        never_ends(&mut notes);
    }
    notes.finish()
}

/// `jstat -gc PID [INTERVAL [COUNT]]`.
pub(super) fn jstat(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    match matched.operands.as_slice() {
        [] => {}
        [pid] if !pid.splits => {}
        [_, times @ ..] if counts(times) => {}
        _ => never_ends(&mut notes),
    }
    notes.finish()
}

/// `jcmd PID COMMAND`: most commands change the process, or show what it holds.
pub(super) fn jcmd(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words: Vec<Option<&str>> = matched.operands.iter().map(Arg::as_text).collect();
    match words.as_slice() {
        [] | [Some("-l" | "-h")] => {}
        [Some(pid), Some(command)] if is_process(pid) && LOOKS.contains(command) => {}
        [Some(pid), Some("Thread.print"), Some("-l" | "-e")] if is_process(pid) => {}
        [Some(pid), Some("VM.native_memory"), Some("summary")] if is_process(pid) => {}
        [Some(pid), Some("GC.run" | "GC.class_histogram")] if is_process(pid) => notes.says(
            EffectKind::Signals,
            RiskLevel::Low,
            "collects",
            "has a Java process collect its garbage, for which it stops",
        ),
        _ => notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "command",
            "looks into, or changes, a Java process",
        ),
    }
    notes.finish()
}

/// A number, or the name of a main class.
fn is_process(text: &str) -> bool {
    !text.starts_with('-')
}

fn never_ends(notes: &mut Notes) {
    notes.says(
        EffectKind::Unbounded,
        RiskLevel::Low,
        "interval",
        "goes on until it is stopped",
    );
}

/// Whether it is an interval and how often.
fn counts(words: &[Arg]) -> bool {
    let count = |word: &Arg, units: &[&str]| {
        word.as_text().is_some_and(|text| {
            let number = units
                .iter()
                .find_map(|unit| text.strip_suffix(unit))
                .unwrap_or(text);
            number.parse::<u32>().is_ok_and(|number| number > 0)
        })
    };
    matches!(words, [every, times] if count(every, &["ms", "s"]) && count(times, &[]))
}
