//! The host's clock and what keeps it right.

use super::{Absent, Frames, settle};
use crate::{ClockFacts, Section, Sync};

/// The kernel's bit for "not synchronised".
const STA_UNSYNC: u64 = 0x40;
/// The last field of `chronyc -c tracking` while it has no source.
const CHRONY_UNSYNCED: &str = "Not synchronised";
/// How many fields `chronyc -c tracking` has.
const CHRONY_FIELDS: usize = 14;

pub(super) fn clock(frames: &Frames<'_>) -> Section<ClockFacts> {
    let read = || {
        let lines = frames.lines("clock", "date")?;
        let now = lines
            .iter()
            .find_map(|line| line.strip_prefix("now "))
            .and_then(|text| text.parse().ok());
        let epoch_s = now.ok_or_else(|| Absent::broken("date does not say the time"))?;
        let sync = lines
            .iter()
            .find_map(|line| sync(line))
            .unwrap_or_else(|| Sync::Unknown {
                why: "nothing that keeps the clock was found".to_owned(),
            });
        Ok(ClockFacts { epoch_s, sync })
    };
    settle(read())
}

fn yes_or_no(yes: bool, by: &str) -> Sync {
    let by = by.to_owned();
    if yes {
        Sync::Synchronised { by }
    } else {
        Sync::NotSynchronised { by }
    }
}

fn sync(line: &str) -> Option<Sync> {
    let unknown = |why: &str| Sync::Unknown {
        why: why.to_owned(),
    };
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match (word, rest.trim()) {
        ("timesyncd", "yes") => yes_or_no(true, "systemd-timesyncd"),
        ("timesyncd", "no") => yes_or_no(false, "systemd-timesyncd"),
        ("container", _) => Sync::NotOurs,
        ("chrony", tracking) => match tracking.split(',').collect::<Vec<_>>() {
            fields if fields.len() == CHRONY_FIELDS => {
                yes_or_no(fields[CHRONY_FIELDS - 1] != CHRONY_UNSYNCED, "chronyd")
            }
            _ => unknown("chronyd does not answer"),
        },
        ("timedated", "NTPSynchronized=yes") => yes_or_no(true, "the kernel's clock discipline"),
        ("timedated", "NTPSynchronized=no") => yes_or_no(false, "the kernel's clock discipline"),
        ("timedated", _) => unknown("systemd-timedated does not answer"),
        _ => {
            let status = line
                .trim()
                .strip_prefix("status:")?
                .split_whitespace()
                .next()?;
            yes_or_no(
                status.parse::<u64>().ok()? & STA_UNSYNC == 0,
                "the kernel's clock discipline",
            )
        }
    })
}
