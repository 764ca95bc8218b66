//! The standing orders as they are written: a TOML file, and its words. What a file must fulfil beyond its form is
//! checked in `check.rs`; what orders mean is in `condition.rs` and in `judge`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{EffectKind, RiskLevel, Span, Step, TargetClass, Tier};

use super::pattern::Pattern;
use super::window::{Dates, WindowEntry};

/// A file of standing orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrdersFile {
    /// The form of the file: 1.
    pub(super) schema: u32,
    /// What holds before any order.
    #[serde(default)]
    pub(super) preset: Preset,
    /// In which time zone windows and dates are meant; UTC where nothing is said.
    #[serde(default)]
    pub(super) timezone: Option<String>,
    /// How many orders follow. A file that was cut off says fewer, and is refused.
    #[serde(default)]
    pub(super) expects: Option<usize>,
    /// Times of the week, by name.
    #[serde(default)]
    pub(super) window: BTreeMap<String, WindowEntry>,
    /// What no order may lower.
    #[serde(default)]
    pub(super) neverallow: Vec<Never>,
    /// The orders.
    #[serde(default)]
    pub(super) order: Vec<Order>,
    /// How often the watch may act by itself.
    #[serde(default)]
    pub(super) budget: Budget,
    /// On how many hosts the same action may be done.
    #[serde(default)]
    pub(super) spread: Spread,
    /// Times in which nothing is executed at all.
    #[serde(default)]
    pub(super) freeze: Vec<Pause>,
    /// Times in which somebody works on a host, and the watch changes nothing there by itself.
    #[serde(default)]
    pub(super) maintenance: Vec<Pause>,
    /// Who may approve what.
    #[serde(default)]
    pub(super) approval: Vec<ApprovalRule>,
    /// Whether people may approve what they asked for themselves.
    #[serde(default)]
    pub(super) own_requests: OwnRequests,
}

/// Whether people may approve what they asked for themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnRequests {
    /// Somebody else must.
    #[default]
    Refuse,
    /// They may: for a fleet with one administrator.
    Allow,
}

/// What holds before any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The table of autonomy and risk; what cannot be told of a model's script waits.
    #[default]
    Normal,
    /// A shell step that changes something as root waits for a person, and one that a model wrote as whoever.
    Safe,
    /// Steps of the catalogue only: a shell step is refused.
    Paranoid,
    /// Restarting, starting and reloading ordinary units counts as low.
    Trusted,
}

impl Preset {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Safe => "safe",
            Self::Paranoid => "paranoid",
            Self::Trusted => "trusted",
        }
    }
}

/// What an order decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderDecision {
    /// What the table would hold runs by itself, at autonomy auto-safe and above.
    Allow,
    /// It waits for a person.
    Hold,
    /// It is refused, for everybody.
    Deny,
}

impl OrderDecision {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Its name; a verdict names it.
    pub name: String,
    /// What it decides.
    pub decision: OrderDecision,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
    /// For what: everything that is said here must hold.
    pub when: Condition,
    /// What must match.
    #[serde(default, rename = "match")]
    pub matches: Vec<Example>,
    /// What must not match.
    #[serde(default)]
    pub not_match: Vec<Example>,
}

/// What no order may lower: it waits for a person, or is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    /// Its name; a verdict names it.
    pub name: String,
    /// For what.
    pub when: Condition,
    /// What must match.
    #[serde(default, rename = "match")]
    pub matches: Vec<Example>,
    /// What must not match.
    #[serde(default)]
    pub not_match: Vec<Example>,
}

/// An example: a shell line, or a step of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Example {
    /// A shell line.
    Line(String),
    /// A step.
    Step(Step),
}

/// What an order is for. A list that is empty asks nothing; of a list that is not, one entry must hold; all lists
/// that are not empty must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// Kinds of effects.
    pub effects: Vec<EffectKind>,
    /// Targets of effects.
    pub targets: Vec<Pattern>,
    /// Classes of targets.
    pub classes: Vec<TargetClass>,
    /// Units, as targets of effects on units; `nginx` is also `nginx.service`.
    pub units: Vec<Pattern>,
    /// Rules of the assessment, e.g. `systemd.systemctl.*`.
    pub rules: Vec<Pattern>,
    /// The level of an effect is at least this.
    pub level_from: Option<RiskLevel>,
    /// The level of an effect is at most this.
    pub level_to: Option<RiskLevel>,
    /// Kinds of steps: for `allow` every step must be of one, else any.
    pub steps: Vec<String>,
    /// The canonical text of a shell step, exactly: for `allow` every step must be one, else any.
    pub commands: Vec<String>,
    /// Hosts.
    pub hosts: Vec<Pattern>,
    /// Groups of the host.
    pub groups: Vec<Pattern>,
    /// Tiers of the host.
    pub tiers: Vec<Tier>,
    /// Who proposes: `runbook`, `model`, `person`, or one of them by name: `runbook:disk-full`, `person:anna`.
    pub proposers: Vec<Pattern>,
    /// Only in these windows.
    pub during: Vec<String>,
    /// Not in these windows.
    pub outside: Vec<String>,
}

/// How often the watch may act by itself, per hour. What a person approved counts and is never stopped by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// On one host.
    pub host_per_hour: u32,
    /// On all hosts of one group.
    pub group_per_hour: u32,
    /// On the whole fleet.
    pub fleet_per_hour: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            host_per_hour: 6,
            group_per_hour: 20,
            fleet_per_hour: 60,
        }
    }
}

/// On how many hosts the same action may be done by itself: beyond it somebody must look whether it helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spread {
    /// On so many hosts.
    pub hosts: u32,
    /// On so many of a hundred hosts of a group; a group of fewer than five hosts is not counted so.
    pub percent_of_group: u32,
    /// Within this time.
    pub within: Span,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            hosts: 5,
            percent_of_group: 25,
            within: Span::hours(1),
        }
    }
}

/// A time in which less is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Its name; a verdict names it.
    pub name: String,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
    /// The days on which it holds; always where nothing is said.
    #[serde(default)]
    pub dates: Option<Dates>,
    /// The windows in which it holds; always where nothing is said.
    #[serde(default)]
    pub during: Vec<String>,
    /// The hosts; all where neither hosts nor groups are said.
    #[serde(default)]
    pub hosts: Vec<Pattern>,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<Pattern>,
}

/// Who may approve what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Its name; a refusal names it.
    pub name: String,
    /// For what: any effect of the action that matches.
    #[serde(default)]
    pub when: Condition,
    /// So many different people.
    #[serde(default = "one")]
    pub approvers: u32,
    /// Only these accounts; everybody who may approve where nothing is said.
    #[serde(default)]
    pub people: Vec<Pattern>,
}

const fn one() -> u32 {
    1
}
