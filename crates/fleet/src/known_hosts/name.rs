//! Names in known_hosts files: how one is looked up, and whether a line's host field means it.

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_encoding::base64::{Base64, Encoding};
use russh::keys::{HashAlg, PublicKey};
use sha1::Sha1;

use crate::SshTarget;

/// Longest host field that is read; a longer one is broken.
const MAX_FIELD_BYTES: usize = 16 * 1024;
/// Most patterns in one host field.
const MAX_PATTERNS: usize = 1_000;

/// The name a key is kept under: `host`, or `[host]:port` on another port than 22; in lower case.
#[must_use]
pub fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == SshTarget::DEFAULT_PORT {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

/// A key's fingerprint, as `SHA256:…`.
#[must_use]
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whom a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Patterns with `*` and `?`; `true` where negated.
    Patterns(Vec<(bool, String)>),
    /// One name, hashed.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl Names {
    /// Reads a host field.
    pub(crate) fn parse(field: &str) -> Result<Self, &'static str> {
        if field.len() > MAX_FIELD_BYTES {
            return Err("the host field is too long");
        }
        if let Some(rest) = field.strip_prefix('|') {
            return Self::parse_hashed(rest);
        }
        let mut patterns = Vec::new();
        for text in field.split(',') {
            let (negated, pattern) = match text.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, text),
            };
            if pattern.starts_with('|') {
                return Err("a hashed name must stand alone");
            }
            if pattern.is_empty() {
                return Err("a host pattern is empty");
            }
            patterns.push((negated, pattern.to_ascii_lowercase()));
        }
        if patterns.len() > MAX_PATTERNS {
            return Err("there are too many host patterns");
        }
        Ok(Self::Patterns(patterns))
    }

    fn parse_hashed(rest: &str) -> Result<Self, &'static str> {
        let fields = rest.strip_prefix("1|").and_then(|r| r.split_once('|'));
        let (salt, hash) = fields.ok_or("the hashed name is of an unknown kind")?;
        let decode = |text: &str| Base64::decode_vec(text);
        match (decode(salt), decode(hash)) {
            (Ok(salt), Ok(hash)) if hash.len() == 20 && !salt.is_empty() => {
                Ok(Self::Hashed { salt, hash })
            }
            _ => Err("the hashed name is not readable"),
        }
    }

    /// Whether this means `name`, which is in lower case.
    pub(crate) fn mean(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => {
                let mut mac =
                    Hmac::<Sha1>::new_from_slice(salt).expect("a MAC takes keys of any length");
                mac.update(name.as_bytes());
                mac.verify_slice(hash).is_ok()
            }
            Self::Patterns(patterns) => {
                let hit = |negated: bool| {
                    let mut wanted = patterns.iter().filter(|(kind, _)| *kind == negated);
                    wanted.any(|(_, pattern)| matches(pattern.as_bytes(), name.as_bytes()))
                };
                !hit(true) && hit(false)
            }
        }
    }
}

/// Whether a pattern with `*` and `?` covers the whole of `text`. Linear in space, at worst quadratic in time.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_as_openssh_has_it() {
        for (field, name, expect) in [
            ("web1", "web1", true),
            ("WEB1", "web1", true),
            ("web1", "web10", false),
            ("*", "[web1]:2222", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("a,b,c", "b", true),
            ("*.lan,!bad.lan", "good.lan", true),
            ("*.lan,!bad.lan", "bad.lan", false),
            ("!bad.lan,*.lan", "bad.lan", false),
            ("!bad.lan", "good.lan", false),
            ("[web1]:2222", "[web1]:2222", true),
            ("[web1]:2222", "web1", false),
            ("web1", "[web1]:2222", false),
            ("[*.lan]:2222", "[a.lan]:2222", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
        ] {
            let names = Names::parse(field).expect("a host field");
            assert_eq!(names.mean(name), expect, "{field} for {name}");
        }
    }

    #[test]
    fn a_host_field_that_cannot_be_read_is_broken() {
        for field in [
            "",
            "a,,b",
            "!",
            "|2|AAAA|BBBB",
            "|1|AAAA",
            "|1|!|!",
            "a,|1|x|y",
        ] {
            assert!(Names::parse(field).is_err(), "{field:?}");
        }
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let pattern = "*a".repeat(200);
        let text = "a".repeat(2_000) + "b";
        assert!(!matches(pattern.as_bytes(), text.as_bytes()));
    }
}
