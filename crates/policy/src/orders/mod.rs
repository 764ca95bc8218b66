//! The standing orders: what the owner wrote in a file, read, checked and ready to be asked. Reading a file safely is
//! the edge's work; what orders lead to is `judge`'s.

mod check;
mod condition;
mod file;
mod pattern;
mod window;

use std::collections::BTreeMap;

use watchkeeper_model::Digest;

pub use check::{AssessedExample, ExampleFailed, InvalidOrders, OrdersProblem};
pub(crate) use condition::Steps;
pub use file::{
    ApprovalRule, Budget, Condition, Example, Never, Order, OrderDecision, OwnRequests, Pause,
    Preset, Spread,
};
pub use pattern::{InvalidPattern, Pattern};
pub use window::{Date, Dates, InvalidTime, LocalMoment, TimeOfDay, Weekday, WindowEntry};

/// Standing orders that were read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// What holds before any order.
    pub preset: Preset,
    /// In which time zone windows and dates are meant; UTC where there is none.
    pub timezone: Option<String>,
    /// Times of the week.
    pub windows: BTreeMap<String, WindowEntry>,
    /// What no order may lower.
    pub never: Vec<Never>,
    /// The orders.
    pub orders: Vec<Order>,
    /// How often the watch may act by itself.
    pub budget: Budget,
    /// On how many hosts the same action may be done.
    pub spread: Spread,
    /// Times in which nothing is executed.
    pub freezes: Vec<Pause>,
    /// Times in which the watch changes nothing by itself on some hosts.
    pub maintenance: Vec<Pause>,
    /// Who may approve what.
    pub approvals: Vec<ApprovalRule>,
    /// Whether people may approve what they asked for themselves.
    pub own_requests: OwnRequests,
    /// What the file said; every verdict can be traced to it.
    pub digest: Digest,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            preset: Preset::Normal,
            timezone: None,
            windows: BTreeMap::new(),
            never: Vec::new(),
            orders: Vec::new(),
            budget: Budget::default(),
            spread: Spread::default(),
            freezes: Vec::new(),
            maintenance: Vec::new(),
            approvals: Vec::new(),
            own_requests: OwnRequests::default(),
            digest: Digest::of_bytes(b""),
        }
    }
}

impl Orders {
    /// Largest file of orders, in bytes.
    pub const MAX_BYTES: usize = 100 * 1024;
    /// Most orders, `neverallow` lines, pauses and approval rules, each.
    pub const MAX_ENTRIES: usize = 500;

    /// Whether a moment lies in a window.
    pub(crate) fn within(&self, window: &str, moment: LocalMoment) -> bool {
        self.windows
            .get(window)
            .is_some_and(|window| window.holds(moment))
    }

    /// Whether a pause holds for this host at this moment.
    pub(crate) fn pauses(&self, pause: &Pause, facts: &crate::Facts<'_>) -> bool {
        let meant = (pause.hosts.is_empty() && pause.groups.is_empty())
            || pause
                .hosts
                .iter()
                .any(|pattern| pattern.matches(facts.host.as_str()))
            || pause.groups.iter().any(|pattern| {
                facts
                    .groups
                    .iter()
                    .any(|group| pattern.matches(group.as_str()))
            });
        meant
            && pause
                .dates
                .is_none_or(|dates| dates.hold(facts.moment.date))
            && (pause.during.is_empty()
                || pause
                    .during
                    .iter()
                    .any(|window| self.within(window, facts.moment)))
    }

    /// The freeze that holds for a host now: while it does, nothing is executed there.
    #[must_use]
    pub fn freeze(&self, facts: &crate::Facts<'_>) -> Option<&Pause> {
        self.freezes.iter().find(|pause| self.pauses(pause, facts))
    }
}
