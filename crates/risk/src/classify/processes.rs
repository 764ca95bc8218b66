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
            "perhaps one without which the host is lost",
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

/// Who a process is of which only a part is known. Of one of which nothing is known, it is taken that whoever looked it up
/// meant an ordinary one; `assess` looks at what was looked up.
fn who_unknown(process: &Arg, host: &Host) -> Who {
    let mut name = Glob::empty();
    for part in &process.parts {
        match part {
            Part::Text(text) | Part::Pattern(text) => name.push_text(&text.to_ascii_lowercase()),
            Part::Unknown(_) => name.push_unknown(),
        }
    }
    let units = &host.lists.units;
    if !name.is_anything() && units.processes.iter().any(|listed| name.hits(listed)) {
        Who::PerhapsCritical
    } else {
        Who::Ordinary
    }
}

fn who(process: &Arg, host: &Host) -> Who {
    let shown = process.shown();
    let Some(text) = (!process.has_unknown()).then_some(shown.as_str()) else {
        return who_unknown(process, host);
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
    let within = |listed: &Glob| {
        listed
            .as_text()
            .is_some_and(|listed| bare.len() >= SHORTEST_PART && listed.contains(bare))
    };
    // `pkill` takes a regular expression: each word in it may be a part of a name.
    let regular = bare.contains(['*', '.', '?', '[', '|', '(', '+', '\\']);
    let words = |listed: &Glob| {
        bare.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
            .filter(|word| word.len() >= SHORTEST_PART)
            .any(|word| {
                let part = regular && listed.as_text().is_some_and(|listed| listed.contains(word));
                part || Glob::text(word).meets(listed)
            })
    };
    if bare.len() < SHORTEST_PART
        || units.processes.iter().any(within)
        || units.processes.iter().any(words)
    {
        return Who::PerhapsCritical;
    }
    Who::Ordinary
}
