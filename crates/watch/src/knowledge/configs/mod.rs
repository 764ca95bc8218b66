//! Configuration files, of hosts and of the operator's own repository, kept by their parts. Files of hosts are read by
//! commands that only look, judged like any other; nothing is evaluated. Secrets are taken out before anything is kept,
//! and a file that is one secret is not kept at all (`secrets`). What a host's file says speaks for that host.

mod parts;
mod paths;
mod reading;
mod secrets;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use watchkeeper_agent::redact;
use watchkeeper_model::{
    About, Collection, Confidence, Entry, EntryNumber, HostName, Person, Source, bounded, visible,
    visible_block,
};
use watchkeeper_store::{Brought, NewEntry, Tx};

use super::{Seeded, texts};
use crate::WatchError;
use crate::watch::Watch;
use parts::Part;
use paths::{MAX_PATH_CHARS, Owner, check_path, is_below, path_in};

/// Most files that are read from one host, or brought at once.
const MAX_FILES: usize = 500;
/// Longest file that is read, in bytes.
const MAX_FILE_BYTES: usize = 128 * 1024;
/// Longest account of why a file is not kept.
const MAX_WHY_CHARS: usize = 300;

/// What became of configuration files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigsIndexed {
    /// Files that are kept.
    pub files: usize,
    /// Their parts.
    #[serde(flatten)]
    pub parts: Seeded,
    /// Parts of files that are not there any more.
    pub removed: usize,
    /// Files that are not kept, each with why.
    pub refused: Vec<RefusedFile>,
}

/// A file that is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedFile {
    /// Its path.
    pub path: String,
    /// Why.
    pub why: String,
}

/// A file of the operator's repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositoryFile {
    /// Its path in the repository.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A configuration file as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Its host.
    pub host: HostName,
    /// Its path there.
    pub path: String,
    /// What it said when it was read, without secrets.
    pub text: String,
    /// When it was read last and had changed.
    pub at: watchkeeper_model::Timestamp,
}

impl Watch {
    /// Reads configuration files of a host and keeps what they say. What was kept of files below these paths that are
    /// gone is forgotten.
    ///
    /// # Errors
    /// When the host does not answer, or a path is none.
    pub async fn index_configs(
        &self,
        person: Person,
        host: &HostName,
        paths: &[String],
    ) -> Result<ConfigsIndexed, WatchError> {
        self.entry(host)?;
        let current = self.current();
        let paths = if paths.is_empty() {
            current.settings.knowledge.paths_of(host)
        } else {
            paths
        };
        for path in paths {
            check_path(path)?;
        }
        let mut indexed = ConfigsIndexed::default();
        let found = self.files_below(host, paths, &mut indexed).await?;
        let mut seen = BTreeSet::new();
        for path in found {
            match self.file_of(host, &path).await {
                Ok(text) => {
                    self.keep_file(Owner::Host(host), &path, &text, &mut indexed)
                        .await?;
                    seen.insert(path);
                }
                Err(why) => indexed.refuse(&path, &why),
            }
        }
        self.forget_files(
            Owner::Host(host),
            &seen,
            |path| is_below(path, paths),
            &mut indexed,
        )
        .await?;
        self.tell_of_files(person, Some(host.clone()), &indexed)
            .await?;
        Ok(indexed)
    }

    /// Keeps files of the operator's repository: what a NixOS configuration says, by file and top-level attribute. Where
    /// the paths of `all` files are said, what was kept of others is forgotten.
    ///
    /// # Errors
    /// When there are too many, or the store does not answer.
    pub async fn index_repository(
        &self,
        person: Person,
        files: &[RepositoryFile],
        all: Option<&[String]>,
    ) -> Result<ConfigsIndexed, WatchError> {
        if files.len() > MAX_FILES {
            return Err(WatchError::invalid(format!(
                "more than {MAX_FILES} files at once"
            )));
        }
        let mut indexed = ConfigsIndexed::default();
        let mut seen = BTreeSet::new();
        for file in files {
            let refused = secrets::why_by_name(&file.path)
                .or_else(|| secrets::why_by_content(file.text.as_bytes()))
                .map(str::to_owned);
            let path = bounded(&visible(&file.path), MAX_PATH_CHARS).into_owned();
            match refused.or_else(|| too_long(file.text.len())) {
                Some(why) => indexed.refuse(&path, &why),
                None => {
                    self.keep_file(Owner::Repository, &path, &file.text, &mut indexed)
                        .await?;
                    seen.insert(path);
                }
            }
        }
        if let Some(all) = all {
            let refused: BTreeSet<&str> = indexed
                .refused
                .iter()
                .map(|file| file.path.as_str())
                .collect();
            let kept = all.iter().filter(|path| !refused.contains(path.as_str()));
            seen.extend(kept.cloned());
            self.forget_files(Owner::Repository, &seen, |_| true, &mut indexed)
                .await?;
        }
        self.tell_of_files(person, None, &indexed).await?;
        Ok(indexed)
    }

