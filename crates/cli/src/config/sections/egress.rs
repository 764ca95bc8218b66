//! `[egress]`: where what hosts say may go. A lane on this machine may hear everything; others are named here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_llm::egress::{EVERY_HOST, Egress, PRIVATE};
use watchkeeper_model::GroupName;

use super::Faults;
use crate::config::key::Key;

/// Where what hosts say may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EgressSection {
    /// By group, or `*` for every host without a rule: the lanes by name, or `private` for all that are.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

impl EgressSection {
    /// Tells what makes no sense. A rule that names a lane that is not there would allow less than it says, and one
    /// for a group that is misspelt would protect nobody.
    pub(crate) fn check<'l>(
        &self,
        lanes: &(impl Iterator<Item = &'l str> + Clone),
        groups: &(impl Iterator<Item = &'l GroupName> + Clone),
        faults: &mut Faults,
    ) {
        let key = |group: &str| Key::from("egress.groups").name(group);
        for (group, allowed) in &self.groups {
            let is_known =
                group == EVERY_HOST || groups.clone().any(|known| known.as_str() == group);
            if !is_known {
                let why = format!("no host is in a group {group}; name a group of hosts, or `*`");
                faults.add(key(group), why);
            }
            for lane in allowed {
                if lane != PRIVATE && !lanes.clone().any(|known| known == lane) {
                    let why = format!("there is no lane {lane}; name one, or `private`");
                    faults.add(key(group), why);
                }
            }
        }
    }

    /// As it is asked.
    pub(crate) fn rules(&self) -> Egress {
        Egress {
            rules: self.groups.clone(),
        }
    }
}
