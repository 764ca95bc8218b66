//! `[hosts.NAME]`: one host, and how it is reached. A host needs no more than its name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};
use watchkeeper_fleet::{Engine, HostEntry, JumpHost};
use watchkeeper_health::ThresholdsPatch;
use watchkeeper_model::{Autonomy, GroupName, HostName, Span, Tier};

use super::Faults;
use crate::config::key::Key;

/// One host, and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HostSection {
    /// The name or address to connect to; the host's name if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    /// The port; 22 if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// The account to log in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<String>,
    /// How it is reached: `russh`, `system-ssh` (GSSAPI, hardware keys, ProxyCommand) or `local` (this machine).
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "engine_word"
    )]
    pub(crate) engine: Option<Engine>,
    /// Private keys, as absolute paths or beginning with `~/`; those of `[ssh]` if left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) identity_files: Vec<PathBuf>,
    /// A file that holds their passphrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Whether the SSH agent is asked for keys; as `[ssh]` says if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<bool>,
    /// Servers to go through, the nearest first, each as `[login@]host[:port]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) jump: Vec<String>,
    /// The name its host key is kept under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host_key_alias: Option<String>,
    /// Groups it belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<GroupName>,
    /// How much depends on it: `normal` or `critical`, where every risk counts one level more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<Tier>,
    /// How much the watch may do by itself there, if not what holds for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) autonomy: Option<Autonomy>,
    /// Whether looks run as root, by `sudo -n`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) become_root: bool,
    /// How long it may take until logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connect_timeout: Option<Span>,
    /// How long the probe may run there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe_timeout: Option<Span>,
    /// More certificates to watch, as absolute paths on the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificates: Vec<PathBuf>,
    /// Thresholds that differ; see `[thresholds]`.
    #[serde(skip_serializing_if = "says_nothing")]
    pub(crate) thresholds: ThresholdsPatch,
}

/// Whether a patch changes nothing.
pub(super) fn says_nothing(patch: &ThresholdsPatch) -> bool {
    *patch == ThresholdsPatch::default()
}

/// The engine as its word.
fn engine_word<S: Serializer>(engine: &Option<Engine>, serializer: S) -> Result<S::Ok, S::Error> {
    engine.map(Engine::as_str).serialize(serializer)
}

impl HostSection {
    /// The host as the inventory has it: what this section says, without groups and general defaults.
    ///
    /// # Errors
    /// Names the jump host that cannot be used.
    pub(crate) fn entry(&self, name: &HostName) -> Result<HostEntry, (usize, String)> {
        let mut entry = HostEntry::new(name.clone());
        for (place, text) in self.jump.iter().enumerate() {
            entry.jump.push(
                text.parse::<JumpHost>()
                    .map_err(|error| (place, error.to_string()))?,
            );
        }
        entry.address.clone_from(&self.address);
        entry.port = self.port;
        entry.login.clone_from(&self.login);
        entry.engine = self.engine;
        entry.identity_files.clone_from(&self.identity_files);
        entry.passphrase_file.clone_from(&self.passphrase_file);
        entry.host_key_alias.clone_from(&self.host_key_alias);
        entry.groups.clone_from(&self.groups);
        entry.tier = self.tier.unwrap_or_default();
        entry.autonomy = self.autonomy;
        entry.become_root = self.become_root;
        entry.connect_timeout = self
            .connect_timeout
            .map_or(entry.connect_timeout, |span| span.0);
        entry.probe_timeout = self
            .probe_timeout
            .map_or(entry.probe_timeout, |span| span.0);
        entry.certificates.clone_from(&self.certificates);
        Ok(entry)
    }

    /// Tells what makes no sense. `deadline`: how long a look may take in all.
    pub(crate) fn check(&self, name: &HostName, deadline: Span, faults: &mut Faults) {
        let host = Key::from("hosts").name(name.as_str());
        if let Some(span) = self.probe_timeout.filter(|span| *span > deadline) {
            let why = format!(
                "host {name}: probe_timeout is {span}, and watch.look_deadline ends every look after {deadline}"
            );
            faults.add(host.name("probe_timeout"), why);
        }
        for (key, span) in [
            ("connect_timeout", self.connect_timeout),
            ("probe_timeout", self.probe_timeout),
        ] {
            if let Some(span) = span {
                faults.span(host.name(key), span, Span::seconds(1), Span::hours(1));
            }
        }
        if self.engine == Some(Engine::Simulated) {
            faults.add(
                host.name("engine"),
                "simulated hosts are for tests; write russh, system-ssh or local",
            );
        }
        match self.entry(name) {
            Err((place, why)) => faults.add(host.name("jump").place(place), why),
            Ok(entry) => {
                if let Some(problem) = entry.problem() {
                    let said = |key: &&str| problem.split_whitespace().next() == Some(*key);
                    let key = ["address", "login", "host_key_alias", "port"]
                        .into_iter()
                        .find(said);
                    let key = key.map_or_else(|| host.clone(), |key| host.name(key));
                    faults.add(key, format!("host {name}: {problem}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> HostSection {
        toml::from_str(text).expect("a host")
    }

    fn web1() -> HostName {
        HostName::new("web1").expect("a name")
    }

    #[test]
    fn a_host_needs_no_more_than_its_name() {
        assert_eq!(
            section("").entry(&web1()).expect("an entry"),
            HostEntry::new(web1())
        );
    }

    #[test]
    fn what_a_section_says_is_in_the_entry() {
        let entry = section(
            "address = '10.0.0.7'\nport = 2222\nlogin = 'ops'\nengine = 'system-ssh'\njump = ['ops@bastion']\n\
             groups = ['db']\ntier = 'critical'\nautonomy = 'observe'\nbecome_root = true\nprobe_timeout = '1m'\n",
        )
        .entry(&web1())
        .expect("an entry");
        assert_eq!(
            (entry.port, entry.engine, entry.tier),
            (Some(2222), Some(Engine::SystemSsh), Tier::Critical)
        );
        assert_eq!(
            (entry.probe_timeout.as_secs(), entry.become_root),
            (60, true)
        );
        assert_eq!(entry.jump[0].to_string(), "ops@bastion");
    }

    #[test]
    fn what_cannot_be_used_is_told_by_key() {
        for (text, key) in [
            ("address = '-oProxyCommand=id'", "hosts.web1.address"),
            ("jump = ['a', '-J x']", "hosts.web1.jump[1]"),
            ("engine = 'simulated'", "hosts.web1.engine"),
            ("connect_timeout = '0s'", "hosts.web1.connect_timeout"),
            ("port = 0", "hosts.web1.port"),
            ("probe_timeout = '2m'", "hosts.web1.probe_timeout"),
        ] {
            let mut faults = Faults::default();
            section(text).check(&web1(), Span::minutes(1), &mut faults);
            assert_eq!(
                faults.0.first().map(|(key, _)| key.to_string()).as_deref(),
                Some(key),
                "{text}"
            );
        }
    }
}
