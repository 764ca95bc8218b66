//! Hysteresis: when what the looks say becomes a finding, and when it is over. One state for each fingerprint, one step
//! for each look; pure. A look that could not tell changes nothing: it neither makes a finding nor clears one.
//!
//! What fires and clears again and again is damped: once it has fired [`FLAPS`] times within [`FLAP_WINDOW`], clearing
//! takes [`FLAP_FACTOR`] times as many good looks, so that a flapping trouble is one that lasts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{CheckName, CheckOutcome, LookFailure, Severity, Timestamp};

use crate::Look;

/// So many firings within the window are flapping.
pub const FLAPS: usize = 3;
/// The window in which firings are counted.
pub const FLAP_WINDOW: Duration = Duration::from_secs(2 * 3600);
/// So many times as many good looks clear what flaps.
pub const FLAP_FACTOR: u8 = 4;

/// How many looks in a row make and clear a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Bad looks until it fires; at least one.
    pub fire_after: u8,
    /// Good looks until it clears; at least one.
    pub clear_after: u8,
}

impl Rule {
    pub(crate) const fn new(fire_after: u8, clear_after: u8) -> Self {
        Self {
            fire_after,
            clear_after,
        }
    }
}

/// The rule of a check for what this look says. A failure that waiting does not mend (a changed key, a refused login)
/// fires at once, one that may be the network's mood needs a second look.
#[must_use]
pub fn rule(check: &CheckName, look: &Look) -> Rule {
    let rule = crate::CHECKS
        .iter()
        .find(|known| known.name == check.as_str())
        .map_or(Rule::new(1, 1), |check| check.rule);
    match &look.result {
        Err(failure) if !is_transient(failure) => Rule {
            fire_after: 1,
            ..rule
        },
        _ => rule,
    }
}

fn is_transient(failure: &LookFailure) -> bool {
    use LookFailure as F;
    matches!(
        failure,
        F::NameNotResolved { .. }
            | F::Unreachable { .. }
            | F::Silent { .. }
            | F::ClosedEarly { .. }
            | F::ConnectionLost { .. }
            | F::TimedOut { .. }
            | F::Unreadable { .. }
    )
}

/// What one look says of one fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is well.
    Passed,
    /// It is not.
    Found(Severity),
    /// It could not be told.
    Unknown,
}

impl From<&CheckOutcome> for Seen {
    fn from(outcome: &CheckOutcome) -> Self {
        match outcome {
            CheckOutcome::Passed { .. } => Self::Passed,
            CheckOutcome::Found { finding } => Self::Found(finding.severity),
            CheckOutcome::Unknown { .. } => Self::Unknown,
        }
    }
}

/// Where a fingerprint stands. `fired` holds its last firings, for the damping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FindingState {
    /// Nothing is wrong.
    Clear {
        /// Its last firings.
        fired: Vec<Timestamp>,
    },
    /// Bad looks, not enough of them yet.
    Suspected {
        /// How many in a row.
        seen: u8,
        /// The first of them.
        since: Timestamp,
        /// Its last firings.
        fired: Vec<Timestamp>,
    },
    /// It is a finding.
    Firing {
        /// Since the first bad look.
        since: Timestamp,
        /// How bad.
        severity: Severity,
        /// Good looks in a row.
        clear_seen: u8,
        /// Less bad looks in a row.
        milder_seen: u8,
        /// Its last firings.
        fired: Vec<Timestamp>,
    },
}

impl Default for FindingState {
    fn default() -> Self {
        Self::Clear { fired: Vec::new() }
    }
}

impl FindingState {
    /// Whether it is a finding now.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        matches!(self, Self::Firing { .. })
    }

    /// Whether a look sooner than planned would decide something.
    #[must_use]
    pub const fn wants_look(&self) -> bool {
        matches!(
            self,
            Self::Suspected { .. }
                | Self::Firing {
                    clear_seen: 1..,
                    ..
                }
        )
    }

    /// Whether nothing of it is worth keeping any more at this time.
    #[must_use]
    pub fn is_forgettable(&self, now: Timestamp) -> bool {
        matches!(self, Self::Clear { fired } if fired.iter().all(|at| now.since(*at) > FLAP_WINDOW))
    }
}

