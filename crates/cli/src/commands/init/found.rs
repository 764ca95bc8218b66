//! What is there to choose from: the hosts of the SSH configuration, the models of an Ollama.

use std::collections::BTreeSet;
use std::time::Duration;

use watchkeeper_fleet::{HostSettings, SshConfig};
use watchkeeper_llm::{Lane, Ollama, Provider as _};
use watchkeeper_model::HostName;

use super::{InitArgs, Wished};
use crate::config::is_system;
use crate::surroundings::Surroundings;

/// How long an Ollama may take to tell its models.
const OLLAMA_WITHIN: Duration = Duration::from_secs(3);
/// Most models that are offered.
const MAX_MODELS: usize = 200;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The hosts that the SSH configuration names.
    pub(super) hosts: Vec<HostName>,
    /// What the Ollama has; none where none answers.
    pub(super) models: Option<Vec<String>>,
    ssh: SshConfig,
    /// Whether what the configuration says of a host must be written out: a service does not read a person's file.
    writes_out: bool,
}

impl Found {
    /// Looks.
    pub(super) async fn look(args: &InitArgs, around: &Surroundings) -> Self {
        let ssh = SshConfig::new(around.home.clone(), args.ssh_config.clone());
        let mut seen = BTreeSet::new();
        let entries = ssh.hosts().entries.into_iter().map(|entry| entry.name);
        Self {
            hosts: entries.filter(|name| seen.insert(name.clone())).collect(),
            models: models(&args.ollama).await,
            writes_out: is_system(around) || args.ssh_config.is_some(),
            ssh,
        }
    }

    /// A host of the SSH configuration, as it is to be written.
    pub(super) async fn host(&self, name: &HostName) -> Wished {
        let plain = Wished {
            name: name.clone(),
            address: None,
            port: None,
            login: None,
            jump: Vec::new(),
            host_key_alias: None,
        };
        if !self.writes_out {
            return plain;
        }
        match self.ssh.settings(name.as_str()).await {
            Ok(settings) => written_out(plain, settings),
            // It is found again, and told, when the host is looked at.
            Err(_) => plain,
        }
    }
}

fn written_out(plain: Wished, settings: HostSettings) -> Wished {
    let name = plain.name.as_str();
    Wished {
        address: settings.address.filter(|address| address != name),
        port: settings.port.filter(|port| *port != 22),
        login: settings.login,
        jump: settings.proxy_jump,
        host_key_alias: settings.host_key_alias,
        ..plain
    }
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
