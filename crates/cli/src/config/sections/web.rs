//! `[web]`: where pages for phones are served, and how long what leads to them is good.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;
use watchkeeper_watch::Web;

use super::Faults;
use crate::config::key::Key;

/// Most reverse proxies.
const MAX_PROXIES: usize = 20;
/// Longest path below which pages are found.
const MAX_PATH_BYTES: usize = 100;

/// Where pages for phones are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebSection {
    /// The address that the daemon serves pages at, e.g. `127.0.0.1:8470`. Left out: none are served.
    pub(crate) listen: Option<SocketAddr>,
    /// Where browsers find them: `https://watch.example.org`, or a path of a site that others share,
    /// `https://home.example.org/watch`. Left out: messages carry no links.
    pub(crate) public_url: Option<String>,
    /// How long a link is good, at most; the time to decide ends it, too.
    pub(crate) link_life: Span,
    /// How long a browser stays known as a person's.
    pub(crate) device_life: Span,
    /// Reverse proxies, by address: where they say a request came from is believed.
    pub(crate) proxies: Vec<IpAddr>,
}

impl Default for WebSection {
    fn default() -> Self {
        Self {
            listen: None,
            public_url: None,
            link_life: Span::hours(24),
            device_life: Span::days(180),
            proxies: vec![
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
        }
    }
}

impl WebSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("web").name(name);
        faults.span(
            key("link_life"),
            self.link_life,
            Span::minutes(5),
            Span::days(30),
        );
        faults.span(
            key("device_life"),
            self.device_life,
            Span::days(1),
            Span::days(365),
        );
        if self.proxies.len() > MAX_PROXIES {
            faults.add(
                key("proxies"),
                format!("there are more than {MAX_PROXIES} proxies"),
            );
        }
        if let Some(url) = &self.public_url {
            if let Err(why) = public_url(url) {
                faults.add(
                    key("public_url"),
                    format!("{url:?} is no address of pages: {why}"),
                );
            } else if self.listen.is_none() {
                faults.add(
                    key("public_url"),
                    "web.public_url says where pages are found, and without web.listen none are served",
                );
            }
        }
        if self.listen.is_some() && self.public_url.is_none() {
            faults.add(
                key("listen"),
                "web.listen serves pages; say in web.public_url where browsers find them",
            );
        }
    }

    /// As the use cases are told.
    pub(crate) fn web(&self) -> Web {
        Web {
            public_url: self.public_url.clone(),
            link_life: self.link_life.0,
            device_life: self.device_life.0,
        }
    }
}

/// Whether browsers can find pages there: a scheme, a host and perhaps a port, written as a browser writes an origin, and
/// perhaps a path.
fn public_url(url: &str) -> Result<(), &'static str> {
    const WRITE: &str = "write https://name, http://name:port or https://name/path";
    let parsed: http::Uri = url.parse().map_err(|_| WRITE)?;
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
        return Err(WRITE);
    };
    let host = authority.host();
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err(WRITE),
    };
    let port = match parsed.port_u16() {
        Some(port) if port == default_port => return Err("leave out the port, as browsers do"),
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    if host.is_empty() || *host != host.to_ascii_lowercase() {
        return Err("write the name in small letters, as browsers do");
    }
    match url.strip_prefix(&format!("{scheme}://{host}{port}")) {
        Some("") => Ok(()),
        Some(path) => below(path),
        None => Err(WRITE),
    }
}

/// Whether pages can be found below this path.
fn below(path: &str) -> Result<(), &'static str> {
    let mut words = path.split('/');
    if words.next() != Some("") {
        return Err("write nothing behind the name but a path");
    }
    if path.ends_with('/') {
        return Err("leave out the slash at its end");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    let fits = |word: &str| !matches!(word, "" | "." | "..") && word.chars().all(plain);
    if !words.clone().all(fits) || path.len() > MAX_PATH_BYTES {
        return Err("its path is made of letters, digits, and - _ . ~ between slashes");
    }
    match words.next() {
        Some("a" | "d") => Err("the pages themselves are at /a and /d: take another path"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_pages_is_what_a_browser_calls_an_origin_and_perhaps_a_path() {
        for url in [
            "https://watch.example.org",
            "http://100.64.0.7:8470",
            "http://[fd00::1]:8470",
            "https://watch.example.org:8443",
            "https://home.example.org/watch",
            "https://home.example.org:8443/ops/watch-1",
        ] {
            assert_eq!(public_url(url), Ok(()), "{url}");
        }
        let check = |url: &str, why: &str| {
            let refused = public_url(url).expect_err(url);
            assert!(refused.contains(why), "{url}: {refused}");
        };
        check("", "write https://name");
        check("watch.example.org", "write https://name");
        check("ftp://watch.example.org", "write https://name");
        check("javascript:alert(1)", "write https://name");
        check("https://ops@watch.example.org", "write https://name");
        check("https://watch.example.org/", "slash at its end");
        check("https://home.example.org/watch/", "slash at its end");
        check("https://Watch.example.org", "small letters");
        check("https://watch.example.org:443", "leave out the port");
        check("http://watch.example.org:80", "leave out the port");
        check("https://watch.example.org?x", "nothing behind the name");
        check("https://home.example.org/watch?x", "letters, digits");
        check("https://home.example.org/watch%2f", "letters, digits");
        check("https://home.example.org//watch", "letters, digits");
        check("https://home.example.org/../watch", "letters, digits");
        check("https://home.example.org/a", "take another path");
        check("https://home.example.org/d/watch", "take another path");
    }

    #[test]
    fn pages_that_nobody_would_find_or_serve_are_told() {
        let told = |web: &WebSection| {
            let mut faults = Faults::default();
            web.check(&mut faults);
            faults
                .0
                .into_iter()
                .map(|(key, _)| key.to_string())
                .collect::<Vec<_>>()
        };
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 8470)));
        let public_url = Some("https://watch.example.org".to_owned());
        let web = WebSection::default();
        assert!(told(&web).is_empty());
        assert_eq!(
            told(&WebSection {
                listen,
                ..web.clone()
            }),
            ["web.listen"]
        );
        assert_eq!(
            told(&WebSection {
                public_url: public_url.clone(),
                ..web.clone()
            }),
            ["web.public_url"]
        );
        assert!(
            told(&WebSection {
                listen,
                public_url,
                ..web
            })
            .is_empty()
        );
    }
}
