//! Zombies with those who do not reap them, and processes that wait uninterruptibly. A process names itself, so only
//! what stands behind the last parenthesis counts, and the number in a line must be that of its path.

use std::collections::BTreeMap;

use super::{Absent, Frames, frame, name};
use crate::{Processes, ZombieParent};

/// Most names of waiting processes kept.
const MAX_BLOCKED_NAMES: usize = 8;
/// Most parents of zombies kept; the script names sixteen.
const MAX_PARENTS: usize = 16;

/// So many processes the script lists at most.
const MAX_LISTED: u32 = 256;

struct Process<'a> {
    name: &'a str,
    zombie: bool,
    parent: u32,
}

/// `/proc/12/stat:12 (name) Z 3`.
fn process(line: &str) -> Option<Process<'_>> {
    let (pid, rest) = line.strip_prefix("/proc/")?.split_once("/stat:")?;
    let rest = rest.strip_prefix(pid)?.strip_prefix(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let (state, parent) = rest.split_once(' ')?;
    let zombie = match state {
        "Z" => true,
        "D" => false,
        _ => return None,
    };
    Some(Process {
        name,
        zombie,
        parent: parent.parse().ok()?,
    })
}

pub(super) fn processes(frames: &Frames<'_>) -> Result<Processes, Absent> {
    let (status, lines) = frames.done("processes")?;
    // 1 and 2 say that none was selected, or that a process ended meanwhile.
    if !(0..=2).contains(&status) {
        return Err(frame::failed("grep", status));
    }
    let total: u32 = lines
        .iter()
        .find_map(|line| line.strip_prefix("total "))
        .and_then(|total| total.parse().ok())
        .ok_or_else(|| Absent::broken("it does not say how many there are"))?;
    let mut found = Processes::default();
    let mut parents = BTreeMap::<u32, ZombieParent>::new();
    for process in lines.iter().filter_map(|line| process(line)) {
        if process.zombie {
            found.zombies += 1;
            let parent = parents.entry(process.parent).or_default();
            parent.pid = process.parent;
            parent.zombies += 1;
        } else {
            found.blocked += 1;
            if found.blocked_names.len() < MAX_BLOCKED_NAMES {
                found.blocked_names.push(name(process.name));
            }
        }
    }
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let (Some(word), Some(pid), Some(text)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some(parent) = pid.parse().ok().and_then(|pid: u32| parents.get_mut(&pid)) else {
            continue;
        };
        match word {
            "parent" => parent.name = name(text),
            "group" => parent.unit = unit_of_group(text).map(name),
            _ => {}
        }
    }
    found.parents = parents.into_values().collect();
    let named = found.parents.iter().all(|parent| !parent.name.is_empty());
    found.complete = named && total <= MAX_LISTED && found.parents.len() <= MAX_PARENTS;
    found
        .parents
        .sort_by_key(|parent| (std::cmp::Reverse(parent.zombies), parent.pid));
    found.parents.truncate(MAX_PARENTS);
    Ok(found)
}

/// The service that a line of /proc/PID/cgroup names: the innermost part that is one.
pub(super) fn unit_of_group(line: &str) -> Option<&str> {
    line.rsplit('/').find(|part| part.ends_with(".service"))
}
