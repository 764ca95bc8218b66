//! `[groups.NAME]`: what holds for the hosts of a group. What a host says itself comes before it.

use serde::{Deserialize, Serialize};
use watchkeeper_health::ThresholdsPatch;
use watchkeeper_model::{Autonomy, Tier};

/// What holds for the hosts of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GroupSection {
    /// How much the watch may do by itself there. Of several groups the most careful one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) autonomy: Option<Autonomy>,
    /// How much depends on its hosts: `normal` or `critical`. Of several groups the most critical one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<Tier>,
    /// Thresholds that differ; see `[thresholds]`. Of several groups the last one of the host's list counts.
    #[serde(skip_serializing_if = "super::hosts::says_nothing")]
    pub(crate) thresholds: ThresholdsPatch,
}
