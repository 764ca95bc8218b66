//! Addresses of channels. A secret never stands in one, and none goes over a public network in the clear.

use std::net::IpAddr;

use reqwest::Url;

use crate::settings::ChannelKind;

/// Longest address, in bytes.
const MAX_ADDRESS_BYTES: usize = 2_048;
/// Ends of names that are nobody's on the open internet.
const PRIVATE_ENDS: [&str; 6] = [
    ".lan",
    ".local",
    ".internal",
    ".home.arpa",
    ".localhost",
    ".home",
];

/// How mail is kept secret on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailSecurity {
    /// Encrypted from the first byte.
    Implicit,
    /// Encrypted before anything is said; a server that cannot is not used.
    StartTls,
    /// Not at all: on this machine only.
    Plain,
}

/// Where a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// By HTTP.
    Http(Url),
    /// By SMTP.
    Mail {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// How it is spoken to.
        security: MailSecurity,
    },
}

impl Address {
    /// Reads an address as a kind of channel needs it.
    pub(crate) fn parse(text: &str, kind: ChannelKind) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_ADDRESS_BYTES {
            return Err("url is missing or too long".to_owned());
        }
        let url = Url::parse(text).map_err(|error| format!("url is no address ({error})"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url holds a name or password; secrets stand in files".to_owned());
        }
        if url.fragment().is_some() {
            return Err("url has a part after #, which has no meaning here".to_owned());
        }
        match kind {
            ChannelKind::Mail => Self::mail(&url),
            ChannelKind::Gotify | ChannelKind::Ntfy if url.query().is_some() => {
                Err("url has a part after ?, which has no meaning here".to_owned())
            }
            _ => Self::http(url),
        }
    }

    fn http(url: Url) -> Result<Self, String> {
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" => Ok(Self::Http(url)),
            "http" if is_private(host) => Ok(Self::Http(url)),
            "http" => Err(format!(
                "url says http, and what is sent to {host} could be read on its way; use https"
            )),
            _ => Err("url begins with neither https:// nor http://".to_owned()),
        }
    }

    fn mail(url: &Url) -> Result<Self, String> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        if host.is_empty() || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err("url is no mail server like smtps://mail.example.org:465".to_owned());
        }
        let (security, usual) = match url.scheme() {
            "smtps" => (MailSecurity::Implicit, 465),
            "smtp" if is_loopback(&host) => (MailSecurity::Plain, 25),
            "smtp" | "smtp+starttls" => (MailSecurity::StartTls, 587),
            _ => {
                return Err(
                    "url begins with neither smtps://, smtp:// nor smtp+starttls://".to_owned(),
                );
            }
        };
        Ok(Self::Mail {
            host,
            port: url.port().unwrap_or(usual),
            security,
        })
    }

    /// As it is shown.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Http(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.as_str().trim_end_matches('/').to_owned()
            }
            Self::Mail { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether a server stands on a network of one's own, as far as its address tells.
fn is_private(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
            address.is_loopback() || address.is_private() || address.is_link_local() || shared
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            !host.contains('.') || PRIVATE_ENDS.iter().any(|end| host.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_over_a_public_network_in_the_clear() {
        for (text, fits) in [
            ("https://push.example.org", true),
            ("https://push.example.org/prefix/", true),
            ("http://127.0.0.1:8080", true),
            ("http://192.168.1.5", true),
            ("http://100.64.0.1", true),
            ("http://[fd00::1]:80", true),
            ("http://gotify", true),
            ("http://nas.lan:8080", true),
            ("http://push.example.org", false),
            ("http://8.8.8.8", false),
            ("https://anna:word@push.example.org", false),
            ("https://push.example.org/?token=x", false),
            ("https://push.example.org/#x", false),
            ("ftp://push.example.org", false),
            ("", false),
        ] {
            let parsed = Address::parse(text, ChannelKind::Gotify);
            assert_eq!(parsed.is_ok(), fits, "{text}: {parsed:?}");
            assert!(!format!("{parsed:?}").contains("word@"), "{parsed:?}");
        }
        let with_query = Address::parse("https://hook.example.org/?room=1", ChannelKind::Webhook);
        assert_eq!(
            with_query.expect("a webhook").shown(),
            "https://hook.example.org"
        );
    }

    #[test]
    fn mail_is_plain_on_this_machine_only() {
        let read = |text: &str| Address::parse(text, ChannelKind::Mail).expect(text);
        let mail = |host: &str, port, security| Address::Mail {
            host: host.to_owned(),
            port,
            security,
        };
        let cases = [
            (
                "smtps://m.example.org",
                mail("m.example.org", 465, MailSecurity::Implicit),
            ),
            (
                "smtp://m.example.org",
                mail("m.example.org", 587, MailSecurity::StartTls),
            ),
            (
                "smtp://m.example.org:25",
                mail("m.example.org", 25, MailSecurity::StartTls),
            ),
            (
                "smtp://localhost",
                mail("localhost", 25, MailSecurity::Plain),
            ),
            (
                "smtp://127.0.0.1:2525",
                mail("127.0.0.1", 2525, MailSecurity::Plain),
            ),
            (
                "smtp+starttls://localhost:9",
                mail("localhost", 9, MailSecurity::StartTls),
            ),
        ];
        for (text, expect) in cases {
            assert_eq!(read(text), expect, "{text}");
        }
        for text in [
            "https://m.example.org",
            "smtp://",
            "smtps://h/x",
            "smtp://a:b@h",
        ] {
            assert!(Address::parse(text, ChannelKind::Mail).is_err(), "{text}");
        }
    }
}
