//! Where layers come from: which files are read, in which order, and what the environment and the flags add.

use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Config;
use super::error::{ConfigError, Origin};
use super::layers::Layers;
use crate::args::Common;
use crate::surroundings::Surroundings;

/// Largest file: some hundred thousand hosts.
const MAX_CONFIG_BYTES: u64 = 32 * 1024 * 1024;
/// Anybody but the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Lays all layers over the defaults, and gives the files that were read.
pub(super) fn read_all(
    layers: &mut Layers,
    common: &Common,
    around: &Surroundings,
) -> Vec<PathBuf> {
    let mut files = vec![around.system_config.join("config.toml")];
    files.extend(drop_ins(
        layers,
        &around.system_config.join("conf.d"),
        around,
    ));
    files.push(around.config_home.join("watchkeeper/config.toml"));
    files.retain(|path| add_file(layers, path, around, Wanted::IfThere));
    for (name, value) in &around.settings {
        let key = name.to_ascii_lowercase().replace("__", ".");
        layers.set::<Config>(&key, value, Origin::Variable(format!("WATCHKEEPER_{name}")));
    }
    let given = common
        .config
        .iter()
        .filter(|path| add_file(layers, path, around, Wanted::Surely));
    files.extend(given.cloned());
    for flag in &common.set {
        let origin = Origin::Flag("--set".to_owned());
        match flag.split_once('=') {
            Some((key, value)) => layers.set::<Config>(key.trim(), value.trim(), origin),
            None => layers.fault(ConfigError::Invalid {
                origin,
                message: format!(
                    "{flag:?} sets nothing; write key=value, as in `watch.interval=1m`"
                ),
                likely: None,
            }),
        }
    }
    files
}

/// Lays one file over the defaults.
pub(super) fn read_one(layers: &mut Layers, path: &Path, around: &Surroundings) -> Vec<PathBuf> {
    let read = add_file(layers, path, around, Wanted::Surely);
    read.then(|| path.to_owned()).into_iter().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    IfThere,
    Surely,
}

/// The files of a directory that end in `.toml`, by name.
fn drop_ins(layers: &mut Layers, dir: &Path, around: &Surroundings) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(source) => {
            layers.fault(ConfigError::Unreadable {
                path: dir.to_owned(),
                source,
            });
            return Vec::new();
        }
    };
    if let Some(error) = dir
        .metadata()
        .ok()
        .and_then(|found| written_by_others(dir, &found, around))
    {
        layers.fault(error);
        return Vec::new();
    }
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    files
}

/// Lays a file over what is there; false where there is none or it cannot be read.
fn add_file(layers: &mut Layers, path: &Path, around: &Surroundings, wanted: Wanted) -> bool {
    match read(path, around) {
        Ok(text) => {
            layers.add_text::<Config>(path, &text);
            true
        }
        Err(ConfigError::Unreadable { source, .. })
            if wanted == Wanted::IfThere && source.kind() == std::io::ErrorKind::NotFound =>
        {
            false
        }
        Err(error) => {
            layers.fault(error);
            false
        }
    }
}

fn read(path: &Path, around: &Surroundings) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Asked of what was opened, so that it cannot be another file by then.
    let found = file.metadata().map_err(unreadable)?;
    if let Some(error) = written_by_others(path, &found, around) {
        return Err(error);
    }
    if found.len() > MAX_CONFIG_BYTES {
        let why = format!("it is larger than {MAX_CONFIG_BYTES} bytes");
        return Err(unreadable(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            why,
        )));
    }
    let mut text = String::new();
    file.take(MAX_CONFIG_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

/// Whoever can write root's configuration is root.
fn written_by_others(path: &Path, found: &Metadata, around: &Surroundings) -> Option<ConfigError> {
    let mode = found.permissions().mode() & 0o7777;
    let refused =
        around.uid == 0 && (found.is_file() || found.is_dir()) && mode & WRITABLE_BY_OTHERS != 0;
    refused.then(|| ConfigError::Writable {
        path: path.to_owned(),
        mode,
    })
}
