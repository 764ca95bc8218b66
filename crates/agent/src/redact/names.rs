//! Assignments: a name that says its value is secret, and where that value stands.

use super::REDACTED;

/// Ends of names whose values are secret, without `_`, `-` and `.`, in lower case.
const SECRET_ENDS: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "presharedkey",
    "sharedkey",
    "signingkey",
    "encryptionkey",
    "authkey",
    "accountkey",
    "clientsecret",
    "connectionstring",
];
/// Names whose last part alone says it.
const SECRET_PARTS: [&str; 3] = ["pass", "psk", "passwort"];
/// Last parts that say it only behind another: `PWD` itself is a directory.
const SECRET_LATER_PARTS: [&str; 2] = ["pwd", "pw"];
/// Headers whose whole value is secret.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];
/// Words before a value that belong to it.
const SCHEMES: [&str; 4] = ["bearer", "basic", "digest", "token"];

/// Most bytes between a name and its value.
const MAX_GAP_BYTES: usize = 8;
/// Most bytes of a name that are looked at, from its end.
const MAX_NAME_BYTES: usize = 64;

/// How far a value goes.
enum Extent {
    /// To the end of the word or of its quotes.
    Word,
    /// To the end of the line or of the quotes around it.
    Line,
}

/// Where the secret stands behind a name: from and to, counted from the end of the name.
pub(super) fn secret_value(name: &str, behind: &str) -> Option<(usize, usize)> {
    if name.eq_ignore_ascii_case("bearer") {
        return bearer(behind);
    }
    let extent = extent(name)?;
    let from = value_start(name, behind)?;
    let value = &behind[from..];
    if value.starts_with(REDACTED) {
        return Some((from, from + REDACTED.len()));
    }
    let length = match extent {
        Extent::Word => word_value(behind, from),
        Extent::Line => line_value(value),
    };
    (length > 0).then_some((from, from + length))
}

/// Whether a name says that its value is secret, and how far the value goes.
fn extent(name: &str) -> Option<Extent> {
    let name = &name[name.len().saturating_sub(MAX_NAME_BYTES)..];
    let lower = name.to_ascii_lowercase();
    if HEADERS.contains(&lower.as_str()) {
        return Some(Extent::Line);
    }
    let joined: String = lower
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect();
    let mut parts = lower.rsplit(['_', '-', '.']);
    let last = parts.next().unwrap_or("");
    let later = parts.next().is_some_and(|part| !part.is_empty());
    if joined.ends_with("passphrase") {
        return Some(Extent::Line);
    }
    let secret = SECRET_ENDS.iter().any(|end| joined.ends_with(end))
        || SECRET_PARTS.contains(&last)
        || later && SECRET_LATER_PARTS.contains(&last);
    secret.then_some(Extent::Word)
}

/// Where the value begins: behind `=`, `:`, `=>`, `:=` with quotes and blanks around, or behind the blank that parts
/// an option (`--password x`) from its value.
fn value_start(name: &str, behind: &str) -> Option<usize> {
    let bytes = behind.as_bytes();
    let mut at = 0;
    let mut assigned = false;
    while at < bytes.len() && at < MAX_GAP_BYTES {
        match bytes[at] {
            b'=' | b':' => assigned = true,
            b'>' if assigned => {}
            b' ' | b'\t' | b'\\' | b'"' | b'\'' | b']' => {}
            _ => break,
        }
        at += 1;
    }
    let option = name.starts_with("--") && behind.starts_with(' ');
    let quoted = at > 0 && matches!(bytes[at - 1], b'"' | b'\'');
    (assigned || option)
        .then_some(at)
        .filter(|at| *at < bytes.len() || quoted)
}

/// The length of a value that is one word, or stands in quotes; `from` is where it begins in `behind`.
fn word_value(behind: &str, from: usize) -> usize {
    let value = &behind[from..];
    match opening_quote(&behind[..from]) {
        Some(quote) => quoted_value(value, quote),
        None => bare_value(value),
    }
}

/// The quote that a value stands in: the last character before it. A name's own closing quote stands before the
/// `=` or `:`.
fn opening_quote(gap: &str) -> Option<u8> {
    let last = gap.bytes().next_back()?;
    (gap.len() > 1 && matches!(last, b'"' | b'\'')).then_some(last)
}

fn quoted_value(value: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            b'\n' => return at,
            _ if escaped => escaped = false,
            b'\\' if value.as_bytes().get(at + 1) == Some(&quote) && at > 0 => {
                // `\"` ends a value that began with `\"`, and stands inside one that began with `"`; taking it as
                // inside takes more, never less.
                escaped = true;
            }
            _ if byte == quote => return at,
            _ => {}
        }
    }
    value.len()
}

fn bare_value(value: &str) -> usize {
    let end = |text: &str| {
        let mut at = 0;
        for (index, c) in text.char_indices() {
            if c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'') {
                return index;
            }
            if matches!(c, ',' | ';' | '&') && parts_assignments(&text[index + 1..]) {
                return index;
            }
            at = index + c.len_utf8();
        }
        at
    };
    let length = end(value);
    let scheme = SCHEMES
        .iter()
        .any(|scheme| value[..length].eq_ignore_ascii_case(scheme));
    match value[length..].strip_prefix(' ') {
        Some(rest) if scheme && !rest.starts_with(REDACTED) => length + 1 + end(rest),
        Some(_) if scheme => length + 1 + REDACTED.len(),
        _ => length,
    }
}

/// Whether what follows a `,`, `;` or `&` is not part of the value: a blank, the end, or another assignment.
fn parts_assignments(rest: &str) -> bool {
    const MAX_LOOK_BYTES: usize = 40;
    let Some(first) = rest.bytes().next() else {
        return true;
    };
    if first.is_ascii_whitespace() {
        return true;
    }
    let name = rest
        .bytes()
        .take(MAX_LOOK_BYTES)
        .position(|byte| !super::is_word(byte));
    name.is_some_and(|length| length > 0 && matches!(rest.as_bytes()[length], b'=' | b':'))
}

fn line_value(value: &str) -> usize {
    value.find(['\n', '\r', '"', '\'']).unwrap_or(value.len())
}

/// A token behind the word `Bearer`.
fn bearer(behind: &str) -> Option<(usize, usize)> {
    const LEAST_CHARS: usize = 8;
    let value = behind.strip_prefix(' ')?;
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let length = value
        .bytes()
        .position(|byte| !in_token(byte))
        .unwrap_or(value.len());
    let digit = value[..length].bytes().any(|byte| byte.is_ascii_digit());
    (length >= LEAST_CHARS && digit).then_some((1, 1 + length))
}
