//! `[knowledge]`: how what is known is searched, and which configuration files of hosts are read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{HostName, Span};
use watchkeeper_watch::Knowing;

use super::Faults;
use crate::config::key::Key;

/// Longest list of paths.
const MAX_PATHS: usize = 200;

/// How what is known is searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KnowledgeSection {
    /// How long a search waits for the meaning of its question; then it goes by words alone. `0s`: it never waits.
    pub(crate) patience: Span,
    /// A Qdrant server, e.g. `http://127.0.0.1:6334`; it is used after `knowledge move --to qdrant`.
    pub(crate) qdrant: Option<String>,
    /// A file with the server's key.
    pub(crate) qdrant_key_file: Option<PathBuf>,
    /// The configuration files that `configs index` reads from a host: files and directories.
    pub(crate) configs: Vec<String>,
    /// The same for single hosts, in place of that list.
    pub(crate) host_configs: BTreeMap<HostName, Vec<String>>,
}

impl Default for KnowledgeSection {
    fn default() -> Self {
        let knowing = Knowing::default();
        Self {
            patience: Span::seconds(1),
            qdrant: None,
            qdrant_key_file: None,
            configs: knowing.paths,
            host_configs: knowing.host_paths,
        }
    }
}

impl KnowledgeSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("knowledge").name(name);
        faults.span(
            key("patience"),
            self.patience,
            Span::seconds(0),
            Span::seconds(30),
        );
        if let Some(url) = &self.qdrant
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            faults.add(
                key("qdrant"),
                format!("{url:?} does not begin with http:// or https://"),
            );
        }
        let host_lists = self
            .host_configs
            .iter()
            .map(|(host, paths)| (key("host_configs").name(host.as_str()), paths));
        for (key, paths) in std::iter::once((key("configs"), &self.configs)).chain(host_lists) {
            if paths.len() > MAX_PATHS {
                faults.add(key, format!("there are more than {MAX_PATHS} paths"));
            } else if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
                faults.add(key, format!("{path:?} is not an absolute path"));
            }
        }
    }

    /// Limits of knowing.
    pub(crate) fn knowing(&self) -> Knowing {
        Knowing {
            patience: self.patience.0,
            paths: self.configs.clone(),
            host_paths: self.host_configs.clone(),
        }
    }
}
