//! Names that say their value is secret.

use super::values::{self, Extent};
use super::{Span, tail};

/// Ends of names whose values are secret, in lower case, without what parts words and without numbers at the end.
const SECRET_ENDS: [&str; 67] = [
    "authtok",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "motdepasse",
    "contrasena",
    "wachtwoord",
    "senha",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "privkey",
    "presharedkey",
    "sharedkey",
    "signingkey",
    "encryptionkey",
    "decryptionkey",
    "authkey",
    "accountkey",
    "masterkey",
    "hmackey",
    "appkey",
    "sessionkey",
    "cookiekey",
    "securitykey",
    "cryptkey",
    "cipherkey",
    "aeskey",
    "tsigkey",
    "wepkey",
    "wpapsk",
    "gotifykey",
    "subscriptionkey",
    "certificatekey",
    "unsealkey",
    "registrationkey",
    "jwtkey",
    "webhookkey",
    "serverkey",
    "loggedinkey",
    "noncekey",
    "loggedinsalt",
    "noncesalt",
    "authsalt",
    "passwordsalt",
    "secretkeybase",
    "keydata",
    "connectionstring",
    "connstring",
    "bindpw",
    "rootpw",
    "dbpw",
    "userpw",
    "adminpw",
    "otpseed",
    "totpseed",
    "mfaseed",
    "apptoken",
    "servicekey",
    "deploykey",
    "storagekey",
];
/// Ends that end other words too.
const NOT_SECRET_ENDS: [&str; 14] = [
    "bypass",
    "compass",
    "trespass",
    "surpass",
    "encompass",
    "overpass",
    "underpass",
    "multipass",
    "firstpass",
    "secondpass",
    "existingsecret",
    "pullsecret",
    "allowsecret",
    "usesecret",
];
/// Names whose last part alone says it.
const SECRET_PARTS: [&str; 3] = ["pass", "psk", "passwort"];
/// Names whose values are secret where only chance writes such a value.
const HINTS: [&str; 12] = [
    "key",
    "auth",
    "cred",
    "creds",
    "credential",
    "credentials",
    "seed",
    "salt",
    "sid",
    "session",
    "sessionid",
    "cookie",
];
/// Parts of names of keys that are public, or are no keys.
const PUBLIC_PARTS: [&str; 17] = [
    "websocket",
    "public",
    "pub",
    "cache",
    "host",
    "sort",
    "primary",
    "foreign",
    "lookup",
    "object",
    "hash",
    "index",
    "partition",
    "peer",
    "trusted",
    "signed",
    "group",
];
/// Parameters of URLs that are secret.
const PARAMETERS: [&str; 5] = ["sig", "signature", "key", "auth", "code"];
/// Headers whose whole value is secret.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];
/// What counts tokens, rather than being one.
const COUNTS: [&str; 12] = [
    "max",
    "min",
    "num",
    "count",
    "total",
    "prompt",
    "completion",
    "input",
    "output",
    "used",
    "limit",
    "per",
];

/// Most bytes of a name that are looked at, from its end.
const MAX_NAME_BYTES: usize = 64;

/// Where the secret stands behind a name: from and to, counted from the end of the name.
pub(super) fn secret_value(before: &str, name: &str, behind: &str) -> Option<Span> {
    match name.len() {
        5 if name.eq_ignore_ascii_case("basic") => return values::basic(behind),
        6 if name.eq_ignore_ascii_case("bearer") => return values::bearer(behind),
        10 if name.eq_ignore_ascii_case("identified") => return values::identified(behind),
        _ => {}
    }
    let extent = extent(before, name, behind)?;
    if extent == Extent::Word
        && let Some(found) = values::encoded(behind).or_else(|| values::typed(behind))
    {
        return Some(found);
    }
    values::of(before, name, behind, extent).or_else(|| values::told(name, behind))
}

/// Whether a name says that its value is secret, and how far the value goes.
fn extent(before: &str, name: &str, behind: &str) -> Option<Extent> {
    let lower = tail(name, MAX_NAME_BYTES).to_ascii_lowercase();
    let lower = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '.');
    if lower.is_empty() {
        return None;
    }
    if HEADERS.contains(&lower) {
        return Some(Extent::Line);
    }
    let joined: String = lower
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect();
    if joined.ends_with("passphrase") {
        return Some(Extent::Line);
    }
    let parts: Vec<&str> = lower
        .split(['_', '-', '.'])
        .filter(|part| !part.is_empty())
        .collect();
    let last = parts.last().copied().unwrap_or("");
    if NOT_SECRET_ENDS.iter().any(|end| joined.ends_with(end)) || counts(&joined, behind) {
        return None;
    }
    // An attribute of HTML: the letter that goes to a link.
    let one_letter = behind
        .as_bytes()
        .get(3)
        .is_some_and(|byte| matches!(byte, b'"' | b'\''));
    if is_directory(&joined, behind) || joined == "accesskey" && one_letter {
        return None;
    }
    let secret = SECRET_ENDS.iter().any(|end| joined.ends_with(end))
        || SECRET_PARTS.contains(&last)
        || joined.ends_with("pass")
        || joined.ends_with("pwd")
        || last == "pw";
    if secret {
        return Some(Extent::Word);
    }
    let in_url = before.ends_with(['?', '&']);
    if in_url && (PARAMETERS.contains(&joined.as_str()) || joined.ends_with("signature")) {
        return Some(Extent::Chance { hex: true });
    }
    let hints = HINTS.contains(&last) || joined.ends_with("key");
    let said = tail(before, 16).trim_end_matches(' ').to_ascii_lowercase();
    let public = PUBLIC_PARTS
        .iter()
        .any(|part| joined.contains(part) || said.ends_with(part));
    let several = parts.len() > 1 || joined != last || joined != "key";
    (hints && !public).then_some(Extent::Chance { hex: several })
}

/// Whether a name of a token counts tokens.
fn counts(joined: &str, behind: &str) -> bool {
    let digits = behind
        .trim_start_matches([' ', '=', ':', '"', '\''])
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    joined.ends_with("token") && digits > 0 && COUNTS.iter().any(|word| joined.contains(word))
}

/// Whether `PWD` is the working directory here, and no password.
fn is_directory(joined: &str, behind: &str) -> bool {
    joined.ends_with("pwd")
        && behind
            .trim_start_matches([' ', '=', ':', '"', '\''])
            .starts_with(['/', '~', '$', '%'])
}
