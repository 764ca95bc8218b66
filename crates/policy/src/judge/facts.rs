//! What a verdict is about, beside the risk.

use watchkeeper_model::{Autonomy, GroupName, HostName, Privilege, Proposer, Step, Tier};

use crate::orders::LocalMoment;

/// What the verdict is about, beside the risk.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Where the action would run.
    pub host: &'a HostName,
    /// The groups of that host.
    pub groups: &'a [GroupName],
    /// How much depends on that host.
    pub tier: Tier,
    /// The host's own autonomy; the settings' where it has none.
    pub autonomy: Option<Autonomy>,
    /// The steps of the action.
    pub steps: &'a [Step],
    /// What would undo them.
    pub undo: &'a [Step],
    /// As whom they would run.
    pub privilege: Privilege,
    /// Who proposes it.
    pub proposer: &'a Proposer,
    /// Whether a model wrote the steps: its own proposal, or what it made of a person's wish.
    pub worded_by_model: bool,
    /// What time it is where the owner is.
    pub moment: LocalMoment,
    /// What was done lately.
    pub recent: Recent,
}

/// What was done lately by the watch itself, without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Runs on this host within the last hour.
    pub on_host: u32,
    /// Runs on the hosts of one of its groups within the last hour: the most of them.
    pub in_group: u32,
    /// Runs on all hosts within the last hour.
    pub in_fleet: u32,
    /// Other hosts on which the same steps were run within the time of `spread.within`.
    pub same_on_hosts: u32,
    /// The same, of one of its groups: the most of them.
    pub same_in_group: u32,
    /// How many hosts that group has.
    pub group_size: u32,
    /// Whether a step that should only look tried to write on this host, and nobody has said since that it is well.
    pub wall_was_breached: bool,
}
