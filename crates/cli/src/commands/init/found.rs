//! What is there to choose from: the hosts of the SSH configuration, the models of an Ollama.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::{Uid, User};
use watchkeeper_fleet::{HostSettings, JumpHost, RefusedHost, SshConfig};
use watchkeeper_llm::{Lane, Ollama, Provider as _};
use watchkeeper_model::{HostName, visible};

use super::{InitArgs, Wished};
use crate::config::is_system;
use crate::surroundings::Surroundings;

/// How long an Ollama may take to tell its models.
const OLLAMA_WITHIN: Duration = Duration::from_secs(3);
/// Most models that are offered.
const MAX_MODELS: usize = 200;
/// Most servers on the way to a host; jump hosts may lead in a circle.
const MAX_JUMPS: usize = 8;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The hosts that the SSH configuration names.
    pub(super) hosts: Vec<HostName>,
    /// What it names and cannot be watched by that name.
    pub(super) refused: Vec<RefusedHost>,
    /// What the Ollama has; none where none answers.
    pub(super) models: Option<Vec<String>>,
    ssh: SshConfig,
    /// The same without the program `ssh`: what the files say, and nothing that is so by default.
    files: SshConfig,
    /// Who looks.
    user: String,
    /// Whose file was named.
    owner: Option<String>,
    /// Whether what the configuration says of a host must be written out: a service does not read a person's file.
    writes_out: bool,
}

impl Found {
    /// Looks.
    pub(super) async fn look(args: &InitArgs, around: &Surroundings) -> Self {
        let config = || SshConfig::new(around.home.clone(), args.ssh_config.clone());
        let ssh = config();
        let imported = ssh.hosts();
        let mut seen = BTreeSet::new();
        let entries = imported.entries.into_iter().map(|entry| entry.name);
        let owner = args.ssh_config.as_deref().and_then(|file| {
            let owner = Uid::from_raw(std::fs::metadata(file).ok()?.uid());
            Some(User::from_uid(owner).ok()??.name)
        });
        Self {
            hosts: entries.filter(|name| seen.insert(name.clone())).collect(),
            refused: imported.refused,
            models: models(&args.ollama).await,
            ssh,
            files: config().with_program(PathBuf::from("/nonexistent/ssh")),
            user: around.user.clone(),
            owner,
            writes_out: is_system(around) || args.ssh_config.is_some(),
        }
    }

    /// A host of the SSH configuration, as it is to be written, and what of it could not be taken over.
    pub(super) async fn host(&self, name: &HostName) -> (Wished, Option<String>) {
        let plain = Wished::named(name.clone());
        if !self.writes_out {
            return (plain, None);
        }
        match self.ssh.settings(name.as_str()).await {
            Ok(settings) => self.written_out(plain, settings).await,
            Err(failure) => {
                let why = visible(&failure.to_string()).into_owned();
                (
                    plain,
                    Some(format!("{name} stands there by its name alone: {why}")),
                )
            }
        }
    }

    async fn written_out(&self, plain: Wished, found: HostSettings) -> (Wished, Option<String>) {
        let name = plain.name.as_str().to_owned();
        let jump = self.route(&found.proxy_jump).await;
        let missing = if found.proxy_command {
            Some("a ProxyCommand, which has to stand in the SSH configuration of the service")
        } else if jump.is_none() {
            Some("jump hosts that cannot be told; `jump` has to be written by hand")
        } else {
            None
        };
        let note = missing.map(|missing| format!("{name} is reached by {missing}"));
        let login = self.login(&name, found.login).await;
        let wished = Wished {
            address: found.address.filter(|address| *address != name),
            port: found.port.filter(|port| *port != 22),
            login,
            jump: jump.unwrap_or_default(),
            host_key_alias: found.host_key_alias,
            ..plain
        };
        (wished, note)
    }

    /// `ssh` names an account also where nobody said one: that of who asks. Meant is then that of whose file it is.
    async fn login(&self, name: &str, login: Option<String>) -> Option<String> {
        let login = login?;
        let Some(owner) = self.owner.as_ref().filter(|_| login == self.user) else {
            return Some(login);
        };
        let said = self.files.settings(name).await;
        let said = said.is_ok_and(|said| said.login.is_some());
        Some(if said { login } else { owner.clone() })
    }

