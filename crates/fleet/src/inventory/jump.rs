//! Jump hosts, written as in `ProxyJump`: `[login@]host[:port]`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::{HostEntry, is_address, is_login};

/// Why a text does not name a jump host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not name a jump host: it must be [login@]host[:port]")]
pub struct InvalidJump {
    /// The text, cut to its first 80 characters.
    pub text: String,
}

/// One server to go through.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct JumpHost {
    /// The account, if it is not the one its configuration says.
    pub login: Option<String>,
    /// Its name: of the inventory, of `~/.ssh/config`, or an address.
    pub host: String,
    /// The port, if it is not the one its configuration says.
    pub port: Option<u16>,
    /// Its entry in the inventory, if it has one; the inventory puts it here.
    pub entry: Option<Box<HostEntry>>,
}

impl FromStr for JumpHost {
    type Err = InvalidJump;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidJump {
            text: text.chars().take(80).collect(),
        };
        let bare = text.strip_prefix("ssh://").unwrap_or(text);
        let (login, place) = match bare.rsplit_once('@') {
            Some((login, place)) => (Some(login.to_owned()), place),
            None => (None, bare),
        };
        let (host, port) = split_port(place).ok_or_else(invalid)?;
        if !is_address(host) || login.as_deref().is_some_and(|login| !is_login(login)) {
            return Err(invalid());
        }
        Ok(Self {
            login,
            host: host.to_owned(),
            port,
            entry: None,
        })
    }
}

/// `host`, `host:22`, `[::1]`, `[::1]:22`, `::1`.
fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, tail) = rest.split_once(']')?;
        return match tail.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => tail.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((place, None)),
    }
}

impl TryFrom<String> for JumpHost {
    type Error = InvalidJump;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for JumpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(login) = &self.login {
            write!(f, "{login}@")?;
        }
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<(Option<&str>, &str, Option<u16>)>) {
        let parsed = text.parse::<JumpHost>().ok();
        let found = parsed
            .as_ref()
            .map(|jump| (jump.login.as_deref(), jump.host.as_str(), jump.port));
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn jump_hosts_are_read_as_openssh_writes_them() {
        check("bastion", Some((None, "bastion", None)));
        check(
            "ops@bastion:2222",
            Some((Some("ops"), "bastion", Some(2222))),
        );
        check(
            "ssh://ops@10.0.0.1:22",
            Some((Some("ops"), "10.0.0.1", Some(22))),
        );
        check("[fe80::1%eth0]:22", Some((None, "fe80::1%eth0", Some(22))));
        check("::1", Some((None, "::1", None)));
    }

    #[test]
    fn what_could_be_an_option_or_a_command_is_no_jump_host() {
        for text in [
            "",
            "-oProxyCommand=x",
            "a b",
            "ops@",
            "@host",
            "-l@host",
            "host:0x",
            "host:99999",
            "h;id",
            "[::1",
            "$(id)",
        ] {
            check(text, None);
        }
    }
}
