//! Processes by number or name: what a signal to one means.

use watchkeeper_model::{RiskLevel, TargetClass};

use crate::word::{Arg, Part};

use super::files::Rated;
use super::glob::Glob;
use super::host::Host;

/// Shortest name of which it is asked whether critical processes have it in theirs, as `pkill` does.
const SHORTEST_PART: usize = 2;

/// What a process is to the host.
enum Who {
    /// All of them, or the first.
    All,
    /// One without which the host is lost.
    Critical,
    /// A name that is part of the name of such a one, or a pattern that it may have.
    PerhapsCritical,
    /// Any other.
    Ordinary,
}

/// Rates a signal to a process; `level` is what the signal alone asks for, where that is said: a signal that only asks
/// something is read-only, one that has a process read its configuration again is low.
pub(crate) fn rate(process: &Arg, level: Option<RiskLevel>, host: &Host) -> Rated {
    let usual = level.unwrap_or(RiskLevel::Medium);
    let (worst, class, what) = match who(process, host) {
        Who::All => (
            RiskLevel::Forbidden,
            TargetClass::Whole,
            "everything that runs, or what holds it together",
        ),
        Who::Critical => (
            RiskLevel::Forbidden,
            TargetClass::Critical,
            "without which the host is lost",
        ),
        Who::PerhapsCritical => (
            RiskLevel::High,
            TargetClass::Critical,
            "that may be one without which the host is lost",
        ),
        Who::Ordinary => (usual, TargetClass::Data, ""),
    };
    let level = match usual {
        RiskLevel::ReadOnly => RiskLevel::ReadOnly,
        RiskLevel::Low => worst.min(RiskLevel::High).max(usual),
        _ => worst.max(usual),
    };
    Rated {
        level,
        class,
        what: what.to_owned(),
        kind: None,
        possible: process.has_unknown() || matches!(who(process, host), Who::PerhapsCritical),
    }
}

fn who(process: &Arg, host: &Host) -> Who {
    let Some(text) = process.as_text() else {
        // A number that another command found is that of what it looked for.
        let unknown_name = process
            .parts
            .iter()
            .any(|part| matches!(part, Part::Unknown(unknown) if !unknown.plain));
        let known: usize = process.beginning().len();
        return if unknown_name && known == 0 && process.splits {
            Who::Ordinary
        } else if process
            .parts
            .iter()
            .any(|part| matches!(part, Part::Pattern(_)))
        {
            Who::PerhapsCritical
        } else {
            Who::Ordinary
        };
    };
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return if number == 1 || number == 0 || number == -1 {
            Who::All
        } else {
            Who::Ordinary
        };
    }
    if text.is_empty() || text == "*" || text == "." || text == ".*" || text == "%" {
        return Who::All;
    }
    let name = text.rsplit('/').next().unwrap_or(text).to_ascii_lowercase();
    let bare = name
        .trim_start_matches('^')
        .trim_end_matches('$')
        .trim_end_matches(':');
    let glob = Glob::text(bare);
    let units = &host.lists.units;
    let lists = [&units.processes, &host.critical_units];
    if lists
        .iter()
        .any(|list| list.iter().any(|listed| glob.meets(listed)))
    {
        return Who::Critical;
    }
    let regular = bare.contains(['*', '.', '?', '[', '|', '(', '+', '\\']);
    let within = |listed: &Glob| {
        listed
            .as_text()
            .is_some_and(|listed| bare.len() >= SHORTEST_PART && listed.contains(bare))
    };
    let words = |listed: &Glob| {
        bare.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
            .any(|word| word.len() >= SHORTEST_PART && Glob::text(word).meets(listed))
    };
    if bare.len() < SHORTEST_PART
        || units.processes.iter().any(within)
        || (regular && units.processes.iter().any(words))
    {
        return Who::PerhapsCritical;
    }
    Who::Ordinary
}
