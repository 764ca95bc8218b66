//! This very machine as one of the hosts. The service is locked away from most of it, so it is reached by SSH like any
//! other; its key need not be compared by a person, since it lies here.

use std::net::Ipv4Addr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::anyhow;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use watchkeeper_fleet::{JumpHost, OfferedKey};
use watchkeeper_model::{HostName, visible};
use watchkeeper_server::EnrolBody;
use watchkeeper_watch::view::OfferedKeyView;

use super::Wished;
use crate::args::Common;
use crate::called::Called;
use crate::failure::CommandError;
use crate::session::Session;
use crate::surroundings::Surroundings;

/// Where sshd keeps the public halves of its keys.
const KEYS: &str = "/etc/ssh";
/// Largest file of a public key.
const MAX_KEY_BYTES: u64 = 64 * 1024;
/// How long sshd may take to answer.
const SSHD_WITHIN: Duration = Duration::from_secs(1);
/// What it is called where its own name cannot be used.
const BOX: &str = "box";

/// The account to log in as on this machine, and the port of its sshd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    pub(super) login: String,
    pub(super) port: Option<u16>,
}

impl FromStr for Here {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unfit = || "an account, as in `watch` or `watch:2222`".to_owned();
        let (login, port) = match text.split_once(':') {
            Some((login, port)) => (login, Some(port.parse().map_err(|_| unfit())?)),
            None => (text, None),
        };
        let place: JumpHost = format!("{login}@{}", Ipv4Addr::LOCALHOST)
            .parse()
            .map_err(|_| unfit())?;
        match place.login {
            Some(login) if !login.contains('@') => Ok(Self { login, port }),
            _ => Err(unfit()),
        }
    }
}

impl Here {
    /// This machine as a host, called as it calls itself.
    pub(super) fn wished(&self, around: &Surroundings) -> Wished {
        let name = HostName::new(around.hostname.as_str())
            .ok()
            .filter(|name| *name != HostName::local());
        Wished {
            address: Some(Ipv4Addr::LOCALHOST.to_string()),
            port: self.port,
            login: Some(self.login.clone()),
            ..Wished::named(name.unwrap_or_else(|| HostName::new(BOX).expect("it is a name")))
        }
    }
}

/// Whether an sshd answers here, at its usual port.
pub(super) async fn has_sshd() -> bool {
    let greets = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, 22)).await.ok()?;
        let mut begun = [0; 4];
        stream.read_exact(&mut begun).await.ok()?;
        Some(begun == *b"SSH-")
    };
    let greets = tokio::time::timeout(SSHD_WITHIN, greets).await;
    greets.ok().flatten().unwrap_or(false)
}

/// Accepts the key of this machine's sshd, if it is one of those that lie here. Says which, or why not.
pub(super) async fn pin(
    common: &Common,
    around: &Surroundings,
    called: &Called,
    name: &HostName,
) -> Result<String, CommandError> {
    let own = own_keys(Path::new(KEYS));
    let alone = Common {
        no_daemon: true,
        ..common.clone()
    };
    let session = Session::open(&alone, around, called).await?;
    let accepted = accept(&session, name, &own).await;
    session.close().await;
    let key = accepted?;
    Ok(format!(
        "{} {}, as it lies in {KEYS}",
        key.algorithm, key.fingerprint
    ))
}

async fn accept(
    session: &Session,
    name: &HostName,
    own: &[String],
) -> Result<OfferedKeyView, CommandError> {
    let at = format!("/v1/hosts/{name}");
    let offered: OfferedKeyView = session.client.get(&format!("{at}/key")).await?;
    if !own.contains(&offered.fingerprint) {
        return Err(CommandError::failed(anyhow!(
            "its sshd shows {}, which is none of the keys in {KEYS}",
            visible(&offered.fingerprint)
        )));
    }
    let body = EnrolBody {
        fingerprint: offered.fingerprint,
        replace: false,
    };
    Ok(session.client.post(&format!("{at}/enrol"), &body).await?)
}

/// The fingerprints of the host keys whose public halves lie in a directory.
fn own_keys(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let is_key = |name: &str| name.starts_with("ssh_host_") && name.ends_with("_key.pub");
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_key))
        .filter(|entry| {
            let found = entry.metadata();
            found.is_ok_and(|found| found.is_file() && found.len() <= MAX_KEY_BYTES)
        })
        .filter_map(|entry| {
            let line = std::fs::read_to_string(entry.path()).ok()?;
            let localhost = Ipv4Addr::LOCALHOST.to_string();
            let key = OfferedKey::from_public_key(&localhost, 22, &line).ok()?;
            Some(key.fingerprint)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_said_with_or_without_a_port() {
        let here = |text: &str| {
            text.parse::<Here>()
                .ok()
                .map(|here| (here.login, here.port))
        };
        assert_eq!(here("watch"), Some(("watch".to_owned(), None)));
        assert_eq!(here("ops:2222"), Some(("ops".to_owned(), Some(2222))));
        for text in [
            "",
            ":22",
            "a b",
            "-oProxyCommand=x",
            "ops:x",
            "ops:99999",
            "a@b",
            "$(id)",
        ] {
            assert_eq!(here(text), None, "{text}");
        }
    }

    #[test]
    fn only_public_host_keys_count() {
        let dir = tempfile::tempdir().expect("a directory");
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfkNV4OS33ImTXvorZr72q4v5XhVEQKfvqsxOEJ/XaR";
        for (name, text) in [
            ("ssh_host_ed25519_key.pub", format!("{key} root@box\n")),
            ("ssh_host_rsa_key.pub", "no key".to_owned()),
            ("ssh_host_ecdsa_key", key.to_owned()),
            ("id_ed25519.pub", key.to_owned()),
        ] {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let found = own_keys(dir.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("SHA256:"), "{found:?}");
        assert_eq!(own_keys(&dir.path().join("none")), Vec::<String>::new());
    }
}