    /// The way to a host, the nearest server first, with what the configuration says of each: the service knows no name
    /// of a person's file. As OpenSSH has it, jump hosts of its own lead to the first one, and to no other.
    async fn route(&self, jump: &[String]) -> Option<Vec<String>> {
        let mut hops = parsed(jump)?;
        while let Some(first) = hops.first() {
            let before = self.ssh.settings(&first.host).await.ok()?.proxy_jump;
            if before.is_empty() {
                break;
            }
            hops.splice(0..0, parsed(&before)?);
            if hops.len() > MAX_JUMPS {
                return None;
            }
        }
        let mut route = Vec::with_capacity(hops.len());
        for hop in hops {
            let found = self.ssh.settings(&hop.host).await.ok()?;
            let login = match hop.login {
                Some(login) => Some(login),
                None => self.login(&hop.host, found.login).await,
            };
            let place = JumpHost {
                login,
                host: found.address.unwrap_or(hop.host),
                port: hop.port.or(found.port).filter(|port| *port != 22),
                entry: None,
            };
            route.push(place.to_string());
        }
        Some(route)
    }
}

fn parsed(jump: &[String]) -> Option<Vec<JumpHost>> {
    jump.iter().map(|hop| hop.parse().ok()).collect()
}

async fn models(url: &str) -> Option<Vec<String>> {
    // Its models are asked for, so it matters little which one the lane names.
    let lane = Lane {
        url: url.parse().ok()?,
        ..Lane::new("any")
    };
    let ollama = Ollama::new(lane).ok()?;
    let lines = tokio::time::timeout(OLLAMA_WITHIN, ollama.models())
        .await
        .ok()?
        .ok()?;
    let mut names: Vec<String> = lines.into_iter().map(|line| line.name).collect();
    names.sort();
    names.truncate(MAX_MODELS);
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of hosts of this file when root writes them out for a service.
    async fn written(config: &str, hosts: &[&str]) -> Vec<(Wished, Option<String>)> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("config");
        std::fs::write(&file, config).expect("written");
        let ssh = || SshConfig::new(dir.path().to_owned(), Some(file.clone()));
        let found = Found {
            hosts: Vec::new(),
            refused: Vec::new(),
            models: None,
            ssh: ssh(),
            files: ssh().with_program(PathBuf::from("/nonexistent/ssh")),
            user: crate::surroundings::Surroundings::read().user,
            owner: Some("anna".to_owned()),
            writes_out: true,
        };
        let mut all = Vec::new();
        for name in hosts {
            all.push(found.host(&HostName::new(*name).expect("a name")).await);
        }
        all
    }

    #[tokio::test]
    async fn a_host_is_written_out_as_whose_file_it_is() {
        let all = written(
            "Host web1\n HostName 2001:db8::1\n Port 2200\nHost db1\n User ops\n HostKeyAlias db\n",
            &["web1", "db1", "bare"],
        )
        .await;
        let web1 = Wished {
            address: Some("2001:db8::1".to_owned()),
            port: Some(2200),
            login: Some("anna".to_owned()),
            ..Wished::named(HostName::new("web1").expect("a name"))
        };
        assert_eq!(all[0], (web1, None));
        let said = |place: usize| {
            (
                all[place].0.login.as_deref(),
                all[place].0.address.as_deref(),
            )
        };
        assert_eq!(said(1), (Some("ops"), None));
        assert_eq!(all[1].0.host_key_alias.as_deref(), Some("db"));
        assert_eq!(said(2), (Some("anna"), None));
    }

    #[tokio::test]
    async fn jump_hosts_are_written_out_with_those_that_lead_to_them() {
        let config = "Host bastion\n HostName 203.0.113.5\n User jump\n Port 2222\nHost inner\n ProxyJump bastion\n\
                      Host web1\n ProxyJump ops@inner:23,last\nHost last\n ProxyJump elsewhere\n\
                      Host a\n ProxyJump b\nHost b\n ProxyJump a\nHost pc\n ProxyCommand nc %h %p\n";
        let all = written(config, &["web1", "a", "pc"]).await;
        assert_eq!(
            all[0].0.jump,
            ["jump@203.0.113.5:2222", "ops@inner:23", "anna@last"]
        );
        assert_eq!(all[0].1, None);
        let note = |place: usize| all[place].1.clone().unwrap_or_default();
        assert!(note(1).contains("cannot be told"), "{}", note(1));
        assert!(note(2).contains("ProxyCommand"), "{}", note(2));
    }
}
