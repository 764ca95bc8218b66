//! Addresses of model servers. Credentials may stand in them (`http://user:word@host`); they go to the server and
//! to nobody else: what is shown, logged or serialized has them crossed out.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The address of a model server, with a path prefix where it stands behind a proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Why a text is not an address of a model server. The text itself may hold a password and is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL at all.
    #[error("the address is not a URL like http://127.0.0.1:11434 ({why})")]
    NotAUrl {
        /// What the parser says.
        why: String,
    },
    /// Another scheme than http and https.
    #[error("the address begins with {scheme}://, and only http:// and https:// are spoken")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A query or fragment has no meaning here.
    #[error("the address has a part after `?` or `#`, which has no meaning here")]
    Suffix,
}

/// Longest address, in bytes.
const MAX_ADDRESS_BYTES: usize = 2048;

impl Endpoint {
    /// The full URL of one of the server's methods, such as `api/chat`, below the prefix.
    pub(crate) fn method(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let mut prefix = url.path().trim_end_matches('/').to_owned();
        // Where the version stands in both, as in `https://host/v1` and `v1/models`, it is meant once.
        if path.starts_with("v1/")
            && let Some(before) = prefix.strip_suffix("/v1")
        {
            prefix = before.to_owned();
        }
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        url.set_path(&format!("{prefix}/{path}"));
        url.set_query(query);
        url
    }

    /// Whether what is sent is encrypted on its way.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is a provider's that serves everybody.
    #[must_use]
    pub fn is_public_provider(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        ["openai.com", "anthropic.com"]
            .iter()
            .any(|domain| host == *domain || host.ends_with(&format!(".{domain}")))
    }

    /// Whether a name or password stands in it.
    #[must_use]
    pub fn holds_credentials(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    /// Whether the server is on this very machine, so that nothing sent to it leaves it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.0.host_str() {
            Some("localhost") => true,
            Some(host) => host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback()),
            None => false,
        }
    }
}

/// A URL with its credentials crossed out and without what follows its path.
pub(crate) fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let _ = shown.set_username(if has_credentials { "***" } else { "" });
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.as_str().trim_end_matches('/').to_owned()
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_ADDRESS_BYTES {
            return Err(EndpointError::NotAUrl {
                why: format!("longer than {MAX_ADDRESS_BYTES} bytes"),
            });
        }
        let url = Url::parse(text).map_err(|error| EndpointError::NotAUrl {
            why: error.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme {
                scheme: watchkeeper_model::bounded(url.scheme(), 20).into_owned(),
            });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Suffix);
        }
        Ok(Self(url))
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self(Url::parse("http://127.0.0.1:11434").expect("the default address is a URL"))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().expect(text)
    }

    #[test]
    fn a_prefix_stays_in_front_of_every_method() {
        for (address, method) in [
            ("http://h:1", "http://h:1/api/chat"),
            ("http://h:1/", "http://h:1/api/chat"),
            ("http://h:1/ollama", "http://h:1/ollama/api/chat"),
            ("http://h:1/a/b/", "http://h:1/a/b/api/chat"),
            ("http://[::1]:11434", "http://[::1]:11434/api/chat"),
        ] {
            assert_eq!(endpoint(address).method("api/chat").as_str(), method);
        }
    }

    #[test]
    fn a_version_may_be_said_or_left_out() {
        for address in ["https://h/x/v1", "https://h/x/v1/", "https://h/x"] {
            let method = endpoint(address).method("v1/models");
            assert_eq!(method.as_str(), "https://h/x/v1/models", "{address}");
        }
        let method = endpoint("http://h/v1").method("api/chat");
        assert_eq!(method.as_str(), "http://h/v1/api/chat");
    }

    #[test]
    fn credentials_are_never_shown() {
        let secret = endpoint("http://hal:open-the-doors@h:1/x");
        assert_eq!(secret.to_string(), "http://***@h:1/x");
        assert_eq!(format!("{secret:?}"), "http://***@h:1/x");
        let json = serde_json::to_string(&secret).expect("a string");
        assert!(!json.contains("doors") && !json.contains("hal"), "{json}");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "",
            "127.0.0.1:11434",
            "ftp://h",
            "unix:///run/ollama",
            "http://",
            "http://h/?key=open-the-doors",
            "http://h/#open-the-doors",
            "http://u:open-the-doors@",
        ] {
            let error = text.parse::<Endpoint>().expect_err(text);
            assert!(!error.to_string().contains("doors"), "{error}");
        }
    }

    #[test]
    fn loopback_is_local_and_nothing_else() {
        for (address, local) in [
            ("http://127.0.0.1:11434", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:11434", true),
            ("http://localhost", true),
            ("http://localhost.example.org", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(endpoint(address).is_local(), local, "{address}");
        }
    }
}
