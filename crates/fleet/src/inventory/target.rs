//! Where an SSH connection goes and what it may use, fully resolved: what an engine needs and nothing else.

use std::path::PathBuf;
use std::time::Duration;

/// One SSH server, with the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    /// The name or address that is connected to.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The account.
    pub login: String,
    /// Private keys to try, in this order. A file that is not there is passed over if another key works.
    pub identity_files: Vec<PathBuf>,
    /// A file that holds the passphrase of the keys.
    pub passphrase_file: Option<PathBuf>,
    /// The socket of the agent to ask for keys, before the files.
    pub agent_socket: Option<PathBuf>,
    /// The name that the host key is kept under, if not address and port.
    pub host_key_alias: Option<String>,
    /// Files of known host keys, ours first. Only the first is ever written, and only by enrolment.
    pub known_hosts: Vec<PathBuf>,
    /// The servers to go through, the nearest first. Their own `jump` is empty.
    pub jump: Vec<Self>,
    /// How long it may take until logged in, each hop for itself.
    pub connect_timeout: Duration,
}

impl SshTarget {
    /// The port of a server that names none.
    pub const DEFAULT_PORT: u16 = 22;

    /// The name that the host key is kept under: the alias, or the address, as `[address]:port` on another
    /// port than 22. Lower case, as known_hosts files are compared.
    #[must_use]
    pub fn host_key_name(&self) -> String {
        match &self.host_key_alias {
            Some(alias) => alias.to_ascii_lowercase(),
            None if self.port == Self::DEFAULT_PORT => self.address.to_ascii_lowercase(),
            None => format!("[{}]:{}", self.address.to_ascii_lowercase(), self.port),
        }
    }

    /// Address and port for a person.
    #[must_use]
    pub fn address_and_port(&self) -> String {
        if self.address.contains(':') {
            format!("[{}]:{}", self.address, self.port)
        } else {
            format!("{}:{}", self.address, self.port)
        }
    }

    /// Whether a command as root needs no `sudo`.
    #[must_use]
    pub fn login_is_root(&self) -> bool {
        self.login == "root"
    }
}
