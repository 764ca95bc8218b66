//! The files that the configuration in force was read from, and which of them say something else by now. They are only
//! told of: what somebody is still writing must not be in force before they say so, by SIGHUP.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use watchkeeper_model::Digest;
use watchkeeper_watch::Sources;

use crate::args::Common;
use crate::compose;
use crate::config::Config;
use crate::orders;
use crate::surroundings::Surroundings;

/// So much of a file is compared; what is longer is refused when it is read.
const MAX_COMPARED_BYTES: u64 = 4 * 1024 * 1024;

/// What stands in files; nothing for one that cannot be read.
pub(super) type Texts = BTreeMap<PathBuf, Option<Digest>>;

/// The files of a daemon.
#[derive(Debug)]
pub(super) struct Files {
    common: Common,
    around: Surroundings,
    read: Mutex<Texts>,
}

impl Files {
    /// The files as they are now, which are about to be read.
    pub(super) fn now(common: &Common, around: &Surroundings) -> Self {
        Self {
            common: common.clone(),
            around: around.clone(),
            read: Mutex::new(texts(common, around)),
        }
    }

    /// What they say now.
    pub(super) fn texts(&self) -> Texts {
        texts(&self.common, &self.around)
    }

    /// What was read is in force.
    pub(super) fn took(&self, texts: Texts) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = texts;
    }
}

impl Sources for Files {
    fn in_force(&self) -> Texts {
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn changed(&self) -> Vec<PathBuf> {
        let now = self.texts();
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let paths = now.keys().chain(read.keys());
        let mut changed: Vec<PathBuf> = paths
            .filter(|path| now.get(*path) != read.get(*path))
            .cloned()
            .collect();
        changed.sort();
        changed.dedup();
        changed
    }
}

fn texts(common: &Common, around: &Surroundings) -> Texts {
    let loaded = Config::look(common, around);
    let mut paths = loaded.files;
    paths.extend(orders::file_in_force(&loaded.config, around));
    paths.extend(compose::runbook_paths(&loaded.config.runbooks.dir).unwrap_or_default());
    paths
        .into_iter()
        .map(|path| {
            let text = text_of(&path);
            (path, text)
        })
        .collect()
}

fn text_of(path: &Path) -> Option<Digest> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_COMPARED_BYTES).read_to_end(&mut text).ok()?;
    Some(Digest::of_bytes(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Output;

    #[test]
    fn what_was_written_since_is_named_until_it_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let config = around.config_home.join("watchkeeper");
        std::fs::create_dir_all(&config).expect("made");
        let common = Common {
            config: vec![],
            set: vec![],
            output: Output::Text,
            no_daemon: false,
        };
        let files = Files::now(&common, &around);
        assert_eq!(files.changed(), Vec::<PathBuf>::new());
        let settings = config.join("config.toml");
        std::fs::write(&settings, "name = \"hal\"\n").expect("written");
        let orders = config.join("orders.toml");
        std::fs::write(&orders, "schema = 1\n").expect("written");
        assert_eq!(files.changed(), [settings, orders.clone()]);
        files.took(files.texts());
        assert_eq!(files.changed(), Vec::<PathBuf>::new());
        std::fs::remove_file(&orders).expect("removed");
        assert_eq!(files.changed(), [orders], "what is gone is told, too");
    }
}