/// What a look changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It has become a finding.
    Fired {
        /// Since the first bad look.
        since: Timestamp,
        /// How bad.
        severity: Severity,
    },
    /// It is still one, as bad as before.
    StillFiring,
    /// It is still one, and worse or milder.
    SeverityChanged {
        /// As bad as it was.
        from: Severity,
        /// As bad as it is.
        to: Severity,
    },
    /// It is over.
    Cleared,
}

/// One look further. `None` where nothing changed that anybody need hear of.
#[must_use]
pub fn step(
    state: FindingState,
    seen: Seen,
    rule: Rule,
    now: Timestamp,
) -> (FindingState, Option<Change>) {
    match (state, seen) {
        (state @ FindingState::Firing { .. }, Seen::Unknown) => (state, Some(Change::StillFiring)),
        (state, Seen::Unknown) => (state, None),
        (FindingState::Clear { fired } | FindingState::Suspected { fired, .. }, Seen::Passed) => (
            FindingState::Clear {
                fired: recent(fired, now),
            },
            None,
        ),
        (FindingState::Clear { fired }, Seen::Found(severity)) => {
            suspect(1, now, fired, severity, rule, now)
        }
        (FindingState::Suspected { seen, since, fired }, Seen::Found(severity)) => {
            suspect(seen.saturating_add(1), since, fired, severity, rule, now)
        }
        (
            FindingState::Firing {
                since,
                severity,
                clear_seen,
                fired,
                ..
            },
            Seen::Passed,
        ) => {
            let clear_seen = clear_seen.saturating_add(1);
            let fired = recent(fired, now);
            if clear_seen >= clear_after(rule, &fired) {
                return (FindingState::Clear { fired }, Some(Change::Cleared));
            }
            let state = FindingState::Firing {
                since,
                severity,
                clear_seen,
                milder_seen: 0,
                fired,
            };
            (state, Some(Change::StillFiring))
        }
        (
            FindingState::Firing {
                since,
                severity,
                milder_seen,
                fired,
                ..
            },
            Seen::Found(to),
        ) => {
            let milder_seen = if to < severity {
                milder_seen.saturating_add(1)
            } else {
                0
            };
            let firing = |severity, milder_seen| FindingState::Firing {
                since,
                severity,
                clear_seen: 0,
                milder_seen,
                fired: recent(fired, now),
            };
            if to > severity || milder_seen >= rule.clear_after.max(1) && to < severity {
                return (
                    firing(to, 0),
                    Some(Change::SeverityChanged { from: severity, to }),
                );
            }
            (firing(severity, milder_seen), Some(Change::StillFiring))
        }
    }
}

fn suspect(
    seen: u8,
    since: Timestamp,
    mut fired: Vec<Timestamp>,
    severity: Severity,
    rule: Rule,
    now: Timestamp,
) -> (FindingState, Option<Change>) {
    if seen < rule.fire_after {
        return (FindingState::Suspected { seen, since, fired }, None);
    }
    fired.push(now);
    let fired = recent(fired, now);
    let state = FindingState::Firing {
        since,
        severity,
        clear_seen: 0,
        milder_seen: 0,
        fired,
    };
    (state, Some(Change::Fired { since, severity }))
}

/// The firings that still count; no more than matter.
fn recent(fired: Vec<Timestamp>, now: Timestamp) -> Vec<Timestamp> {
    let mut fired: Vec<_> = fired
        .into_iter()
        .filter(|at| now.since(*at) <= FLAP_WINDOW)
        .collect();
    let extra = fired.len().saturating_sub(FLAPS);
    fired.drain(..extra);
    fired
}

fn clear_after(rule: Rule, fired: &[Timestamp]) -> u8 {
    let looks = rule.clear_after.max(1);
    if fired.len() >= FLAPS {
        looks.saturating_mul(FLAP_FACTOR)
    } else {
        looks
    }
}

#[cfg(test)]
mod tests;
