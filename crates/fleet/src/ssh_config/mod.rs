//! `~/.ssh/config`: which hosts it names, and what it says of each. `ssh -G` is asked for the latter, since it alone
//! knows all of the rules; that is dear, so one answer serves for all destinations that the files do not tell apart, and
//! is kept until one of the files changes.

mod alike;
mod files;
mod settings;
mod syntax;

pub use settings::HostSettings;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use watchkeeper_model::{HostName, LookFailure};

use crate::HostEntry;
use crate::inventory::is_address;
use crate::process::command;
use crate::rendered::excerpt;

use alike::Kind;
use files::Files;
use syntax::is_concrete;

/// How long `ssh -G` may take; `Match exec` runs commands of the user's.
const ASK_TIME: Duration = Duration::from_secs(10);
/// Most hosts that are taken over.
const MAX_HOSTS: usize = 10_000;

/// A name in the configuration that cannot name a host here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedHost {
    /// The name, cut and made visible.
    pub name: String,
    /// Why.
    pub why: String,
}

/// The hosts that a configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedHosts {
    /// An entry for each, with nothing but the name: the rest is asked for when it is connected to.
    pub entries: Vec<HostEntry>,
    /// Names that were left out.
    pub refused: Vec<RefusedHost>,
}

/// The SSH configuration of one user.
#[derive(Debug)]
pub struct SshConfig {
    home: PathBuf,
    file: Option<PathBuf>,
    ssh: PathBuf,
    kept: Mutex<Kept>,
    /// Held while `ssh` is asked on behalf of others: who comes meanwhile waits for its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    files: Option<Files>,
    settings: HashMap<String, HostSettings>,
    /// The answers that serve for all of their kind.
    alike: HashMap<Kind, HostSettings>,
}

impl SshConfig {
    /// The configuration in this home; with `file` that file instead, and nothing of the system's, as by `ssh -F`.
    #[must_use]
    pub fn new(home: PathBuf, file: Option<PathBuf>) -> Self {
        Self {
            home,
            file,
            ssh: PathBuf::from("ssh"),
            kept: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Another program than the `ssh` in the path.
    #[must_use]
    pub fn with_program(mut self, ssh: PathBuf) -> Self {
        self.ssh = ssh;
        self
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The user's file.
    #[must_use]
    pub fn user_file(&self) -> PathBuf {
        self.file
            .clone()
            .unwrap_or_else(|| self.home.join(".ssh/config"))
    }

    /// The hosts that it names, without patterns and negations.
    #[must_use]
    pub fn hosts(&self) -> ImportedHosts {
        let files = Files::read(&self.user_file(), &self.home);
        let mut seen = BTreeSet::new();
        let mut imported = ImportedHosts::default();
        let named = files
            .lines
            .iter()
            .filter(|line| line.keyword == "host")
            .flat_map(|line| &line.args);
        for name in named.filter(|name| is_concrete(name)).take(MAX_HOSTS) {
            if !seen.insert(name.clone()) {
                continue;
            }
            match HostName::new(name.as_str()) {
                Ok(name) if name == HostName::local() => imported.refused.push(RefusedHost {
                    name: name.to_string(),
                    why: "local is this machine itself".to_owned(),
                }),
                Ok(name) => imported.entries.push(HostEntry::new(name)),
                Err(invalid) => imported.refused.push(RefusedHost {
                    name: excerpt(name.as_bytes()),
                    why: invalid.why.to_owned(),
                }),
            }
        }
        imported
    }

    /// What it says of a destination.
    ///
    /// # Errors
    /// When the name could be taken for something else, or the configuration is broken.
    pub async fn settings(&self, destination: &str) -> Result<HostSettings, LookFailure> {
        if !is_address(destination) {
            return Err(misconfigured(&format!(
                "{destination:?} is neither a name nor an address"
            )));
        }
        let (known, kind) = self.kept_settings(destination);
        if let Some(known) = known {
            return Ok(known);
        }
        let Some(kind) = kind else {
            return self.ask(destination, None).await;
        };
        let _asking = self.asking.lock().await;
        match self.kept_settings(destination).0 {
            Some(known) => Ok(known),
            None => self.ask(destination, Some(kind)).await,
        }
    }

    /// Finds it out and keeps it, for all of its kind where it is certain that it holds for them.
    async fn ask(
        &self,
        destination: &str,
        kind: Option<Kind>,
    ) -> Result<HostSettings, LookFailure> {
        let settings = match self.ask_ssh(destination).await? {
            Some(settings) => settings,
            None => HostSettings::of_files(&self.all_files(), destination, &self.home),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.settings
            .insert(destination.to_owned(), settings.clone());
        if let Some(kind) = kind
            && settings.address.as_deref() == Some(destination)
        {
            kept.alike.insert(kind, settings.clone());
        }
        Ok(settings)
    }

    /// What was found out before, unless a file has changed since, and the kind of the destination.
    fn kept_settings(&self, destination: &str) -> (Option<HostSettings>, Option<Kind>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.files.as_ref().is_some_and(Files::unchanged) {
            *kept = Kept {
                files: Some(self.all_files()),
                ..Kept::default()
            };
        }
        if let Some(known) = kept.settings.get(destination) {
            return (Some(known.clone()), None);
        }
        let kind = kept
            .files
            .as_ref()
            .and_then(|files| Kind::of(files, destination));
        let alike = kind.as_ref().and_then(|kind| kept.alike.get(kind));
        let settings = alike.map(|alike| HostSettings {
            address: Some(destination.to_owned()),
            ..alike.clone()
        });
        (settings, kind)
    }

    fn all_files(&self) -> Files {
        let mut files = Files::read(&self.user_file(), &self.home);
        if self.file.is_none() {
            let system = Files::read(Path::new("/etc/ssh/ssh_config"), &self.home);
            // A block of the user's file does not go on into the system's.
            files.lines.push(files::Line {
                keyword: "match".to_owned(),
                args: vec!["all".to_owned()],
            });
            files.lines.extend(system.lines);
            files.stamps.extend(system.stamps);
        }
        files
    }

    /// None where there is no such program.
    async fn ask_ssh(&self, destination: &str) -> Result<Option<HostSettings>, LookFailure> {
        let mut ssh = command(&self.ssh);
        if let Some(file) = &self.file {
            ssh.arg("-F").arg(file);
        }
        ssh.args(["-T", "-G", "--", destination]);
        ssh.stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(ASK_TIME, ssh.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(Err(error)) => return Err(misconfigured(&format!("ssh -G cannot be run: {error}"))),
            Err(_) => {
                return Err(misconfigured(&format!(
                    "ssh -G took longer than {} s",
                    ASK_TIME.as_secs()
                )));
            }
        };
        if !output.status.success() {
            let said = excerpt(&output.stderr);
            return Err(misconfigured(&format!(
                "the SSH configuration of {destination}: {said}"
            )));
        }
        Ok(Some(HostSettings::of_printed(
            &String::from_utf8_lossy(&output.stdout),
            &self.home,
        )))
    }
}

fn misconfigured(detail: &str) -> LookFailure {
    LookFailure::Misconfigured {
        detail: excerpt(detail.as_bytes()),
    }
}

#[cfg(test)]
mod tests;
