//! `configs`: configuration files of hosts and of a repository: read them, search them, show one as it was read.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use watchkeeper_model::{Collection, HostName, visible_block};
use watchkeeper_server::{ConfigsAnswer, ConfigsBody, RepositoryBody, SearchBody};
use watchkeeper_watch::{ConfigsIndexed, Found, RefusedFile, RepositoryFile};

use super::knowledge::encoded;
use super::{Ended, answer};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// Most files of a repository.
const MAX_FILES: usize = 5_000;
/// Deepest directory of a repository.
const MAX_DEPTH: usize = 32;
/// Longest file, in bytes.
const MAX_FILE_BYTES: u64 = 128 * 1024;
/// Bytes of files in one request; a single file may be longer.
const FILES_AT_ONCE: usize = 64 * 1024;

/// What to do with configuration files.
#[derive(Debug, Args)]
pub(crate) struct ConfigsArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigsCommand,
}

/// One thing to do with configuration files.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigsCommand {
    /// Read configuration files and keep what they say, without secrets
    ///
    /// `configs index web1 /etc/nginx` reads from a host; without paths, those of the configuration. `configs index
    /// --repo DIR` reads the *.nix files of a directory here. Nothing is evaluated.
    Index {
        /// The host
        #[arg(required_unless_present = "repo")]
        host: Option<HostName>,
        /// Files and directories there
        paths: Vec<String>,
        /// A directory with a NixOS configuration, here
        #[arg(long, value_name = "DIR", conflicts_with_all = ["host", "paths"])]
        repo: Option<PathBuf>,
    },
    /// Find in what was read
    Search {
        /// What, in any words
        #[arg(required = true, value_name = "TEXT")]
        text: Vec<String>,
        /// Only of this host
        #[arg(long)]
        host: Option<HostName>,
        /// At most so many
        #[arg(long, short = 'n')]
        limit: Option<usize>,
    },
    /// A file as it was read; without a path, which there are
    Read {
        /// The host
        host: HostName,
        /// The file
        path: Option<String>,
    },
}

/// Does one thing with configuration files.
pub(super) async fn run(session: &Session, args: &ConfigsArgs) -> Ended {
    let client = &session.client;
    match &args.command {
        ConfigsCommand::Index {
            repo: Some(dir), ..
        } => {
            let indexed = index_repository(session, dir).await?;
            told(session, &indexed)?;
        }
        ConfigsCommand::Index { host, paths, .. } => {
            let host = host
                .clone()
                .ok_or_else(|| CommandError::usage(anyhow!("name a host, or --repo")))?;
            let body = ConfigsBody {
                host,
                paths: paths.clone(),
            };
            let indexed: ConfigsIndexed = client.post("/v1/configs", &body).await?;
            told(session, &indexed)?;
        }
        ConfigsCommand::Search { text, host, limit } => {
            let body = SearchBody {
                text: text.join(" "),
                collections: vec![Collection::Configs],
                host: host.clone(),
                limit: *limit,
                ..SearchBody::default()
            };
            let found: Vec<Found> = client.post("/v1/knowledge/search", &body).await?;
            answer(session.output, &found, |found| {
                show::found_list(&session.page, found, &session.called)
            })?;
        }
        ConfigsCommand::Read { host, path } => {
            let file = path
                .as_ref()
                .map_or_else(String::new, |path| format!("&path={}", encoded(path)));
            let read: ConfigsAnswer = client
                .get(&format!("/v1/configs?host={host}{file}"))
                .await?;
            answer(session.output, &read, |read| match &read.file {
                Some(file) => visible_block(&file.text).into_owned() + "\n",
                None if read.paths.is_empty() => {
                    format!(
                        "nothing was read of {host}   {}\n",
                        session.called.command(&format!("configs index {host}"))
                    )
                }
                None => read.paths.join("\n") + "\n",
            })?;
        }
    }
    Ok(0)
}

fn told(session: &Session, indexed: &ConfigsIndexed) -> Result<(), CommandError> {
    answer(session.output, indexed, |indexed| {
        show::configs_indexed(&session.page, indexed)
    })
}

async fn index_repository(session: &Session, dir: &Path) -> Result<ConfigsIndexed, CommandError> {
    let mut paths = Vec::new();
    nix_files(dir, dir, 0, &mut paths)?;
    paths.sort();
    let mut whole = ConfigsIndexed::default();
    let mut all = Vec::new();
    let mut some: Vec<RepositoryFile> = Vec::new();
    for path in paths {
        let shown = path.to_string_lossy().into_owned();
        match text_of(&dir.join(&path)) {
            Ok(text) => {
                all.push(shown.clone());
                some.push(RepositoryFile { path: shown, text });
            }
            Err(why) => whole.refused.push(RefusedFile { path: shown, why }),
        }
        if some.iter().map(|file| file.text.len()).sum::<usize>() > FILES_AT_ONCE {
            send(session, std::mem::take(&mut some), None, &mut whole).await?;
        }
    }
    // What was refused on the way is not kept from before either.
    all.retain(|path| !whole.refused.iter().any(|refused| refused.path == *path));
    send(session, some, Some(all), &mut whole).await?;
    Ok(whole)
}

/// The text of a file, or why it is not read. No more of it is read than may be kept.
fn text_of(file: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it is longer than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not a text".to_owned())
}

async fn send(
    session: &Session,
    files: Vec<RepositoryFile>,
    all: Option<Vec<String>>,
    whole: &mut ConfigsIndexed,
) -> Result<(), CommandError> {
    let body = RepositoryBody { files, all };
    let part: ConfigsIndexed = session.client.post("/v1/configs/repository", &body).await?;
    whole.files += part.files;
    whole.parts.new += part.parts.new;
    whole.parts.changed += part.parts.changed;
    whole.parts.same += part.parts.same;
    whole.removed += part.removed;
    whole.refused.extend(part.refused);
    Ok(())
}

/// The *.nix files below a directory, as paths in it. Links are not followed, and hidden directories passed over.
fn nix_files(
    root: &Path,
    dir: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> Result<(), CommandError> {
    let read =
        std::fs::read_dir(dir).with_context(|| format!("could not read {}", dir.display()))?;
    for entry in read {
        let entry = entry.with_context(|| format!("could not read {}", dir.display()))?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry
            .file_type()
            .with_context(|| format!("could not read {}", path.display()))?;
        if kind.is_dir() && depth < MAX_DEPTH && !name.to_string_lossy().starts_with('.') {
            nix_files(root, &path, depth + 1, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "nix") {
            if found.len() >= MAX_FILES {
                return Err(CommandError::usage(anyhow!(
                    "there are more than {MAX_FILES} *.nix files"
                )));
            }
            found.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
        }
    }
    Ok(())
}
