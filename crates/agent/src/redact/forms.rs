//! Lines whose form says where the secret stands: files of passwords, and settings without an equals sign.

use super::{Span, devices, tail, word_length};

/// Settings that a blank parts from their value, at the beginning of a line.
const SETTINGS: [&str; 11] = [
    "requirepass",
    "masterauth",
    "bindpw",
    "rootpw",
    "auth_pass",
    "remote_password",
    "rocommunity",
    "rwcommunity",
    "rocommunity6",
    "rwcommunity6",
    "trapcommunity",
];

/// Where the secret stands in a line that begins here; `before` is the text up to it, `behind` what follows it.
pub(super) fn secret_of_line(before: &str, line: &str, behind: &str) -> Option<Span> {
    let line = line.trim_end_matches('\r');
    netrc(before, line)
        .or_else(|| pgpass(line))
        .or_else(|| setting(line))
        .or_else(|| smbpasswd(line))
        .or_else(|| one_time(line, behind))
        .or_else(|| mail_password(line))
        .or_else(|| fed(line))
        .or_else(|| devices::secret_of_line(line))
}

/// The word behind a place.
pub(super) fn word_at(line: &str, from: usize) -> Option<Span> {
    let value = &line[from..];
    let blanks = value.len() - value.trim_start().len();
    let from = from + blanks;
    let value = line[from..].trim_start_matches(['"', '\'']);
    let quotes = line.len() - from - value.len();
    let end = value.find([' ', '\t', '"', '\'']).unwrap_or(value.len());
    (end > 0).then_some((from + quotes, from + quotes + end))
}

/// `machine h login u password p`, on one line or on three.
fn netrc(before: &str, line: &str) -> Option<Span> {
    const NAMED: [&str; 4] = ["machine ", "login ", "default ", "account "];
    let named = |line: &str| NAMED.iter().any(|name| line.trim_start().starts_with(name));
    let trimmed = line.trim_start();
    if trimmed.starts_with("password ") {
        let previous = tail(before, 256).trim_end_matches('\n');
        let previous = previous.rsplit('\n').next().unwrap_or("");
        let at = line.len() - trimmed.len() + "password ".len();
        return named(previous).then(|| word_at(line, at)).flatten();
    }
    let at = line.find(" password ").filter(|_| named(line))?;
    line.contains("login ")
        .then(|| word_at(line, at + " password ".len()))
        .flatten()
}

/// `host:port:database:user:password`.
fn pgpass(line: &str) -> Option<Span> {
    const SAFE: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
    let line = line.trim_end();
    let mut parts = line.splitn(5, ':');
    let (host, port) = (parts.next()?, parts.next()?);
    let (database, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let host = host.rsplit('/').next().unwrap_or(host);
    let port_fits = port == "*"
        || (4..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let host_fits = host == "*"
        || host
            .bytes()
            .any(|byte| byte.is_ascii_alphabetic() || byte == b'.');
    let fits = |part: &str| !part.is_empty() && part.bytes().all(SAFE);
    let ok = port_fits && host_fits && fits(host) && fits(database) && fits(user);
    // A colon of the password itself is written behind a backslash.
    let plain = !password.replace("\\:", "").contains([':', ' ']);
    (ok && plain && !password.is_empty()).then(|| (line.len() - password.len(), line.len()))
}

/// A name of a setting, a blank, and the secret.
fn setting(line: &str) -> Option<Span> {
    let trimmed = line.trim_start();
    let length = word_length(trimmed);
    let name = trimmed[..length].to_ascii_lowercase();
    let rest = &trimmed[length..];
    let known = SETTINGS.contains(&name.as_str()) && rest.starts_with([' ', '\t']);
    known
        .then(|| word_at(line, line.len() - rest.len()))
        .flatten()
}

/// `user:1000:<32 digits>:<32 digits>:…`, as Samba keeps hashes.
fn smbpasswd(line: &str) -> Option<Span> {
    const LENGTH: usize = 65;
    let hash = |text: &str| {
        text.len() == 32
            && text
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'X')
    };
    let start = line.match_indices(':').nth(1)?.0 + 1;
    let both = line.get(start..start + LENGTH)?;
    let (left, right) = both.split_once(':')?;
    (hash(left) && hash(right)).then_some((start, start + LENGTH))
}

/// The first line of the file of `google-authenticator`: the seed, and settings behind it.
fn one_time(line: &str, behind: &str) -> Option<Span> {
    let base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
    let seed = line.len() >= 16 && line.bytes().all(base32) && behind.starts_with("\n\" ");
    seed.then_some((0, line.len()))
}

/// `[host]:587 user:password`, as Postfix keeps it; `stats auth user:password` of HAProxy; `createUser` of SNMP.
fn mail_password(line: &str) -> Option<Span> {
    let last = line.trim_end().rsplit([' ', '\t']).next()?;
    let at = line.trim_end().len() - last.len();
    let (user, password) = last.split_once(':')?;
    let host = line.trim_start();
    let of_postfix = host.starts_with('[')
        && host.contains('.')
        && !password.starts_with('/')
        && host[..at.min(host.len())].contains("]");
    let of_postfix = of_postfix
        && line[..at]
            .trim()
            .ends_with(|c: char| c.is_ascii_digit() || c == ']')
        && line[..at].split_whitespace().count() == 1;
    let of_proxy = line.trim_start().starts_with("stats auth ");
    let fits = !user.is_empty() && !password.is_empty();
    ((of_postfix || of_proxy) && fits).then(|| (at + user.len() + 1, at + last.len()))
}

/// `echo 'user:password' | chpasswd`, `echo x | sudo -S`, `echo x | passwd --stdin ann`, `echo x | docker login`.
fn fed(line: &str) -> Option<Span> {
    const READERS: [&str; 13] = [
        "chpasswd",
        "passwd --stdin",
        "sudo -S",
        "docker login",
        "podman login",
        "cryptsetup ",
        "gh auth login",
        "su -c",
        "helm registry login",
        "secret create",
        "wg set",
        "wg pubkey",
        "wg addconf",
    ];
    // `wg set wg0 private-key /dev/stdin <<< x`.
    if let Some(at) = line.find("<<<")
        && READERS.iter().any(|known| line[..at].contains(known))
    {
        return word_at(line, at + "<<<".len()).filter(|(from, _)| !line[*from..].starts_with('$'));
    }
    let pipe = line.rfind('|')?;
    let reader = line[pipe + 1..].trim_start();
    let known = READERS.iter().any(|known| reader.contains(known));
    let said = ["echo ", "printf "]
        .iter()
        .filter_map(|word| line[..pipe].rfind(word).map(|at| at + word.len()))
        .max()?;
    if !known {
        return None;
    }
    let inner = line[said..pipe].trim_end();
    let open = inner.len()
        - inner
            .trim_start_matches("-n ")
            .trim_start_matches("'%s' ")
            .trim_start_matches(['"', '\''])
            .len();
    let close = inner.trim_end_matches(['"', '\'']).len();
    let skip = match inner.get(open..close)?.find(':') {
        Some(colon) if reader.contains("chpasswd") => colon + 1,
        _ => 0,
    };
    let (from, to) = (said + open + skip, said + close);
    let reference = line[from..to].starts_with('$');
    (from < to && !reference).then_some((from, to))
}
