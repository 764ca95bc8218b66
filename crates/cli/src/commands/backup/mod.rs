//! `backup FILE` writes everything the store holds, and the files of the configuration that are no secrets, into one
//! file; `backup verify FILE` reads one to its end; `restore FILE` fills an empty store from one. What a backup is made
//! of is the store's to know.

mod files;
mod restore;
mod text;

pub(crate) use restore::RestoreArgs;
pub(super) use restore::run as restore;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use serde::Serialize;
use watchkeeper_model::Clock as _;
use watchkeeper_store::{BackupError, BackupTerms, Manifest, Store, StoreError};

use super::{Ended, answer};
use crate::args::Common;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::session::store_error;
use crate::surroundings::Surroundings;

/// Where to, or what of an old one.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true,
    arg_required_else_help = true
)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// The file to write; a daemon may work meanwhile
    file: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// Something else to do with a backup.
#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Read a backup to its end: whether it is whole, unchanged, and of a version that can be restored here
    Verify {
        /// The file
        file: PathBuf,
    },
}

/// What was written or read.
#[derive(Debug, Serialize)]
struct Told {
    file: PathBuf,
    bytes: u64,
    #[serde(flatten)]
    manifest: Manifest,
}

/// Takes or verifies a backup.
pub(super) async fn run(common: &Common, around: &Surroundings, args: &BackupArgs) -> Ended {
    if let Some(BackupCommand::Verify { file }) = &args.command {
        let manifest = verified(file).await?;
        answer(common.output, &told(file, manifest)?, |told| {
            text::verified(&told.file, told.bytes, &told.manifest)
        })?;
        return Ok(0);
    }
    let file = args
        .file
        .as_deref()
        .ok_or_else(|| CommandError::usage(anyhow!("no file is named")))?;
    if let Ok(there) = file.symlink_metadata() {
        // A device or a directory in whose place a file were put would be missed.
        let hint = match there.is_file() || there.is_symlink() {
            true if args.force => None,
            true => Some("another name, or --force"),
            false => Some("the name of a file that is not there yet"),
        };
        if let Some(hint) = hint {
            let error = anyhow!("{} is there already; it was left alone", file.display());
            return Err(CommandError::failed(error).kind(Kind::Refused).hint(hint));
        }
    }
    let manifest = take(common, around, file).await?;
    answer(common.output, &told(file, manifest)?, |told| {
        text::taken(&told.file, told.bytes, &told.manifest)
    })?;
    Ok(0)
}

fn told(file: &Path, manifest: Manifest) -> Result<Told, CommandError> {
    let size =
        std::fs::metadata(file).with_context(|| format!("could not read {}", file.display()));
    Ok(Told {
        file: file.to_owned(),
        bytes: size?.len(),
        manifest,
    })
}

/// Writes beside the file, reads what was written, and only then puts it in its place.
async fn take(
    common: &Common,
    around: &Surroundings,
    file: &Path,
) -> Result<Manifest, CommandError> {
    let loaded = Config::load(common, around)?;
    let (files, left_out) = files::kept(&loaded, around);
    let terms = BackupTerms {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        at: SystemClock.now(),
        files,
        left_out,
    };
    let store = open(&loaded.config).await?;
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".part-{:08x}", rand::random::<u32>()));
    let part = Part(PathBuf::from(name));
    let written = write(&store, &part.0, file, &terms).await;
    store.close().await;
    let manifest = written?;
    let read = verified(&part.0).await?;
    if read != manifest {
        return Err(CommandError::failed(anyhow!(
            "what was written does not read back as it was"
        )));
    }
    let placed = std::fs::rename(&part.0, file);
    placed.with_context(|| format!("could not put the backup at {}", file.display()))?;
    Ok(manifest)
}

async fn open(config: &Config) -> Result<Store, CommandError> {
    let address = config.store.address();
    let address = address.context("could not read store.password_file");
    let address = address.map_err(CommandError::usage)?;
    let opened = Store::open_as_it_is(address.reveal()).await;
    opened.map_err(|error| match error {
        StoreError::Absent { .. } => CommandError::failed(error).hint(
            "watchkeeper config show, which tells where the store is; as root for the system's",
        ),
        error => store_error(error, config),
    })
}

/// Writes what becomes `file` beside it, at `path`.
async fn write(
    store: &Store,
    path: &Path,
    file: &Path,
    terms: &BackupTerms,
) -> Result<Manifest, CommandError> {
    let unwritten = |error: std::io::Error| {
        let error = anyhow!(error).context(format!("could not write {}", file.display()));
        CommandError::failed(error).hint("a directory that is there, that you may write, with room")
    };
    let output = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(unwritten)?;
    match store.back_up(output, terms).await {
        Ok((manifest, output)) => {
            output.sync_all().map_err(unwritten)?;
            Ok(manifest)
        }
        Err(BackupError::Write(error)) => Err(unwritten(error)),
        Err(error) => Err(refused(error)),
    }
}

/// The file as it was read to its end.
async fn verified(path: &Path) -> Result<Manifest, CommandError> {
    let file = open_file(path)?;
    Store::verify_backup(file).await.map_err(refused)
}

fn open_file(path: &Path) -> Result<File, CommandError> {
    let cannot = || format!("could not read {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    if file.metadata().with_context(cannot)?.is_dir() {
        return Err(CommandError::usage(anyhow!(
            "{} is a directory",
            path.display()
        )));
    }
    Ok(file)
}

/// What went wrong, with what to do about it.
fn refused(error: BackupError) -> CommandError {
    let hint = match &error {
        BackupError::Newer { .. } => {
            "use the version of Watchkeeper that wrote the backup, or a newer one"
        }
        BackupError::NotEmpty { .. } => {
            "restore into a store that is not there yet: move the old one away, or --set store.url=…"
        }
        BackupError::TablesAhead { .. } => {
            "remove the store, which is empty, or name another by --set store.url=…"
        }
        error if error.lies_in_the_file() => "another backup; this one was not used",
        _ => "watchkeeper doctor",
    };
    let kind = match &error {
        BackupError::NotEmpty { .. } | BackupError::TablesAhead { .. } => Kind::Refused,
        _ => Kind::Failed,
    };
    CommandError::failed(error).kind(kind).hint(hint)
}

/// A file that is taken away again unless it was renamed.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
