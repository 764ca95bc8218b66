//! The cookie by which a browser is known. It is sent to us alone, never shown to scripts, and not with what other sites
//! send here.

use std::time::Duration;

use http::{HeaderMap, header};

use super::site::Site;

/// Its name where the pages have a secure site for themselves: a browser takes it only from there, for that host alone.
const OF_HOST: &str = "__Host-watchkeeper";
/// Its name below a path of a secure site, where that prefix is not to be had.
const SECURE: &str = "__Secure-watchkeeper";
/// Its name over http, where neither is.
const PLAIN: &str = "watchkeeper";

fn name(site: &Site) -> &'static str {
    match (site.is_secure(), site.path().is_empty()) {
        (true, true) => OF_HOST,
        (true, false) => SECURE,
        (false, _) => PLAIN,
    }
}

/// The secret that a browser shows.
pub(super) fn shown<'h>(headers: &'h HeaderMap, site: &Site) -> Option<&'h str> {
    let name = name(site);
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Has a browser show this secret from now on, to these pages and to nothing else of their site.
pub(super) fn set(secret: &str, site: &Site, life: Duration) -> String {
    let (name, seconds) = (name(site), life.as_secs());
    let path = match site.path() {
        "" => "/",
        path => path,
    };
    let secure = if site.is_secure() { "; Secure" } else { "" };
    format!("{name}={secret}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_comes_back_among_others_and_only_under_its_own_name() {
        let mut headers = HeaderMap::new();
        let value = "a=b; watchkeeper=plain; __Secure-watchkeeper=below; __Host-watchkeeper=secret";
        headers.insert(header::COOKIE, HeaderValue::from_static(value));
        let shown_at = |url: &str| shown(&headers, &Site::new(url));
        assert_eq!(shown_at("https://watch.example"), Some("secret"));
        assert_eq!(shown_at("https://home.example/watch"), Some("below"));
        assert_eq!(shown_at("http://10.0.0.1"), Some("plain"));
        assert_eq!(
            shown(&HeaderMap::new(), &Site::new("http://10.0.0.1")),
            None
        );
    }

    #[test]
    fn a_cookie_is_for_us_alone() {
        let life = Duration::from_secs(60);
        for (url, expect) in [
            (
                "https://watch.example",
                "__Host-watchkeeper=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                "https://home.example/watch",
                "__Secure-watchkeeper=x; Path=/watch; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                "http://10.0.0.1",
                "watchkeeper=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            ),
        ] {
            assert_eq!(set("x", &Site::new(url), life), expect);
        }
    }
}
