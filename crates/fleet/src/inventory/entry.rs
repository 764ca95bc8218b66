//! One host as a person wrote it down. What is left out comes from `~/.ssh/config`, and else from defaults.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use watchkeeper_model::{Autonomy, GroupName, HostName, Tier};

use super::JumpHost;

/// How a host is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// SSH by Watchkeeper itself.
    Russh,
    /// SSH by the system's `ssh`: for GSSAPI, hardware keys and ProxyCommand.
    SystemSsh,
    /// This machine, without SSH.
    Local,
    /// A host that a test makes up.
    Simulated,
}

impl Engine {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Russh => "russh",
            Self::SystemSsh => "system-ssh",
            Self::Local => "local",
            Self::Simulated => "simulated",
        }
    }
}

/// A section `[[hosts]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostEntry {
    /// Its name here. `local` is this machine.
    pub name: HostName,
    /// The name or address to connect to; its name if left out.
    #[serde(default)]
    pub address: Option<String>,
    /// The port; 22 if left out.
    #[serde(default)]
    pub port: Option<u16>,
    /// The account to log in with.
    #[serde(default)]
    pub login: Option<String>,
    /// How it is reached. Left out: `local` for the name local, `system-ssh` where `~/.ssh/config` has a ProxyCommand,
    /// else `russh`.
    #[serde(default)]
    pub engine: Option<Engine>,
    /// Private keys, as absolute paths or beginning with `~/`.
    #[serde(default)]
    pub identity_files: Vec<PathBuf>,
    /// A file that holds their passphrase.
    #[serde(default)]
    pub passphrase_file: Option<PathBuf>,
    /// Whether the SSH agent is asked for keys.
    #[serde(default = "yes")]
    pub use_agent: bool,
    /// Servers to go through, the nearest first, each as `[login@]host[:port]`.
    #[serde(default)]
    pub jump: Vec<JumpHost>,
    /// The name its host key is kept under.
    #[serde(default)]
    pub host_key_alias: Option<String>,
    /// Groups it belongs to.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// How much depends on it.
    #[serde(default)]
    pub tier: Tier,
    /// How much the watch may do by itself there, if not what holds for all.
    #[serde(default)]
    pub autonomy: Option<Autonomy>,
    /// Whether looks and repairs run as root, by `sudo -n`.
    #[serde(default)]
    pub become_root: bool,
    /// How long it may take until logged in, in seconds.
    #[serde(
        default = "connect_timeout",
        rename = "connect_timeout_seconds",
        deserialize_with = "seconds"
    )]
    pub connect_timeout: Duration,
    /// How long a look may take, in seconds.
    #[serde(
        default = "probe_timeout",
        rename = "probe_timeout_seconds",
        deserialize_with = "seconds"
    )]
    pub probe_timeout: Duration,
    /// Certificates to watch, as absolute paths on the host.
    #[serde(default)]
    pub certificates: Vec<PathBuf>,
}

const fn yes() -> bool {
    true
}

const fn connect_timeout() -> Duration {
    Duration::from_secs(10)
}

const fn probe_timeout() -> Duration {
    Duration::from_secs(30)
}

/// Longest wait that can be asked for.
const MAX_SECONDS: u64 = 3_600;

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    match u64::deserialize(deserializer)? {
        seconds @ 1..=MAX_SECONDS => Ok(Duration::from_secs(seconds)),
        other => Err(serde::de::Error::custom(format!(
            "{other} is not between 1 and {MAX_SECONDS} seconds"
        ))),
    }
}

impl HostEntry {
    /// A host of which only the name is known.
    #[must_use]
    pub const fn new(name: HostName) -> Self {
        Self {
            name,
            address: None,
            port: None,
            login: None,
            engine: None,
            identity_files: Vec::new(),
            passphrase_file: None,
            use_agent: true,
            jump: Vec::new(),
            host_key_alias: None,
            groups: Vec::new(),
            tier: Tier::Normal,
            autonomy: None,
            become_root: false,
            connect_timeout: connect_timeout(),
            probe_timeout: probe_timeout(),
            certificates: Vec::new(),
        }
    }

