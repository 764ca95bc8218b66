//! The inventory: which hosts there are, and how each is reached. It comes from the config file and from
//! `~/.ssh/config`; one entry that cannot be used costs only that host.

mod entry;
mod jump;
mod route;
mod target;

pub use entry::*;
pub(crate) use entry::{is_address, is_login};
pub use jump::*;
pub use route::*;
pub use target::*;

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_model::HostName;

/// Why a list of hosts is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Two entries have one name, and nobody can say which is meant.
    #[error("the host {name} stands in the inventory twice")]
    Duplicate {
        /// The name.
        name: HostName,
    },
    /// More than can be watched.
    #[error("there are {count} hosts in the inventory, and {max} are allowed")]
    TooMany {
        /// How many.
        count: usize,
        /// How many are allowed.
        max: usize,
    },
}

/// The hosts, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: BTreeMap<HostName, Arc<HostEntry>>,
}

impl Inventory {
    /// Most hosts of one inventory.
    pub const MAX_HOSTS: usize = 20_000;

    /// The hosts of the config, and of those found elsewhere (`~/.ssh/config`) the ones that the config does not name.
    /// With neither, the machine itself.
    ///
    /// # Errors
    /// Refuses a name that the config has twice, and too many hosts.
    pub fn new(configured: Vec<HostEntry>, found: Vec<HostEntry>) -> Result<Self, InventoryError> {
        let count = configured.len() + found.len();
        if count > Self::MAX_HOSTS {
            return Err(InventoryError::TooMany {
                count,
                max: Self::MAX_HOSTS,
            });
        }
        let mut entries = BTreeMap::new();
        for entry in configured {
            let name = entry.name.clone();
            if entries.insert(name.clone(), entry).is_some() {
                return Err(InventoryError::Duplicate { name });
            }
        }
        for entry in found {
            entries.entry(entry.name.clone()).or_insert(entry);
        }
        if entries.is_empty() {
            entries.insert(HostName::local(), HostEntry::new(HostName::local()));
        }
        let linked = link_jumps(&entries);
        Ok(Self {
            entries: linked
                .into_iter()
                .map(|entry| (entry.name.clone(), Arc::new(entry)))
                .collect(),
        })
    }

    /// This machine and nothing else.
    ///
    /// # Panics
    /// Never: one entry has no duplicate.
    #[must_use]
    pub fn local() -> Self {
        Self::new(Vec::new(), Vec::new()).expect("one entry has no duplicate")
    }

    /// The hosts, sorted by name.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<HostEntry>> {
        self.entries.values()
    }

    /// One host.
    #[must_use]
    pub fn get(&self, name: &HostName) -> Option<&Arc<HostEntry>> {
        self.entries.get(name)
    }

    /// How many hosts there are; never none, except in a default value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A jump host that is a host of the inventory is reached as that one says.
fn link_jumps(entries: &BTreeMap<HostName, HostEntry>) -> Vec<HostEntry> {
    let mut linked: Vec<HostEntry> = entries.values().cloned().collect();
    for entry in &mut linked {
        for jump in &mut entry.jump {
            let named = HostName::new(jump.host.as_str())
                .ok()
                .and_then(|name| entries.get(&name));
            jump.entry = named.map(|hop| Box::new(hop.clone()));
        }
    }
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostEntry {
        HostEntry::new(HostName::new(name).expect("a name"))
    }

    fn names(inventory: &Inventory) -> Vec<&str> {
        inventory
            .entries()
            .map(|entry| entry.name.as_str())
            .collect()
    }

    #[test]
    fn this_machine_is_implied_only_when_nothing_else_is_there() {
        assert_eq!(names(&Inventory::local()), ["local"]);
        assert_eq!(
            Inventory::local()
                .get(&HostName::local())
                .map(|entry| entry.engine()),
            Some(Engine::Local)
        );
        assert_eq!(
            names(&Inventory::new(vec![host("web1")], Vec::new()).expect("valid")),
            ["web1"]
        );
    }

    #[test]
    fn a_name_that_the_config_has_twice_is_refused() {
        let twice = Inventory::new(vec![host("a"), host("b"), host("a")], Vec::new());
        assert_eq!(
            twice,
            Err(InventoryError::Duplicate {
                name: host("a").name
            })
        );
    }

    #[test]
    fn the_config_wins_over_what_was_found() {
        let configured = HostEntry {
            port: Some(2222),
            ..host("a")
        };
        let inventory =
            Inventory::new(vec![configured], vec![host("a"), host("b")]).expect("valid");
        assert_eq!(names(&inventory), ["a", "b"]);
        assert_eq!(
            inventory.get(&host("a").name).and_then(|entry| entry.port),
            Some(2222)
        );
    }

    #[test]
    fn a_jump_host_of_the_inventory_is_known_by_its_own_entry() {
        let bastion = HostEntry {
            address: Some("10.0.0.1".to_owned()),
            ..host("bastion")
        };
        let behind = HostEntry {
            jump: vec!["bastion".parse().expect("a jump host")],
            ..host("web1")
        };
        let inventory = Inventory::new(vec![bastion, behind], Vec::new()).expect("valid");
        let jump = &inventory.get(&host("web1").name).expect("web1").jump[0];
        assert_eq!(
            jump.entry
                .as_ref()
                .and_then(|entry| entry.address.as_deref()),
            Some("10.0.0.1")
        );
    }
}
