//! Limits of knowing, resolved from the configuration by `cli`.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_model::HostName;

/// Limits of knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowing {
    /// How long a search waits for the meaning of its question; then it goes by words alone.
    pub patience: Duration,
    /// Configuration files that are read from every host, where a host has no list of its own.
    pub paths: Vec<String>,
    /// The same for one host.
    pub host_paths: BTreeMap<HostName, Vec<String>>,
}

impl Default for Knowing {
    fn default() -> Self {
        let paths = [
            "/etc/fstab",
            "/etc/nginx",
            "/etc/nixos",
            "/etc/systemd/system",
        ];
        Self {
            patience: Duration::from_secs(1),
            paths: paths.map(str::to_owned).to_vec(),
            host_paths: BTreeMap::new(),
        }
    }
}

impl Knowing {
    /// The configuration files of one host.
    #[must_use]
    pub fn paths_of(&self, host: &HostName) -> &[String] {
        self.host_paths.get(host).unwrap_or(&self.paths)
    }
}
