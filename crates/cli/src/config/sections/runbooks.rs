//! `[runbooks]`: diagnoses without a model, beside those that come with Watchkeeper.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Faults;
use crate::config::key::Key;

/// Diagnoses without a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunbooksSection {
    /// A directory of `*.toml` files; one of the same name takes the place of one that comes with Watchkeeper.
    pub(crate) dir: PathBuf,
}

impl Default for RunbooksSection {
    fn default() -> Self {
        Self {
            dir: "/etc/watchkeeper/runbooks".into(),
        }
    }
}

impl RunbooksSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        if !self.dir.is_absolute() {
            faults.add(
                Key::from("runbooks.dir"),
                format!("{} is not an absolute path", self.dir.display()),
            );
        }
    }
}