    /// A configuration file of a host as it was read last; none: it is not kept.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn config_file(
        &self,
        host: &HostName,
        path: &str,
    ) -> Result<Option<ConfigFile>, WatchError> {
        let prefix = Owner::Host(host).keys_of(path);
        let mut read = self.store().read().await?;
        let keys = read.entries().keys(&prefix, "").await?;
        let numbers: Vec<EntryNumber> = keys.iter().map(|(_, number)| *number).collect();
        let mut parts = read.entries().many(&numbers).await?.rows;
        parts.sort_by(|one, other| one.key.cmp(&other.key));
        let Some(at) = parts.iter().map(|part| part.entry.updated_at).max() else {
            return Ok(None);
        };
        let texts: Vec<&str> = parts.iter().map(|part| part.entry.text.as_str()).collect();
        Ok(Some(ConfigFile {
            host: host.clone(),
            path: path.to_owned(),
            text: texts.join("\n"),
            at,
        }))
    }

    /// The paths of a host's files that are kept, in their order.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn config_paths(&self, host: &HostName) -> Result<Vec<String>, WatchError> {
        let owner = Owner::Host(host);
        let mut read = self.store().read().await?;
        let mut paths: Vec<String> = Vec::new();
        let mut after = String::new();
        loop {
            let keys = read.entries().keys(&owner.keys(), &after).await?;
            let Some((last, _)) = keys.last() else {
                return Ok(paths);
            };
            after.clone_from(last);
            for (key, _) in &keys {
                let path = path_in(key, owner);
                if paths.last().map(String::as_str) != Some(path) {
                    paths.push(path.to_owned());
                }
            }
        }
    }

    /// Keeps a file by its parts, in one transaction.
    async fn keep_file(
        &self,
        owner: Owner<'_>,
        path: &str,
        text: &str,
        indexed: &mut ConfigsIndexed,
    ) -> Result<(), WatchError> {
        // As a whole, so that a secret of many lines is not parted.
        let text = visible_block(&redact(text)).into_owned();
        let parts = parts::of(path, &text);
        let mut tx = self.store().begin().await?;
        let mut kept = BTreeSet::new();
        for (place, part) in parts.iter().enumerate() {
            let key = format!("{}{place:04}", owner.keys_of(path));
            let new = self.part_of(owner, path, part, key.clone());
            match texts::fit(new) {
                Ok(new) => {
                    let brought: Brought = tx.entries().bring(new).await?;
                    indexed.parts.count(&brought);
                    kept.insert(key);
                }
                Err(error) => indexed.refuse(path, &error.to_string()),
            }
        }
        indexed.removed += remove_others(&mut tx, &owner.keys_of(path), &kept).await?;
        tx.commit().await?;
        indexed.files += usize::from(!kept.is_empty());
        Ok(())
    }

    fn part_of(&self, owner: Owner<'_>, path: &str, part: &Part, key: String) -> NewEntry {
        let name = part
            .name
            .as_ref()
            .map_or_else(String::new, |name| format!(" {name}"));
        let (host, source, kind) = match owner {
            Owner::Host(host) => {
                let (host, what) = (host.clone(), path.to_owned());
                (Some(host.clone()), Source::Host { host, what }, "file")
            }
            Owner::Repository => {
                let path = path.to_owned();
                (None, Source::Repository { path }, "repository")
            }
        };
        let title = format!("{path}{name}");
        NewEntry {
            collection: Collection::Configs,
            kind: kind.to_owned(),
            title: bounded(&title, Entry::MAX_TITLE_CHARS).into_owned(),
            text: part.text.clone(),
            host,
            labels: vec!["config".to_owned()],
            source,
            confidence: Confidence::High,
            at: self.now(),
            confirmed: None,
            expires_at: None,
            key: Some(key),
        }
    }

    /// Forgets what is kept of files that were not seen, among those that `covered` says were looked for. A file that
    /// was there and is not kept counts as not seen: what it said is not known any more.
    async fn forget_files(
        &self,
        owner: Owner<'_>,
        seen: &BTreeSet<String>,
        covered: impl Fn(&str) -> bool,
        indexed: &mut ConfigsIndexed,
    ) -> Result<(), WatchError> {
        let mut after = String::new();
        loop {
            let mut tx = self.store().begin().await?;
            let keys = tx.entries().keys(&owner.keys(), &after).await?;
            let Some((last, _)) = keys.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for (key, number) in keys {
                let path = path_in(&key, owner);
                if covered(path) && !seen.contains(path) {
                    indexed.removed += usize::from(tx.entries().remove(number).await?);
                }
            }
            tx.commit().await?;
        }
    }

    async fn tell_of_files(
        &self,
        person: Person,
        host: Option<HostName>,
        indexed: &ConfigsIndexed,
    ) -> Result<(), WatchError> {
        let text = format!(
            "{} files are kept, {} are not; {} parts are new, {} changed, {} gone",
            indexed.files,
            indexed.refused.len(),
            indexed.parts.new,
            indexed.parts.changed,
            indexed.removed
        );
        let about = About {
            host,
            ..About::default()
        };
        let mut tx = self.store().begin().await?;
        let record = self.record_by(person, "configs.indexed", about, text);
        tx.log().append(record)?;
        tx.commit().await?;
        self.something_was_taught().await;
        Ok(())
    }
}

impl ConfigsIndexed {
    fn refuse(&mut self, path: &str, why: &str) {
        self.refused.push(RefusedFile {
            path: bounded(&visible(path), MAX_PATH_CHARS).into_owned(),
            why: bounded(&visible(why), MAX_WHY_CHARS).into_owned(),
        });
    }
}

async fn remove_others(
    tx: &mut Tx,
    prefix: &str,
    kept: &BTreeSet<String>,
) -> Result<usize, WatchError> {
    let mut removed = 0;
    for (key, number) in tx.entries().keys(prefix, "").await? {
        if !kept.contains(&key) {
            removed += usize::from(tx.entries().remove(number).await?);
        }
    }
    Ok(removed)
}

fn too_long(bytes: usize) -> Option<String> {
    (bytes > MAX_FILE_BYTES).then(|| format!("it is longer than {} KiB", MAX_FILE_BYTES / 1024))
}
