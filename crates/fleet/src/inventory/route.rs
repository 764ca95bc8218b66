//! From an entry to the way there: what the entry says, then what `~/.ssh/config` says, then defaults. An entry that leads
//! nowhere is misconfigured, and that is the trouble of its host alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use watchkeeper_model::LookFailure;

use super::{Engine, HostEntry, JumpHost, SshTarget, is_address, is_login};
use crate::rendered::excerpt;
use crate::ssh_config::{HostSettings, SshConfig};

/// Most jump hosts on one way; more are taken for a circle.
const MAX_HOPS: usize = 8;

/// What holds for all hosts. The caller has it from its config and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshDefaults {
    /// Our own file of known host keys: the one that enrolment writes.
    pub known_hosts: PathBuf,
    /// Whether keys in the user's and the system's files count as known, too. They are never written.
    pub user_known_hosts: bool,
    /// The socket of the SSH agent.
    pub agent_socket: Option<PathBuf>,
    /// The account where nothing names one.
    pub login: String,
}

/// How one host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// By what.
    pub engine: Engine,
    /// Where to.
    pub target: SshTarget,
    /// The name that `~/.ssh/config` knows it by.
    pub destination: String,
}

/// Finds the ways.
#[derive(Debug)]
pub struct Routes {
    config: SshConfig,
    defaults: SshDefaults,
}

/// One server on the way, before its jump hosts are known.
struct Stop {
    target: SshTarget,
    settings: HostSettings,
}

impl Routes {
    /// Ways by this SSH configuration.
    #[must_use]
    pub const fn new(config: SshConfig, defaults: SshDefaults) -> Self {
        Self { config, defaults }
    }

    /// The SSH configuration.
    #[must_use]
    pub const fn config(&self) -> &SshConfig {
        &self.config
    }

    /// The way to one host by SSH.
    ///
    /// # Errors
    /// `Misconfigured`, when there is none.
    pub async fn find(&self, entry: &HostEntry) -> Result<Route, LookFailure> {
        let destination = destination(entry);
        let Stop {
            mut target,
            settings,
        } = self.stop(entry).await?;
        let proxy_command = settings.proxy_command && entry.jump.is_empty();
        let engine = match (entry.engine, proxy_command) {
            (None, true) => Engine::SystemSsh,
            (Some(Engine::Russh), true) => {
                return Err(misconfigured(
                    "~/.ssh/config has a ProxyCommand for it, which needs engine = \"system-ssh\"",
                ));
            }
            _ => entry.engine(),
        };
        target.jump = self.hops(entry, &settings).await?;
        Ok(Route {
            engine,
            target,
            destination,
        })
    }

    async fn stop(&self, entry: &HostEntry) -> Result<Stop, LookFailure> {
        if let Some(problem) = entry.problem() {
            return Err(misconfigured(&problem));
        }
        let destination = destination(entry);
        let settings = self.config.settings(&destination).await?;
        let address = settings.address.clone().unwrap_or(destination);
        let login = entry.login.clone().or_else(|| settings.login.clone());
        let login = login.unwrap_or_else(|| self.defaults.login.clone());
        if !is_address(&address) || !is_login(&login) {
            return Err(misconfigured(&format!(
                "{login:?} at {address:?} cannot be connected to"
            )));
        }
        let target = SshTarget {
            port: entry
                .port
                .or(settings.port)
                .unwrap_or(SshTarget::DEFAULT_PORT),
            identity_files: self.identity_files(entry, &settings),
            passphrase_file: entry
                .passphrase_file
                .as_deref()
                .map(|file| self.expand(file)),
            agent_socket: self.agent_socket(entry, &settings),
            host_key_alias: entry
                .host_key_alias
                .clone()
                .or_else(|| settings.host_key_alias.clone()),
            known_hosts: self.known_hosts(&settings),
            jump: Vec::new(),
            connect_timeout: entry.connect_timeout,
            address,
            login,
        };
        Ok(Stop { target, settings })
    }

    /// The servers to go through, with those that the nearest one is itself behind.
    async fn hops(
        &self,
        entry: &HostEntry,
        settings: &HostSettings,
    ) -> Result<Vec<SshTarget>, LookFailure> {
        let mut hops = Vec::new();
        let mut ahead = jumps(entry, settings)?;
        while !ahead.is_empty() {
            let mut stops = Vec::with_capacity(ahead.len());
            for jump in &ahead {
                stops.push((
                    jump,
                    self.stop(&entry_of(jump, entry.connect_timeout)?).await?,
                ));
            }
            if let Some((jump, _)) = stops.iter().find(|(_, stop)| stop.settings.proxy_command) {
                let detail = format!(
                    "its jump host {jump} has a ProxyCommand in ~/.ssh/config, which is not followed"
                );
                return Err(misconfigured(&detail));
            }
            let (first, nearest) = &stops[0];
            let behind = jumps(&entry_of(first, entry.connect_timeout)?, &nearest.settings)?;
            hops.splice(0..0, stops.into_iter().map(|(_, stop)| stop.target));
            if hops.len() > MAX_HOPS {
                return Err(misconfigured(&format!(
                    "its jump hosts are more than {MAX_HOPS}, or go round in a circle"
                )));
            }
            ahead = behind;
        }
        Ok(hops)
    }

