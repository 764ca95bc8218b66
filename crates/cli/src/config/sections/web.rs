//! `[web]`: where pages for phones are served, and how long what leads to them is good.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;
use watchkeeper_watch::Web;

use super::Faults;
use crate::config::key::Key;

/// Most reverse proxies.
const MAX_PROXIES: usize = 20;

/// Where pages for phones are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebSection {
    /// The address that the daemon serves pages at, e.g. `127.0.0.1:8470`. Left out: none are served.
    pub(crate) listen: Option<SocketAddr>,
    /// Where browsers find them, e.g. `https://watch.example.org`. Left out: messages carry no links.
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
        match &self.public_url {
            Some(url) if !is_origin(url) => faults.add(
                key("public_url"),
                format!("{url:?} is no address of pages; write https://name or http://name:port, with nothing behind"),
            ),
            Some(_) if self.listen.is_none() => faults.add(
                key("public_url"),
                "web.public_url says where pages are found, and without web.listen none are served",
            ),
            Some(_) | None => {}
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

/// Whether this is a scheme, a host and perhaps a port, written as a browser writes an origin.
fn is_origin(url: &str) -> bool {
    let Ok(parsed) = url.parse::<http::Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
        return false;
    };
    let host = authority.host();
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return false,
    };
    let port = match parsed.port_u16() {
        Some(port) if port == default_port => return false,
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    !host.is_empty()
        && *host == host.to_ascii_lowercase()
        && url == format!("{scheme}://{host}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_pages_is_what_a_browser_calls_an_origin() {
        for url in [
            "https://watch.example.org",
            "http://100.64.0.7:8470",
            "http://[fd00::1]:8470",
            "https://watch.example.org:8443",
        ] {
            assert!(is_origin(url), "{url}");
        }
        for url in [
            "",
            "watch.example.org",
            "https://watch.example.org/",
            "https://watch.example.org/pages",
            "https://Watch.example.org",
            "https://watch.example.org:443",
            "http://watch.example.org:80",
            "https://ops@watch.example.org",
            "ftp://watch.example.org",
            "https://watch.example.org?x",
            "javascript:alert(1)",
        ] {
            assert!(!is_origin(url), "{url}");
        }
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
