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

use super::{Part, files, open_file, refused, text, verified};
use crate::args::Common;
use crate::clock::SystemClock;
use crate::commands::init::says_something;
use crate::commands::{Ended, answer};
use crate::config::{Config, is_system};
use crate::failure::{CommandError, Kind};
use crate::ownership::{as_the_directory, readable_by_the_service};
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
    /// How many numbers of actions and issues are left out.
    pub(super) numbers_left_out: i64,
    /// How many browsers are known.
    pub(super) devices: i64,
    /// Files that were put back.
    pub(super) written: Vec<PathBuf>,
    /// Files that stand there otherwise already.
    pub(super) left_alone: Vec<PathBuf>,
    /// Files that could not be put back.
    pub(super) not_written: Vec<NotWritten>,
    /// Where the configuration that was put back has its store, if not here.
    pub(super) other_store: Option<String>,
    #[serde(flatten)]
    pub(super) manifest: Manifest,
}

/// A file that could not be put back.
#[derive(Debug, Serialize)]
pub(super) struct NotWritten {
    pub(super) file: PathBuf,
    pub(super) why: String,
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
    let mut told = Told {
        store: loaded.config.store.url.to_string(),
        approvals_void: restored.stale,
        numbers_left_out: restored.numbers_left_out,
        devices: restored.devices,
        written: Vec::new(),
        left_alone: Vec::new(),
        not_written: Vec::new(),
        other_store: None,
        manifest: restored.manifest,
    };
    if !args.no_files {
        put_all_back(&restored.files, &loaded.config, around, &mut told);
        let meant = Config::look(common, around).config.store.url;
        told.other_store = (meant != loaded.config.store.url).then(|| meant.to_string());
    }
    answer(common.output, &told, text::restored)?;
    let whole = told.not_written.is_empty() && told.other_store.is_none();
    Ok(if whole { 0 } else { Kind::Failed.exit_status() })
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

/// Writes files where none stands; none where it stands there as it is, or has no place here.
fn put_all_back(files: &[BackupFile], config: &Config, around: &Surroundings, told: &mut Told) {
    for file in files {
        let Some(path) = files::place(&file.name, config, around) else {
            continue;
        };
        match put_back(file, &path, around) {
            Ok(Put::Written) => told.written.push(path),
            Ok(Put::Same) => {}
            Ok(Put::Other) => told.left_alone.push(path),
            Err(error) => told.not_written.push(NotWritten {
                file: path,
                why: error.to_string(),
            }),
        }
    }
}

enum Put {
    Written,
    /// It stands there as it is.
    Same,
    /// Something else stands there.
    Other,
}

fn put_back(file: &BackupFile, path: &Path, around: &Surroundings) -> std::io::Result<Put> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        // What is no file is not opened: a pipe would be waited for.
        Ok(_) if !path.is_file() => return Ok(Put::Other),
        Ok(_) if std::fs::read(path)? == file.bytes => return Ok(Put::Same),
        // What a package brings, nothing but comments, makes room.
        Ok(there) if there.is_file() && is_configuration(file) && !says_something(path) => {}
        Ok(_) => return Ok(Put::Other),
    }
    write(file, path, around)?;
    Ok(Put::Written)
}

fn is_configuration(file: &BackupFile) -> bool {
    file.name == "config/config.toml"
}

/// Writes it beside its place, and puts it there whole: for its owner, and for the service where that must read it.
fn write(file: &BackupFile, path: &Path, around: &Surroundings) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        let mode = if is_system(around) { 0o755 } else { 0o700 };
        let mut made = std::fs::DirBuilder::new();
        made.recursive(true).mode(mode).create(dir)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".part-{:08x}", rand::random::<u32>()));
    let part = Part(PathBuf::from(name));
    let mut output = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part.0)?;
    output.write_all(&file.bytes)?;
    as_the_directory(&part.0)?;
    if is_system(around) && file.name.starts_with("config/") {
        readable_by_the_service(&part.0)?;
    }
    output.sync_all()?;
    std::fs::rename(&part.0, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_put_back_where_nothing_is_said_and_nowhere_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let file = BackupFile {
            name: "config/config.toml".to_owned(),
            bytes: b"name = \"hal\"\n".to_vec(),
        };
        let path = dir.path().join("etc/config.toml");
        let put = |file: &BackupFile, path: &Path| put_back(file, path, &around);
        assert!(matches!(put(&file, &path), Ok(Put::Written)));
        assert!(matches!(put(&file, &path), Ok(Put::Same)));
        std::fs::write(&path, "# as a package brings it\n").expect("written");
        assert!(matches!(put(&file, &path), Ok(Put::Written)));
        assert_eq!(std::fs::read(&path).expect("read"), file.bytes);
        std::fs::write(&path, "name = \"other\"\n").expect("written");
        assert!(matches!(put(&file, &path), Ok(Put::Other)));

        // Comments are nothing in a configuration; orders without a rule may be meant so.
        let orders = BackupFile {
            name: "config/orders.toml".to_owned(),
            ..file.clone()
        };
        std::fs::write(&path, "# none\n").expect("written");
        assert!(matches!(put(&orders, &path), Ok(Put::Other)));

        for (name, make) in [
            ("pipe", &|path: &Path| {
                nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).map_err(Into::into)
            }),
            ("gone", &|path: &Path| {
                std::os::unix::fs::symlink("/nowhere", path)
            }),
            ("directory", &|path: &Path| std::fs::create_dir(path)),
        ] as [(&str, &dyn Fn(&Path) -> std::io::Result<()>); 3]
        {
            let path = dir.path().join(name);
            make(&path).expect("made");
            assert!(matches!(put(&file, &path), Ok(Put::Other)), "{name}");
        }
        let below_a_file = path.join("x.toml");
        assert!(put(&file, &below_a_file).is_err());
        let names = std::fs::read_dir(dir.path().join("etc")).expect("read");
        assert_eq!(names.count(), 1, "nothing half-written is left");
    }
}
