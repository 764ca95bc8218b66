//! What the use cases are told: limits and thresholds, resolved from the configuration by `cli`.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_fleet::HostEntry;
use watchkeeper_health::{Thresholds, ThresholdsPatch};
use watchkeeper_llm::Egress;
use watchkeeper_model::{Autonomy, GroupName, HostName};
use watchkeeper_policy::PolicySettings;
use watchkeeper_risk::HostFacts;
use watchkeeper_store::QueueLimits;

use crate::{Knowing, StandingOrders};

/// Everything that may change while the watch runs; a reload replaces it whole.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the watch is called.
    pub name: String,
    /// The store's address, without its password, for people.
    pub store_label: String,
    /// Autonomy, protected units, clocks and attempts.
    pub policy: PolicySettings,
    /// What the owner ordered beside it.
    pub orders: StandingOrders,
    /// What the owner says of all hosts beyond what ships with the lists of risk.
    pub risk: HostFacts,
    /// When a figure is a finding.
    pub thresholds: ThresholdLayers,
    /// Limits of looking.
    pub looking: Looking,
    /// Limits of running.
    pub running: Running,
    /// Limits of asking a model.
    pub asking: Asking,
    /// Limits of knowing.
    pub knowledge: Knowing,
}

/// Thresholds, and what groups and hosts say differently.
#[derive(Clone, Debug, Default)]
pub struct ThresholdLayers {
    /// For all.
    pub base: Thresholds,
    /// For the hosts of a group; groups are applied in the order of the host's list.
    pub groups: BTreeMap<GroupName, ThresholdsPatch>,
    /// For one host; it has the last word.
    pub hosts: BTreeMap<HostName, ThresholdsPatch>,
}

impl ThresholdLayers {
    /// The thresholds of one host.
    #[must_use]
    pub fn of(&self, host: &HostEntry) -> Thresholds {
        let groups = host
            .groups
            .iter()
            .filter_map(|group| self.groups.get(group));
        groups
            .chain(self.hosts.get(&host.name))
            .fold(self.base, |thresholds, patch| thresholds.apply(patch))
    }
}

/// Limits of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looking {
    /// Hosts looked at side by side.
    pub parallel: usize,
    /// How long a look at one host may take, from connecting to the last byte.
    pub deadline: Duration,
    /// Most bytes a probe may print.
    pub max_output_bytes: u64,
    /// A trouble that comes back within this is the same issue again.
    pub reopen_within: Duration,
    /// How long observations are kept.
    pub keep_observations: Duration,
}

impl Default for Looking {
    fn default() -> Self {
        Self {
            parallel: 20,
            deadline: Duration::from_secs(60),
            max_output_bytes: 2 * 1024 * 1024,
            reopen_within: Duration::from_secs(24 * 3_600),
            keep_observations: Duration::from_secs(7 * 86_400),
        }
    }
}

/// Limits of running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// How long a controller that says nothing keeps a run; then another takes it over.
    pub lease: Duration,
    /// Actions that run side by side on one controller.
    pub parallel: usize,
    /// Looks that a verification takes before it is inconclusive.
    pub verify_looks: u32,
    /// The pause between them.
    pub verify_pause: Duration,
    /// How long a host may stay out of reach in the middle of a run before its outcome is called unknown.
    pub patience: Duration,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            parallel: 8,
            verify_looks: 3,
            verify_pause: Duration::from_secs(10),
            patience: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Limits of asking a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// How long a worker that says nothing keeps a job.
    pub lease: Duration,
    /// Tries before a job is given up.
    pub attempts: i64,
    /// The pause before the second try; it doubles with each.
    pub pause: Duration,
    /// After this a job is given up.
    pub deadline: Duration,
    /// How long a job that is over is kept.
    pub keep_jobs: Duration,
    /// How long a job that was given up is kept.
    pub keep_dead: Duration,
    /// How much may wait.
    pub limits: QueueLimits,
    /// What may leave for which lane.
    pub egress: Egress,
    /// How long a talk is kept in which nothing is said.
    pub keep_talks: Duration,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(120),
            attempts: 3,
            pause: Duration::from_secs(30),
            deadline: Duration::from_secs(6 * 3_600),
            keep_jobs: Duration::from_secs(30 * 86_400),
            keep_dead: Duration::from_secs(90 * 86_400),
            limits: QueueLimits::default(),
            egress: Egress::default(),
            keep_talks: Duration::from_secs(365 * 86_400),
        }
    }
}

impl Settings {
    /// The autonomy level of one host.
    #[must_use]
    pub fn autonomy(&self, host: &HostEntry) -> Autonomy {
        host.autonomy.unwrap_or(self.policy.autonomy)
    }
}
