//! Files that are one secret: told by their name before they are read, and by what they say before it is kept. Secrets
//! within other files are taken out by `redact`; this is for those where nothing else would be left.

use watchkeeper_agent::REDACTED;

/// Names of files, and ends of names, that hold secrets by what they are for.
const NAMES: &[&str] = &[
    ".htpasswd",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".vault-token",
    ".vault_pass",
    "credentials",
    "gshadow",
    "gshadow-",
    "htpasswd",
    "krb5.keytab",
    "master.key",
    "opasswd",
    "secring.gpg",
    "shadow",
    "shadow-",
    "tskey",
    "wg.key",
    "wpa_supplicant.conf",
    "chap-secrets",
    "pap-secrets",
    ".git-credentials",
    "token",
    "password",
    "passwords",
];
const ENDS: &[&str] = &[
    ".key",
    ".pem",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".keytab",
    ".gpg",
    ".age",
    ".asc",
    ".p8",
    ".ppk",
    ".secret",
    ".token",
    ".passwd",
    "_rsa",
    "_dsa",
    "_ecdsa",
    "_ed25519",
    "_key",
    "-key",
    ".env",
    ".sops.yaml",
    ".sops.json",
    ".nmconnection",
];
/// Directories in which every file is one.
const DIRECTORIES: &[&str] = &[
    "private",
    "secrets",
    ".ssh",
    ".gnupg",
    "keys",
    "passwd.d",
    "credstore",
    "credstore.encrypted",
];

/// Why a file of this path is not read; none: it may be.
pub(super) fn why_by_name(path: &str) -> Option<&'static str> {
    let path = path.to_lowercase();
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", &path));
    if directories
        .split('/')
        .any(|step| DIRECTORIES.contains(&step))
    {
        return Some("its directory is one of secrets");
    }
    let is_secret = NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end));
    // The public half of a key pair is none, but nothing is learned from it either.
    is_secret.then_some("its name is that of a secret")
}

/// Why a file that says this is not kept; none: it may be. The text may have been redacted already.
pub(super) fn why_by_content(bytes: &[u8]) -> Option<&'static str> {
    if bytes.contains(&0) || std::str::from_utf8(bytes).is_err() {
        return Some("it is not a text");
    }
    let text = String::from_utf8_lossy(bytes);
    if text.contains("PRIVATE KEY-----")
        || text.contains("PGP MESSAGE-----")
        || text.starts_with("$ANSIBLE_VAULT")
    {
        return Some("it holds a private key or is encrypted");
    }
    let redacted = watchkeeper_agent::redact(&text);
    let lines: Vec<&str> = redacted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        .collect();
    let secret = lines.iter().filter(|line| line.contains(REDACTED)).count();
    (secret > 0 && 2 * secret >= lines.len()).then_some("it holds little but secrets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_secrets_are_known_by_name() {
        for path in [
            "/etc/shadow",
            "/etc/ssl/private/web.crt",
            "/etc/nginx/tls/site.KEY",
            "/root/.ssh/config",
            "/etc/ssh/ssh_host_rsa_key",
            "/etc/app/.env",
            "/etc/wireguard/wg.key",
            "/etc/nixos/secrets/db.nix",
            "/srv/prod.env",
            "secrets.age",
            "/etc/NetworkManager/system-connections/home.nmconnection",
        ] {
            assert!(why_by_name(path).is_some(), "{path}");
        }
        for path in [
            "/etc/nginx/nginx.conf",
            "/etc/fstab",
            "/etc/systemd/system/a.service",
            "flake.nix",
            "/etc/keyboard",
        ] {
            assert!(why_by_name(path).is_none(), "{path}");
        }
    }

    #[test]
    fn files_that_are_secrets_are_known_by_what_they_say() {
        let shadow = "root:$6$abcdefgh$0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567:19000:0:99999:7:::\n";
        for text in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n",
            "# only this\npassword = hunter2hunter2\n",
            "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
            "a\0b",
            shadow,
        ] {
            assert!(why_by_content(text.as_bytes()).is_some(), "{text}");
        }
        assert!(why_by_content(b"\xff\xfe").is_some());
        for text in [
            "",
            "server {\n  listen 80;\n  password = x1y2z3x1y2;\n  root /srv;\n}\n",
            "UUID=1 / ext4 defaults 0 1\n",
        ] {
            assert!(why_by_content(text.as_bytes()).is_none(), "{text}");
        }
    }
}
