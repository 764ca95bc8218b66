//! Addresses of pages and machines: which machine one means, and whether that can be told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::notes::OPEN;

/// Names of machines that hand out a cloud host's own secrets.
const METADATA_NAMES: [&str; 4] = [
    "metadata.google.internal",
    "metadata",
    "metadata.goog",
    "instance-data",
];
/// Endings of names that only hold inside a network.
const INSIDE: [&str; 14] = [
    ".local",
    ".lan",
    ".internal",
    ".intranet",
    ".corp",
    ".home",
    ".svc",
    ".home.arpa",
    ".localdomain",
    ".test",
    ".consul",
    ".private",
    ".docker",
    ".ts.net",
];

/// Which machine an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This one.
    Own,
    /// One in the same network.
    Inside,
    /// One that hands out a cloud host's secrets.
    Metadata,
    /// Any other.
    Outside,
    /// That cannot be told.
    Unknown,
}

/// An address of a page, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The scheme, in lower case; empty where none is written.
    pub(super) scheme: String,
    /// Which machine it means.
    pub(super) reach: Reach,
    /// Whether a name and a password stand in it.
    pub(super) login: bool,
    /// What follows the machine, with its query.
    pub(super) path: String,
    /// Whether any of it is not known.
    pub(super) open: bool,
}

impl Address {
    /// Takes a text with marks apart.
    pub(super) fn read(text: &str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => (String::new(), text),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, machine) = match authority.rsplit_once('@') {
            Some((login, machine)) => (Some(login), machine),
            None => (None, authority),
        };
        let before_path = text.len() - path.len();
        let opened_early = text[..before_path].contains(OPEN);
        Self {
            reach: if opened_early {
                Reach::Unknown
            } else {
                reach_of(without_port(machine))
            },
            scheme,
            login: login.is_some_and(|login| login.contains(':')),
            path: path.to_owned(),
            open: text.contains(OPEN),
        }
    }

    /// The path without its query, in lower case.
    pub(super) fn place(&self) -> String {
        let end = self.path.find(['?', '#']).unwrap_or(self.path.len());
        self.path[..end].to_ascii_lowercase()
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

fn without_port(machine: &str) -> &str {
    if let Some(rest) = machine.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match machine.split_once(':') {
        // An IPv6 address without brackets.
        Some((_, rest)) if rest.contains(':') => machine,
        Some((host, _)) => host,
        None => machine,
    }
}

/// Which machine a name or number means.
pub(super) fn reach_of(host: &str) -> Reach {
    if host.contains(OPEN) {
        return Reach::Unknown;
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let name = name.split('%').next().unwrap_or_default();
    if METADATA_NAMES.contains(&name) {
        return Reach::Metadata;
    }
    if let Ok(address) = name.parse::<Ipv6Addr>() {
        return of_number(IpAddr::V6(address));
    }
    if let Some(address) = loose_ipv4(name) {
        return of_number(IpAddr::V4(address));
    }
    let own = name.is_empty() || name == "localhost" || name.ends_with(".localhost");
    if own || name == "localhost.localdomain" || name == "ip6-localhost" {
        return Reach::Own;
    }
    // Services that answer with an address that stands in the name lead anywhere.
    if !name.contains('.') || INSIDE.iter().any(|ending| name.ends_with(ending)) {
        return Reach::Inside;
    }
    Reach::Outside
}

fn of_number(address: IpAddr) -> Reach {
    match address {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => of_number(IpAddr::V4(mapped)),
            None => of_ipv6(address),
        },
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            let known = [
                Ipv4Addr::new(100, 100, 100, 200),
                Ipv4Addr::new(168, 63, 129, 16),
                Ipv4Addr::new(192, 0, 0, 192),
            ];
            if known.contains(&address) || address.is_link_local() {
                Reach::Metadata
            } else if address.is_loopback() || address.is_unspecified() {
                Reach::Own
            } else if address.is_private() || shared {
                Reach::Inside
            } else {
                Reach::Outside
            }
        }
    }
}

fn of_ipv6(address: Ipv6Addr) -> Reach {
    let [first, ..] = address.segments();
    if address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254) {
        Reach::Metadata
    } else if address.is_loopback() || address.is_unspecified() {
        Reach::Own
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 {
        Reach::Inside
    } else {
        Reach::Outside
    }
}

/// An address as the C library reads it: one to four numbers, each decimal, octal or hexadecimal.
fn loose_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, front) = parts.split_last()?;
    if front.len() > 3 || front.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 8 * (4 - front.len() as u32);
    if room < 32 && *last >= 1 << room {
        return None;
    }
    let mut bits = *last;
    for (index, part) in front.iter().enumerate() {
        bits |= part << (24 - 8 * index);
    }
    Some(Ipv4Addr::from(bits))
}

fn number(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Reach) {
        assert_eq!(Address::read(text).reach, expect, "{text}");
    }

    #[test]
    fn a_machine_is_told_by_every_way_to_write_it() {
        check("http://localhost:8080/x", Reach::Own);
        check("127.1/x", Reach::Own);
        check("http://[::1]:80/", Reach::Own);
        check("http://2130706433/", Reach::Own);
        check("http://10.0.0.5", Reach::Inside);
        check("http://web1:80/", Reach::Inside);
        check("https://db.internal", Reach::Inside);
        check("https://example.org/", Reach::Outside);
        check("http://user:word@example.org/", Reach::Outside);
        check("http://localhost@example.org/", Reach::Outside);
        check("http://169.254.169.254/latest", Reach::Metadata);
        check("http://0xa9fea9fe/", Reach::Metadata);
        check("http://0251.0376.0251.0376/", Reach::Metadata);
        check("http://2852039166/", Reach::Metadata);
        check("http://[::ffff:169.254.169.254]/", Reach::Metadata);
        check("http://METADATA.google.internal./x", Reach::Metadata);
        check("http://local\u{e001}/", Reach::Unknown);
        check("http://localhost/\u{e001}", Reach::Own);
    }

    #[test]
    fn a_login_in_an_address_is_seen() {
        assert!(Address::read("http://a:b@web1/").login);
        assert!(!Address::read("http://web1/a:b@c").login);
    }
}