    /// How it is reached, as far as its entry says.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.engine {
            Some(engine) => engine,
            None if self.name == HostName::local() && self.address.is_none() => Engine::Local,
            None => Engine::Russh,
        }
    }

    /// What makes it unusable, as a fragment; nothing is asked of the network or of files.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if let Some(address) = self
            .address
            .as_deref()
            .filter(|address| !is_address(address))
        {
            return Some(format!(
                "address {address:?} is neither a name nor an address"
            ));
        }
        if let Some(login) = self.login.as_deref().filter(|login| !is_login(login)) {
            return Some(format!("login {login:?} is not the name of an account"));
        }
        if let Some(alias) = self
            .host_key_alias
            .as_deref()
            .filter(|alias| !is_key_name(alias))
        {
            return Some(format!(
                "host_key_alias {alias:?} cannot stand in a known_hosts file"
            ));
        }
        if self.port == Some(0) {
            return Some("port 0 cannot be connected to".to_owned());
        }
        let paths = self.identity_files.iter().chain(&self.passphrase_file);
        let relative = paths
            .into_iter()
            .find(|path| !path.is_absolute() && !path.starts_with("~"));
        let relative =
            relative.or_else(|| self.certificates.iter().find(|path| !path.is_absolute()));
        if let Some(path) = relative {
            return Some(format!("{} is not an absolute path", path.display()));
        }
        (self.engine() == Engine::Local && !self.jump.is_empty())
            .then(|| "this machine is not reached through a jump host".to_owned())
    }
}

/// Whether a text is a host's name or an IP address, and nothing that a program could take for an option.
pub(crate) fn is_address(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '%');
    let first = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_');
    text.len() <= 253 && text.starts_with(first) && text.chars().all(allowed)
}

/// Whether a text names an account, as far as SSH can carry it.
pub(crate) fn is_login(text: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '$');
    !text.is_empty()
        && text.len() <= 64
        && !text.starts_with(['-', '@'])
        && text.chars().all(allowed)
}

/// Whether a host key can be kept under this name.
fn is_key_name(text: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '[' | ']');
    !text.is_empty() && text.len() <= 253 && !text.starts_with('-') && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<HostEntry, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_name_is_enough() {
        let entry = parse("name = 'web1'").expect("an entry");
        assert_eq!(
            entry,
            HostEntry::new(HostName::new("web1").expect("a name"))
        );
        assert_eq!((entry.engine(), entry.problem()), (Engine::Russh, None));
    }

    #[test]
    fn everything_can_be_said() {
        let entry = parse(
            "name = 'db1'\naddress = '10.0.0.7'\nport = 2222\nlogin = 'ops'\nengine = 'system-ssh'\n\
             identity_files = ['~/.ssh/watch']\npassphrase_file = '/run/keys/p'\nuse_agent = false\n\
             jump = ['ops@bastion:22']\nhost_key_alias = 'db'\ngroups = ['db', 'prod']\ntier = 'critical'\n\
             autonomy = 'auto-safe'\nbecome_root = true\nconnect_timeout_seconds = 5\nprobe_timeout_seconds = 60\n\
             certificates = ['/etc/ssl/db.pem']",
        );
        let entry = entry.expect("an entry");
        assert_eq!(
            (entry.tier, entry.autonomy),
            (Tier::Critical, Some(Autonomy::AutoSafe))
        );
        assert_eq!(entry.probe_timeout, Duration::from_secs(60));
        assert_eq!(entry.problem(), None);
    }

    #[test]
    fn unknown_keys_hostile_names_and_endless_waits_are_refused() {
        for (text, why) in [
            ("name = 'a'\nadress = 'b'", "unknown field `adress`"),
            ("name = '-oProxyCommand=id'", "is not a host name"),
            ("name = 'a'\njump = ['-J x']", "does not name a jump host"),
            (
                "name = 'a'\nconnect_timeout_seconds = 0",
                "is not between 1 and 3600 seconds",
            ),
            ("name = 'a'\nengine = 'telnet'", "unknown variant `telnet`"),
        ] {
            let error = parse(text).expect_err("refused");
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_a_problem_of_that_entry_alone() {
        for text in [
            "address = '-oProxyCommand=id'",
            "address = 'a b'",
            "address = \"a\\nb\"",
            "login = '-l'",
            "login = 'a;id'",
            "host_key_alias = 'a b'",
            "host_key_alias = '*'",
            "port = 0",
            "identity_files = ['key']",
            "certificates = ['cert.pem']",
            "engine = 'local'\njump = ['b']",
        ] {
            let entry = parse(&format!("name = 'a'\n{text}")).expect("an entry");
            assert!(entry.problem().is_some(), "{text}");
        }
    }
}
