//! Why a look at a host returned nothing. One word for each cause, because each asks for another remedy;
//! none of them is ever "healthy".

use serde::{Deserialize, Serialize};

/// Why a host could not be looked at, or a command not be run there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LookFailure {
    /// The name has no address.
    #[error("the name {name} could not be resolved: {detail}")]
    NameNotResolved {
        /// The name that was looked up.
        name: String,
        /// The resolver's words.
        detail: String,
    },
    /// No TCP connection: refused, no route, or nothing came back.
    #[error("no connection to {address}: {detail}")]
    Unreachable {
        /// Address and port.
        address: String,
        /// The system's words.
        detail: String,
    },
    /// TCP connects, and then nothing is said.
    #[error("{address} accepts the connection and then says nothing for {waited_ms} ms")]
    Silent {
        /// Address and port.
        address: String,
        /// How long was waited.
        waited_ms: u64,
    },
    /// The server closed the connection before a login was possible, or does not speak SSH.
    #[error("{address} closed the connection before the login: {detail}")]
    ClosedEarly {
        /// Address and port.
        address: String,
        /// What was seen.
        detail: String,
    },
    /// The host's key was never accepted by a person.
    #[error("the host key of {host} is not known: {fingerprint}")]
    HostKeyUnknown {
        /// The name the key is kept under.
        host: String,
        /// `SHA256:…` of the key that was offered.
        fingerprint: String,
    },
    /// Another key is known for this name: somebody else may be answering.
    #[error("the host key of {host} has changed: {known} is known, {offered} was offered")]
    HostKeyChanged {
        /// The name the key is kept under.
        host: String,
        /// `SHA256:…` of a key that is known.
        known: String,
        /// `SHA256:…` of the key that was offered.
        offered: String,
    },
    /// The key offered is marked `@revoked`.
    #[error("the host key of {host} is revoked: {fingerprint}")]
    HostKeyRevoked {
        /// The name the key is kept under.
        host: String,
        /// `SHA256:…` of the key that was offered.
        fingerprint: String,
    },
    /// No key of ours was accepted.
    #[error("login as {login} was refused; the server offers {methods}")]
    LoginRefused {
        /// The account.
        login: String,
        /// The methods the server goes on to offer.
        methods: String,
    },
    /// The server takes passwords only, and Watchkeeper has none.
    #[error("login as {login} needs a password, and only keys are used")]
    PasswordOnly {
        /// The account.
        login: String,
    },
    /// Our own key cannot be used: absent, unreadable, or its passphrase is missing.
    #[error("the key {path} cannot be used: {detail}")]
    KeyUnusable {
        /// The key file, or the agent's socket.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The connection was lost while something ran.
    #[error("the connection was lost: {detail}")]
    ConnectionLost {
        /// What was seen.
        detail: String,
    },
    /// The command did not end within its limit.
    #[error("no answer within {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
    /// The answer was larger than allowed.
    #[error("the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// An answer came, but not the probe's.
    #[error("the answer cannot be read: {detail}")]
    Unreadable {
        /// What is missing.
        detail: String,
    },
    /// The login may not become root there: sudo asks for a password, forbids it or is missing. Nothing ran.
    #[error("{login} may not run commands as root: {detail}")]
    RootRefused {
        /// The account.
        login: String,
        /// The words of sudo.
        detail: String,
    },
    /// The command cannot be sent as it is. Nothing ran.
    #[error("the command cannot be sent: {detail}")]
    CommandRefused {
        /// What is wrong with it.
        detail: String,
    },
    /// The host's entry in the inventory cannot be used.
    #[error("the inventory's entry cannot be used: {detail}")]
    Misconfigured {
        /// What is wrong with it.
        detail: String,
    },
}

impl LookFailure {
    /// The stable word for this cause, as in `--output json`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NameNotResolved { .. } => "name_not_resolved",
            Self::Unreachable { .. } => "unreachable",
            Self::Silent { .. } => "silent",
            Self::ClosedEarly { .. } => "closed_early",
            Self::HostKeyUnknown { .. } => "host_key_unknown",
            Self::HostKeyChanged { .. } => "host_key_changed",
            Self::HostKeyRevoked { .. } => "host_key_revoked",
            Self::LoginRefused { .. } => "login_refused",
            Self::PasswordOnly { .. } => "password_only",
            Self::KeyUnusable { .. } => "key_unusable",
            Self::ConnectionLost { .. } => "connection_lost",
            Self::TimedOut { .. } => "timed_out",
            Self::TooLarge { .. } => "too_large",
            Self::Unreadable { .. } => "unreadable",
            Self::RootRefused { .. } => "root_refused",
            Self::CommandRefused { .. } => "command_refused",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    /// Whether the host must not be touched at all until a person has looked.
    #[must_use]
    pub const fn blocks_host(&self) -> bool {
        matches!(
            self,
            Self::HostKeyChanged { .. } | Self::HostKeyRevoked { .. }
        )
    }

    /// What a person can do about it, as a sentence or a command.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NameNotResolved { .. } => {
                "check the address in the inventory and the resolver".to_owned()
            }
            Self::Unreachable { .. } | Self::Silent { .. } | Self::TimedOut { .. } => {
                "check that the host is up, its network and its sshd".to_owned()
            }
            Self::ClosedEarly { .. } => "check the port, and sshd's log on the host".to_owned(),
            Self::HostKeyUnknown { host, .. } => {
                format!("compare the fingerprint on the host, then: watchkeeper enrol {host}")
            }
            Self::HostKeyChanged { host, .. } => {
                format!(
                    "find out why on the host's console; if it is right: watchkeeper enrol {host} --replace"
                )
            }
            Self::HostKeyRevoked { .. } => {
                "do not connect; give the host a new key and enrol it".to_owned()
            }
            Self::LoginRefused { login, .. } => {
                format!("put the watch's public key into {login}'s authorized_keys")
            }
            Self::PasswordOnly { .. } => {
                "allow publickey authentication on the host and add the watch's key".to_owned()
            }
            Self::KeyUnusable { .. } => {
                "check identity_files, the key's owner and mode, and passphrase_file".to_owned()
            }
            Self::ConnectionLost { .. } => "it is tried again at the next look".to_owned(),
            Self::TooLarge { .. } | Self::Unreadable { .. } => {
                "log in by hand and look at what the shell prints at start".to_owned()
            }
            Self::RootRefused { login, .. } => {
                format!("let {login} use sudo without a password on the host (NOPASSWD)")
            }
            Self::CommandRefused { .. } => {
                "the step or probe asks for something no shell can be given; report it".to_owned()
            }
            Self::Misconfigured { .. } => {
                "mend the entry, then: watchkeeper config check".to_owned()
            }
        }
    }
}