    fn identity_files(&self, entry: &HostEntry, settings: &HostSettings) -> Vec<PathBuf> {
        if entry.identity_files.is_empty() {
            return settings.identity_files.clone();
        }
        entry
            .identity_files
            .iter()
            .map(|file| self.expand(file))
            .collect()
    }

    fn expand(&self, path: &Path) -> PathBuf {
        path.strip_prefix("~")
            .map_or_else(|_| path.to_owned(), |rest| self.config.home().join(rest))
    }

    fn agent_socket(&self, entry: &HostEntry, settings: &HostSettings) -> Option<PathBuf> {
        if !entry.use_agent {
            return None;
        }
        match settings.identity_agent.as_deref() {
            Some("none") => None,
            Some(path) if path.starts_with('/') => Some(path.into()),
            // `SSH_AUTH_SOCK`, or another variable: only the caller has read the environment.
            _ => self.defaults.agent_socket.clone(),
        }
    }

    fn known_hosts(&self, settings: &HostSettings) -> Vec<PathBuf> {
        let mut files = vec![self.defaults.known_hosts.clone()];
        if self.defaults.user_known_hosts {
            let theirs = settings
                .known_hosts
                .iter()
                .filter(|file| **file != self.defaults.known_hosts);
            files.extend(theirs.filter(|file| file.is_file()).cloned());
        }
        files
    }
}

fn destination(entry: &HostEntry) -> String {
    entry
        .address
        .clone()
        .unwrap_or_else(|| entry.name.to_string())
}

/// The jump hosts of an entry, or those of the SSH configuration where it has none.
fn jumps(entry: &HostEntry, settings: &HostSettings) -> Result<Vec<JumpHost>, LookFailure> {
    if !entry.jump.is_empty() {
        return Ok(entry.jump.clone());
    }
    let parse = |text: &String| {
        text.parse()
            .map_err(|error| misconfigured(&format!("ProxyJump: {error}")))
    };
    settings.proxy_jump.iter().map(parse).collect()
}

/// A jump host as an entry: its own in the inventory, or one with nothing but the place.
fn entry_of(jump: &JumpHost, connect_timeout: Duration) -> Result<HostEntry, LookFailure> {
    let entry = match &jump.entry {
        Some(entry) => (**entry).clone(),
        None => HostEntry {
            address: Some(jump.host.clone()),
            connect_timeout,
            ..HostEntry::new(
                "jump"
                    .parse()
                    .map_err(|_| misconfigured("a jump host has no name"))?,
            )
        },
    };
    Ok(HostEntry {
        login: jump.login.clone().or_else(|| entry.login.clone()),
        port: jump.port.or(entry.port),
        ..entry
    })
}

