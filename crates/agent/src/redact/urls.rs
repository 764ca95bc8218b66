//! URLs and connection strings: credentials before the host, and addresses that are secrets themselves, because who
//! knows them may write there.

use super::prose::is_no_secret;
use super::{Span, head, tail, word_length};

/// Most bytes of a URL that are looked at.
const MAX_BYTES: usize = 1_024;

/// Hosts whose addresses are secrets, each with the beginning of the path behind which they are.
const WEBHOOKS: [(&str, &str); 10] = [
    ("hooks.slack.com", "/services/"),
    ("hooks.slack.com", "/workflows/"),
    ("discord.com", "/api/webhooks/"),
    ("discordapp.com", "/api/webhooks/"),
    (".webhook.office.com", "/webhookb2/"),
    ("outlook.office.com", "/webhook/"),
    ("hooks.zapier.com", "/hooks/catch/"),
    ("maker.ifttt.com", "/trigger/"),
    ("open.feishu.cn", "/open-apis/bot/v2/hook/"),
    ("hc-ping.com", "/"),
];

/// Where the secret stands in a URL's credentials. `text` begins with `://`.
pub(super) fn credentials(text: &str) -> Option<Span> {
    let (from, to) = password(text)?;
    (!is_no_secret(text.get(from..to)?)).then_some((from, to))
}

fn password(text: &str) -> Option<Span> {
    const LEAST_TOKEN_BYTES: usize = 20;
    let start = "://".len();
    let ends = |byte: u8| byte.is_ascii_whitespace() || b"\"'<>`".contains(&byte);
    let url = &text.as_bytes()[start..text.len().min(start + MAX_BYTES)];
    let whole = url.iter().position(|byte| ends(*byte));
    let url = &url[..whole.unwrap_or(url.len())];
    let path = url.iter().position(|byte| b"/?#".contains(byte));
    let authority = &url[..path.unwrap_or(url.len())];
    let colon = authority.iter().position(|byte| *byte == b':');
    if let Some(at) = authority.iter().rposition(|byte| *byte == b'@') {
        return match colon.filter(|colon| *colon < at) {
            Some(colon) if colon + 1 < at => Some((start + colon + 1, start + at)),
            Some(_) => None,
            None if at >= LEAST_TOKEN_BYTES => Some((start, start + at)),
            None => None,
        };
    }
    // A password with a slash in it, written as it is: what stands behind the colon is no port.
    let colon = colon?;
    let port = authority[colon + 1..].iter().all(u8::is_ascii_digit);
    let at = url.iter().rposition(|byte| *byte == b'@')?;
    (!port && at > colon + 1).then_some((start + colon + 1, start + at))
}

/// The password of `user:password@tcp(host)`, as Go writes it. `behind` begins with the colon.
pub(super) fn credentials_of_dsn(before: &str, behind: &str) -> Option<Span> {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !before.bytes().next_back().is_some_and(in_name) {
        return None;
    }
    let window = head(behind, 128);
    let window = &window[..window.find([' ', '\n', '"', '\'']).unwrap_or(window.len())];
    ["@tcp(", "@unix("]
        .iter()
        .find_map(|mark| window.find(mark))
        .filter(|at| *at > 1)
        .map(|at| (1, at))
}

/// The password of `jdbc:oracle:thin:user/password@host`. `behind` begins with the colon before the user.
pub(super) fn credentials_of_oracle(before: &str, behind: &str) -> Option<Span> {
    if !["oracle:thin", "oracle:oci"]
        .iter()
        .any(|way| before.ends_with(way))
    {
        return None;
    }
    let window = head(behind, 256);
    let window = &window[..window.find([' ', '\n', '"', '\'']).unwrap_or(window.len())];
    let (slash, at) = (window.find('/')?, window.rfind('@')?);
    (slash + 1 < at).then_some((slash + 1, at))
}

/// The password of a URL that stands encoded in another: `http%3A%2F%2Fuser%3Apassword%40host`. `text` begins with `%`.
pub(super) fn credentials_encoded(text: &str) -> Option<Span> {
    const START: &str = "%3A%2F%2F";
    let begin = text.get(..START.len())?;
    let rest = head(&text[START.len()..], MAX_BYTES);
    let ends = |c: char| c.is_whitespace() || "&\"'<>".contains(c);
    let rest = &rest[..rest.find(ends).unwrap_or(rest.len())];
    let authority = &rest[..rest.find("%2F").unwrap_or(rest.len())];
    let colon = authority.find("%3A").or_else(|| authority.find("%3a"))? + 3;
    let at = authority.rfind("%40")?;
    (begin.eq_ignore_ascii_case(START) && colon < at)
        .then_some((START.len() + colon, START.len() + at))
}

/// The path of an address that is a secret, behind its host.
pub(super) fn secret_path(host: &str, behind: &str) -> Option<Span> {
    if !behind.starts_with('/') {
        return None;
    }
    let host = tail(host, 64).to_ascii_lowercase();
    let (_, path) = WEBHOOKS.iter().find(|(known, path)| {
        (host == *known || known.starts_with('.') && host.ends_with(known))
            && behind.starts_with(path)
    })?;
    let end = head(behind, MAX_BYTES)
        .find(|c: char| c.is_whitespace() || "\"'<>`)".contains(c))
        .unwrap_or_else(|| head(behind, MAX_BYTES).len());
    let from = path.len();
    let first = word_length(&behind[from..]);
    (first > 0 && end > from).then_some((from, end))
}
