//! The cookie by which a browser is known. It is sent to us alone, never shown to scripts, and not with what other sites
//! send here.

use std::time::Duration;

use http::{HeaderMap, header};

/// Its name over https: a browser takes it only from a secure page, for this host alone.
const SECURE: &str = "__Host-watchkeeper";
/// Its name over http, where that prefix is not to be had.
const PLAIN: &str = "watchkeeper";

/// What the pages are reached by.
fn is_secure(public_url: &str) -> bool {
    public_url.starts_with("https://")
}

/// The secret that a browser shows.
pub(super) fn shown<'h>(headers: &'h HeaderMap, public_url: &str) -> Option<&'h str> {
    let name = if is_secure(public_url) { SECURE } else { PLAIN };
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Has a browser show this secret from now on.
pub(super) fn set(secret: &str, public_url: &str, life: Duration) -> String {
    let seconds = life.as_secs();
    let rest = format!("Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    if is_secure(public_url) {
        format!("{SECURE}={secret}; {rest}; Secure")
    } else {
        format!("{PLAIN}={secret}; {rest}")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_comes_back_among_others_and_only_under_its_own_name() {
        let mut headers = HeaderMap::new();
        let value = "a=b; watchkeeper=plain; __Host-watchkeeper=secret";
        headers.insert(header::COOKIE, HeaderValue::from_static(value));
        assert_eq!(shown(&headers, "https://watch.example"), Some("secret"));
        assert_eq!(shown(&headers, "http://10.0.0.1"), Some("plain"));
        assert_eq!(shown(&HeaderMap::new(), "http://10.0.0.1"), None);
    }

    #[test]
    fn a_cookie_is_for_us_alone() {
        let life = Duration::from_secs(60);
        assert_eq!(
            set("x", "https://watch.example", life),
            "__Host-watchkeeper=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set("x", "http://10.0.0.1", life),
            "watchkeeper=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        );
    }
}
