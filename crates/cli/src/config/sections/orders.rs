//! `[orders]` and `[risk]`: the file of standing orders, and what this fleet's owner adds to the lists by which risk is
//! told. The lists that ship are only ever extended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Faults;
use crate::config::key::Key;

/// Most entries of one list.
const MAX_ENTRIES: usize = 1_000;

/// The standing orders beside `[policy]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OrdersSection {
    /// The file; `orders.toml` beside the configuration, where it is there, if left out.
    pub(crate) file: Option<PathBuf>,
}

impl OrdersSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        if let Some(file) = &self.file
            && !file.is_absolute()
        {
            faults.add(
                Key::from("orders.file"),
                format!("{} is not an absolute path", file.display()),
            );
        }
    }
}

/// What is added to the lists by which risk is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RiskSection {
    /// More units that are never stopped, disabled or masked; `*` stands for any text.
    pub(crate) critical_units: Vec<String>,
    /// More units on which others depend: to restart one is at least medium.
    pub(crate) heavy_units: Vec<String>,
    /// More units that nobody misses for a minute: to restart one is low. What is critical or heavy stays so.
    pub(crate) unimportant_units: Vec<String>,
    /// More paths of which a change is as bad as of `/etc/ssh`; each with all below it.
    pub(crate) critical_paths: Vec<String>,
    /// More paths that nobody reads without a person; each with all below it.
    pub(crate) secret_paths: Vec<String>,
    /// Interfaces through which the hosts are managed.
    pub(crate) management_interfaces: Vec<String>,
}

impl RiskSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let lists = [
            ("critical_units", &self.critical_units, false),
            ("heavy_units", &self.heavy_units, false),
            ("unimportant_units", &self.unimportant_units, false),
            ("critical_paths", &self.critical_paths, true),
            ("secret_paths", &self.secret_paths, true),
            ("management_interfaces", &self.management_interfaces, false),
        ];
        for (name, list, paths) in lists {
            let key = Key::from("risk").name(name);
            if list.len() > MAX_ENTRIES {
                let why = format!(
                    "{key} has {} entries, and may have {MAX_ENTRIES}",
                    list.len()
                );
                faults.add(key, why);
                continue;
            }
            for entry in list {
                let trimmed = entry.trim_matches(['*', '?']);
                if trimmed.is_empty() || watchkeeper_model::visible(entry) != entry.as_str() {
                    let why = format!("{key}: {entry:?} names nothing, or everything");
                    faults.add(Key::from("risk").name(name), why);
                } else if paths && !entry.starts_with('/') {
                    let why = format!("{key}: {entry:?} is not an absolute path");
                    faults.add(Key::from("risk").name(name), why);
                }
            }
        }
    }
}