fn misconfigured(detail: &str) -> LookFailure {
    LookFailure::Misconfigured {
        detail: excerpt(detail.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::HostName;

    use super::*;
    use crate::Inventory;

    struct Ground {
        home: tempfile::TempDir,
        routes: Routes,
    }

    fn ground(ssh_config: &str) -> Ground {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = home.path().join("config");
        std::fs::write(&file, ssh_config).expect("a file");
        let config = SshConfig::new(home.path().to_owned(), Some(file));
        let defaults = SshDefaults {
            known_hosts: home.path().join("ours"),
            user_known_hosts: false,
            agent_socket: Some("/run/agent".into()),
            login: "watch".to_owned(),
        };
        Ground {
            routes: Routes::new(config, defaults),
            home,
        }
    }

    fn entry(text: &str) -> HostEntry {
        toml::from_str(text).expect("an entry")
    }

    async fn find(ground: &Ground, text: &str) -> Result<Route, LookFailure> {
        ground.routes.find(&entry(text)).await
    }

    #[tokio::test]
    async fn the_entry_wins_over_ssh_config_and_that_over_defaults() {
        let ground =
            ground("Host web1\n HostName 10.0.0.1\n Port 2222\n User ops\n IdentityAgent none\n");
        let route = find(
            &ground,
            "name = 'web1'\nport = 2200\nidentity_files = ['~/k']",
        )
        .await
        .expect("a way");
        let target = route.target;
        assert_eq!(
            (route.engine, target.address.as_str(), target.port),
            (Engine::Russh, "10.0.0.1", 2200)
        );
        assert_eq!((target.login.as_str(), target.agent_socket), ("ops", None));
        assert_eq!(target.identity_files, [ground.home.path().join("k")]);
        assert_eq!(target.known_hosts, [ground.home.path().join("ours")]);
        let other = find(&ground, "name = 'web2'\naddress = 'web2.example'")
            .await
            .expect("a way")
            .target;
        assert_eq!((other.address.as_str(), other.port), ("web2.example", 22));
        assert_eq!(other.agent_socket, Some("/run/agent".into()));
    }

    #[tokio::test]
    async fn the_files_and_the_name_for_host_keys_are_those_that_are_said() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let theirs = home.path().join("theirs");
        std::fs::write(&theirs, "").expect("a file");
        let file = home.path().join("config");
        let said = format!(
            "Host *\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n",
            theirs.display()
        );
        std::fs::write(&file, said).expect("a file");
        let ours = home.path().join("ours");
        for (user_known_hosts, files) in [
            (false, vec![ours.clone()]),
            (true, vec![ours.clone(), theirs]),
        ] {
            let config = SshConfig::new(home.path().to_owned(), Some(file.clone()));
            let defaults = SshDefaults {
                known_hosts: ours.clone(),
                user_known_hosts,
                agent_socket: None,
                login: "watch".to_owned(),
            };
            let alias = entry("name = 'web1'\nhost_key_alias = 'web1.example.org'");
            let target = Routes::new(config, defaults)
                .find(&alias)
                .await
                .expect("a way")
                .target;
            assert_eq!(target.known_hosts, files);
            assert_eq!(target.host_key_name(), "web1.example.org");
        }
    }

    #[tokio::test]
    async fn a_proxy_command_asks_for_the_systems_ssh() {
        let ground = ground("Host odd\n ProxyCommand nc %h %p\n");
        assert_eq!(
            find(&ground, "name = 'odd'").await.expect("a way").engine,
            Engine::SystemSsh
        );
        let failure = find(&ground, "name = 'odd'\nengine = 'russh'")
            .await
            .expect_err("no way");
        assert_eq!(failure.kind(), "misconfigured");
    }

    #[tokio::test]
    async fn jump_hosts_stand_in_the_order_in_which_they_are_passed() {
        let ground = ground(
            "Host inner\n ProxyJump a@outer:23\nHost outer\n ProxyJump far\nHost web1\n ProxyJump inner,last\n",
        );
        let target = find(&ground, "name = 'web1'").await.expect("a way").target;
        let hops: Vec<_> = target
            .jump
            .iter()
            .map(|hop| (hop.address.as_str(), hop.port))
            .collect();
        assert_eq!(
            hops,
            [("far", 22), ("outer", 23), ("inner", 22), ("last", 22)]
        );
        assert_eq!(target.jump[1].login, "a");
    }

    #[tokio::test]
    async fn a_circle_of_jump_hosts_is_misconfigured() {
        let ground = ground("Host a\n ProxyJump b\nHost b\n ProxyJump a\n");
        let failure = find(&ground, "name = 'a'").await.expect_err("no way");
        assert!(failure.to_string().contains("circle"), "{failure}");
    }

    #[tokio::test]
    async fn a_jump_host_of_the_inventory_brings_its_own_settings() {
        let ground = ground("");
        let hosts = [
            "name = 'bastion'\naddress = '10.0.0.1'\nlogin = 'hop'\nport = 23",
            "name = 'web1'\njump = ['bastion']",
        ];
        let inventory = Inventory::new(hosts.map(entry).into(), Vec::new()).expect("valid");
        let web1 = inventory
            .get(&HostName::new("web1").expect("a name"))
            .expect("web1");
        let hop = &ground.routes.find(web1).await.expect("a way").target.jump[0];
        assert_eq!(
            (hop.address.as_str(), hop.login.as_str(), hop.port),
            ("10.0.0.1", "hop", 23)
        );
    }

    #[tokio::test]
    async fn what_ssh_config_puts_into_a_name_is_checked_too() {
        let ground =
            ground("Host web1\n HostName \"-oProxyCommand=id\"\nHost web2\n User \"a b\"\n");
        for name in ["web1", "web2"] {
            let failure = find(&ground, &format!("name = '{name}'"))
                .await
                .expect_err("no way");
            assert_eq!(failure.kind(), "misconfigured", "{failure}");
        }
    }
}
