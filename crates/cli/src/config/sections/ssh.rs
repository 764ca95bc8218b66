//! `[ssh]`: what holds for every host that is reached by SSH.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Faults;
use crate::config::key::Key;

/// What holds for every host that is reached by SSH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SshSection {
    /// Where accepted host keys are kept; `enrol` writes there, nothing else does.
    pub(crate) known_hosts: PathBuf,
    /// Whether keys in the account's and the system's own known_hosts files count as known, too. They are only read.
    pub(crate) user_known_hosts: bool,
    /// Whether the hosts that `~/.ssh/config` names are watched, too. What it says of a host is honoured either way.
    pub(crate) import: bool,
    /// Whether the SSH agent is asked for keys.
    pub(crate) agent: bool,
    /// Private keys to try where a host names none, as absolute paths or beginning with `~/`. With none, those that
    /// `ssh` itself would try.
    pub(crate) identity_files: Vec<PathBuf>,
}

impl Default for SshSection {
    fn default() -> Self {
        Self {
            known_hosts: "/var/lib/watchkeeper/known_hosts".into(),
            user_known_hosts: false,
            import: false,
            agent: true,
            identity_files: Vec::new(),
        }
    }
}

impl SshSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("ssh").name(name);
        if !self.known_hosts.is_absolute() {
            faults.add(
                key("known_hosts"),
                format!("{} is not an absolute path", self.known_hosts.display()),
            );
        }
        for path in self
            .identity_files
            .iter()
            .filter(|path| !path.is_absolute() && !path.starts_with("~"))
        {
            faults.add(
                key("identity_files"),
                format!(
                    "{} is neither an absolute path nor begins with ~/",
                    path.display()
                ),
            );
        }
    }
}
