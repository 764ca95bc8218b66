//! Lines of settings of network devices and of tunnels, whose form alone says where the secret stands.

use super::Span;
use super::forms::word_at;

/// Beginnings of lines of devices that hold a secret further on.
const LINES: [&str; 11] = [
    "username ",
    "enable ",
    "neighbor ",
    "set ",
    "snmp-server ",
    "key-string ",
    "pre-shared-key ",
    "tacacs-server ",
    "radius-server ",
    "password ",
    "option ",
];
/// What stands before the secret on such a line.
const LEADS: [&str; 21] = [
    " plaintext-password ",
    " encrypted-password ",
    "pre-shared-key ascii-text ",
    "pre-shared-key hexadecimal ",
    "pre-shared-secret ",
    "key-string ",
    "snmp-server community ",
    " secret 0 ",
    " secret 5 ",
    " secret 7 ",
    " secret 8 ",
    " secret 9 ",
    " password 0 ",
    " password 7 ",
    " password 8 ",
    " key 0 ",
    " key 7 ",
    "option key ",
    "option password ",
    "option psk ",
    "option sae_password ",
];

/// Where the secret stands in a line that begins here.
pub(super) fn secret_of_line(line: &str) -> Option<Span> {
    let begins = line.trim_start();
    if LINES.iter().any(|begin| begins.starts_with(begin)) {
        return of_device(line, begins);
    }
    of_tunnel(line)
        .or_else(|| of_peer(line))
        .or_else(|| of_wireless(line))
}

fn of_device(line: &str, begins: &str) -> Option<Span> {
    let lead = LEADS
        .iter()
        .find_map(|lead| line.find(lead).map(|at| at + lead.len()));
    if lead.is_some() {
        return lead.and_then(|at| word_at(line, at));
    }
    let words: Vec<&str> = begins.split_whitespace().collect();
    let start = line.len() - begins.len();
    match words.as_slice() {
        ["password", kind, _] if kind.len() == 1 && kind.bytes().all(|b| b.is_ascii_digit()) => {
            word_at(line, start + "password ".len() + kind.len())
        }
        ["neighbor", _, "password", _] => {
            let at = line.find(" password ")? + " password ".len();
            word_at(line, at)
        }
        _ => None,
    }
}

/// `: PSK "x"` of `ipsec.secrets`.
fn of_tunnel(line: &str) -> Option<Span> {
    let at = [": PSK \"", ": EAP \"", ": XAUTH \"", ": NTLM \""]
        .iter()
        .find_map(|lead| line.find(lead).map(|at| at + lead.len()))?;
    let end = line[at..].find('"')?;
    (end > 0).then_some((at, at + end))
}

/// `client * secret *` of `chap-secrets`.
fn of_peer(line: &str) -> Option<Span> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [client, server, secret, addresses] = words.as_slice() else {
        return None;
    };
    let named = client.chars().any(char::is_alphabetic);
    let fits = named && *server == "*" && *addresses == "*" && *secret != "*";
    let at = line.find(" * ").or_else(|| line.find("\t*\t"))? + " * ".len();
    fits.then(|| word_at(line, at)).flatten()
}

/// `wireless.ap.key='x'` of OpenWrt.
fn of_wireless(line: &str) -> Option<Span> {
    let rest = line.trim_start().strip_prefix("wireless.")?;
    let at = rest.find(".key=").or_else(|| rest.find(".sae_password="))?;
    let equals = rest[at..].find('=')?;
    word_at(line, line.len() - rest.len() + at + equals + 1)
}
