//! `restore FILE`: fills an empty store from a backup, all or nothing, and puts back the files that came with it where
//! none stand.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Serialize;
use watchkeeper_model::{Actor, Clock as _, Person};
use watchkeeper_store::{BackupFile, Manifest, Restored, Store};

use super::{files, open_file, refused, text, verified};
use crate::args::Common;
use crate::clock::SystemClock;
use crate::commands::{Ended, answer};
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::session::{find_daemon, store_error, take_lock};
use crate::surroundings::Surroundings;

/// How long another command may keep the store until that is an error.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// From where.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Leave the files alone that came with it: configuration, orders, runbooks, known host keys
    #[arg(long)]
    no_files: bool,
}

/// What was restored.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// Where to.
    pub(super) store: String,
    /// How many approvals became void.
    pub(super) approvals_void: usize,
    /// Files that were put back.
    pub(super) written: Vec<PathBuf>,
    /// Files that stand there otherwise already.
    pub(super) left_alone: Vec<PathBuf>,
    #[serde(flatten)]
    pub(super) manifest: Manifest,
}

/// Restores.
pub(crate) async fn run(common: &Common, around: &Surroundings, args: &RestoreArgs) -> Ended {
    let loaded = Config::load(common, around)?;
    if let Some(socket) = find_daemon(common, &loaded, around).await? {
        let error = anyhow!("a daemon answers at {}", socket.display());
        return Err(CommandError::failed(error)
            .kind(Kind::Refused)
            .hint("stop it first: systemctl stop watchkeeper"));
    }
    // Everything that can be wrong with the file is told before anything is touched.
    verified(&args.file).await?;
    let restored = fill(&loaded.config, around, &args.file).await?;
    let (mut written, mut left_alone) = (Vec::new(), Vec::new());
    if !args.no_files {
        for file in &restored.files {
            match put_back(file, &loaded.config, around)? {
                Some(Put::Written(path)) => written.push(path),
                Some(Put::LeftAlone(path)) => left_alone.push(path),
                None => {}
            }
        }
    }
    let told = Told {
        store: loaded.config.store.url.to_string(),
        approvals_void: restored.stale,
        written,
        left_alone,
        manifest: restored.manifest,
    };
    answer(common.output, &told, text::restored)?;
    Ok(0)
}

/// Fills the store; what was made for it is taken away again where it could not be filled.
async fn fill(
    config: &Config,
    around: &Surroundings,
    file: &Path,
) -> Result<Restored, CommandError> {
    let address = config.store.address();
    let address = address.context("could not read store.password_file");
    let address = address.map_err(CommandError::usage)?;
    let made = config.store.url.sqlite_path().filter(|path| !path.exists());
    let opened = Store::open_untouched(address.reveal()).await;
    let store = opened.map_err(|error| store_error(error, config))?;
    let lock = take_lock(&store, config, LOCK_PATIENCE).await?;
    let by = Actor::Person(Person {
        name: around.user.clone(),
        uid: around.uid,
    });
    let restored = match open_file(file) {
        Ok(input) => store
            .restore(input, &by, SystemClock.now())
            .await
            .map_err(refused),
        Err(error) => Err(error),
    };
    store.close().await;
    if let (Some(path), true) = (made, restored.is_err()) {
        remove(path);
    }
    drop(lock);
    restored
}

/// Takes away what an empty store has left of files.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

enum Put {
    Written(PathBuf),
    LeftAlone(PathBuf),
}

/// Writes a file where none stands; none where it stands there as it is, or has no place here.
fn put_back(
    file: &BackupFile,
    config: &Config,
    around: &Surroundings,
) -> Result<Option<Put>, CommandError> {
    let Some(path) = files::place(&file.name, config, around) else {
        return Ok(None);
    };
    match std::fs::read(&path) {
        Ok(there) if there == file.bytes => return Ok(None),
        Ok(_) => return Ok(Some(Put::LeftAlone(path))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(_) => return Ok(Some(Put::LeftAlone(path))),
    }
    write(&path, &file.bytes).with_context(|| {
        format!(
            "the store was restored, but {} could not be written",
            path.display()
        )
    })?;
    Ok(Some(Put::Written(path)))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        let mut made = std::fs::DirBuilder::new();
        made.recursive(true).mode(0o755).create(dir)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)?;
    file.write_all(bytes)?;
    crate::ownership::as_the_directory(path)?;
    file.sync_all()
}
