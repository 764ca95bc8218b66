//! What the system's `ssh` says when it cannot connect, as one of our causes. Its words are read, since a status of
//! 255 is all that it gives otherwise; what is not recognised keeps its words.

use watchkeeper_model::LookFailure;

use super::config::misconfigured;
use crate::SshTarget;
use crate::rendered::excerpt;

/// Reads the whole of what ssh wrote at log level DEBUG1.
pub(super) fn read_failure(said: &str, target: &SshTarget) -> LookFailure {
    let host = target.host_key_name();
    host_key(said, host)
        .or_else(|| login(said, target))
        .or_else(|| network(said, target))
        .unwrap_or_else(|| LookFailure::ClosedEarly {
            address: target.address_and_port(),
            detail: last_words(said),
        })
}

fn host_key(said: &str, host: String) -> Option<LookFailure> {
    let offered = || offered_fingerprint(said);
    if said.contains("REVOKED HOST KEY DETECTED") || said.contains("is marked as revoked") {
        return Some(LookFailure::HostKeyRevoked {
            host,
            fingerprint: offered(),
        });
    }
    if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        let known = after(said, "Offending ")
            .map_or_else(|| "another key".to_owned(), |line| excerpt(line.as_bytes()));
        return Some(LookFailure::HostKeyChanged {
            host,
            known,
            offered: offered(),
        });
    }
    if said.contains("host key is known for") || said.contains("Host key verification failed") {
        // A key of another kind is known: to accept this one would be to trust whoever answers now.
        return Some(
            match after(said, "WARNING: ").filter(|line| line.contains("key found for host")) {
                Some(known) => LookFailure::HostKeyChanged {
                    host,
                    known: excerpt(known.as_bytes()),
                    offered: offered(),
                },
                None => LookFailure::HostKeyUnknown {
                    host,
                    fingerprint: offered(),
                },
            },
        );
    }
    None
}

fn login(said: &str, target: &SshTarget) -> Option<LookFailure> {
    let login = target.login.clone();
    let methods = after(said, "Permission denied (")?
        .trim_end_matches(['.', ')'])
        .to_owned();
    let unusable = said.lines().find_map(unusable_key);
    match unusable {
        Some(failure) if !said.contains("Offering public key") => Some(failure),
        _ if methods
            .split(',')
            .all(|method| matches!(method, "password" | "keyboard-interactive")) =>
        {
            Some(LookFailure::PasswordOnly { login })
        }
        _ => Some(LookFailure::LoginRefused {
            login,
            methods: excerpt(methods.as_bytes()),
        }),
    }
}

/// `Load key "/k": bad permissions` or `no such identity: /k: No such file or directory`.
fn unusable_key(line: &str) -> Option<LookFailure> {
    let rest = line
        .strip_prefix("Load key ")
        .or_else(|| line.strip_prefix("no such identity: "))?;
    let (path, detail) = rest.rsplit_once(": ")?;
    Some(LookFailure::KeyUnusable {
        path: excerpt(path.trim_matches('"').as_bytes()),
        detail: excerpt(detail.as_bytes()),
    })
}

fn network(said: &str, target: &SshTarget) -> Option<LookFailure> {
    if let Some(rest) = after(said, "Could not resolve hostname ") {
        let (name, detail) = rest.split_once(": ").unwrap_or((rest, ""));
        return Some(LookFailure::NameNotResolved {
            name: excerpt(name.as_bytes()),
            detail: excerpt(detail.as_bytes()),
        });
    }
    let address = target.address_and_port();
    if said.contains("timed out during banner exchange") || said.contains("timed out waiting for") {
        return Some(silent(target));
    }
    if let Some(rest) = after(said, "connect to host ") {
        let detail = rest.rsplit_once(": ").map_or(rest, |(_, detail)| detail);
        return Some(LookFailure::Unreachable {
            address,
            detail: excerpt(detail.as_bytes()),
        });
    }
    if said.contains("Bad configuration option") || said.contains("bad configuration options") {
        return Some(misconfigured(&last_words(said)));
    }
    None
}

/// The server took the connection and did not go on.
pub(super) fn silent(target: &SshTarget) -> LookFailure {
    LookFailure::Silent {
        address: target.address_and_port(),
        waited_ms: u64::try_from(target.connect_timeout.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The rest of the first line that has `intro` in it.
fn after<'a>(said: &'a str, intro: &str) -> Option<&'a str> {
    said.lines()
        .find_map(|line| line.split_once(intro).map(|(_, rest)| rest.trim()))
}

fn offered_fingerprint(said: &str) -> String {
    let line = after(said, "Server host key: ").unwrap_or_default();
    line.split_whitespace()
        .find(|word| word.starts_with("SHA256:"))
        .unwrap_or("SHA256:?")
        .to_owned()
}

/// What it said last that is not for debugging.
fn last_words(said: &str) -> String {
    let line = said
        .lines()
        .rev()
        .find(|line| !line.starts_with("debug") && !line.trim().is_empty());
    excerpt(line.unwrap_or("ssh said nothing").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(said: &str, expect: &str) {
        let target = SshTarget {
            address: "web1".to_owned(),
            port: 22,
            login: "ops".to_owned(),
            identity_files: Vec::new(),
            passphrase_file: None,
            agent_socket: None,
            host_key_alias: None,
            known_hosts: Vec::new(),
            jump: Vec::new(),
            connect_timeout: Duration::from_secs(3),
        };
        let failure = read_failure(said, &target);
        assert_eq!(format!("{}: {failure}", failure.kind()), expect);
    }

    #[test]
    fn words_of_the_network_are_understood() {
        check(
            "ssh: Could not resolve hostname web1: Name or service not known\r\n",
            "name_not_resolved: the name web1 could not be resolved: Name or service not known",
        );
        check(
            "ssh: connect to host web1 port 22: Connection refused\r\n",
            "unreachable: no connection to web1:22: Connection refused",
        );
        check(
            "Connection timed out during banner exchange\r\nConnection to 10.0.0.1 port 22 timed out\r\n",
            "silent: web1:22 accepts the connection and then says nothing for 3000 ms",
        );
        check(
            "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 10.0.0.1 port 22\r\n",
            "closed_early: web1:22 closed the connection before the login: Connection closed by 10.0.0.1 port 22",
        );
    }

    #[test]
    fn a_key_of_another_kind_counts_as_a_changed_key() {
        let new = "debug1: Server host key: ssh-ed25519 SHA256:abc\r\n\
            No ED25519 host key is known for web1 and you have requested strict checking.\r\n\
            Host key verification failed.\r\n";
        check(
            new,
            "host_key_unknown: the host key of web1 is not known: SHA256:abc",
        );
        let other = format!("WARNING: RSA key found for host web1\r\nin /k:1\r\n{new}");
        check(
            &other,
            "host_key_changed: the host key of web1 has changed: RSA key found for host web1 is known, \
             SHA256:abc was offered",
        );
    }

    #[test]
    fn a_refused_login_says_what_the_server_offers() {
        check(
            "ops@web1: Permission denied (publickey,password).\r\n",
            "login_refused: login as ops was refused; the server offers publickey,password",
        );
        check(
            "ops@web1: Permission denied (password,keyboard-interactive).\r\n",
            "password_only: login as ops needs a password, and only keys are used",
        );
        check(
            "Load key \"/k\": bad permissions\r\nops@web1: Permission denied (publickey).\r\n",
            "key_unusable: the key /k cannot be used: bad permissions",
        );
    }
}
